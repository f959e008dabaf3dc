//! The service: a keeper of leases and a worker, until the drain.

use std::future::Future;
use std::sync::Arc;

use tideline_store::Store;
use tokio::sync::watch;

use crate::handle::Handle;
use crate::keeper::Keeper;
use crate::leases::Leases;
use crate::worker::Worker;
use crate::{Options, OptionsError};

/// Reads the lanes of one Redis into a store. Any number of replicas may run, in one process or in many.
pub struct Intake {
    options: Options,
    store: Arc<dyn Store>,
    handle: Handle,
}

impl Intake {
    /// An intake that does not run yet.
    ///
    /// # Errors
    /// Options that cannot work.
    pub fn new(options: Options, store: Arc<dyn Store>) -> Result<Self, OptionsError> {
        options.check()?;
        Ok(Self { options, store, handle: Handle::default() })
    }

    /// Tells how it is doing, also while it runs.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Runs until `drain` ends, then finishes the unit it is at and gives its lanes back. It never fails:
    /// what is out of reach is waited for, and said in the log. A store that takes a write and never answers
    /// is waited for too, also by the drain: whoever runs this sets a deadline. Dropping it is what a crash would be.
    pub async fn run(self, drain: impl Future<Output = ()> + Send) {
        let (begin_drain, drain_begun) = watch::channel(false);
        let leases = Arc::new(Leases::none());
        let mut keeper = Keeper::new(&self.options, Arc::clone(&leases));
        let mut worker =
            Worker::new(&self.options, self.store, leases, self.handle, keeper.replica(), drain_begun);
        let watch_for_drain = async {
            drain.await;
            begin_drain.send_replace(true);
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = worker.run() => {}
            // Leases are kept while the worker finishes.
            () = keeper.run() => {}
            () = watch_for_drain => {}
        }
        keeper.leave().await;
    }
}
