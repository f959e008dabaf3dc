//! The way to the search server: requests over HTTP to one of its nodes.
//!
//! A node that does not answer is left alone for a while, and the request goes to the next. So a request may arrive twice;
//! everything that is sent bears that: writes name the version that they are over, and a repeated one conflicts.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use http::{Method, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::options::{Credentials, ElasticsearchOptions, OptionsError};
use crate::StoreError;

/// How long a node is left alone after it did not answer, and at the most if it goes on like that.
const REST: Duration = Duration::from_secs(1);
const LONGEST_REST: Duration = Duration::from_secs(60);
/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(5);
/// The longest answer that is read, in bytes.
const MAX_ANSWER_BYTES: usize = 128 << 20;
/// How much of an error is told.
const MAX_REASON: usize = 500;

/// A connection to a search server.
pub(super) struct Client {
    http: reqwest::Client,
    nodes: Vec<Node>,
    next: AtomicUsize,
    authorization: Option<HeaderValue>,
    began: Instant,
}

/// One node.
struct Node {
    url: String,
    /// In milliseconds after the client began.
    rests_until: AtomicU64,
    failures: AtomicU64,
}

/// What is sent along.
pub(super) enum Body {
    None,
    Json(String),
    /// A line for each action, and each document.
    Lines(String),
}

/// An answer, whatever it says.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    body: Vec<u8>,
}

impl Answer {
    /// The answer as it should be.
    pub(super) fn read<T: DeserializeOwned>(&self) -> Result<T, StoreError> {
        if !self.status.is_success() {
            return Err(self.refused());
        }
        serde_json::from_slice(&self.body).map_err(|error| {
            StoreError::Unavailable(format!("the search server's answer cannot be read: {error}"))
        })
    }

    /// The error's name, as `resource_already_exists_exception`.
    pub(super) fn error_type(&self) -> String {
        let body: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        body.pointer("/error/type").and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    /// That the server does not do it, and what it says.
    pub(super) fn refused(&self) -> StoreError {
        let body: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        let reason = body.pointer("/error/reason").and_then(Value::as_str).map_or_else(
            || String::from_utf8_lossy(&self.body).chars().take(MAX_REASON).collect::<String>(),
            |reason| reason.chars().take(MAX_REASON).collect(),
        );
        let help = match self.status {
            StatusCode::UNAUTHORIZED => ": check its user and password, or its API key",
            StatusCode::FORBIDDEN => ": give its user or API key the privileges that docs/stores.md lists",
            StatusCode::TOO_MANY_REQUESTS => ": it has more to do than it can",
            StatusCode::PAYLOAD_TOO_LARGE => ": raise its http.max_content_length",
            _ => "",
        };
        StoreError::Unavailable(format!("the search server answers {}{help} {reason}", self.status.as_u16()))
    }
}

impl Client {
    pub(super) fn new(options: &ElasticsearchOptions) -> Result<Self, OptionsError> {
        let authorization = options.credentials.as_ref().map(Credentials::header).transpose()?;
        // Another part of the process may have installed a provider first: any will do.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut http = reqwest::Client::builder()
            .connect_timeout(CONNECT)
            .timeout(options.deadline)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy();
        if let Some(pem) = &options.certificate_authority {
            let certificates = reqwest::Certificate::from_pem_bundle(pem)
                .map_err(|error| OptionsError::Authority(error.to_string()))?;
            http = http.tls_certs_only(certificates);
        }
        let http = http.build().map_err(|error| OptionsError::Tls(error.to_string()))?;
        let node = |url: &String| Node {
            url: url.trim_end_matches('/').to_owned(),
            rests_until: AtomicU64::new(0),
            failures: AtomicU64::new(0),
        };
        let nodes: Vec<_> = options.nodes.iter().map(node).collect();
        if nodes.is_empty() {
            return Err(OptionsError::NoNode);
        }
        Ok(Self { http, nodes, next: AtomicUsize::new(0), authorization, began: Instant::now() })
    }

    /// Sends a request to a node that answers.
    ///
    /// # Errors
    /// None does.
    pub(super) async fn send(&self, method: Method, path: &str, body: Body) -> Result<Answer, StoreError> {
        let (content_type, body) = match body {
            Body::None => (None, bytes::Bytes::new()),
            Body::Json(json) => (Some("application/json"), json.into()),
            Body::Lines(lines) => (Some("application/x-ndjson"), lines.into()),
        };
        let mut failure = String::new();
        for node in self.in_turn() {
            let mut request = self
                .http
                .request(method.clone(), format!("{}{path}", node.url))
                .header(ACCEPT, "application/json")
                .body(body.clone());
            if let Some(content_type) = content_type {
                request = request.header(CONTENT_TYPE, content_type);
            }
            if let Some(authorization) = &self.authorization {
                request = request.header(AUTHORIZATION, authorization);
            }
            let answer = match request.send().await {
                Ok(response) => read(response).await,
                Err(error) => Err(explain(&error)),
            };
            match answer {
                Ok(answer) if is_elsewhere(answer.status) => failure = answer.refused().to_string(),
                Ok(answer) => {
                    node.failures.store(0, Ordering::Relaxed);
                    node.rests_until.store(0, Ordering::Relaxed);
                    return Ok(answer);
                }
                Err(error) => failure = error,
            }
            self.rest(node);
        }
        Err(StoreError::Unavailable(format!("the search server is out of reach: {failure}")))
    }

    /// All nodes, those first that rest the least, the others in turn.
    fn in_turn(&self) -> Vec<&Node> {
        let now = self.now();
        let first = self.next.fetch_add(1, Ordering::Relaxed);
        let (one, other) = self.nodes.split_at(first % self.nodes.len());
        let mut nodes: Vec<&Node> = other.iter().chain(one).collect();
        nodes.sort_by_key(|node| node.rests_until.load(Ordering::Relaxed).saturating_sub(now));
        nodes
    }

    fn rest(&self, node: &Node) {
        let failures = node.failures.fetch_add(1, Ordering::Relaxed);
        let rest = REST.saturating_mul(1 << failures.min(6)).min(LONGEST_REST);
        let until = self.now().saturating_add(u64::try_from(rest.as_millis()).unwrap_or(u64::MAX));
        node.rests_until.store(until, Ordering::Relaxed);
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// Whether another node may know better.
fn is_elsewhere(status: StatusCode) -> bool {
    matches!(status, StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT)
}

async fn read(mut response: reqwest::Response) -> Result<Answer, String> {
    let status = response.status();
    let mut body = Vec::new();
    while let Some(part) = response.chunk().await.map_err(|error| explain(&error))? {
        if body.len() + part.len() > MAX_ANSWER_BYTES {
            return Err(format!("an answer has more than {MAX_ANSWER_BYTES} bytes"));
        }
        body.extend_from_slice(&part);
    }
    Ok(Answer { status, body })
}

/// The error and what led to it, without the address, which may hold a password.
fn explain(error: &reqwest::Error) -> String {
    let mut text = String::new();
    let mut cause: Option<&dyn std::error::Error> = std::error::Error::source(error);
    while let Some(error) = cause {
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(&error.to_string());
        cause = error.source();
    }
    if error.is_timeout() { "it does not answer in time".to_owned() } else { text }
}
