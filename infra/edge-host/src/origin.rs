//! Origins: what an outgoing request may be addressed to. Two origins are the same only if scheme, host
//! and port are; there are no wildcards, so that the list says exactly whom the component can reach.

use std::collections::HashSet;
use std::fmt;
use std::str::FromStr;

use http::Uri;
use http::uri::Scheme;

/// `scheme://host:port` of an HTTP server, in lower case and with the port spelt out.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Origin {
    scheme: Scheme,
    host: String,
    port: u16,
}

impl Origin {
    /// The origin of an absolute URI; `None` if it has no host or is neither http nor https.
    pub fn of(uri: &Uri) -> Option<Self> {
        let scheme = uri.scheme()?;
        let standard_port = match scheme.as_str() {
            "http" => 80,
            "https" => 443,
            _ => return None,
        };
        let host = uri.host().filter(|host| !host.is_empty())?;
        Some(Self {
            scheme: scheme.clone(),
            host: host.to_ascii_lowercase(),
            port: uri.port_u16().unwrap_or(standard_port),
        })
    }

    /// Whether requests to it are encrypted.
    pub fn is_https(&self) -> bool {
        self.scheme == Scheme::HTTPS
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}:{}", self.scheme, self.host, self.port)
    }
}

impl FromStr for Origin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wanted = || {
            format!(
                "{text:?} is not an origin; write scheme://host:port, for example http://127.0.0.1:8079 or https://redis.example.com"
            )
        };
        let uri: Uri = text.parse().map_err(|_| wanted())?;
        let origin = Self::of(&uri).ok_or_else(wanted)?;
        let credentials = uri.authority().is_some_and(|a| a.as_str().contains('@'));
        if uri.path() != "/" || uri.query().is_some() || credentials || text.contains('*') {
            return Err(wanted());
        }
        Ok(origin)
    }
}

/// The origins that outgoing requests may go to.
#[derive(Clone, Debug, Default)]
pub(crate) struct AllowList(HashSet<Origin>);

impl AllowList {
    /// Whether a request to `uri` may leave.
    pub(crate) fn allows(&self, uri: &Uri) -> bool {
        // Credentials in an address would be a way to hide the host from a reader of the logs.
        let credentials = uri.authority().is_some_and(|a| a.as_str().contains('@'));
        !credentials && Origin::of(uri).is_some_and(|origin| self.0.contains(&origin))
    }

    /// Whether any origin on the list is encrypted.
    pub(crate) fn has_https(&self) -> bool {
        self.0.iter().any(Origin::is_https)
    }
}

impl FromIterator<Origin> for AllowList {
    fn from_iter<I: IntoIterator<Item = Origin>>(origins: I) -> Self {
        Self(origins.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_exact_origin_is_allowed() {
        let list: AllowList = ["http://127.0.0.1:8079", "https://Redis.example.com"]
            .map(|origin| origin.parse().unwrap())
            .into_iter()
            .collect();
        let table = [
            ("http://127.0.0.1:8079/pipeline?x=1", true),
            ("https://redis.example.com/", true),
            ("https://REDIS.example.com:443/", true),
            ("http://127.0.0.1/", false),
            ("https://127.0.0.1:8079/", false),
            ("http://redis.example.com/", false),
            ("https://redis.example.com.evil.test/", false),
            ("https://a.redis.example.com/", false),
            ("https://user@redis.example.com/", false),
            ("/pipeline", false),
        ];
        for (uri, allowed) in table {
            assert_eq!(list.allows(&uri.parse().unwrap()), allowed, "{uri}");
        }
    }

    #[test]
    fn what_is_not_an_origin_is_refused_with_an_example() {
        for text in [
            "",
            "127.0.0.1:8079",
            "ftp://a:21",
            "http://",
            "http://a/path",
            "http://a?q",
            "http://user:secret@a",
            "https://*.example.com",
        ] {
            let error = text.parse::<Origin>().unwrap_err();
            assert!(error.contains("http://127.0.0.1:8079"), "{text}: {error}");
        }
    }

    #[test]
    fn an_origin_is_written_with_its_port() {
        let origin: Origin = "https://Redis.Example.com".parse().unwrap();
        assert_eq!(origin.to_string(), "https://redis.example.com:443");
        let origin: Origin = "http://[::1]:80/".parse().unwrap();
        assert_eq!(origin.to_string(), "http://[::1]:80");
    }
}
