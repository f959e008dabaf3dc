//! Which of a request's headers are kept, and where the visitor's address is.

use std::net::{IpAddr, SocketAddr};

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
pub(crate) fn kept(head: &RequestHead) -> Vec<(String, String)> {
    KEPT.iter()
        .filter_map(|name| head.header(name).map(|value| ((*name).to_owned(), cut(value).to_owned())))
        .collect()
}

/// The visitor's address: the last one in the last header of this name, which is the one that the
/// trusted host or proxy added. Anything that is no address is none.
pub(crate) fn client_address(head: &RequestHead, header: Option<&str>) -> Option<String> {
    let value = head.last_header(header?)?;
    let last = value.rsplit(',').next()?.trim();
    let address =
        last.parse::<IpAddr>().or_else(|_| last.parse::<SocketAddr>().map(|with_port| with_port.ip()));
    address.ok().map(|address| address.to_canonical().to_string())
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

    #[test]
    fn only_the_last_address_is_believed() {
        let address = |value: &str| client_address(&head(&[("via", "1.1.1.1"), ("via", value)]), Some("via"));
        assert_eq!(address("9.9.9.9, 203.0.113.7").as_deref(), Some("203.0.113.7"));
        assert_eq!(address("203.0.113.7:4711").as_deref(), Some("203.0.113.7"));
        assert_eq!(address("[2001:db8::1]:80").as_deref(), Some("2001:db8::1"));
        assert_eq!(address("unknown"), None);
        assert_eq!(client_address(&head(&[("via", "1.1.1.1")]), None), None);
    }

    #[test]
    fn cookies_and_credentials_are_not_kept_and_long_values_are_cut() {
        let long = "ü".repeat(2000);
        let kept = kept(&head(&[("cookie", "a=1"), ("authorization", "x"), ("user-agent", &long)]));
        assert_eq!(kept.len(), 1);
        assert_eq!(kept[0].1.len(), MAX_VALUE_BYTES);
    }
}
