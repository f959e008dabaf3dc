//! `tideline`: the private service of Tideline as one binary, which can also be the native collector.
//!
//! `provision` makes Redis and the store ready, `check` says what is wrong with them, `serve` runs the
//! parts that its roles name. What the private service consists of is in `private_service.rs` and
//! `wiring.rs`; every setting is in `settings.rs`, `processing_settings.rs` and `collector_settings.rs`.

mod collector_settings;
mod commands;
mod event_sources;
mod function_library;
mod lane_setup;
mod logging;
mod private_service;
mod processing_settings;
mod provision_file;
mod published;
mod redirects;
mod redis_server;
mod secret;
mod sentence;
mod settings;
mod stop_signal;
mod store_settings;
mod wiring;

use std::process::ExitCode;

use clap::Parser as _;

use crate::settings::{Command, CommandLine};

// Documents are many small pieces: the system's spends half of the pipeline's time on them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    let CommandLine { command, logging } = CommandLine::parse();
    let outcome = match logging::start(&logging) {
        Ok(()) => match command {
            Command::Serve(settings) => commands::serve::run(settings).await,
            Command::Check(settings) => commands::check::run(settings).await,
            Command::Provision(settings) => commands::provision::run(settings).await,
        },
        Err(error) => Err(error),
    };
    outcome.unwrap_or_else(|error| {
        tracing::error!(reason = sentence::of(&error), "tideline cannot go on");
        ExitCode::FAILURE
    })
}
