//! What is asked for: page views, or one thing again and again.

use anyhow::Result;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{HeaderMap, HeaderValue, Method, Request};
use http_body_util::Full;
use serde_json::json;

use crate::event_ids::EventIds;
use crate::page_view::PageView;

/// What the requests of a run ask for.
#[derive(Clone)]
pub enum Work {
    /// Page views, each with so many events, of visitors who come and go.
    PageViews {
        /// Events in a request.
        events: u32,
    },
    /// `GET /`, answered with this text.
    Get {
        /// The whole answer.
        answer: String,
    },
    /// Small commands to Redis over HTTP, so many in a request: one by one, or as a pipeline.
    Commands {
        /// The gateway's token, a secret.
        token: String,
        /// Commands in a request.
        commands: u32,
    },
}

/// The stream that [`Work::Commands`] writes to.
const STREAM: &str = "load";
/// As large as what `redis-benchmark` is told to write, so that both do the same.
const VALUE: &str = "0123456789abcdef0123456789abcdef";

/// Work, ready to be sent.
pub(crate) enum Prepared {
    PageViews { page_view: PageView, ids: EventIds, host: HeaderValue },
    Same { method: Method, target: &'static str, headers: HeaderMap, body: Bytes, expected: Expected },
}

/// What an answer must be.
pub(crate) enum Expected {
    /// This text.
    Text(String),
    /// The result of one command.
    Result,
    /// The results of so many commands.
    Results(usize),
}

impl Work {
    /// Events or commands in a request.
    #[must_use]
    pub fn events(&self) -> u32 {
        match self {
            Self::PageViews { events } => *events,
            Self::Get { .. } => 1,
            Self::Commands { commands, .. } => *commands,
        }
    }

    pub(crate) fn prepare(&self, host: &str, ids: EventIds) -> Result<Prepared> {
        let host = HeaderValue::from_str(host)?;
        let mut headers = PageView::recorded()?.headers;
        Ok(match self {
            Self::PageViews { .. } => Prepared::PageViews { page_view: PageView::recorded()?, ids, host },
            Self::Get { answer } => {
                headers.remove(CONTENT_TYPE);
                headers.insert(HOST, host);
                let expected = Expected::Text(answer.clone());
                Prepared::Same { method: Method::GET, target: "/", headers, body: Bytes::new(), expected }
            }
            Self::Commands { token, commands } => {
                let mut authorization = HeaderValue::from_str(&format!("Bearer {token}"))?;
                authorization.set_sensitive(true);
                let headers = HeaderMap::from_iter([
                    (HOST, host),
                    (AUTHORIZATION, authorization),
                    (CONTENT_TYPE, HeaderValue::from_static("application/json")),
                ]);
                let command = json!(["XADD", STREAM, "*", "v", VALUE]);
                let (target, body, expected) = match commands {
                    1 => ("/", command, Expected::Result),
                    many => {
                        let many = usize::try_from(*many)?;
                        ("/pipeline", json!(vec![command; many]), Expected::Results(many))
                    }
                };
                let body = Bytes::from(body.to_string());
                Prepared::Same { method: Method::POST, target, headers, body, expected }
            }
        })
    }
}

/// A request as it is sent.
pub(crate) fn request(
    method: Method,
    target: &'static str,
    headers: HeaderMap,
    body: Bytes,
) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = method;
    *request.uri_mut() = http::Uri::from_static(target);
    *request.headers_mut() = headers;
    request
}
