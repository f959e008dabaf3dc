//! Connections: accepted up to a number, watched, and drained at the end.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioTimer;
use tideline_http_front::{Connections, Patience};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::time::Instant;

use super::routes::Service;
use crate::options::Limits;

/// Most bytes of a request's head.
const MAX_HEAD_BYTES: usize = 16 * 1024;
/// What hyper reads ahead on a connection.
const READ_AHEAD_BYTES: usize = 64 * 1024;

/// Serves until `stop` is told, then lets requests in flight finish for as long as the limits say.
pub(crate) async fn serve(listener: TcpListener, service: Arc<Service>, mut stop: watch::Receiver<()>) {
    let limits = service.limits();
    let places = Arc::new(Semaphore::new(limits.max_connections.min(Semaphore::MAX_PERMITS)));
    let mut connections = Connections::new(http(limits), places);
    let head_time = Duration::from_millis(limits.header_timeout_ms);
    let welcome = |peer: SocketAddr| {
        let patience = Patience::with_client(head_time);
        let (service, served) = (Arc::clone(&service), Arc::clone(&patience));
        let answer = service_fn(move |request| {
            let (service, serving) = (Arc::clone(&service), served.serving());
            async move {
                let response = service.answer(request, peer).await;
                drop(serving);
                Ok::<_, Infallible>(response)
            }
        });
        (patience, answer)
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

/// The time for heads is the idle time, because pooled clients must find theirs open; heads that have
/// begun are watched by [`Patience`].
fn http(limits: &Limits) -> http1::Builder {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(limits.idle_seconds))
        .max_header_size(MAX_HEAD_BYTES)
        .max_buf_size(READ_AHEAD_BYTES);
    http
}
