//! What an installation decides for all requests that it processes: the same wherever its intake and scheduler run.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use tideline_pipeline::{Addresses, Places, Settings};
use tideline_places::PlacesFile;
use tideline_protocol::IdentitySalt;

use crate::secret;

/// A secret, the same as at the edge.
const IDENTITY_SALT: &str = "TIDELINE_IDENTITY_SALT";

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

    /// File in MaxMind's format that tells where addresses are: GeoLite2-City, GeoIP2-City or alike. It may be replaced at
    /// any time. Without it, only what clients say of their place is known.
    #[arg(long, env = "TIDELINE_PLACES_FILE", value_name = "FILE")]
    places_file: Option<PathBuf>,

    /// How much of a visitor's address is stored when it has been looked up: full (as the edge has kept it), truncate (IPv4 to
    /// 24 bits, IPv6 to 48) or drop.
    #[arg(long, env = "TIDELINE_STORED_IP", value_enum, default_value_t = StoredIp::Full)]
    stored_ip: StoredIp,

    /// File that holds the identity salt, instead of TIDELINE_IDENTITY_SALT.
    #[arg(long, env = "TIDELINE_IDENTITY_SALT_FILE", value_name = "FILE")]
    identity_salt_file: Option<PathBuf>,
}

/// How much of a visitor's address is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum StoredIp {
    /// As the edge has kept it.
    Full,
    /// IPv4 to 24 bits, IPv6 to 48.
    Truncate,
    /// Nothing.
    Drop,
}

impl ProcessingSettings {
    /// After how long a silence a visit is over.
    pub(crate) fn silence(&self) -> Duration {
        Duration::from_secs(60 * u64::from(self.visit_silence_minutes))
    }

    /// The file of places, read, if there is one. Blocks.
    pub(crate) fn places(&self) -> anyhow::Result<Option<Arc<PlacesFile>>> {
        let open = |path: &PathBuf| PlacesFile::open(path).map(Arc::new);
        self.places_file.as_ref().map(open).transpose().context("TIDELINE_PLACES_FILE cannot be used")
    }

    /// The salt of what people are known by, if there is one.
    pub(crate) fn salt(&self) -> anyhow::Result<Option<IdentitySalt>> {
        let secret = secret::read_optional(IDENTITY_SALT, self.identity_salt_file.as_deref())?;
        let salt = secret.map(|secret| IdentitySalt::parse(secret.reveal())).transpose();
        salt.with_context(|| format!("{IDENTITY_SALT} is not usable"))
    }

    /// All of it, for the pipeline.
    pub(crate) fn settings(&self, places: Option<Arc<PlacesFile>>) -> anyhow::Result<Settings> {
        Ok(Settings {
            silence: jiff::SignedDuration::from_mins(self.visit_silence_minutes.into()),
            places: places.map(|places| places as Arc<dyn Places>),
            addresses: match self.stored_ip {
                StoredIp::Full => Addresses::Full,
                StoredIp::Truncate => Addresses::Truncated,
                StoredIp::Drop => Addresses::Dropped,
            },
            salt: self.salt()?,
            // What the store says, from when on it is read.
            rules: Arc::default(),
            channels: Arc::default(),
        })
    }
}
