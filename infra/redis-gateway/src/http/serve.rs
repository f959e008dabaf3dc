//! Connections: accepted up to a number, watched, and drained at the end.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use hyper::service::service_fn;
use tideline_http_front::{Connections, Front, Patience, Peer};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::time::Instant;

use super::routes::Service;
use crate::options::Limits;

/// Most bytes of a request's head.
const MAX_HEAD_BYTES: usize = 16 * 1024;

/// Serves until `stop` is told, then lets requests in flight finish for as long as the limits say.
pub(crate) async fn serve(listener: TcpListener, service: Arc<Service>, mut stop: watch::Receiver<()>) {
    let limits = service.limits();
    let places = Arc::new(Semaphore::new(limits.max_connections.min(Semaphore::MAX_PERMITS)));
    let mut connections = Connections::new(Front::new(MAX_HEAD_BYTES, patience(limits), places));
    let answers = Arc::clone(&service);
    let welcome = move |peer: &Peer| {
        let (service, client) = (Arc::clone(&answers), peer.address);
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
    let end = Instant::now() + Duration::from_secs(limits.drain_seconds);
    if !connections.finish(end).await {
        tracing::warn!("the drain time is over: closed the connections that were left");
    }
}

fn patience(limits: &Limits) -> Patience {
    let head = Duration::from_millis(limits.header_timeout_ms);
    Patience { opening: head, head, answer: head, idle: Duration::from_secs(limits.idle_seconds) }
}
