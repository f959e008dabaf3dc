//! Gives a component its environment from Spin's variables, by composition (`spin.toml`).
//!
//! Spin takes a component's environment from the manifest, where no secret may be; its variables come from wherever the
//! operator keeps secrets. This component exports `wasi:cli/environment` and asks Spin for each of the edge's settings,
//! by its name in lower case. What is not declared or empty is left out. It knows nothing of what a setting means: the
//! component that needs one that is missing says so in its log, as on every host.
#![cfg(target_family = "wasm")]
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use spin_sdk::variables::{self, Error};
use tideline_collector::Settings;

use crate::bindings::exports::wasi::cli::environment::Guest;

#[expect(
    unsafe_code,
    reason = "generated: functions are exported with the component model's calling convention"
)]
mod bindings {
    use super::Component;

    spin_sdk::wit_bindgen::generate!({ path: "wit", runtime_path: "spin_sdk::wit_bindgen::rt" });
    export!(Component);
}

struct Component;

impl Guest for Component {
    fn get_environment() -> Vec<(String, String)> {
        let mut environment = Vec::new();
        let mut failure = None;
        for name in Settings::NAMES {
            match variables::get(&name.to_ascii_lowercase()) {
                Ok(value) if value.is_empty() => {}
                Ok(value) => environment.push((name.to_owned(), value)),
                Err(Error::Undefined(_)) => {}
                // The first says enough: what fails for one name mostly fails for all.
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        if let Some(error) = failure {
            log(&format!(
                "Spin's variables cannot be read, check the provider and `inherit_configuration`: {error}"
            ));
        } else if environment.is_empty() {
            log("none of the settings is a variable of the component: declare them in its `variables`");
        }
        environment
    }

    fn get_arguments() -> Vec<String> {
        Vec::new()
    }

    fn initial_cwd() -> Option<String> {
        None
    }
}

#[expect(clippy::print_stderr, reason = "standard error is the log of a component, on every host")]
fn log(line: &str) {
    eprintln!("{line}");
}
