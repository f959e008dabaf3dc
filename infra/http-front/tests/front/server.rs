//! A server that tells its clients what it sees of them.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use tideline_http_front::{Connections, Front, Patience, Peer};
use tokio::net::TcpListener;
use tokio::sync::{Notify, Semaphore, oneshot};
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// Long enough for a loaded machine; nothing waits that long when all is well.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

const HEAD: usize = 16 << 10;

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    /// Lets requests for `/wait` be answered.
    pub(crate) go_on: Arc<Notify>,
    stop: oneshot::Sender<()>,
    running: JoinHandle<bool>,
}

/// HTTP/1.1 and HTTP/2, with a patience that no test exhausts.
pub(crate) fn front() -> Front {
    impatient(DEADLINE)
}

/// The same with one limit for every wait.
pub(crate) fn impatient(limit: Duration) -> Front {
    let patience = Patience { opening: limit, head: limit, answer: limit, idle: limit };
    Front::new(HEAD, patience, Arc::new(Semaphore::new(100))).with_http2(HEAD as u32)
}

impl Server {
    pub(crate) async fn start(front: Front) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, go_on) = (listener.local_addr().unwrap(), Arc::new(Notify::new()));
        let (stop, stopped) = oneshot::channel();
        let waiting = Arc::clone(&go_on);
        let running = tokio::spawn(async move {
            let mut connections = Connections::new(front);
            let welcome = move |peer: &Peer| {
                let (peer, waiting) = (*peer, Arc::clone(&waiting));
                service_fn(move |request| answer(request, peer, Arc::clone(&waiting)))
            };
            tokio::select! {
                never = connections.accept(&listener, welcome) => match never {},
                _ = stopped => {}
            }
            drop(listener);
            connections.finish(Instant::now() + DEADLINE).await
        });
        Server { address, go_on, stop, running }
    }

    /// Asks the server to stop; the task ends with whether everything was answered.
    pub(crate) fn stop(self) -> JoinHandle<bool> {
        self.stop.send(()).unwrap();
        self.running
    }
}

async fn answer(
    request: Request<Incoming>,
    peer: Peer,
    go_on: Arc<Notify>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let body = match request.uri().path() {
        "/large" => Bytes::from(vec![b'x'; 8 << 20]),
        "/wait" => {
            go_on.notified().await;
            Bytes::from_static(b"waited")
        }
        _ => {
            let Peer { address, encrypted, http2 } = peer;
            Bytes::from(format!("{} encrypted={encrypted} http2={http2}", address.ip()))
        }
    };
    Ok(Response::new(Full::new(body)))
}
