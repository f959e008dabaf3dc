//! Where Redis is and as whom we speak to it, from one URL.
//!
//! The URL carries the password: no message, log line or `Debug` text shows any part of it but hosts and
//! ports, the name of a master, or the path of the socket.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use percent_encoding::percent_decode_str;
use url::Url;

use super::encryption::{Encryption, EncryptionError, RedisTls};

const REDIS_PORT: u16 = 6379;
const SENTINEL_PORT: u16 = 26379;

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
        "the redis URL has a scheme that is not served: use redis://, redis+sentinel:// or redis+cluster://, the same with rediss for TLS, or unix:///path/to/redis.sock?user=..&pass=.."
    )]
    Scheme,
    /// `redis://` without a host.
    #[error("the redis URL names no host: write redis://user:password@host:6379")]
    NoHost,
    /// `unix://` without a path, or with a host.
    #[error("the redis URL names no absolute socket path: write unix:///path/to/redis.sock")]
    NoSocket,
    /// `redis+sentinel://` without a path.
    #[error("the redis URL names no master: write redis+sentinel://user:password@sentinel:26379/mymaster")]
    NoMaster,
    /// The database is no number.
    #[error("the database in the redis URL is not a number: write redis://host:6379/0")]
    Database,
    /// A cluster has but one.
    #[error("the redis URL names a database, and a cluster has none: write redis+cluster://host:6379")]
    ClusterDatabase,
    /// A user or password that is not UTF-8 when decoded.
    #[error("the user or password in the redis URL is not UTF-8 after decoding its %XX")]
    Encoding,
    /// A parameter that means nothing.
    #[error(
        "the redis URL has a parameter that is not known: unix:// takes user, pass and db, redis+sentinel:// takes sentinel_user and sentinel_pass"
    )]
    Parameter,
    /// Certificates without TLS.
    #[error(
        "a certificate file for redis is given, and the redis URL asks for no TLS: write rediss in place of redis"
    )]
    NotEncrypted,
}

/// One Redis, or one sentinel.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Endpoint {
    Tcp { host: String, port: u16 },
    Unix(PathBuf),
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Endpoint::Tcp { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Endpoint::Tcp { host, port } => write!(f, "{host}:{port}"),
            Endpoint::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// As whom we speak.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Login {
    pub(super) user: Option<String>,
    pub(super) password: Option<String>,
    pub(super) database: u32,
}

/// Which of several servers is meant.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Upstream {
    /// This one.
    One(Endpoint),
    /// The one that these sentinels name.
    Sentinel { sentinels: Vec<Endpoint>, master: String, login: Login },
    /// Each for its slots; these know the others.
    Cluster(Vec<Endpoint>),
}

/// Address and credentials of the Redis behind the gateway.
#[derive(Clone)]
pub struct RedisAddress {
    pub(super) upstream: Upstream,
    pub(super) login: Login,
    /// What every connection is encrypted with, if any is.
    pub(super) encryption: Option<Arc<Encryption>>,
    encrypted: bool,
}

impl fmt::Display for RedisAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.upstream {
            Upstream::One(endpoint) => endpoint.fmt(f),
            Upstream::Sentinel { sentinels, master, .. } => write!(f, "{master} of {}", Joined(sentinels)),
            Upstream::Cluster(seeds) => write!(f, "cluster of {}", Joined(seeds)),
        }
    }
}

struct Joined<'a>(&'a [Endpoint]);

impl fmt::Display for Joined<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, endpoint) in self.0.iter().enumerate() {
            let separator = if position == 0 { "" } else { "," };
            write!(f, "{separator}{endpoint}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for RedisAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RedisAddress({self})")
    }
}

