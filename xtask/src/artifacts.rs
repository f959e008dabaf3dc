//! What is built, how, and where it ends up.

use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::run::{command, root, run, target};
use crate::tools;

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
    pub fn build(release: bool) -> Result<Self> {
        tools::ensure_wasm_target()?;
        tools::ensure_node()?;
        build_tracker()?;
        // The whole workspace at once, so that `up` and `test` share every dependency's features.
        let mut native = command(".", "cargo", &["build", "--workspace", "--bins"]);
        if release {
            native.arg("--release");
        }
        run(&mut native)?;
        for package in ["tideline-track", "tideline-track-p2", "tideline-spin-config"] {
            build_component(package)?;
        }
        build_node("gui-api/web")?;
        Ok(Self::locate(release))
    }
}

/// Builds the tracker script, which the collector has inside: before anything that cargo builds.
///
/// # Errors
/// npm fails.
pub fn build_tracker() -> Result<()> {
    build_node("components/tracker")
}

/// Builds a component, always optimised: what is tested is what is shipped.
///
/// # Errors
/// The build fails.
pub fn build_component(package: &str) -> Result<()> {
    let arguments = ["build", "--package", package, "--target", "wasm32-wasip2", "--profile", "component"];
    run(&mut command(".", "cargo", &arguments))
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
