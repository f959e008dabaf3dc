//! The gateway's binary: configuration, logging, signals. Everything else is in the library.

use std::env;

use anyhow::Context as _;
use clap::Parser as _;
use tideline_redis_gateway::{Arguments, Gateway, LogFormat, REDIS_URL_VARIABLE};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

// The system's gives the memory of a large request back and asks for it again, page by page.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let filter = EnvFilter::try_new(&arguments.log)
        .with_context(|| format!("--log {:?} is not a level or filter: give info or debug", arguments.log))?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match arguments.log_format {
        LogFormat::Text => lines.init(),
        LogFormat::Json => lines.json().init(),
    }
    let options = arguments.into_options(env::var(REDIS_URL_VARIABLE).ok())?;
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
        let (mut terminate, mut interrupt) =
            (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let gateway = Gateway::start(options).await?;
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        gateway.shutdown().await;
        Ok(())
    })
}
