//! A request, apart from its body.

use http::Method;

/// Method, path and headers of a request.
#[derive(Clone, Debug)]
pub struct RequestHead {
    /// The method.
    pub method: Method,
    /// The path, without the query, as sent.
    pub path: String,
    /// Headers in the order they came, names in lower case. Values that are no UTF-8 are left out by the adapter.
    pub headers: Vec<(String, String)>,
}

impl RequestHead {
    /// The head of a request for this target, which is a path and perhaps a query.
    #[must_use]
    pub fn new(method: Method, target: &str, headers: Vec<(String, String)>) -> Self {
        let path = target.split_once('?').map_or(target, |(path, _query)| path);
        Self { method, path: path.to_owned(), headers }
    }

    /// The first value of a header; `name` in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The last value of a header. Hosts append theirs to what clients send, so only the last can be trusted.
    #[must_use]
    pub fn last_header(&self, name: &str) -> Option<&str> {
        self.headers.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}
