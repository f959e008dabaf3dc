//! The whole host: starts its shards and stops them.

use std::net::SocketAddr;
use std::sync::{Arc, mpsc};

use futures_util::future::{join_all, select_all};
use tideline_http_front::Bodies;
use tokio::net::TcpSocket;
use tokio::sync::{Semaphore, oneshot, watch};

use crate::engine::{Program, Ticker};
use crate::origin::Origin;
use crate::shard::Shard;
use crate::{Error, GuestEnvironment, Options};

/// The variable that says where the component's requests go.
const REDIS_URL: &str = "UPSTASH_REDIS_REST_URL";

/// Starts hosts.
pub struct Host;

/// A running host. Dropping it stops the host in the background.
#[must_use = "the host stops when this is dropped"]
pub struct Handle {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    shards: Vec<oneshot::Receiver<Drained>>,
    _ticker: Ticker,
}

/// How a host ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drained {
    /// Every request that had begun was answered.
    Complete,
    /// Some were not answered within the drain limit.
    CutOff,
    /// A shard ended by itself, which is a bug.
    Failed,
}

impl Host {
    /// Compiles the component and starts to serve it. Blocks meanwhile, which takes seconds unless the
    /// compiled code is in the cache directory.
    pub fn start(options: Options, environment: GuestEnvironment) -> Result<Handle, Error> {
        options.check()?;
        warn_if_unreachable(&options, &environment);
        let sockets = listeners(&options)?;
        let program = Arc::new(Program::load(&options)?);
        let ticker = Ticker::start(program.engine.clone())?;
        let (stop, stopped) = watch::channel(false);
        let connections = Arc::new(Semaphore::new(options.max_connections as usize));
        let options = Arc::new(options);
        let mut shards = Vec::new();
        let mut address = options.listen;
        for socket in sockets {
            address = local_address(&socket, options.listen)?;
            let (ready, serves) = mpsc::sync_channel(1);
            let shard = Shard {
                program: Arc::clone(&program),
                environment: environment.clone(),
                options: Arc::clone(&options),
                bodies: Bodies::new(options.max_buffered_bytes() as usize, options.body_timeout()),
                connections: Arc::clone(&connections),
                stop: stopped.clone(),
            };
            shards.push(shard.spawn(socket, ready)?);
            let died = || Error::Thread(std::io::Error::other("a shard died at its start"));
            serves.recv().map_err(|_| died())??;
        }
        let wasi = if program.shares_instances() { "0.3" } else { "0.2" };
        tracing::info!(%address, wasi, shards = shards.len(), "listening");
        Ok(Handle { address, stop, shards, _ticker: ticker })
    }
}

impl Handle {
    /// Where the host listens; the port is the real one if 0 was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops accepting, finishes the requests in progress up to the drain limit, and ends.
    pub async fn shutdown(self) -> Drained {
        self.run_until(std::future::ready(())).await
    }

    /// Serves until `stop` resolves, and then shuts down.
    pub async fn run_until(mut self, stop: impl Future<Output = ()>) -> Drained {
        tokio::select! {
            biased;
            _ = select_all(self.shards.iter_mut()) => return Drained::Failed,
            () = stop => {}
        }
        tracing::info!("stopping");
        self.stop.send_replace(true);
        let ends = join_all(self.shards).await;
        if ends.iter().any(Result::is_err) {
            Drained::Failed
        } else if ends.contains(&Ok(Drained::CutOff)) {
            Drained::CutOff
        } else {
            Drained::Complete
        }
    }
}

/// Sockets on one address, one for each shard.
fn listeners(options: &Options) -> Result<Vec<TcpSocket>, Error> {
    let shared = options.shards > 1;
    let mut address = options.listen;
    if shared {
        // Another host of this user that shares its port would let us in, and each would get a part of
        // the requests. A socket that does not share finds out.
        address = local_address(&bind(address, false)?, options.listen)?;
    }
    let mut sockets = Vec::new();
    for _ in 0..options.shards {
        let socket = bind(address, shared)?;
        address = local_address(&socket, options.listen)?;
        sockets.push(socket);
    }
    Ok(sockets)
}

fn bind(address: SocketAddr, shared: bool) -> Result<TcpSocket, Error> {
    let bound = (|| {
        let socket = match address {
            SocketAddr::V4(_) => TcpSocket::new_v4()?,
            SocketAddr::V6(_) => TcpSocket::new_v6()?,
        };
        socket.set_reuseaddr(true)?;
        socket.set_reuseport(shared)?;
        socket.bind(address)?;
        Ok(socket)
    })();
    bound.map_err(|source: std::io::Error| match source.kind() {
        std::io::ErrorKind::AddrInUse => Error::AddressTaken { address },
        _ => Error::Listen { address, source },
    })
}

fn local_address(socket: &TcpSocket, address: SocketAddr) -> Result<SocketAddr, Error> {
    socket.local_addr().map_err(|source| Error::Listen { address, source })
}

/// A Redis that the component is told of but may not reach is the likeliest mistake of all.
fn warn_if_unreachable(options: &Options, environment: &GuestEnvironment) {
    let Some(url) = environment.get(REDIS_URL) else {
        return;
    };
    let origin = url.parse().ok().and_then(|uri| Origin::of(&uri));
    if let Some(origin) = origin
        && !options.allow_outbound.contains(&origin)
    {
        tracing::warn!(
            %origin,
            "the component may not reach the origin of {REDIS_URL}; add it to --allow-outbound (EDGE_ALLOW_OUTBOUND)"
        );
    }
}
