//! Connections: accepted up to a number, watched, and drained at the end.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use hyper::service::service_fn;
use tideline_http_front::{Connections, Front, FrontMetrics, Patience, Peer, Tls, TrustedProxies};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::time::Instant;

use super::routes::Service;
use crate::entrance::Entrance;
use crate::options::Limits;

/// Most bytes of a request's head.
const MAX_HEAD_BYTES: u16 = 16 * 1024;

/// What connections are like, and how long they have to end.
#[derive(Debug)]
pub(crate) struct Entry {
    front: Front,
    drain: Duration,
}

impl Entry {
    pub(crate) fn new(entrance: &Entrance, limits: &Limits, tls: Option<Tls>, metrics: FrontMetrics) -> Self {
        let head = Duration::from_millis(limits.header_timeout_ms);
        // Pooled clients must find their connections open for long: idle time has a limit of its own.
        let idle = Duration::from_secs(limits.idle_seconds);
        let patience = Patience { opening: head, head, answer: head, idle };
        let places = Arc::new(Semaphore::new(limits.max_connections.min(Semaphore::MAX_PERMITS)));
        let mut front = Front::new(MAX_HEAD_BYTES.into(), patience, places)
            .with_http2(MAX_HEAD_BYTES.into())
            .with_proxies(TrustedProxies::new(entrance.trusted_proxies.clone()))
            .with_metrics(metrics);
        if let Some(tls) = tls {
            front = front.with_tls(tls);
        }
        if let Some(most) = entrance.max_connections_per_address {
            front = front.with_address_limit(most);
        }
        Entry { front, drain: Duration::from_secs(limits.drain_seconds) }
    }
}

/// Serves until `stop` is told, then lets requests in flight finish for a while.
pub(crate) async fn serve(
    listener: TcpListener,
    entry: Entry,
    service: Arc<Service>,
    mut stop: watch::Receiver<()>,
) {
    let mut connections = Connections::new(entry.front);
    let welcome = move |peer: &Peer| {
        let (service, client) = (Arc::clone(&service), peer.address);
        service_fn(move |request| {
            let service = Arc::clone(&service);
            async move { Ok::<_, Infallible>(service.answer(request, client).await) }
        })
    };
    tokio::select! {
        never = connections.accept(&listener, welcome) => match never {},
        // An error means that the gateway's handle is gone, which is to stop too.
        _ = stop.changed() => {}
    }
    drop(listener);
    if !connections.finish(Instant::now() + entry.drain).await {
        tracing::warn!("the drain time is over: closed the connections that were left");
    }
}
