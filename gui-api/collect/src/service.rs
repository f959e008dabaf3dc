//! The service: its options, and its life from listening to the last answer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::service::service_fn;
use tideline_collector::{Collector, RedisCommit, Settings};
use tideline_http_front::{Connections, Front, Patience, Peer, visitor};
use tideline_redis_rest::{Client, Deadlines, ReqwestTransport};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::ports::{SystemClock, SystemEntropy, SystemTimer};
use crate::visitor::{Desk, Visitor};
use crate::{Error, Limits};

/// How the service listens, and what it is told as a collector.
#[derive(Clone, Debug)]
pub struct Options {
    /// Address and port; port 0 takes a free one.
    pub listen: SocketAddr,
    /// What every collector is told, wherever it runs.
    pub settings: Settings,
    /// What visitors may take.
    pub limits: Limits,
    /// How long a request to Redis may take.
    pub deadlines: Deadlines,
    /// How long requests in progress may take when the service is asked to stop.
    pub drain: Duration,
}

impl Options {
    /// Refuses what contradicts itself, as [`Service::bind`] does.
    ///
    /// # Errors
    /// The limits contradict the settings.
    pub fn check(&self) -> Result<(), Error> {
        self.limits.check(self.settings.max_body_bytes)
    }
}

/// The service, listening but not yet answering.
pub struct Service {
    listener: TcpListener,
    address: SocketAddr,
    desk: Arc<Desk>,
    limits: Limits,
    drain: Duration,
}

impl Service {
    /// Listens. Redis need not be there: events are answered with 503 until it is.
    ///
    /// # Errors
    /// The address cannot be had, or the limits contradict the settings.
    pub async fn bind(options: Options) -> Result<Self, Error> {
        options.check()?;
        let Options { listen, settings, limits, deadlines, drain } = options;
        let transport = ReqwestTransport::new(deadlines)?;
        let commit = RedisCommit::new(
            Client::new(settings.endpoint.clone(), transport),
            SystemTimer::new(),
            &settings,
        );
        let collector = Collector::new(settings, SystemClock, SystemEntropy::new()?, commit);
        let failed = |source| Error::Listen { address: listen, source };
        let listener = TcpListener::bind(listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self { listener, address, desk: Arc::new(Desk::new(collector, &limits)), limits, drain })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until `drain` ends, then finishes what it has begun, within the time that the options give.
    pub async fn run(self, drain: impl Future<Output = ()> + Send) {
        let Self { listener, address: _, desk, limits, drain: limit } = self;
        let places = Arc::new(Semaphore::new(limits.connections.min(Semaphore::MAX_PERMITS)));
        let head = limits.header_timeout;
        let patience = Patience { opening: head, head, answer: limits.write_timeout, idle: head };
        let mut connections = Connections::new(Front::new(visitor::MAX_HEAD_BYTES, patience, places));
        let answers = Arc::clone(&desk);
        let welcome = move |peer: &Peer| {
            let visitor = Visitor::new(peer.address.ip(), Arc::clone(&answers));
            service_fn(move |request| visitor.clone().answer(request))
        };
        tokio::select! {
            () = drain => {}
            never = connections.accept(&listener, welcome) => match never {},
        }
        drop(listener);
        let end = Instant::now() + limit;
        let answered = connections.finish(end).await;
        if !(desk.cleared(end).await && answered) {
            tracing::warn!(seconds = limit.as_secs(), "ended requests that took too long to finish");
        }
    }
}
