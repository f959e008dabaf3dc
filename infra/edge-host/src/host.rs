//! The whole host: starts its shards and stops them.

use std::net::SocketAddr;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use futures_util::future::{join_all, select_all};
use prometheus_client::registry::Registry;
use tideline_http_front::{Bodies, Front, Patience, Tls, TlsReload, TrustedProxies, visitor};
use tokio::net::TcpSocket;
use tokio::sync::{Semaphore, oneshot, watch};

use crate::components::{ComponentOptions, Components};
use crate::engine::{self, Pace, Program, Version, Workshop};
use crate::keeper::Keeper;
use crate::metrics::{ComponentMetrics, Metrics};
use crate::origin::Origin;
use crate::outbound::Outbound;
use crate::owner::{Owner, Readiness};
use crate::shard::{Deployment, Shard};
use crate::{Error, GuestEnvironment, Options};

/// The variable that says where the component's requests go.
const REDIS_URL: &str = "UPSTASH_REDIS_REST_URL";

/// Bytes of the headers of a request in HTTP/2; those of HTTP/1.1 are limited alike.
const MAX_HTTP2_HEAD_BYTES: u32 = 64 << 10;

/// Starts hosts.
pub struct Host;

/// A running host. Dropping it stops the host in the background.
#[must_use = "the host stops when this is dropped"]
pub struct Handle {
    address: SocketAddr,
    metrics_address: Option<SocketAddr>,
    stop: watch::Sender<bool>,
    stop_delay: Duration,
    shards: Vec<oneshot::Receiver<Drained>>,
    renew: mpsc::Sender<()>,
    readiness: Readiness,
    _owner: Option<Owner>,
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
    /// Compiles the components into the cache directory and does nothing else.
    pub fn prepare(options: Options) -> Result<(), Error> {
        options.check()?;
        let components = Components::of(&options)?;
        let workshop = Workshop::new(Arc::new(options))?;
        for (component, (_, version)) in components.list.iter().zip(compile(&workshop, &components)?) {
            tracing::info!(component = component.name, %version, "component compiled");
        }
        Ok(())
    }

    /// Compiles the components and starts to serve them. Blocks meanwhile, which takes seconds unless the
    /// compiled code is in the cache directory.
    pub fn start(options: Options, environment: GuestEnvironment) -> Result<Handle, Error> {
        options.check()?;
        let components = Components::of(&options)?;
        let sockets = listeners(&options)?;
        let options = Arc::new(options);
        let workshop = Workshop::new(Arc::clone(&options))?;
        let programs = compile(&workshop, &components)?;
        let (stop, stopped) = watch::channel(false);
        let mut registry = Registry::default();
        let metrics = Metrics::register(&mut registry);
        let counted: Vec<_> = components.list.iter().map(|c| metrics.component(&c.name)).collect();
        let (front, certificate) = front(&options, &metrics)?;
        let metrics_listener = options.entrance.metrics_listen.map(Owner::listen).transpose()?;
        let (mut shards, mut proposals) = (Vec::new(), Vec::new());
        let mut address = options.listen;
        for socket in sockets {
            address = local_address(&socket, options.listen)?;
            let (ready, serves) = mpsc::sync_channel(1);
            let (proposal, proposed) = tokio::sync::mpsc::channel(1);
            let shard = Shard {
                deployments: deployments(&components, &programs, &counted, &options, &environment)?,
                routes: components.routes.clone(),
                options: Arc::clone(&options),
                bodies: Bodies::new(options.max_buffered_bytes() as usize, options.body_timeout()),
                front: front.clone(),
                metrics: metrics.clone(),
                stop: stopped.clone(),
            };
            shards.push(shard.spawn(socket, proposed, ready)?);
            proposals.push(proposal);
            let died = || Error::Thread(std::io::Error::other("a shard died at its start"));
            serves.recv().map_err(|_| died())??;
        }
        let (renew, orders) = mpsc::channel();
        let mut keeper = Keeper::new(workshop, proposals);
        for ((component, (program, version)), counted) in components.list.iter().zip(&programs).zip(&counted)
        {
            let wasi = if program.shares_instances() { "0.3" } else { "0.2" };
            tracing::info!(component = component.name, %version, wasi, "component at work");
            let (environment, allowed) = surroundings(component, &options, &environment);
            warn_if_unreachable(&component.name, &allowed, &environment);
            keeper.watch(counted.clone(), &component.file, *version);
        }
        keeper.start(options.reload_every(), orders)?;
        let readiness = Readiness::new(counted);
        let (metrics, metrics_address) = metrics_listener.unzip();
        let shown = metrics.map(|listener| (listener, registry, readiness.clone()));
        let owner = Owner::start(shown, certificate, options.reload_every())?;
        let metrics = metrics_address.map(tracing::field::display);
        tracing::info!(%address, metrics, shards = shards.len(), "listening");
        let stop_delay = options.entrance.stop_delay();
        Ok(Handle { address, metrics_address, stop, stop_delay, shards, renew, readiness, _owner: owner })
    }
}

