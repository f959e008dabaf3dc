//! What an installation decides for all requests that it processes: the same wherever its intake and scheduler run.

use std::time::Duration;

use clap::Args;
use tideline_pipeline::Settings;

/// How requests are processed, by the roles intake and scheduler.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Processing")]
pub(crate) struct ProcessingSettings {
    /// Minutes without a request after which a visit is over, 1 to 1440.
    #[arg(
        long,
        env = "TIDELINE_VISIT_SILENCE_MINUTES",
        default_value_t = 30,
        value_name = "MINUTES",
        value_parser = clap::value_parser!(u16).range(1..=1440)
    )]
    visit_silence_minutes: u16,
}

impl ProcessingSettings {
    /// After how long a silence a visit is over.
    pub(crate) fn silence(&self) -> Duration {
        Duration::from_secs(60 * u64::from(self.visit_silence_minutes))
    }

    /// The same and all else, for the pipeline.
    pub(crate) fn settings(&self) -> Settings {
        Settings { silence: jiff::SignedDuration::from_mins(self.visit_silence_minutes.into()) }
    }
}
