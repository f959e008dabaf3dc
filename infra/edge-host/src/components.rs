//! Which components a host runs: the one on the command line, or those of a small TOML file.

use std::path::{Path, PathBuf};

use http::uri::PathAndQuery;
use serde::Deserialize;

use crate::routes::{Route, RouteTable};
use crate::{Error, Options, Origin};

/// Each has an address space of its own in the pool, for two versions.
const MAX_COMPONENTS: usize = 16;

/// What the host is told about one component.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ComponentOptions {
    /// Its name in logs and metrics.
    pub(crate) name: String,
    /// Its file; relative to the file that names it.
    pub(crate) file: PathBuf,
    /// Requests that it answers.
    #[serde(deserialize_with = "texts")]
    pub(crate) routes: Vec<Route>,
    /// Origins that it may send requests to; those of the host's option if this is left out.
    #[serde(default, deserialize_with = "some_texts")]
    pub(crate) allow_outbound: Option<Vec<Origin>>,
    /// Beginnings of the names of the variables that it sees, of those that any component may see. All
    /// if this is left out.
    pub(crate) variables: Option<Vec<String>>,
    /// Path that a new version is asked for before it takes over.
    pub(crate) probe: Option<String>,
}

/// The whole file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ComponentsFile {
    component: Vec<ComponentOptions>,
}

/// All components of a host, and which one answers what.
#[derive(Clone, Debug)]
pub(crate) struct Components {
    pub(crate) list: Vec<ComponentOptions>,
    pub(crate) routes: RouteTable,
}

impl Components {
    /// Those that the options name.
    pub(crate) fn of(options: &Options) -> Result<Self, Error> {
        match (&options.component, &options.components) {
            (Some(file), None) => Self::new(vec![single(file, options)]),
            (None, Some(list)) => Self::read(list),
            _ => Err(Error::Options(
                "set either --component (EDGE_COMPONENT) or --components (EDGE_COMPONENTS)".into(),
            )),
        }
    }

    fn read(path: &Path) -> Result<Self, Error> {
        let refuse = |reason: String| Error::Components { path: path.to_owned(), reason };
        let text = std::fs::read_to_string(path).map_err(|error| refuse(error.to_string()))?;
        let file: ComponentsFile =
            toml::from_str(&text).map_err(|error| refuse(error.to_string().trim_end().into()))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let mut list = file.component;
        for component in &mut list {
            component.file = folder.join(&component.file);
        }
        Self::new(list).map_err(|error| refuse(error.to_string()))
    }

    fn new(list: Vec<ComponentOptions>) -> Result<Self, Error> {
        let refuse = |reason: String| Err(Error::Options(reason));
        if !(1..=MAX_COMPONENTS).contains(&list.len()) {
            return refuse(format!("there are {} components; name 1 to {MAX_COMPONENTS}", list.len()));
        }
        for (index, component) in list.iter().enumerate() {
            let name = &component.name;
            let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
            if name.is_empty() || !name.chars().all(plain) {
                return refuse(format!(
                    "{name:?} is no name for a component; use letters, digits, - _ and ."
                ));
            }
            if list.iter().take(index).any(|other| other.name == *name) {
                return refuse(format!("two components are named {name:?}; rename one"));
            }
            if component.routes.is_empty() {
                return refuse(format!("component {name:?} has no route; add for example routes = [\"/\"]"));
            }
            if let Some(probe) = &component.probe {
                probe_path(probe).map_err(Error::Options)?;
            }
        }
        let routes = RouteTable::new(list.iter().map(|component| component.routes.as_slice()));
        match routes {
            Ok(routes) => Ok(Self { list, routes }),
            Err(route) => refuse(format!("two components have the route {route}; take it from one")),
        }
    }
}

/// The component on the command line: it answers everything.
fn single(file: &Path, options: &Options) -> ComponentOptions {
    ComponentOptions {
        name: "component".into(),
        file: file.to_owned(),
        routes: vec![Route::everything()],
        allow_outbound: None,
        variables: None,
        probe: options.probe.clone(),
    }
}

/// Whether `text` can be asked for.
pub(crate) fn probe_path(text: &str) -> Result<String, String> {
    match text.parse::<PathAndQuery>() {
        Ok(_) if text.starts_with('/') => Ok(text.to_owned()),
        _ => Err(format!("{text:?} is no path to probe; write for example /health")),
    }
}

/// A list of texts that are read as something.
fn texts<'de, T, D>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    T: std::str::FromStr<Err = String>,
    D: serde::Deserializer<'de>,
{
    let texts = Vec::<String>::deserialize(deserializer)?;
    texts.iter().map(|text| text.parse().map_err(serde::de::Error::custom)).collect()
}

fn some_texts<'de, T, D>(deserializer: D) -> Result<Option<Vec<T>>, D::Error>
where
    T: std::str::FromStr<Err = String>,
    D: serde::Deserializer<'de>,
{
    texts(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Components, Error> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("components.toml");
        std::fs::write(&path, text).unwrap();
        Components::read(&path)
    }

    #[test]
    fn a_file_names_components_beside_it() {
        let components = read(
            r#"
            [[component]]
            name = "track"
            file = "track.wasm"
            routes = ["/track"]
            allow_outbound = ["https://redis.example"]
            variables = ["TIDELINE_"]
            probe = "/health"

            [[component]]
            name = "rest"
            file = "/srv/rest.wasm"
            routes = ["/"]
            "#,
        )
        .unwrap();
        assert!(components.list[0].file.ends_with("track.wasm") && components.list[0].file.is_absolute());
        assert_eq!(components.list[1].file, Path::new("/srv/rest.wasm"));
        assert_eq!(components.list[1].allow_outbound, None);
        assert_eq!(components.routes.find(&"http://a/track".parse().unwrap()), Some(0));
    }

    #[test]
    fn a_file_that_contradicts_itself_is_refused_with_the_remedy() {
        let one = |name: &str, rest: &str| format!("[[component]]\nname='{name}'\nfile='a.wasm'\n{rest}\n");
        let table = [
            (String::new(), "missing field `component`"),
            ("component = []".into(), "name 1 to 16"),
            (one("a b", "routes=['/']"), "letters, digits"),
            (one("a", "routes=[]"), "has no route"),
            (one("a", "routes=['track']"), "write /path or host/path"),
            (one("a", "routes=['/']\nmemory=1"), "unknown field `memory`"),
            (one("a", "routes=['/']\nprobe='health'"), "is no path to probe"),
            (one("a", "routes=['/']\nallow_outbound=['a']"), "write scheme://host:port"),
            (one("a", "routes=['/']") + &one("a", "routes=['/b']"), "rename one"),
            (one("a", "routes=['/']") + &one("b", "routes=['/']"), "two components have the route /"),
        ];
        for (text, remedy) in table {
            let error = read(&text).unwrap_err().to_string();
            assert!(error.contains(remedy) && error.contains("components.toml"), "{error}");
        }
    }
}