/// What the connections of visitors are like, and what keeps their certificate up to date.
fn front(options: &Options, metrics: &Metrics) -> Result<(Front, Option<TlsReload>), Error> {
    let entrance = &options.entrance;
    let head = options.header_timeout();
    let patience =
        Patience { opening: head, head, answer: options.write_timeout(), idle: entrance.idle_timeout() };
    let places = Arc::new(Semaphore::new(options.max_connections as usize));
    let mut front = Front::new(visitor::MAX_HEAD_BYTES, patience, places)
        .with_http2(MAX_HTTP2_HEAD_BYTES)
        .with_proxies(TrustedProxies::new(entrance.trusted_proxies.clone()))
        .with_metrics(metrics.front.clone());
    if let Some(most) = entrance.max_connections_per_address {
        front = front.with_address_limit(most);
    }
    let Some(files) = entrance.tls() else {
        return Ok((front, None));
    };
    let (tls, reload) = Tls::load(files, true)?;
    Ok((front.with_tls(tls), Some(reload)))
}

fn compile(workshop: &Workshop, components: &Components) -> Result<Vec<(Arc<Program>, Version)>, Error> {
    let compile = |component: &ComponentOptions| {
        let bytes = engine::read(&component.file)?;
        Ok((Arc::new(workshop.compile(&component.file, &bytes, Pace::Fast)?), Version::of(&bytes)))
    };
    components.list.iter().map(compile).collect()
}

/// What a component sees, and what it may reach.
fn surroundings(
    component: &ComponentOptions,
    options: &Options,
    environment: &GuestEnvironment,
) -> (GuestEnvironment, Vec<Origin>) {
    let environment = match &component.variables {
        Some(beginnings) => environment.only(beginnings),
        None => environment.clone(),
    };
    (environment, component.allow_outbound.as_ref().unwrap_or(&options.allow_outbound).clone())
}

/// What one shard has of each component.
fn deployments(
    components: &Components,
    programs: &[(Arc<Program>, Version)],
    counted: &[ComponentMetrics],
    options: &Options,
    environment: &GuestEnvironment,
) -> Result<Vec<Deployment>, Error> {
    let mut deployments = Vec::new();
    for ((component, (program, _)), metrics) in components.list.iter().zip(programs).zip(counted) {
        let (environment, allowed) = surroundings(component, options, environment);
        deployments.push(Deployment {
            component: component.clone(),
            environment,
            outbound: Outbound::new(&allowed, options, metrics.clone())?,
            metrics: metrics.clone(),
            program: Arc::clone(program),
        });
    }
    Ok(deployments)
}

/// Has a host look at its components' files.
#[derive(Clone, Debug)]
pub struct Reload(mpsc::Sender<()>);

impl Reload {
    /// Looks at once, in the background. A file that was of no use before is tried again.
    pub fn now(&self) {
        // Nobody hears it once the host has ended.
        let _ = self.0.send(());
    }
}

impl Handle {
    /// Where the host listens; the port is the real one if 0 was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where metrics are shown, if they are.
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics_address
    }

    /// What has the host look at its components' files.
    pub fn reloading(&self) -> Reload {
        Reload(self.renew.clone())
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
        self.readiness.withdraw();
        tracing::info!("stopping");
        tokio::time::sleep(self.stop_delay).await;
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
fn warn_if_unreachable(component: &str, allowed: &[Origin], environment: &GuestEnvironment) {
    let Some(url) = environment.get(REDIS_URL) else {
        return;
    };
    let origin = url.parse().ok().and_then(|uri| Origin::of(&uri));
    if let Some(origin) = origin
        && !allowed.contains(&origin)
    {
        tracing::warn!(
            component,
            %origin,
            "the component may not reach the origin of {REDIS_URL}; add it to --allow-outbound (EDGE_ALLOW_OUTBOUND)"
        );
    }
}
