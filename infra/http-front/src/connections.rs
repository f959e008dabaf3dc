//! Connections: accepted while there are places, watched, and ended in order.

use std::convert::Infallible;
use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1::Builder;
use hyper::service::Service;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout_at};

use crate::Patience;
use crate::patience::Watched;

/// Pause after a failed accept: the usual reason, no file descriptors left, does not go away at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The connections of one listener. Dropped, it cuts them.
pub struct Connections {
    http: Builder,
    places: Arc<Semaphore>,
    open: GracefulShutdown,
    tasks: JoinSet<()>,
}

impl Connections {
    /// None yet; as many at once as there are `places`, which listeners may share.
    #[must_use]
    pub fn new(http: Builder, places: Arc<Semaphore>) -> Self {
        Self { http, places, open: GracefulShutdown::new(), tasks: JoinSet::new() }
    }

    /// Accepts and serves for as long as it is polled. `welcome` says what answers the client at an
    /// address, and how patient its connection is.
    pub async fn accept<S, B>(
        &mut self,
        listener: &TcpListener,
        mut welcome: impl FnMut(SocketAddr) -> (Arc<Patience>, S),
    ) -> Infallible
    where
        S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Send + 'static,
        S::Future: Send,
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        loop {
            let (stream, peer, place) = self.next(listener).await;
            if stream.set_nodelay(true).is_err() {
                // The peer is gone already.
                continue;
            }
            let (patience, service) = welcome(peer);
            let stream = Watched { stream, patience: Arc::clone(&patience) };
            let connection = self.open.watch(self.http.serve_connection(TokioIo::new(stream), service));
            self.tasks.spawn(async move {
                tokio::select! {
                    ended = connection => if let Err(error) = ended {
                        tracing::debug!(%error, "a connection broke off");
                    },
                    () = patience.lost() => {
                        tracing::debug!("a client kept its connection waiting for too long");
                    }
                }
                drop(place);
            });
            while self.tasks.try_join_next().is_some() {}
        }
    }

    /// Closes idle connections at once, lets requests in progress finish until `end`, and cuts what is
    /// left then. Whether nothing was.
    pub async fn finish(self, end: Instant) -> bool {
        let Self { http: _, places: _, open, mut tasks } = self;
        let complete = timeout_at(end, open.shutdown()).await.is_ok();
        tasks.shutdown().await;
        complete
    }

    /// A place first, and then a connection for it: never more are open than may be.
    async fn next(&self, listener: &TcpListener) -> (TcpStream, SocketAddr, Option<OwnedSemaphorePermit>) {
        let place = Arc::clone(&self.places).acquire_owned().await.ok();
        loop {
            match listener.accept().await {
                Ok((stream, peer)) => return (stream, peer, place),
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection; raise the limit of open files if it says so");
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
}
