//! `tideline-edge`: options, log, signals. The rest is the library.

#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::io::{IsTerminal, stderr};
use std::process::ExitCode;

use clap::Parser;
use tideline_edge_host::{Drained, GuestEnvironment, Host, LogFormat, Options};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

// A tenth of the host's time goes to allocation; this one is faster than the system's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let options = Options::parse();
    start_log(&options);
    let ended = if options.prepare {
        Host::prepare(options).map(|()| Drained::Complete).map_err(Into::into)
    } else {
        run(options)
    };
    match ended {
        Ok(Drained::Complete) => ExitCode::SUCCESS,
        Ok(Drained::CutOff) => {
            tracing::warn!("stopped before every request was answered; raise --drain-seconds");
            ExitCode::SUCCESS
        }
        Ok(Drained::Failed) => {
            tracing::error!("a shard ended by itself");
            ExitCode::FAILURE
        }
        Err(error) => {
            tracing::error!(%error, "the host does not start");
            ExitCode::FAILURE
        }
    }
}

fn run(options: Options) -> anyhow::Result<Drained> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    // Before the start, so that a signal meanwhile is not lost.
    let (mut terminate, mut interrupt, mut hangup) = {
        let _context = runtime.enter();
        (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?, signal(SignalKind::hangup())?)
    };
    let handle = Host::start(options, GuestEnvironment::from_process())?;
    let reload = handle.reloading();
    let drained = runtime.block_on(handle.run_until(async {
        loop {
            tokio::select! {
                _ = terminate.recv() => return,
                _ = interrupt.recv() => return,
                _ = hangup.recv() => reload.now(),
            }
        }
    }));
    Ok(drained)
}

fn start_log(options: &Options) {
    let log = tracing_subscriber::fmt()
        .with_writer(stderr)
        .with_ansi(stderr().is_terminal())
        .with_env_filter(EnvFilter::new(&options.log));
    match options.log_format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
}
