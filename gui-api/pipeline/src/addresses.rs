//! How much of visitors' addresses is kept in what is stored.
//!
//! What the edge drops never comes here. This is for those who want to know where a visitor is, and not who.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use serde_json::Value;
use tideline_model::Properties;

/// How much of an address is kept when it has been looked up where it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Addresses {
    /// All that the edge has kept.
    #[default]
    Full,
    /// The first 24 bits of an IPv4 address, the first 48 of an IPv6 address; the rest is zero.
    Truncated,
    /// Nothing.
    Dropped,
}

/// Headers in which proxies and servers tell a visitor's address.
const HEADERS: [&str; 9] = [
    "cf-connecting-ip",
    "client-ip",
    "fly-client-ip",
    "forwarded",
    "tideline-client-address",
    "true-client-ip",
    "x-client-ip",
    "x-forwarded-for",
    "x-real-ip",
];

/// The member of a context in which sites tell it.
const IN_CONTEXT: &str = "ip";

impl Addresses {
    /// As much of it as is kept. Of what is no address nothing is, unless all is kept.
    pub(crate) fn kept(self, text: &str) -> Option<String> {
        match self {
            Self::Full => Some(text.to_owned()),
            Self::Truncated => Some(truncated(read(text)?).to_string()),
            Self::Dropped => None,
        }
    }

    /// Leaves in the headers what is kept.
    pub(crate) fn keep_in_headers(self, headers: &mut BTreeMap<String, String>) {
        if self == Self::Full {
            return;
        }
        for name in HEADERS {
            let Some(value) = headers.remove(name) else { continue };
            let kept: Vec<String> = value.split(',').filter_map(|address| self.kept(address)).collect();
            if !kept.is_empty() {
                headers.insert(name.to_owned(), kept.join(", "));
            }
        }
    }

    /// Leaves in the context what is kept.
    pub(crate) fn keep_in_context(self, context: &mut Properties) {
        if self == Self::Full {
            return;
        }
        if let Some(said) = context.remove(IN_CONTEXT)
            && let Some(kept) = said.as_str().and_then(|said| self.kept(said))
        {
            context.insert(IN_CONTEXT.to_owned(), Value::String(kept));
        }
    }
}

/// The address that this text is, with or without a port.
pub(crate) fn read(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let address = text.parse::<IpAddr>().ok();
    address.or_else(|| Some(text.parse::<SocketAddr>().ok()?.ip())).map(|address| address.to_canonical())
}

fn truncated(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(address) => IpAddr::V4(Ipv4Addr::from_bits(address.to_bits() & (!0 << 8))),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (!0 << 80))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_address_is_kept_as_far_as_is_wanted() {
        let table = [
            ("203.0.113.7", "203.0.113.0"),
            (" 203.0.113.7:4711", "203.0.113.0"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1::"),
            ("::ffff:203.0.113.7", "203.0.113.0"),
        ];
        for (address, truncated) in table {
            assert_eq!(Addresses::Full.kept(address).as_deref(), Some(address));
            assert_eq!(Addresses::Truncated.kept(address).as_deref(), Some(truncated));
            assert_eq!(Addresses::Dropped.kept(address), None);
        }
        assert_eq!(Addresses::Truncated.kept("the same as yesterday"), None);
    }

    #[test]
    fn headers_and_contexts_tell_no_more() {
        let headers = || {
            let sent =
                [("x-forwarded-for", "203.0.113.7, unknown, 198.51.100.9"), ("origin", "https://a.example")];
            BTreeMap::from(sent.map(|(name, value)| (name.to_owned(), value.to_owned())))
        };
        let context = || match json!({"ip": "203.0.113.7", "page": {"ip": "a page"}}) {
            Value::Object(context) => context,
            other => panic!("{other}"),
        };
        let kept = |addresses: Addresses| {
            let (mut headers, mut context) = (headers(), context());
            addresses.keep_in_headers(&mut headers);
            addresses.keep_in_context(&mut context);
            (
                headers.get("x-forwarded-for").cloned(),
                context.get("ip").cloned(),
                headers.len() + context.len(),
            )
        };
        let all = ("203.0.113.7, unknown, 198.51.100.9".to_owned(), json!("203.0.113.7"));
        assert_eq!(kept(Addresses::Full), (Some(all.0), Some(all.1), 4));
        let part = ("203.0.113.0, 198.51.100.0".to_owned(), json!("203.0.113.0"));
        assert_eq!(kept(Addresses::Truncated), (Some(part.0), Some(part.1), 4));
        assert_eq!(kept(Addresses::Dropped), (None, None, 2));
    }
}
