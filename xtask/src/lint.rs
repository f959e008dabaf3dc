//! `cargo xtask lint`: all that can be said about the code without running it.

use anyhow::Result;

use crate::artifacts::install_node;
use crate::run::{command, output_of, run};
use crate::tools;

/// Checks formatting, lints, types and dependencies.
///
/// # Errors
/// The first check that fails.
pub fn lint() -> Result<()> {
    run(&mut command(".", "cargo", &["fmt", "--all", "--check"]))?;
    run(&mut command(".", "cargo", &["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"]))?;
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
