//! What is built, how, and where it ends up.

use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::run::{command, root, run, target};
use crate::tools;

/// The components that are shipped.
pub(crate) const COMPONENTS: [&str; 3] = ["tideline-track", "tideline-track-p2", "tideline-spin-config"];

/// Components that only tests run.
pub(crate) const TEST_COMPONENTS: [&str; 2] = ["tideline-rest-guest", "tideline-rest-guest-p2"];

/// The component that only `bench` runs.
pub(crate) const BENCH_COMPONENT: &str = "tideline-hello";

/// What of the workspace is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Build {
    /// The programs.
    Programs,
    /// The programs, optimised.
    Optimised,
    /// The programs and all tests, together: by themselves the programs would be built with fewer features of their
    /// dependencies, and those, Wasmtime among them, twice.
    WithTests,
}

/// Built programs and files.
#[derive(Clone, Debug)]
pub struct Artifacts {
    /// The edge host.
    pub edge: PathBuf,
    /// Redis over HTTP.
    pub gateway: PathBuf,
    /// The private service.
    pub service: PathBuf,
    /// The component that answers `/track`, for WASI 0.3.
    pub component: PathBuf,
    /// The same for WASI 0.2.
    pub component_p2: PathBuf,
    /// The component that gives the others their environment under Spin.
    pub spin_config: PathBuf,
    /// The GUI, built.
    pub gui: PathBuf,
}

impl Artifacts {
    /// Where they are after a build.
    #[must_use]
    pub fn locate(release: bool) -> Self {
        let target = target();
        let programs = target.join(if release { "release" } else { "debug" });
        let components = target.join("wasm32-wasip2/component");
        Self {
            edge: programs.join("tideline-edge"),
            gateway: programs.join("tideline-gateway"),
            service: programs.join("tideline"),
            component: components.join("tideline_track.wasm"),
            component_p2: components.join("tideline_track_p2.wasm"),
            spin_config: components.join("tideline_spin_config.wasm"),
            gui: root().join("gui-api/web/dist"),
        }
    }

    /// The same, for tests that must not build.
    ///
    /// # Errors
    /// Something is not built.
    pub fn existing() -> Result<Self> {
        let artifacts = Self::locate(false);
        for path in [
            &artifacts.edge,
            &artifacts.gateway,
            &artifacts.service,
            &artifacts.component,
            &artifacts.component_p2,
            &artifacts.spin_config,
            &artifacts.gui,
        ] {
            if !path.exists() {
                bail!("{} is not built: run `cargo xtask test`, which builds it first", path.display());
            }
        }
        Ok(artifacts)
    }

    /// Builds all of them; cargo and npm see to it that nothing is built twice.
    ///
    /// # Errors
    /// A tool is missing, or a build fails.
    pub fn build(what: Build) -> Result<Self> {
        tools::ensure_wasm_target()?;
        tools::ensure_node()?;
        build_tracker()?;
        build_native(what)?;
        build_components(&COMPONENTS)?;
        build_node("gui-api/web")?;
        Ok(Self::locate(what == Build::Optimised))
    }
}

/// Builds the tracker script, which the collector has inside: before anything that cargo builds.
///
/// # Errors
/// npm fails.
pub fn build_tracker() -> Result<()> {
    build_node("components/tracker")
}

/// Builds what is not compiled to WebAssembly.
///
/// # Errors
/// The build fails.
pub fn build_native(what: Build) -> Result<()> {
    // The whole workspace at once, so that `up`, `test` and `bench` share every dependency's features.
    let arguments: &[&str] = match what {
        Build::Programs => &["--bins"],
        Build::Optimised => &["--bins", "--release"],
        Build::WithTests => &["--all-targets"],
    };
    run(command(".", "cargo", &["build", "--workspace"]).args(arguments))
}

/// Builds components, always optimised: what is tested is what is shipped. Each by itself, as one build would give all
/// of them the features of any.
///
/// # Errors
/// A build fails.
pub fn build_components(packages: &[&str]) -> Result<()> {
    for package in packages {
        let arguments =
            ["build", "--package", package, "--target", "wasm32-wasip2", "--profile", "component"];
        run(&mut command(".", "cargo", &arguments))?;
    }
    Ok(())
}

/// Installs the dependencies of a Node project, if they are not those of its lock file.
///
/// # Errors
/// npm fails.
pub fn install_node(folder: &str) -> Result<()> {
    let folder_path = root().join(folder);
    let modified = |path: &str| folder_path.join(path).metadata().and_then(|file| file.modified()).ok();
    let installed = modified("node_modules/.package-lock.json");
    if installed.is_some() && installed >= modified("package-lock.json") {
        return Ok(());
    }
    run(&mut command(folder, "npm", &["ci", "--no-audit", "--no-fund"]))
}

fn build_node(folder: &str) -> Result<()> {
    install_node(folder)?;
    run(&mut command(folder, "npm", &["run", "--silent", "build"]))
}
