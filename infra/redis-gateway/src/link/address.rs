//! Where Redis is and as whom we speak to it, from one URL.
//!
//! The URL carries the password: no message, log line or `Debug` text shows any part of it but the
//! host and port, or the path of the socket.

use std::fmt;
use std::path::PathBuf;

use percent_encoding::percent_decode_str;
use url::Url;

const DEFAULT_PORT: u16 = 6379;

/// Why a Redis URL cannot be used. The texts show nothing of the URL: it may hold a password.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum AddressError {
    /// Not a URL at all.
    #[error(
        "the redis URL cannot be read: {0}; write redis://user:password@host:6379, special characters in the password as %XX"
    )]
    Syntax(#[from] url::ParseError),
    /// A scheme that the gateway does not speak.
    #[error(
        "the redis URL has a scheme that is not served: use redis://user:password@host:6379 or unix:///path/to/redis.sock?user=..&pass=.., and a tunnel for TLS"
    )]
    Scheme,
    /// `redis://` without a host.
    #[error("the redis URL names no host: write redis://user:password@host:6379")]
    NoHost,
    /// `unix://` without a path, or with a host.
    #[error("the redis URL names no absolute socket path: write unix:///path/to/redis.sock")]
    NoSocket,
    /// The database is no number.
    #[error("the database in the redis URL is not a number: write redis://host:6379/0")]
    Database,
    /// A user or password that is not UTF-8 when decoded.
    #[error("the user or password in the redis URL is not UTF-8 after decoding its %XX")]
    Encoding,
    /// A parameter that means nothing.
    #[error("the redis URL has a parameter that is not known: only unix:// takes user, pass and db")]
    Parameter,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Endpoint {
    Tcp { host: String, port: u16 },
    Unix(PathBuf),
}

/// Address and credentials of the Redis behind the gateway.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisAddress {
    pub(super) endpoint: Endpoint,
    pub(super) user: Option<String>,
    pub(super) password: Option<String>,
    pub(super) database: u32,
}

impl fmt::Display for RedisAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.endpoint {
            Endpoint::Tcp { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Endpoint::Tcp { host, port } => write!(f, "{host}:{port}"),
            Endpoint::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

impl fmt::Debug for RedisAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RedisAddress({self})")
    }
}

impl RedisAddress {
    /// Reads `redis://[user[:password]@]host[:port][/db]` or
    /// `unix:///path[?user=..&pass=..&db=..]` (also written `redis+unix://`).
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let url = Url::parse(text.trim())?;
        match url.scheme() {
            "redis" => tcp(&url),
            "unix" | "redis+unix" => unix(&url),
            _ => Err(AddressError::Scheme),
        }
    }
}

fn tcp(url: &Url) -> Result<RedisAddress, AddressError> {
    if url.query().is_some() || url.fragment().is_some() {
        return Err(AddressError::Parameter);
    }
    let host = url.host_str().filter(|host| !host.is_empty()).ok_or(AddressError::NoHost)?;
    // The brackets of an IPv6 literal belong to the URL, not to the address.
    let host = host.trim_matches(['[', ']']).to_owned();
    let database = match url.path().trim_matches('/') {
        "" => 0,
        digits => digits.parse().map_err(|_| AddressError::Database)?,
    };
    Ok(RedisAddress {
        endpoint: Endpoint::Tcp { host, port: url.port().unwrap_or(DEFAULT_PORT) },
        user: Some(decoded(url.username())?).filter(|user| !user.is_empty()),
        password: url.password().map(decoded).transpose()?,
        database,
    })
}

fn unix(url: &Url) -> Result<RedisAddress, AddressError> {
    let path = decoded(url.path())?;
    if !path.starts_with('/') || path.len() < 2 || url.host_str().is_some_and(|host| !host.is_empty()) {
        return Err(AddressError::NoSocket);
    }
    let mut address = RedisAddress {
        endpoint: Endpoint::Unix(PathBuf::from(path)),
        user: None,
        password: None,
        database: 0,
    };
    for pair in url.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').ok_or(AddressError::Parameter)?;
        match key {
            "user" => address.user = Some(decoded(value)?),
            "pass" => address.password = Some(decoded(value)?),
            "db" => address.database = value.parse().map_err(|_| AddressError::Database)?,
            _ => return Err(AddressError::Parameter),
        }
    }
    Ok(address)
}

fn decoded(text: &str) -> Result<String, AddressError> {
    Ok(percent_decode_str(text).decode_utf8().map_err(|_| AddressError::Encoding)?.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(url: &str) -> (String, Option<String>, Option<String>, u32) {
        let address = RedisAddress::parse(url).unwrap();
        (address.to_string(), address.user, address.password, address.database)
    }

    #[test]
    fn urls_in_use_are_understood() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(parts("redis://h"), ("h:6379".to_owned(), None, None, 0));
        assert_eq!(
            parts("redis://edge:p%40ss%2F@10.0.0.1:7000/3\n"),
            ("10.0.0.1:7000".to_owned(), some("edge"), some("p@ss/"), 3)
        );
        assert_eq!(parts("redis://:only@[::1]:1/"), ("[::1]:1".to_owned(), None, some("only"), 0));
        assert_eq!(parts("unix:///run/redis.sock"), ("unix:/run/redis.sock".to_owned(), None, None, 0));
        assert_eq!(
            parts("redis+unix:///run/a%20b.sock?user=edge&pass=a+b%26c&db=2"),
            ("unix:/run/a b.sock".to_owned(), some("edge"), some("a+b&c"), 2)
        );
    }

    #[test]
    fn a_bad_url_is_refused_without_showing_it() {
        let table = [
            ("", AddressError::Syntax(url::ParseError::RelativeUrlWithoutBase)),
            ("redis://u:hidden@h:99999", AddressError::Syntax(url::ParseError::InvalidPort)),
            ("rediss://u:hidden@h", AddressError::Scheme),
            ("http://u:hidden@h", AddressError::Scheme),
            ("redis:///1", AddressError::NoHost),
            ("redis://u:hidden@h/x", AddressError::Database),
            ("redis://u:hidden@h?db=1", AddressError::Parameter),
            ("redis://u:%ff@h", AddressError::Encoding),
            ("unix://run/redis.sock", AddressError::NoSocket),
            ("unix:///", AddressError::NoSocket),
            ("unix:///s?password=hidden", AddressError::Parameter),
        ];
        for (url, expected) in table {
            let error = RedisAddress::parse(url).unwrap_err();
            assert_eq!(error, expected, "{url}");
            assert!(!error.to_string().contains("hidden"), "{error}");
        }
    }

    #[test]
    fn debug_and_display_hide_user_and_password() {
        let address = RedisAddress::parse("redis://somebody:hidden@h:1/2").unwrap();
        let shown = format!("{address:?} {address}");
        assert_eq!(shown, "RedisAddress(h:1) h:1");
    }
}
