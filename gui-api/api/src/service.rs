//! The service: its options, and its life from listening to the last answer.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tideline_pipeline::Settings;
use tideline_protocol::Lanes;
use tideline_store::Store;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::access::Gate;
use crate::live::{Feed, follow};
use crate::redis_link::RedisLink;
use crate::redis_probe::RedisProbe;
use crate::routes::{self, Health, Shared};
use crate::rule_failures::RuleFailures;
use crate::{Error, Tokens, connections, gui};

/// Tells at once what keeps the process from its work, a sentence; none if nothing does. Anybody may ask for the health,
/// so asking must not cause work.
pub type Obstacle = Arc<dyn Fn() -> Option<&'static str> + Send + Sync>;

/// How the service listens and what it serves.
#[derive(Clone)]
pub struct Options {
    /// Address and port; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The Redis whose health `/readyz` tells, and whose channel brings live events.
    pub redis: redis::Client,
    /// What `/readyz` says beside the state of store and Redis.
    pub obstacle: Option<Obstacle>,
    /// How long requests in progress may take when the service is asked to stop.
    pub drain: Duration,
    /// The API and the GUI; without them only the health routes are served.
    pub api: Option<ApiOptions>,
}

/// The part with the data.
#[derive(Clone, Debug)]
pub struct ApiOptions {
    /// Who may use it.
    pub tokens: Tokens,
    /// The lanes in Redis, which the workers tell of what they do.
    pub lanes: Lanes,
    /// What the installation decides for all requests, to explain what becomes of one.
    pub processing: Settings,
    /// How many may follow live events at once.
    pub most_live_readers: usize,
    /// The folder of the built GUI.
    pub gui_dir: Option<PathBuf>,
}

impl ApiOptions {
    /// How many may follow live events at once, unless said otherwise.
    pub const MOST_LIVE_READERS: usize = 256;
}

/// The service, listening but not yet answering.
pub struct Service {
    listener: TcpListener,
    address: SocketAddr,
    router: Router,
    live: Option<(String, Arc<Feed>)>,
    redis: redis::Client,
    drain: Duration,
}

impl Service {
    /// Listens.
    ///
    /// # Errors
    /// The address cannot be had, or the GUI's folder does not hold the GUI.
    pub async fn bind(options: Options, store: Arc<dyn Store>) -> Result<Self, Error> {
        let Options { listen, redis, obstacle, drain, api } = options;
        let probe = RedisProbe::new(redis.clone());
        let health = Arc::new(Health { store: Arc::clone(&store), redis: probe, obstacle });
        let (router, live) = match api {
            None => (routes::health_only(health), None),
            Some(api) => {
                let feed = Arc::new(Feed::new());
                let live_channel = api.lanes.live_channel();
                let link = Arc::new(RedisLink::new(redis.clone()));
                let shared = Shared {
                    store,
                    failures: RuleFailures::new(Arc::clone(&link), &api.lanes),
                    redis: link,
                    lanes: api.lanes,
                    processing: api.processing,
                    gate: Gate::new(api.tokens),
                    feed: Arc::clone(&feed),
                    live_seats: Arc::new(Semaphore::new(api.most_live_readers)),
                    most_live_readers: api.most_live_readers,
                };
                let gui = gui::routes(api.gui_dir)?;
                (routes::service(health, Arc::new(shared), gui), Some((live_channel, feed)))
            }
        };
        let failed = |source| Error::Listen { address: listen, source };
        let listener = TcpListener::bind(listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self { listener, address, router, live, redis, drain })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until `drain` ends, then finishes what it has begun, within the time that the options give.
    pub async fn run(self, drain: impl Future<Output = ()> + Send) {
        let Self { listener, address: _, router, live, redis, drain: limit } = self;
        let feed = live.as_ref().map(|(_, feed)| Arc::clone(feed));
        let following = async {
            match live {
                Some((channel, feed)) => match follow(&redis, &channel, &feed).await {},
                None => std::future::pending().await,
            }
        };
        let stopped = async move {
            drain.await;
            if let Some(feed) = feed {
                // Live readers would otherwise be requests that never finish.
                feed.end();
            }
        };
        tokio::select! {
            () = connections::serve(listener, router, stopped, limit) => {}
            never = following => never,
        }
    }
}
