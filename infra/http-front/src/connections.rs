//! Connections: accepted while there are places, opened, watched, and ended in order.

use std::convert::Infallible;
use std::error::Error;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use hyper::body::{Body, Incoming};
use hyper::service::Service;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::GracefulConnection;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::attended::Attended;
use crate::front::Front;
use crate::opening::{Closed, Opened, Peer};
use crate::patience::{Clock, Lost, Watched};
use crate::prefixed::Prefixed;

/// Pause after a failed accept: the usual reason, no file descriptors left, does not go away at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The connections of one listener. Dropped, it cuts them.
pub struct Connections {
    front: Arc<Front>,
    /// Changes when no further request is wanted.
    leave: watch::Sender<()>,
    tasks: JoinSet<()>,
}

impl Connections {
    /// None yet.
    #[must_use]
    pub fn new(front: Front) -> Self {
        Self { front: Arc::new(front), leave: watch::Sender::new(()), tasks: JoinSet::new() }
    }

    /// Accepts and serves for as long as it is polled. `welcome` says what answers a client.
    pub async fn accept<W, S, B>(&mut self, listener: &TcpListener, welcome: W) -> Infallible
    where
        W: Fn(&Peer) -> S + Clone + Send + 'static,
        S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Send + 'static,
        S::Future: Send + 'static,
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        loop {
            let (stream, address, place) = self.next(listener).await;
            if stream.set_nodelay(true).is_err() {
                // The peer is gone already.
                continue;
            }
            let (front, left, welcome) = (Arc::clone(&self.front), self.leave.subscribe(), welcome.clone());
            self.tasks.spawn(async move {
                let open = front.metrics.open();
                visit(&front, stream, address, left, welcome).await;
                drop((open, place));
            });
            while self.tasks.try_join_next().is_some() {}
        }
    }

    /// Closes idle connections at once, lets requests in progress finish until `end`, and cuts what is
    /// left then. Whether nothing was.
    pub async fn finish(self, end: Instant) -> bool {
        let Self { front: _, leave, mut tasks } = self;
        leave.send_replace(());
        let all = async { while tasks.join_next().await.is_some() {} };
        let complete = timeout_at(end, all).await.is_ok();
        tasks.shutdown().await;
        complete
    }

    /// A place first, and then a connection for it: never more are open than may be.
    async fn next(&self, listener: &TcpListener) -> (TcpStream, SocketAddr, Option<OwnedSemaphorePermit>) {
        let place = Arc::clone(&self.front.places).acquire_owned().await.ok();
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

/// A connection from its first byte to its last.
async fn visit<W, S, B>(
    front: &Front,
    stream: TcpStream,
    address: SocketAddr,
    mut left: watch::Receiver<()>,
    welcome: W,
) where
    W: Fn(&Peer) -> S,
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Send + 'static,
    S::Future: Send + 'static,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let clock = Clock::new(front.patience);
    let stream = Prefixed::new(Watched { stream, clock: Arc::clone(&clock) });
    // In a box, as what follows: a connection takes the room of its present state, not of the largest.
    let opening = Box::pin(timeout(front.patience.opening, front.open(stream, address)));
    let opened = tokio::select! {
        opened = opening => opened.unwrap_or(Err(Closed::Slow)),
        // Nothing is in progress yet.
        _ = left.changed() => return,
    };
    let Opened { stream, peer, present: _present } = match opened {
        Ok(opened) => opened,
        Err(closed) => {
            front.metrics.turned_away(closed.name());
            tracing::debug!(reason = %closed, "a connection was closed before its first request");
            return;
        }
    };
    clock.opened(peer.http2);
    let service = Attended { service: welcome(&peer), clock: Arc::clone(&clock), multiplexed: peer.http2 };
    let stream = TokioIo::new(stream);
    match &front.http2 {
        Some(http2) if peer.http2 => {
            serve(Box::pin(http2.serve_connection(stream, service)), &clock, left).await
        }
        _ => serve(Box::pin(front.http1.serve_connection(stream, service)), &clock, left).await,
    }
}

/// Serves until the connection ends, the client is given up, or the last request after `left` is answered.
async fn serve<C>(mut connection: Pin<Box<C>>, clock: &Clock, mut left: watch::Receiver<()>)
where
    C: GracefulConnection,
    C::Error: Error,
{
    let mut leaving = false;
    let lost = clock.lost();
    tokio::pin!(lost);
    loop {
        tokio::select! {
            ended = &mut connection => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "a connection broke off");
                }
                return;
            }
            lost = &mut lost => {
                tracing::debug!(?lost, "a client kept its connection waiting for too long");
                if lost == Lost::Idle {
                    // A request may be on its way: it is answered, or told that it was not looked at.
                    connection.as_mut().graceful_shutdown();
                    let _ = timeout(clock.farewell(), connection).await;
                }
                return;
            }
            _ = left.changed(), if !leaving => {
                leaving = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}
