//! One keep-alive connection, opened again when it is gone.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::spawn_local;
use tokio::time::timeout;

use crate::caller::Failure;

/// Far above every answer.
const MOST_ANSWER_BYTES: usize = 256 << 10;

/// A connection to one address.
pub(crate) struct Connection {
    address: SocketAddr,
    sender: Option<SendRequest<Full<Bytes>>>,
}

impl Connection {
    /// Opens nothing yet.
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { address, sender: None }
    }

    /// Sends a request and reads the whole answer. After a failure, or when `patience` ends, the connection is closed
    /// and the next request goes over a new one.
    pub(crate) async fn send(
        &mut self,
        request: Request<Full<Bytes>>,
        patience: Duration,
    ) -> Result<(StatusCode, Bytes), Failure> {
        let answer = timeout(patience, self.exchange(request)).await.unwrap_or(Err(Failure::TimedOut));
        if answer.is_err() {
            self.sender = None;
        }
        answer
    }

    async fn exchange(&mut self, request: Request<Full<Bytes>>) -> Result<(StatusCode, Bytes), Failure> {
        let answer = self.open().await?.send_request(request).await.map_err(|_| Failure::BrokenOff)?;
        let status = answer.status();
        #[expect(clippy::disallowed_methods, reason = "limited")]
        let body = Limited::new(answer.into_body(), MOST_ANSWER_BYTES).collect().await;
        Ok((status, body.map_err(|_| Failure::BrokenOff)?.to_bytes()))
    }

    async fn open(&mut self) -> Result<&mut SendRequest<Full<Bytes>>, Failure> {
        // An idle connection may have been closed by the other side.
        if let Some(sender) = &mut self.sender
            && sender.ready().await.is_err()
        {
            self.sender = None;
        }
        match &mut self.sender {
            Some(sender) => Ok(sender),
            empty => {
                let stream = TcpStream::connect(self.address).await.map_err(|_| Failure::Unconnected)?;
                stream.set_nodelay(true).map_err(|_| Failure::Unconnected)?;
                let (sender, connection) =
                    handshake(TokioIo::new(stream)).await.map_err(|_| Failure::Unconnected)?;
                // How it ends, its requests are told.
                spawn_local(async move { drop(connection.await) });
                Ok(empty.insert(sender))
            }
        }
    }
}
