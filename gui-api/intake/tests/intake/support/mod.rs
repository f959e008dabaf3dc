//! A real Redis with our functions, a real store that can be made to fail, and requests to feed them with.
pub(crate) mod redis_server;
pub(crate) mod requests;
pub(crate) mod unruly_store;

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tideline_intake::{Handle, Intake, Options};
use tideline_pipeline::Settings;
use tideline_protocol::Lanes;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub(crate) use redis_server::{Ledger, RedisServer};
pub(crate) use unruly_store::{Mood, UnrulyStore};

const DEADLINE: Duration = Duration::from_secs(60);

/// Redis, store and lanes of one test.
pub(crate) struct Stage {
    pub(crate) redis: RedisServer,
    pub(crate) store: Arc<UnrulyStore>,
    pub(crate) lanes: Lanes,
    pub(crate) settings: Settings,
}

impl Stage {
    pub(crate) async fn with_lanes(count: u16) -> Self {
        let lanes = Lanes::new("production", "eu", count).unwrap();
        let redis = RedisServer::start().await;
        redis.provision(&lanes).await;
        Self { redis, store: UnrulyStore::new(), lanes, settings: Settings::default() }
    }

    /// The same with our access rules in force: the intake connects as `service`, the test as `default`.
    pub(crate) async fn with_access_rules(count: u16) -> Self {
        let lanes = Lanes::new("production", "eu", count).unwrap();
        let redis = RedisServer::start_with_access_rules().await;
        redis.provision(&lanes).await;
        Self { redis, store: UnrulyStore::new(), lanes, settings: Settings::default() }
    }

    /// Starts an intake whose leases last for a short while.
    pub(crate) fn start(&self) -> Running {
        self.start_on(Arc::clone(&self.store))
    }

    pub(crate) fn start_on(&self, store: Arc<UnrulyStore>) -> Running {
        let options = Options {
            lease: Duration::from_millis(1000),
            settings: self.settings.clone(),
            ..Options::new(self.redis.service_client(), self.lanes.clone())
        };
        let intake = Intake::new(options, store).unwrap();
        let handle = intake.handle();
        let (drain, drained) = oneshot::channel();
        let task = tokio::spawn(intake.run(async {
            let _dropped_or_sent = drained.await;
        }));
        Running { handle, drain, task }
    }

    /// Waits until all that was accepted is settled.
    pub(crate) async fn settled(&self) -> Ledger {
        until("all is settled", async || self.redis.in_flight(&self.lanes).await == 0).await;
        self.redis.ledger().await
    }
}

/// An intake that runs.
pub(crate) struct Running {
    pub(crate) handle: Handle,
    drain: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Running {
    /// Ends it in good order.
    pub(crate) async fn drain(self) {
        self.drain.send(()).unwrap();
        self.task.await.unwrap();
    }

    /// Ends it wherever it is, as SIGKILL would.
    pub(crate) async fn kill(self) {
        self.task.abort();
        assert!(self.task.await.unwrap_err().is_cancelled());
    }
}

/// Waits until the condition holds.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, mut condition: impl FnMut() -> F) {
    let deadline = Instant::now() + DEADLINE;
    while !condition().await {
        assert!(Instant::now() < deadline, "not within a minute: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
