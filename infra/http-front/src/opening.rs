//! What precedes HTTP on a connection: the word of a proxy, the TLS handshake, and which HTTP it will be.

use std::io;
use std::net::SocketAddr;

use tokio::io::AsyncReadExt;
use tokio_rustls::TlsAcceptor;

use crate::crowd::Present;
use crate::front::Front;
use crate::proxies;
use crate::stream::{Plain, Stream};

/// What a client of HTTP/2 begins with (RFC 9113 §3.4).
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The client at the other end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its address, where a trusted proxy passes the connection on: the one that the proxy tells.
    pub address: SocketAddr,
    /// Whether the connection is encrypted up to us.
    pub encrypted: bool,
    /// Whether it speaks HTTP/2.
    pub http2: bool,
}

/// A connection on which a request may come.
pub(crate) struct Opened {
    pub(crate) stream: Stream,
    pub(crate) peer: Peer,
    /// Its place among the connections of its address.
    pub(crate) present: Option<Present>,
}

/// Why there will be no request.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Closed {
    #[error("its address has as many connections as it may have")]
    Crowd,
    #[error("the word of a proxy was expected: {0}")]
    Proxy(io::Error),
    #[error("the TLS handshake failed: {0}")]
    Tls(io::Error),
    #[error("it ended before it began: {0}")]
    Early(io::Error),
    #[error("it took too long to open")]
    Slow,
}

impl Closed {
    /// The reason's name in metrics.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Crowd => "address_limit",
            Self::Proxy(_) => "proxy_header",
            Self::Tls(_) => "tls",
            Self::Early(_) => "early_end",
            Self::Slow => "slow",
        }
    }
}

impl Front {
    /// Opens a connection; it is for the caller to end one that takes too long.
    pub(crate) async fn open(&self, mut stream: Plain, mut address: SocketAddr) -> Result<Opened, Closed> {
        if self.proxies.trust(address.ip()) {
            // In boxes, here and below: most connections need neither, and take no room for them.
            let told = Box::pin(proxies::client(&mut stream)).await;
            address = told.map_err(Closed::Proxy)?.unwrap_or(address);
        }
        let present = match &self.crowd {
            Some(crowd) => Some(crowd.enter(address.ip()).ok_or(Closed::Crowd)?),
            None => None,
        };
        let (stream, http2) = match &self.tls {
            Some(tls) => {
                let handshake = Box::pin(TlsAcceptor::from(tls.current()).accept(stream));
                let stream = handshake.await.map_err(Closed::Tls)?;
                let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
                (Stream::Encrypted(Box::new(stream)), http2)
            }
            None => {
                let http2 = self.http2.is_some() && begins_http2(&mut stream).await.map_err(Closed::Early)?;
                (Stream::Plain(stream), http2)
            }
        };
        let encrypted = matches!(stream, Stream::Encrypted(_));
        Ok(Opened { stream, peer: Peer { address, encrypted, http2 }, present })
    }
}

/// Whether the connection begins with the preface of HTTP/2; what was read to learn it is put back.
async fn begins_http2(stream: &mut Plain) -> io::Result<bool> {
    let (mut bytes, mut length) = ([0; PREFACE.len()], 0);
    loop {
        let free = bytes.get_mut(length..).unwrap_or_default();
        length += match stream.read(free).await? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => count,
        };
        let read = bytes.get(..length).unwrap_or_default();
        let may_be = PREFACE.starts_with(read);
        if !may_be || length == PREFACE.len() {
            stream.put_back(read);
            return Ok(may_be);
        }
    }
}
