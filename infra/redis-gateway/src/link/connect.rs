//! Opening a connection that is ready for commands: find the server, connect, authenticate, select, and
//! one `PING`.
//!
//! The `PING` matters: the kernel accepts connections for a Redis that is stopped, and Redis accepts
//! connections that it will then refuse.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, split};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;

use super::address::{Endpoint, Login, RedisAddress, Upstream};
use super::ask::{Reply, ask};
use super::encryption::Encryption;
use super::sentinel;
use crate::resp::ProtocolError;

/// Error replies to `PING` of a Redis that is there, and will answer commands with errors of its own.
const ALIVE_ANYWAY: [&str; 4] = ["LOADING", "MASTERDOWN", "BUSY", "NOPERM"];

pub(super) type Reader = Box<dyn AsyncRead + Send + Unpin>;
pub(super) type Writer = Box<dyn AsyncWrite + Send + Unpin>;

/// A connection, and where it leads.
pub(super) struct Connection {
    pub(super) endpoint: Endpoint,
    pub(super) encrypted: bool,
    pub(super) reader: Reader,
    pub(super) writer: Writer,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConnectError {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("no answer within {} ms", .0.as_millis())]
    Timeout(Duration),
    #[error("redis refused the user or password of the gateway: {0}")]
    Credentials(String),
    #[error("redis wants a user and password, and the redis URL has none: {0}")]
    NoCredentials(String),
    #[error("redis refused the connection: {0}")]
    Refused(String),
    #[error("no sentinel names the master: {0}")]
    NoMaster(String),
    #[error("the map of the cluster cannot be read: {0}")]
    NoMap(String),
    #[error("the server that the sentinels name is no master yet")]
    NotMaster,
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
}

/// Opens a connection, within `limit`: to the master where sentinels name it, to any node of a cluster.
pub(super) async fn connect(address: &RedisAddress, limit: Duration) -> Result<Connection, ConnectError> {
    let found = async {
        match &address.upstream {
            Upstream::One(endpoint) => open(endpoint, address).await,
            Upstream::Sentinel { .. } => {
                let master = sentinel::master(address, limit / 2).await?;
                let mut connection = open(&master, address).await?;
                sentinel::check(&mut connection).await?;
                Ok(connection)
            }
            Upstream::Cluster(seeds) => any(seeds, address, limit).await,
        }
    };
    timeout(limit, found).await.unwrap_or(Err(ConnectError::Timeout(limit)))
}

/// The first of these that answers, each given its share of the time.
pub(super) async fn any(
    endpoints: &[Endpoint],
    address: &RedisAddress,
    limit: Duration,
) -> Result<Connection, ConnectError> {
    let share = limit / u32::try_from(endpoints.len()).unwrap_or(u32::MAX).max(1);
    let mut last = ConnectError::Timeout(limit);
    for endpoint in endpoints {
        match timeout(share, open(endpoint, address)).await {
            Ok(Ok(connection)) => return Ok(connection),
            Ok(Err(error)) => last = error,
            Err(_) => last = ConnectError::Timeout(share),
        }
    }
    Err(last)
}

async fn open(endpoint: &Endpoint, address: &RedisAddress) -> Result<Connection, ConnectError> {
    open_as(endpoint, address.encryption.as_deref(), &address.login).await
}

/// Opens a connection to one server.
pub(super) async fn open_as(
    endpoint: &Endpoint,
    encryption: Option<&Encryption>,
    login: &Login,
) -> Result<Connection, ConnectError> {
    let (reader, writer): (Reader, Writer) = match endpoint {
        Endpoint::Tcp { host, port } => {
            let stream = TcpStream::connect((host.as_str(), *port)).await?;
            stream.set_nodelay(true)?;
            if let Some(encryption) = encryption {
                let (reader, writer) = split(encryption.encrypt(stream, host).await?);
                (Box::new(reader), Box::new(writer))
            } else {
                let (reader, writer) = stream.into_split();
                (Box::new(reader), Box::new(writer))
            }
        }
        Endpoint::Unix(path) => {
            let (reader, writer) = UnixStream::connect(path).await?.into_split();
            (Box::new(reader), Box::new(writer))
        }
    };
    let encrypted = encryption.is_some();
    let mut connection = Connection { endpoint: endpoint.clone(), encrypted, reader, writer };
    connection.greet(login).await?;
    Ok(connection)
}

impl Connection {
    /// One question and its reply.
    pub(super) async fn ask(&mut self, words: &[&str]) -> Result<Reply, ConnectError> {
        ask(&mut self.reader, &mut self.writer, words).await
    }

    async fn greet(&mut self, login: &Login) -> Result<(), ConnectError> {
        if let Some(password) = &login.password {
            let words: Vec<&str> =
                ["AUTH"].into_iter().chain(login.user.as_deref()).chain([&**password]).collect();
            if let Reply::Error(text) = self.ask(&words).await? {
                return Err(ConnectError::Credentials(text));
            }
        }
        if login.database != 0
            && let Reply::Error(text) = self.ask(&["SELECT", &login.database.to_string()]).await?
        {
            return Err(ConnectError::Refused(text));
        }
        match self.ask(&["PING"]).await? {
            Reply::Error(text) if ALIVE_ANYWAY.iter().any(|code| text.starts_with(code)) => Ok(()),
            Reply::Error(text) if text.starts_with("NOAUTH") => Err(ConnectError::NoCredentials(text)),
            Reply::Error(text) => Err(ConnectError::Refused(text)),
            _ => Ok(()),
        }
    }
}
