//! What runs beside the shards for the host's owner, on a thread of its own so that a busy shard does not
//! keep it waiting: metrics and readiness, and a look at the certificate's files now and then.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use prometheus_client::registry::Registry;
use tideline_http_front::{TlsReload, serve_metrics_and_readiness};
use tokio::sync::oneshot;

use crate::Error;
use crate::metrics::ComponentMetrics;

/// Files are looked at this seldom where they are looked at on SIGHUP only.
const NEVER: Duration = Duration::from_secs(365 * 24 * 3600);

/// Whether requests are to be sent to this host.
#[derive(Clone)]
pub(crate) struct Readiness {
    wanted: Arc<AtomicBool>,
    components: Vec<ComponentMetrics>,
}

impl Readiness {
    pub(crate) fn new(components: Vec<ComponentMetrics>) -> Self {
        Self { wanted: Arc::new(AtomicBool::new(true)), components }
    }

    /// From now on none are.
    pub(crate) fn withdraw(&self) {
        self.wanted.store(false, Ordering::Relaxed);
    }

    fn ready(&self) -> bool {
        self.wanted.load(Ordering::Relaxed) && self.components.iter().all(ComponentMetrics::works)
    }
}

/// The thread; it ends when this is dropped.
pub(crate) struct Owner {
    _stop: oneshot::Sender<()>,
}

impl Owner {
    /// Binds the listener for metrics.
    pub(crate) fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), Error> {
        let bound = || {
            let listener = TcpListener::bind(address)?;
            listener.set_nonblocking(true)?;
            let address = listener.local_addr()?;
            io::Result::Ok((listener, address))
        };
        bound().map_err(|source| Error::MetricsListen { address, source })
    }

    /// Starts the thread, if there is anything to do for it.
    pub(crate) fn start(
        metrics: Option<(TcpListener, Registry, Readiness)>,
        certificate: Option<TlsReload>,
        look_every: Option<Duration>,
    ) -> Result<Option<Self>, Error> {
        if metrics.is_none() && certificate.is_none() {
            return Ok(None);
        }
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Error::Thread)?;
        let (stop, stopped) = oneshot::channel::<()>();
        let run = async move {
            if let Some(certificate) = certificate {
                tokio::spawn(certificate.run(look_every.unwrap_or(NEVER)));
            }
            if let Some((listener, registry, readiness)) = metrics {
                match tokio::net::TcpListener::from_std(listener) {
                    Ok(listener) => {
                        tokio::spawn(serve_metrics_and_readiness(listener, registry, move || {
                            readiness.ready()
                        }));
                    }
                    Err(error) => tracing::error!(%error, "metrics cannot be shown"),
                }
            }
            // Resolves when the owner is dropped: nothing is ever sent.
            let _ = stopped.await;
        };
        std::thread::Builder::new()
            .name("owner".into())
            .spawn(move || runtime.block_on(run))
            .map_err(Error::Thread)?;
        Ok(Some(Self { _stop: stop }))
    }
}