impl RedisAddress {
    /// Reads a URL: one of
    /// - `redis://[user[:password]@]host[:port][/db]`
    /// - `unix:///path[?user=..&pass=..&db=..]` (also written `redis+unix://`)
    /// - `redis+sentinel://[user[:password]@]sentinel[:port],../master[/db][?sentinel_user=..&sentinel_pass=..]`
    /// - `redis+cluster://[user[:password]@]node[:port],..`
    ///
    /// and with `rediss` in place of `redis` the same over TLS.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let (scheme, rest) = text.trim().split_once("://").ok_or(url::ParseError::RelativeUrlWithoutBase)?;
        let scheme = scheme.to_ascii_lowercase();
        let encrypted = scheme.starts_with("rediss");
        let (upstream, login) = match scheme.as_str() {
            "redis" | "rediss" => one(&Url::parse(&format!("redis://{rest}"))?)?,
            "unix" | "redis+unix" => unix(&Url::parse(&format!("unix://{rest}"))?)?,
            "redis+sentinel" | "rediss+sentinel" => sentinel(rest)?,
            "redis+cluster" | "rediss+cluster" => cluster(rest)?,
            _ => return Err(AddressError::Scheme),
        };
        Ok(RedisAddress { upstream, login, encryption: None, encrypted })
    }

    /// The same address with what its encryption needs, if it has any.
    ///
    /// # Errors
    /// The files cannot be used, or are given for nothing.
    pub fn with_tls(mut self, files: RedisTls) -> Result<Self, EncryptionError> {
        if self.encrypted {
            self.encryption = Some(Arc::new(Encryption::load(files)?));
        } else if files != RedisTls::default() {
            return Err(AddressError::NotEncrypted.into());
        }
        Ok(self)
    }

    /// The same Redis at one of its endpoints alone.
    pub(super) fn at(&self, endpoint: Endpoint) -> Self {
        RedisAddress { upstream: Upstream::One(endpoint), ..self.clone() }
    }
}

fn one(url: &Url) -> Result<(Upstream, Login), AddressError> {
    if url.query().is_some() || url.fragment().is_some() {
        return Err(AddressError::Parameter);
    }
    let login = Login { database: database(url.path().trim_matches('/'))?, ..credentials(url)? };
    Ok((Upstream::One(endpoint(url, REDIS_PORT)?), login))
}

fn endpoint(url: &Url, default_port: u16) -> Result<Endpoint, AddressError> {
    let host = url.host_str().filter(|host| !host.is_empty()).ok_or(AddressError::NoHost)?;
    // The brackets of an IPv6 literal belong to the URL, not to the address.
    let host = host.trim_matches(['[', ']']).to_owned();
    Ok(Endpoint::Tcp { host, port: url.port().unwrap_or(default_port) })
}

fn credentials(url: &Url) -> Result<Login, AddressError> {
    let user = Some(decoded(url.username())?).filter(|user| !user.is_empty());
    let password = url.password().map(decoded).transpose()?;
    Ok(Login { user, password, database: 0 })
}

fn database(digits: &str) -> Result<u32, AddressError> {
    if digits.is_empty() { Ok(0) } else { digits.parse().map_err(|_| AddressError::Database) }
}

/// Several hosts, and a URL with everything else.
fn several(rest: &str, default_port: u16) -> Result<(Vec<Endpoint>, Url), AddressError> {
    let tail = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, tail) = rest.split_at(tail);
    let (user, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));
    let host = |text: &str| endpoint(&Url::parse(&format!("redis://{text}"))?, default_port);
    let endpoints = hosts.split(',').map(host).collect::<Result<Vec<_>, _>>()?;
    Ok((endpoints, Url::parse(&format!("redis://{user}@host{tail}"))?))
}

fn sentinel(rest: &str) -> Result<(Upstream, Login), AddressError> {
    let (sentinels, url) = several(rest, SENTINEL_PORT)?;
    let path = url.path().trim_start_matches('/');
    let (master, digits) = path.split_once('/').unwrap_or((path, ""));
    if master.is_empty() {
        return Err(AddressError::NoMaster);
    }
    let mut login = Login::default();
    for (key, value) in parameters(&url)? {
        match key {
            "sentinel_user" => login.user = Some(decoded(value)?),
            "sentinel_pass" => login.password = Some(decoded(value)?),
            _ => return Err(AddressError::Parameter),
        }
    }
    let of_redis = Login { database: database(digits)?, ..credentials(&url)? };
    Ok((Upstream::Sentinel { sentinels, master: decoded(master)?, login }, of_redis))
}

