//! Which port each part listens on, always on loopback.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use anyhow::{Context as _, Result, bail};

/// The ports of one running Tideline.
#[derive(Clone, Copy, Debug)]
pub struct Ports {
    /// The public edge.
    pub edge: u16,
    /// The private service: API and GUI.
    pub service: u16,
    /// The demo site.
    pub demo: u16,
    /// Redis over HTTP.
    pub gateway: u16,
    /// Redis.
    pub redis: u16,
}

impl Default for Ports {
    fn default() -> Self {
        Self { edge: 8585, service: 8686, demo: 8787, gateway: 8079, redis: 8078 }
    }
}

impl Ports {
    /// Five ports from `base` on.
    ///
    /// # Errors
    /// They do not fit below 65536.
    pub fn from_base(base: u16) -> Result<Self> {
        if base == 0 || base.checked_add(4).is_none() {
            bail!("--port-base {base}: use 1 to 65531");
        }
        Ok(Self { edge: base, service: base + 1, demo: base + 2, gateway: base + 3, redis: base + 4 })
    }

    /// Five ports that nobody listens on now.
    ///
    /// # Errors
    /// The system has none.
    pub fn free() -> Result<Self> {
        let listeners = (0..5).map(|_| TcpListener::bind(at(0))).collect::<Result<Vec<_>, _>>()?;
        let ports =
            listeners.iter().map(|listener| Ok(listener.local_addr()?.port())).collect::<Result<Vec<_>>>()?;
        let [edge, service, demo, gateway, redis] = ports.try_into().ok().context("five ports")?;
        Ok(Self { edge, service, demo, gateway, redis })
    }

    /// Checks that all are free.
    ///
    /// # Errors
    /// One is taken: says which, and what to do.
    pub fn check_free(&self) -> Result<()> {
        let named = [
            ("edge", self.edge),
            ("service", self.service),
            ("demo site", self.demo),
            ("gateway", self.gateway),
            ("Redis", self.redis),
        ];
        for (part, port) in named {
            TcpListener::bind(at(port)).with_context(|| {
                format!(
                    "port {port} for the {part} is taken: stop what listens there (another `cargo xtask up`?), \
                     or use other ports with --port-base"
                )
            })?;
        }
        Ok(())
    }
}

/// A loopback address.
#[must_use]
pub fn at(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}
