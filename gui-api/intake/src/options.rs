//! What an intake is told, and the bounds that it keeps by itself.

use std::time::Duration;

use tideline_pipeline::Settings;
use tideline_protocol::Lanes;

/// The most entries that one round reads, over all its lanes.
pub(crate) const ROUND_ENTRIES: usize = 1024;
/// Bytes of entries after which a round reads no more, over all its lanes. Each lane may exceed its part by
/// one entry, so a round holds at most this and one entry for each lane: 12 MiB with 16 lanes and 256 KiB entries.
pub(crate) const ROUND_BYTES: usize = 8 * 1024 * 1024;
/// The most entries that are written and settled at once.
pub(crate) const UNIT_ENTRIES: usize = 256;
/// Bytes of entries after which a unit is full. JSON made to annoy takes forty times as much memory when it is read.
pub(crate) const UNIT_BYTES: usize = 1024 * 1024;
/// Events after which a unit is full: the smallest event becomes a document of a thousand bytes.
pub(crate) const UNIT_EVENTS: usize = 2_000;
/// How often an entry may be handed out before it is suspected of ending the service.
pub(crate) const SUSPECT_AFTER: u64 = 5;
/// How often a suspect is tried alone.
pub(crate) const TRIES_ALONE: u64 = 3;
/// How often a write is repeated at once when somebody else wrote in between.
pub(crate) const CONFLICTS_AT_ONCE: u32 = 5;
/// How long one wait for new entries takes at the most.
pub(crate) const DOORBELL: Duration = Duration::from_secs(1);

/// What an intake is told: one Redis, and the lanes in it.
#[derive(Clone)]
pub struct Options {
    /// Where the lanes are.
    pub redis: redis::Client,
    /// All lanes of this Redis; replicas share them among each other.
    pub lanes: Lanes,
    /// How long a lane stays with an owner that is not heard of any more. A lease is renewed ten times as
    /// often, and a lane that was given back is taken as quickly. Default 10 s.
    pub lease: Duration,
    /// What the installation decides for all its requests.
    pub settings: Settings,
}

/// Options that cannot work.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum OptionsError {
    /// The lease is out of range.
    #[error("a lease of {0:?} is out of range: use 200 ms to 5 minutes")]
    Lease(Duration),
}

impl Options {
    /// Options with defaults for these lanes of this Redis.
    #[must_use]
    pub fn new(redis: redis::Client, lanes: Lanes) -> Self {
        Self { redis, lanes, lease: Duration::from_secs(10), settings: Settings::default() }
    }

    pub(crate) fn check(&self) -> Result<(), OptionsError> {
        let fits = (Duration::from_millis(200)..=Duration::from_secs(300)).contains(&self.lease);
        if fits { Ok(()) } else { Err(OptionsError::Lease(self.lease)) }
    }

    /// How often leases are renewed.
    pub(crate) fn renewal(&self) -> Duration {
        self.lease / 10
    }
}
