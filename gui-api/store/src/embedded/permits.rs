//! How many reads run at the same time, by who waits for them.
//!
//! Each kind has permits of its own, so a flood of one holds up no other: neither heavy lists the intake,
//! nor probes either of them. What a read does is left to the reads.

use std::sync::Arc;

use tokio::sync::Semaphore;

use super::EmbeddedOptions;

/// Kinds of reads that do not wait for each other.
#[derive(Clone, Copy, Debug)]
pub(super) enum Reads {
    /// What people ask for; a list may take long.
    Api,
    /// Lists for which documents are read to find those that match: each takes as long as it may.
    Scans,
    /// What the intake needs before it can write. Profiles by any id are among it: these lookups are
    /// short, so others who ask for them do not hold it up.
    Intake,
    /// Whether the store answers: one at a time, as each is short and all find the same.
    Readiness,
}

/// Permits for each kind of read.
pub(super) struct Permits {
    api: Arc<Semaphore>,
    scans: Arc<Semaphore>,
    intake: Arc<Semaphore>,
    readiness: Arc<Semaphore>,
}

impl Permits {
    pub(super) fn new(options: EmbeddedOptions) -> Self {
        let permits = |count: usize| Arc::new(Semaphore::new(count.max(1)));
        Self {
            api: permits(options.parallel_reads),
            scans: permits(options.parallel_scans),
            intake: permits(options.parallel_intake_reads),
            readiness: permits(1),
        }
    }

    /// Those for this kind.
    pub(super) fn of(&self, reads: Reads) -> Arc<Semaphore> {
        Arc::clone(match reads {
            Reads::Api => &self.api,
            Reads::Scans => &self.scans,
            Reads::Intake => &self.intake,
            Reads::Readiness => &self.readiness,
        })
    }
}
