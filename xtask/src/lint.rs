//! `cargo xtask lint`: all that can be said about the code without running it.

use anyhow::Result;

use crate::artifacts::{BENCH_COMPONENT, COMPONENTS, TEST_COMPONENTS, build_tracker, install_node};
use crate::run::{command, output_of, run};
use crate::tools;

/// `--deny warnings`, as cargo-clippy hands it to clippy-driver.
const CLIPPY_ARGUMENTS: &str = "--deny__CLIPPY_HACKERY__warnings__CLIPPY_HACKERY__";

/// Checks formatting, lints, types and dependencies.
///
/// # Errors
/// The first check that fails.
pub fn lint() -> Result<()> {
    run(&mut command(".", "cargo", &["fmt", "--all", "--check"]))?;
    tools::ensure_node()?;
    build_tracker()?;
    // What `cargo clippy` does, but as a build: the dependencies that it compiles are those of the tests. `cargo clippy`
    // checks all of them once more, which is a third of the time on a machine that has nothing yet.
    let mut clippy = command(".", "cargo", &["build", "--workspace", "--all-targets"]);
    clippy.env("RUSTC_WORKSPACE_WRAPPER", "clippy-driver").env("CLIPPY_ARGS", CLIPPY_ARGUMENTS);
    run(&mut clippy)?;
    tools::ensure_wasm_target()?;
    // In the profile in which they are built, so that what runs while they are compiled is built once.
    let mut guests =
        command(".", "cargo", &["clippy", "--target", "wasm32-wasip2", "--profile", "component"]);
    // They are empty unless they are compiled to WebAssembly.
    let packages = COMPONENTS
        .iter()
        .chain(&TEST_COMPONENTS)
        .chain([&BENCH_COMPONENT])
        .flat_map(|package| ["--package", package]);
    guests.args(packages).args(["--", "--deny", "warnings"]);
    run(&mut guests)?;
    if output_of("cargo", &["deny", "--version"]).is_some() {
        run(&mut command(".", "cargo", &["deny", "check", "bans", "licenses", "sources"]))?;
    } else {
        eprintln!(
            "• licences and sources of dependencies are not checked: `cargo install cargo-deny` adds the tool"
        );
    }
    for project in ["components/tracker", "gui-api/web"] {
        install_node(project)?;
        run(&mut command(project, "npm", &["run", "--silent", "lint"]))?;
    }
    Ok(())
}
