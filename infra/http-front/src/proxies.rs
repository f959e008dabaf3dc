//! What a proxy in front of us says of the client whose connection it passes on: the PROXY protocol, versions
//! 1 and 2 (<https://www.haproxy.org/download/2.8/doc/proxy-protocol.txt>).
//!
//! Only from trusted proxies is the header read, and from them it has to come: to guess whether there is
//! one would let a client claim any address. What the header means is for `proxy-header`.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use ipnet::IpNet;
use proxy_header::{Error, ParseConfig, ProxyHeader};
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::prefixed::Prefixed;

/// Most bytes of a header: its addresses, and what else a proxy may say.
const MAX_HEADER_BYTES: usize = 4096;

/// The networks of the proxies whose word on a client's address counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<Network>);

/// An address, or a network: `address/bits`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network(IpNet);

/// A text that is no network.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is neither an address nor a network: write for example 10.0.0.7 or 10.0.0.0/8")]
pub struct NetworkError(String);

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let network = text.trim().parse().or_else(|_| text.trim().parse::<IpAddr>().map(IpNet::from));
        network.map(Self).map_err(|_| NetworkError(text.to_owned()))
    }
}

impl TrustedProxies {
    /// Trusts the proxies of these networks.
    #[must_use]
    pub fn new(networks: Vec<Network>) -> Self {
        Self(networks)
    }

    pub(crate) fn trust(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|Network(network)| network.contains(&address))
    }
}

/// Reads the header at the start of a connection. The client's address, or `None` if the proxy speaks
/// for itself, as it does to ask whether we are well.
pub(crate) async fn client<S>(stream: &mut Prefixed<S>) -> io::Result<Option<SocketAddr>>
where
    S: AsyncRead + Unpin,
{
    let (mut bytes, mut length) = ([0; MAX_HEADER_BYTES], 0);
    loop {
        let free = bytes.get_mut(length..).filter(|free| !free.is_empty()).ok_or_else(invalid)?;
        match stream.read(free).await? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => length += count,
        }
        let read = bytes.get(..length).unwrap_or_default();
        if let Some((client, used)) = parse(read).map_err(|_| invalid())? {
            stream.put_back(read.get(used..).unwrap_or_default());
            return Ok(client);
        }
    }
}

fn invalid() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "no PROXY header where a trusted proxy has to send one")
}

/// The client's address, if it is told, and the length of the header; nothing while the header is not
/// complete.
#[doc(hidden)]
pub fn parse(bytes: &[u8]) -> Result<Option<(Option<SocketAddr>, usize)>, Error> {
    let config = ParseConfig { include_tlvs: false, ..ParseConfig::default() };
    match ProxyHeader::parse(bytes, config) {
        Ok((header, used)) => Ok(Some((header.proxied_address().map(|proxied| proxied.source), used))),
        Err(Error::BufferTooShort) => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const V2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0f\xcb\x00\x71\x07\x0a\x00\x00\x01\x1f\x90\x01\xbb\x04\x00\x00GET /";
    const V2_LOCAL: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x20\x00\x00\x00GET /";

    #[tokio::test]
    async fn the_header_is_read_however_it_is_cut_and_nothing_behind_it() {
        let told = |text: &str| Some(text.parse::<SocketAddr>().unwrap());
        let table: [(&[u8], Option<SocketAddr>); 5] = [
            (b"PROXY TCP4 203.0.113.7 10.0.0.1 8080 443\r\nGET /", told("203.0.113.7:8080")),
            (b"PROXY TCP6 2001:db8::7 2001:db8::1 8080 443\r\nGET /", told("[2001:db8::7]:8080")),
            (b"PROXY UNKNOWN\r\nGET /", None),
            (V2, told("203.0.113.7:8080")),
            (V2_LOCAL, None),
        ];
        for (bytes, expected) in table {
            for cut in 0..bytes.len() {
                let (first, rest) = bytes.split_at(cut);
                let mut stream = Prefixed::new(first.chain(rest));
                assert_eq!(client(&mut stream).await.unwrap(), expected, "cut at {cut}");
                let mut behind = Vec::new();
                stream.read_to_end(&mut behind).await.unwrap();
                assert_eq!(behind, b"GET /", "cut at {cut}");
            }
        }
    }

    #[tokio::test]
    async fn what_is_no_header_is_refused() {
        let long = [&b"\r\n\r\n\0\r\nQUIT\n\x21\x11\xff\xff"[..], &[0; 8000]].concat();
        let table: [&[u8]; 5] = [
            b"GET / HTTP/1.1\r\nhost: shop.example\r\n\r\n",
            b"PROXY TCP4 203.0.113.7",
            b"PROXY TCP4 somebody 10.0.0.1 8080 443\r\n",
            b"",
            &long,
        ];
        for mut bytes in table {
            assert!(client(&mut Prefixed::new(&mut bytes)).await.is_err());
        }
    }

    #[test]
    fn networks_and_addresses_are_trusted_in_any_form() {
        let networks = ["10.0.0.0/8", "192.0.2.1", "2001:db8::/32"];
        let networks = networks.map(|text| text.parse().unwrap());
        let trusted = TrustedProxies::new(networks.to_vec());
        for (address, expected) in [
            ("10.1.2.3", true),
            ("::ffff:10.1.2.3", true),
            ("192.0.2.1", true),
            ("2001:db8::9", true),
            ("192.0.2.2", false),
            ("2001:db9::9", false),
        ] {
            assert_eq!(trusted.trust(address.parse().unwrap()), expected, "{address}");
        }
        assert!(!TrustedProxies::default().trust("127.0.0.1".parse().unwrap()));
        assert!("10.0.0.0/33".parse::<Network>().is_err());
    }
}
