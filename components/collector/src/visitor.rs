//! What a request's headers tell of its visitor, and how much of it is kept.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::RequestHead;

/// Kept with the request: what tells devices, languages, origins and privacy wishes. No cookies, no credentials.
const KEPT: [&str; 10] = [
    "accept-language",
    "dnt",
    "origin",
    "referer",
    "sec-ch-ua",
    "sec-ch-ua-mobile",
    "sec-ch-ua-platform",
    "sec-gpc",
    "user-agent",
    "x-timestamp",
];

/// Bytes kept of one value.
const MAX_VALUE_BYTES: usize = 1024;

/// The headers that are kept, values cut at [`MAX_VALUE_BYTES`].
pub(crate) fn kept_headers(head: &RequestHead) -> Vec<(String, String)> {
    KEPT.iter()
        .filter_map(|name| head.header(name).map(|value| ((*name).to_owned(), cut(value).to_owned())))
        .collect()
}

/// Whether the browser says that its user does not want to be tracked (`docs/protocol.md` §9.4).
pub(crate) fn opted_out(head: &RequestHead) -> bool {
    ["sec-gpc", "dnt"].iter().any(|name| head.header(name).is_some_and(|value| value.trim() == "1"))
}

/// Where the visitor's address is found, and how much of it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AddressRule {
    /// The header in which the host, or a proxy in front of it, puts the address; none: addresses are not kept.
    pub(crate) header: Option<String>,
    /// Which one, counted from the last: each trusted proxy appends the address that it saw, and clients can send the rest.
    pub(crate) hops: usize,
    /// How much of it is kept.
    pub(crate) keep: KeepAddress,
}

/// How much of an address is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeepAddress {
    Full,
    /// The first 24 bits of an IPv4 address, the first 48 of an IPv6 address; the rest is zero.
    Truncated,
    Nothing,
}

impl AddressRule {
    /// The visitor's address, as it may be kept. Anything that is no address is none.
    pub(crate) fn address(&self, head: &RequestHead) -> Option<String> {
        let header = self.header.as_deref().filter(|_| self.keep != KeepAddress::Nothing)?;
        let mut last_first = head
            .headers
            .iter()
            .rev()
            .filter(|(name, _)| name == header)
            .flat_map(|(_, value)| value.rsplit(','));
        let text = last_first.nth(self.hops - 1)?.trim();
        let address =
            text.parse::<IpAddr>().or_else(|_| text.parse::<SocketAddr>().map(|with_port| with_port.ip()));
        let address = address.ok()?.to_canonical();
        let kept = if self.keep == KeepAddress::Truncated { truncated(address) } else { address };
        Some(kept.to_string())
    }
}

fn truncated(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(address) => IpAddr::V4(Ipv4Addr::from_bits(address.to_bits() & (!0 << 8))),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (!0 << 80))),
    }
}

fn cut(value: &str) -> &str {
    value.get(..value.floor_char_boundary(MAX_VALUE_BYTES)).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::*;

    fn head(headers: &[(&str, &str)]) -> RequestHead {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        RequestHead::new(Method::POST, "/track", headers)
    }

    fn rule(hops: usize, keep: KeepAddress) -> AddressRule {
        AddressRule { header: Some("via".to_owned()), hops, keep }
    }

    #[test]
    fn only_the_address_of_the_trusted_hop_is_believed() {
        let address = |value: &str, hops: usize| {
            rule(hops, KeepAddress::Full).address(&head(&[("via", "1.1.1.1"), ("via", value)]))
        };
        assert_eq!(address("9.9.9.9, 203.0.113.7", 1).as_deref(), Some("203.0.113.7"));
        assert_eq!(address("9.9.9.9, 203.0.113.7", 2).as_deref(), Some("9.9.9.9"));
        assert_eq!(address("203.0.113.7", 2).as_deref(), Some("1.1.1.1"));
        assert_eq!(address("203.0.113.7", 3), None);
        assert_eq!(address("203.0.113.7:4711", 1).as_deref(), Some("203.0.113.7"));
        assert_eq!(address("[2001:db8::1]:80", 1).as_deref(), Some("2001:db8::1"));
        assert_eq!(address("unknown", 1), None);
        let none = AddressRule { header: None, hops: 1, keep: KeepAddress::Full };
        assert_eq!(none.address(&head(&[("via", "1.1.1.1")])), None);
    }

    #[test]
    fn addresses_are_kept_as_far_as_the_operator_wants() {
        let address = |value: &str, keep| rule(1, keep).address(&head(&[("via", value)]));
        assert_eq!(address("203.0.113.7", KeepAddress::Truncated).as_deref(), Some("203.0.113.0"));
        assert_eq!(address("::ffff:203.0.113.7", KeepAddress::Truncated).as_deref(), Some("203.0.113.0"));
        assert_eq!(address("2001:db8:1:2:3:4:5:6", KeepAddress::Truncated).as_deref(), Some("2001:db8:1::"));
        assert_eq!(address("203.0.113.7", KeepAddress::Nothing), None);
    }

    #[test]
    fn cookies_and_credentials_are_not_kept_and_long_values_are_cut() {
        let long = "ü".repeat(2000);
        let kept = kept_headers(&head(&[("cookie", "a=1"), ("authorization", "x"), ("user-agent", &long)]));
        assert_eq!(kept.len(), 1);
        assert_eq!(kept[0].1.len(), MAX_VALUE_BYTES);
    }

    #[test]
    fn an_opt_out_is_a_one_and_nothing_else() {
        assert!(opted_out(&head(&[("sec-gpc", "1")])));
        assert!(opted_out(&head(&[("dnt", "1")])));
        assert!(!opted_out(&head(&[("dnt", "0"), ("sec-gpc", "?0")])));
    }
}