fn cluster(rest: &str) -> Result<(Upstream, Login), AddressError> {
    let (seeds, url) = several(rest, REDIS_PORT)?;
    if url.query().is_some() || url.fragment().is_some() {
        return Err(AddressError::Parameter);
    }
    if !matches!(url.path(), "" | "/" | "/0") {
        return Err(AddressError::ClusterDatabase);
    }
    Ok((Upstream::Cluster(seeds), credentials(&url)?))
}

fn unix(url: &Url) -> Result<(Upstream, Login), AddressError> {
    let path = decoded(url.path())?;
    if !path.starts_with('/') || path.len() < 2 || url.host_str().is_some_and(|host| !host.is_empty()) {
        return Err(AddressError::NoSocket);
    }
    let mut login = Login::default();
    for (key, value) in parameters(url)? {
        match key {
            "user" => login.user = Some(decoded(value)?),
            "pass" => login.password = Some(decoded(value)?),
            "db" => login.database = database(value)?,
            _ => return Err(AddressError::Parameter),
        }
    }
    Ok((Upstream::One(Endpoint::Unix(PathBuf::from(path))), login))
}

fn parameters(url: &Url) -> Result<Vec<(&str, &str)>, AddressError> {
    let pairs = url.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
    pairs.map(|pair| pair.split_once('=').ok_or(AddressError::Parameter)).collect()
}

fn decoded(text: &str) -> Result<String, AddressError> {
    Ok(percent_decode_str(text).decode_utf8().map_err(|_| AddressError::Encoding)?.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(url: &str) -> (String, Option<String>, Option<String>, u32) {
        let address = RedisAddress::parse(url).unwrap();
        let Login { user, password, database } = address.login.clone();
        (address.to_string(), user, password, database)
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
    fn several_hosts_share_the_credentials() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(
            parts("rediss+cluster://edge:p%40ss@10.0.0.1:7000,[::1],node/"),
            ("cluster of 10.0.0.1:7000,[::1]:6379,node:6379".to_owned(), some("edge"), some("p@ss"), 0)
        );
        let url = "redis+sentinel://edge:p%40ss@s1,s2:5/my%2Fmaster/2?sentinel_user=w&sentinel_pass=x%26y";
        assert_eq!(parts(url), ("my/master of s1:26379,s2:5".to_owned(), some("edge"), some("p@ss"), 2));
        let Upstream::Sentinel { login, .. } = RedisAddress::parse(url).unwrap().upstream else {
            panic!("it names sentinels")
        };
        assert_eq!((login.user, login.password), (some("w"), some("x&y")));
    }

    #[test]
    fn certificates_are_for_encrypted_connections_alone() {
        let files = RedisTls { redis_ca_file: Some("/nonexistent/ca.pem".into()), ..RedisTls::default() };
        let error =
            |url: &str| RedisAddress::parse(url).unwrap().with_tls(files.clone()).unwrap_err().to_string();
        assert!(error("redis://h").contains("write rediss"), "{}", error("redis://h"));
        assert!(error("rediss://h").contains("/nonexistent/ca.pem"), "{}", error("rediss://h"));
    }

    #[test]
    fn a_bad_url_is_refused_without_showing_it() {
        let table = [
            ("", AddressError::Syntax(url::ParseError::RelativeUrlWithoutBase)),
            ("redis://u:hidden@h:99999", AddressError::Syntax(url::ParseError::InvalidPort)),
            ("redisx://u:hidden@h", AddressError::Scheme),
            ("redis+sentinel://u:hidden@a,b", AddressError::NoMaster),
            ("redis+sentinel://u:hidden@a,b/m/x", AddressError::Database),
            ("redis+sentinel://u:hidden@a,b/m?user=x", AddressError::Parameter),
            ("redis+sentinel://u:hidden@a,,b/m", AddressError::NoHost),
            ("redis+cluster://u:hidden@a,b/1", AddressError::ClusterDatabase),
            ("redis+cluster://u:hidden@a:x", AddressError::Syntax(url::ParseError::InvalidPort)),
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
            let error = RedisAddress::parse(url).map(|_| ()).unwrap_err();
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
