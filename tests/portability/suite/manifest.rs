//! `spin.toml` agrees with the components, and with the settings that they know.

use std::path::Path;

use tideline_collector::Settings;
use toml::{Table, Value};
use xtask::artifacts::Artifacts;
use xtask::run::root;

use crate::world::World;

/// What the manifest says about how the component gets its environment.
pub(crate) struct Dependency {
    /// The import that is satisfied, without a version.
    pub(crate) import: String,
    /// What of the other component satisfies it.
    pub(crate) export: String,
}

/// The manifest.
pub(crate) struct Manifest(Table);

impl Manifest {
    pub(crate) fn read() -> Self {
        Self(std::fs::read_to_string(root().join("spin.toml")).unwrap().parse().unwrap())
    }

    fn component(&self) -> &Table {
        self.0["component"]["track"].as_table().unwrap()
    }

    fn variables(&self) -> &Table {
        self.0["variables"].as_table().unwrap()
    }

    /// What an operator must give, and what the rest is unless it is given.
    pub(crate) fn values(&self, required: &str) -> Vec<(String, String)> {
        let value = |variable: &Value| {
            variable.get("default").map_or(required, |value| value.as_str().unwrap()).to_owned()
        };
        self.variables().iter().map(|(name, variable)| (name.clone(), value(variable))).collect()
    }

    pub(crate) fn dependency(&self) -> Dependency {
        let dependencies = self.component()["dependencies"].as_table().unwrap();
        assert_eq!(dependencies.len(), 1);
        let (import, details) = dependencies.iter().next().unwrap();
        Dependency { import: import.clone(), export: details["export"].as_str().unwrap().to_owned() }
    }
}

#[test]
fn the_manifest_names_files_that_are_built() {
    let (manifest, artifacts) = (Manifest::read(), Artifacts::existing().unwrap());
    let built = |path: &Value, artifact: &Path| {
        let path = Path::new(path.as_str().unwrap());
        assert!(path.starts_with("target/wasm32-wasip2/component"), "{path:?}");
        assert_eq!(path.file_name(), artifact.file_name());
    };
    let component = manifest.component();
    built(&component["source"], &artifacts.component);
    built(&component["dependencies"][&manifest.dependency().import]["path"], &artifacts.spin_config);
    let commands = component["build"]["command"].as_array().unwrap();
    for package in ["tideline-track", "tideline-track-p2", "tideline-spin-config"] {
        let command = format!("cargo build --package {package} --target wasm32-wasip2 --profile component");
        assert!(commands.contains(&Value::from(command)), "{commands:?}");
    }
}

#[test]
fn one_dependency_gives_either_component_its_environment() {
    let (manifest, artifacts) = (Manifest::read(), Artifacts::existing().unwrap());
    let Dependency { import, export } = manifest.dependency();
    for component in [&artifacts.component, &artifacts.component_p2] {
        let imports = World::of(component).imports;
        assert_eq!(
            imports.iter().filter(|name| name.starts_with(&format!("{import}@"))).count(),
            1,
            "{imports:?}"
        );
    }
    let World { imports, exports } = World::of(&artifacts.spin_config);
    assert_eq!(exports, [export]);
    for name in imports {
        let plain = name.starts_with("wasi:cli/") || name.starts_with("wasi:io/");
        assert!(plain || name == "fermyon:spin/variables@2.0.0", "{name} is more than the adapter needs");
    }
    // Variables alone, and neither the network nor files.
    let inherited = &manifest.component()["dependencies"][&import]["inherit_configuration"];
    assert_eq!(inherited.as_array().unwrap().as_slice(), [Value::from("variables")]);
    assert!(!manifest.component().contains_key("environment"), "nobody would see it");
}

#[test]
fn every_setting_is_a_variable_and_every_variable_a_setting() {
    let manifest = Manifest::read();
    let mut names: Vec<_> = Settings::NAMES.iter().map(|name| name.to_lowercase()).collect();
    names.sort();
    let sorted = |table: &Table| {
        let mut names: Vec<_> = table.keys().cloned().collect();
        names.sort();
        names
    };
    assert_eq!(sorted(manifest.variables()), names);
    let given = manifest.component()["variables"].as_table().unwrap();
    assert_eq!(sorted(given), names);
    for (name, template) in given {
        assert_eq!(template.as_str(), Some(format!("{{{{ {name} }}}}").as_str()));
    }
    let reachable = &manifest.component()["allowed_outbound_hosts"];
    assert_eq!(reachable.as_array().unwrap().as_slice(), [Value::from("{{ upstash_redis_rest_url }}")]);
}

#[test]
fn secrets_are_asked_for_and_never_in_the_manifest() {
    let manifest = Manifest::read();
    for (name, variable) in manifest.variables() {
        let flag = |key: &str| variable.get(key).is_some_and(|value| value.as_bool() == Some(true));
        let default = variable.get("default").and_then(Value::as_str);
        assert_eq!(
            flag("secret"),
            ["token", "keys", "salt"].iter().any(|word| name.ends_with(word)),
            "{name}"
        );
        assert!(!flag("secret") || default.unwrap_or_default().is_empty(), "{name}");
        assert_eq!(flag("required"), default.is_none(), "{name}");
    }
}

#[test]
fn the_defaults_are_settings_that_work() {
    let key = "00112233445566778899aabbccddeeff";
    let values = Manifest::read().values(key);
    let set = values.into_iter().filter(|(_, value)| !value.is_empty());
    let environment: Vec<_> = set.map(|(name, value)| (name.to_uppercase(), value)).collect();
    Settings::from_variables(&environment).unwrap();
}
