//! Where the search server is, and how it is used.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;

/// Where the search server is, and how it is used.
#[derive(Clone, Debug)]
pub struct ElasticsearchOptions {
    /// Its nodes: `https://search-1:9200`. Requests go to them in turn.
    pub nodes: Vec<String>,
    /// Who we are; nobody where the server asks nobody.
    pub credentials: Option<Credentials>,
    /// The certificates, as PEM, that its own are to be signed by; those that the system trusts when there is none.
    pub certificate_authority: Option<Vec<u8>>,
    /// What the names of all indices begin with: lower case letters, digits and `-`.
    pub prefix: String,
    /// Copies of each shard besides the first.
    pub replicas: u8,
    /// How long a request may take. Longer than the server takes for a bulk request, or it does the work twice.
    pub deadline: Duration,
    /// Whether lists find what is written as soon as it is, and not within a second. Costs much of the server.
    pub refresh_at_once: bool,
}

impl ElasticsearchOptions {
    /// As usual, on these nodes.
    #[must_use]
    pub fn new(nodes: Vec<String>) -> Self {
        Self {
            nodes,
            credentials: None,
            certificate_authority: None,
            prefix: "tideline".to_owned(),
            replicas: 0,
            deadline: Duration::from_secs(90),
            refresh_at_once: false,
        }
    }
}

/// Who we are.
#[derive(Clone)]
pub enum Credentials {
    /// An API key, as the server encodes it.
    ApiKey(String),
    /// A user.
    Basic {
        /// Its name.
        user: String,
        /// Its password.
        password: String,
    },
    /// A token.
    Bearer(String),
}

impl fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::ApiKey(_) => "an API key",
            Self::Basic { .. } => "a user and a password",
            Self::Bearer(_) => "a token",
        })
    }
}

impl Credentials {
    pub(super) fn header(&self) -> Result<HeaderValue, OptionsError> {
        let text = match self {
            Self::ApiKey(key) => format!("ApiKey {key}"),
            Self::Basic { user, password } => {
                format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
            }
            Self::Bearer(token) => format!("Bearer {token}"),
        };
        let mut value = HeaderValue::from_str(&text).map_err(|_| OptionsError::Credentials)?;
        value.set_sensitive(true);
        Ok(value)
    }
}

/// Options that cannot work.
#[derive(Debug, thiserror::Error)]
pub enum OptionsError {
    /// There is no node.
    #[error("no node of the search server is named: use an address such as https://search.example:9200")]
    NoNode,
    /// A header cannot carry the credentials.
    #[error("the search server's API key, password or token has characters that no header can have")]
    Credentials,
    /// The certificates cannot be read.
    #[error("the search server's certificate authority is no PEM: {0}")]
    Authority(String),
    /// The prefix is no name of an index.
    #[error(
        "`{0}` cannot begin the name of an index: use 1 to 40 lower case letters, digits and `-`, a letter first"
    )]
    Prefix(String),
    /// TLS does not start.
    #[error("no connection to a search server can be made: {0}")]
    Tls(String),
}
