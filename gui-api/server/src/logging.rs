//! Log lines, on standard error.

use std::io;

use anyhow::Context as _;
use tracing_subscriber::EnvFilter;

use crate::settings::{LogFormat, Logging};

/// Sends log lines to standard error from here on.
pub(crate) fn start(logging: &Logging) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&logging.log).with_context(|| {
        format!("the log filter `{}` cannot be read: write a level, as in info, or more, as in info,tideline_api=debug", logging.log)
    });
    // Even the message about a bad filter needs somewhere to go.
    let (filter, outcome) = match filter {
        Ok(filter) => (filter, Ok(())),
        Err(error) => (EnvFilter::new("info"), Err(error)),
    };
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    match logging.log_format {
        LogFormat::Text => builder.with_ansi(io::IsTerminal::is_terminal(&io::stderr())).init(),
        LogFormat::Json => builder.json().flatten_event(true).init(),
    }
    outcome
}
