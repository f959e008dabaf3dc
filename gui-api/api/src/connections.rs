//! Connections: accepts, serves and ends them, each with limits that a stranger cannot exceed.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// Open connections; further ones wait to be accepted.
const MOST_CONNECTIONS: usize = 1024;
/// What the headers of a request may take, counted from the end of the one before it.
const HEADER_LIMIT: Duration = Duration::from_secs(30);
/// Bytes of a request's line and headers.
const MOST_HEADER_BYTES: usize = 32 * 1024;
/// Rest after a failed accept: as a rule the process has no file descriptor left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves until `stop` resolves, then lets requests in progress finish for at most `drain`.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    stop: impl Future<Output = ()>,
    drain: Duration,
) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEADER_LIMIT).max_header_size(MOST_HEADER_BYTES);
    let seats = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    let accepting = async {
        loop {
            let (stream, seat) = accept(&listener, &seats).await;
            let service = TowerToHyperService::new(router.clone());
            let connection = graceful.watch(http.serve_connection(TokioIo::new(stream), service));
            connections.spawn(async move {
                if let Err(error) = connection.await {
                    tracing::debug!(%error, "connection ended early");
                }
                drop(seat);
            });
            while connections.try_join_next().is_some() {}
        }
    };
    tokio::select! {
        () = stop => {}
        never = accepting => match never { },
    }
    drop(listener);
    if timeout(drain, graceful.shutdown()).await.is_err() {
        tracing::warn!(seconds = drain.as_secs(), "ended requests that took too long to finish");
    }
}

async fn accept(listener: &TcpListener, seats: &Arc<Semaphore>) -> (TcpStream, Option<OwnedSemaphorePermit>) {
    let seat = Arc::clone(seats).acquire_owned().await.ok();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "cannot switch off Nagle's algorithm");
                }
                return (stream, seat);
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept connections");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}
