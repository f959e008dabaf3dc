//! `cargo xtask lint`: all that can be said about the code without running it.

use anyhow::Result;

use crate::artifacts::install_node;
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
    // What `cargo clippy` does, but as a build: the dependencies that it compiles are those of the tests. `cargo clippy`
    // checks all of them once more, which is a third of the time on a machine that has nothing yet.
    let mut clippy = command(".", "cargo", &["build", "--workspace", "--all-targets"]);
    clippy.env("RUSTC_WORKSPACE_WRAPPER", "clippy-driver").env("CLIPPY_ARGS", CLIPPY_ARGUMENTS);
    run(&mut clippy)?;
    tools::ensure_wasm_target()?;
    let guest =
        ["clippy", "--package", "tideline-track", "--target", "wasm32-wasip2", "--", "--deny", "warnings"];
    run(&mut command(".", "cargo", &guest))?;
    if output_of("cargo", &["deny", "--version"]).is_some() {
        run(&mut command(".", "cargo", &["deny", "check", "bans", "licenses", "sources"]))?;
    } else {
        eprintln!(
            "• licences and sources of dependencies are not checked: `cargo install cargo-deny` adds the tool"
        );
    }
    tools::ensure_node()?;
    for project in ["components/tracker", "gui-api/web"] {
        install_node(project)?;
        run(&mut command(project, "npm", &["run", "--silent", "lint"]))?;
    }
    Ok(())
}
