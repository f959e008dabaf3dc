//! The gateway as a whole: started with options, stopped through its handle.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::registry::Registry;
use tideline_http_front::{Tls, TlsError, serve_metrics};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;

use crate::http::{Entry, Service, serve};
use crate::link::{Link, LinkOptions, StreamOptions, Streams};
use crate::metrics::Metrics;
use crate::options::Options;

/// How long the link may take to end when nobody can use it any more.
const LINK_END: Duration = Duration::from_millis(500);

/// Why the gateway did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address is taken, or not ours.
    #[error("cannot listen on {address}: {source}; choose another address with {variable}")]
    Listen {
        /// The address that was asked for.
        address: SocketAddr,
        /// The variable that names it.
        variable: &'static str,
        /// What the system says.
        source: io::Error,
    },
    /// The certificate cannot be used.
    #[error("the gateway cannot serve TLS: {0}")]
    Tls(#[from] TlsError),
}

/// The gateway. Start it with [`Gateway::start`].
#[derive(Debug)]
pub struct Gateway;

/// A running gateway. It runs until [`Handle::shutdown`]; dropping the handle stops it without grace.
#[derive(Debug)]
#[must_use = "the gateway stops when its handle is dropped"]
pub struct Handle {
    /// Where it serves: with the real port when port 0 was asked for.
    pub address: SocketAddr,
    /// Where it shows its metrics, if it does.
    pub metrics_address: Option<SocketAddr>,
    stop: watch::Sender<()>,
    server: JoinHandle<()>,
    link: JoinHandle<()>,
    /// What goes on beside requests; it ends with the handle.
    _beside: JoinSet<()>,
}

impl Gateway {
    /// Starts to serve. Redis need not be there: requests are answered with 503 until it is.
    pub async fn start(options: Options) -> Result<Handle, StartError> {
        let Options { listen, redis, tokens, entrance, protocol, limits } = options;
        let (listener, address) = bind(listen, "GATEWAY_LISTEN").await?;
        let (mut beside, mut registry) = (JoinSet::new(), Registry::default());
        let metrics = Metrics::register(&mut registry);
        let (tokens, reload) = tokens.follow(entrance.reload(), metrics.reloads.clone());
        beside.spawn(reload);
        let mut tls = None;
        if let Some(files) = entrance.tls() {
            let (loaded, reload) = Tls::load(files, true)?;
            beside.spawn(reload.run(entrance.reload()));
            tls = Some(loaded);
        }
        let mut metrics_address = None;
        if let Some(listen) = entrance.metrics_listen {
            let (listener, address) = bind(listen, "GATEWAY_METRICS_LISTEN").await?;
            metrics_address = Some(address);
            beside.spawn(async { match serve_metrics(listener, registry).await {} });
            tracing::info!(%address, "showing metrics");
        }

        let connect_timeout = Duration::from_millis(limits.connect_timeout_ms);
        let (stop, stopped) = watch::channel(());
        let streams = StreamOptions {
            address: redis.clone(),
            connect_timeout,
            max_streams: protocol.max_streams,
            max_buffer_bytes: protocol.max_stream_buffer_bytes,
        };
        let streams = Streams::new(streams, stopped.clone());
        let (link, link_task) = Link::start(LinkOptions {
            address: redis,
            connect_timeout,
            stall_timeout: limits.command_timeout(),
            max_bulk_bytes: limits.max_answer_bytes,
            queue: limits.max_in_flight.saturating_add(Service::PROBES),
            metrics: metrics.link.clone(),
        });
        let entry = Entry::new(&entrance, &limits, tls, metrics.front.clone());
        let service = Service::new(tokens, &entrance, &protocol, limits, link, streams, metrics);
        let server = tokio::spawn(serve(listener, entry, Arc::new(service), stopped));
        tracing::info!(%address, "listening");
        Ok(Handle { address, metrics_address, stop, server, link: link_task, _beside: beside })
    }
}

async fn bind(address: SocketAddr, variable: &'static str) -> Result<(TcpListener, SocketAddr), StartError> {
    let failed = |source| StartError::Listen { address, variable, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}

impl Handle {
    /// Accepts no more connections, lets requests in flight finish for as long as the drain time
    /// says, and returns when everything has ended.
    pub async fn shutdown(mut self) {
        tracing::info!("stopping: requests in flight may finish");
        // The server may have ended already: then there is nobody to tell.
        let _ = self.stop.send(());
        let _ = (&mut self.server).await;
        if timeout(LINK_END, &mut self.link).await.is_err() {
            tracing::warn!(
                "the link to redis did not end in time and is cut: requests that were given up may still be executed"
            );
        }
        tracing::info!("stopped");
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.server.abort();
        self.link.abort();
    }
}
