//! Connections: accepted up to a number, watched, and drained at the end.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::patience::{Patience, Watched};
use super::routes::Service;

/// Most bytes of a request's head.
const MAX_HEAD_BYTES: usize = 16 * 1024;
/// What hyper reads ahead on a connection.
const READ_AHEAD_BYTES: usize = 64 * 1024;
/// After a failed accept: the process is out of file handles, and trying on would spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves until `stop` is told, then lets requests in flight finish for as long as the limits say.
pub(crate) async fn serve(listener: TcpListener, service: Arc<Service>, mut stop: watch::Receiver<()>) {
    let drain_time = Duration::from_secs(service.limits().drain_seconds);
    let room = Arc::new(Semaphore::new(service.limits().max_connections.min(Semaphore::MAX_PERMITS)));
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    loop {
        let accept = async {
            let permit = Arc::clone(&room).acquire_owned().await;
            (permit, listener.accept().await)
        };
        tokio::select! {
            (permit, accepted) = accept => match accepted {
                Ok((stream, peer)) => {
                    let connection = connection(stream, peer, Arc::clone(&service), graceful.watcher());
                    connections.spawn(async move {
                        let _permit = permit;
                        connection.await;
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    sleep(ACCEPT_PAUSE).await;
                }
            },
            Some(_) = connections.join_next() => {}
            // An error means that the gateway's handle is gone, which is to stop too.
            _ = stop.changed() => break,
        }
    }
    drop(listener);
    if timeout(drain_time, graceful.shutdown()).await.is_err() {
        tracing::warn!(
            connections = connections.len(),
            "the drain time is over: closing the connections that are left"
        );
    }
    connections.shutdown().await;
}

async fn connection(stream: TcpStream, peer: SocketAddr, service: Arc<Service>, watcher: Watcher) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "the connection was gone before it was served");
        return;
    }
    let limits = service.limits();
    let patience = Patience::new(Duration::from_millis(limits.header_timeout_ms));
    let idle = Duration::from_secs(limits.idle_seconds);
    let io = TokioIo::new(Watched { stream, patience: Arc::clone(&patience) });
    let answer = service_fn(|request| {
        let (service, serving) = (Arc::clone(&service), patience.serving());
        async move {
            let response = service.answer(request, peer).await;
            drop(serving);
            Ok::<_, Infallible>(response)
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(idle)
        .max_header_size(MAX_HEAD_BYTES)
        .max_buf_size(READ_AHEAD_BYTES)
        .serve_connection(io, answer);
    tokio::select! {
        ended = watcher.watch(connection) => if let Err(error) = ended {
            tracing::debug!(%error, "a connection broke off");
        },
        () = patience.lost() => tracing::debug!("a client kept its connection waiting for too long"),
    }
}
