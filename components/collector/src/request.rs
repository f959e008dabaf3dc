//! A request, apart from its body.

use http::Method;

/// Method, target and headers of a request.
#[derive(Clone, Debug)]
pub struct RequestHead {
    /// The method.
    pub method: Method,
    /// The path, without the query, as sent.
    pub path: String,
    /// The query, as sent, without the question mark; empty if there is none.
    pub query: String,
    /// Headers in the order they came, names in lower case.
    pub headers: Vec<(String, String)>,
}

impl RequestHead {
    /// The head of a request for this target, which is a path and perhaps a query.
    #[must_use]
    pub fn new(method: Method, target: &str, headers: Vec<(String, String)>) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        Self { method, path: path.to_owned(), query: query.to_owned(), headers }
    }

    /// The same from the bytes of the headers. What is not UTF-8 in a value is replaced (U+FFFD): without the value, an
    /// earlier one of the same name, which anybody may have sent, would be taken for the last.
    #[must_use]
    pub fn received(
        method: Method,
        target: &str,
        headers: impl IntoIterator<Item = (String, Vec<u8>)>,
    ) -> Self {
        let text = |value: Vec<u8>| match String::from_utf8(value) {
            Ok(text) => text,
            Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
        };
        let headers = headers.into_iter().map(|(name, value)| (name, text(value)));
        Self::new(method, target, headers.collect())
    }

    /// The first value of a header; `name` in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The first value of a parameter of the query, decoded.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<String> {
        let mut parameters = form_urlencoded::parse(self.query.as_bytes());
        parameters.find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
    }

    /// The media type of the body in lower case, without its parameters; empty if none is named.
    #[must_use]
    pub fn media_type(&self) -> String {
        let content_type = self.header("content-type").unwrap_or_default();
        content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    }

    /// How long the body is, if the request says so. A body that came so far is whole.
    #[must_use]
    pub fn body_bytes(&self) -> Option<usize> {
        self.header("content-length")?.parse().ok()
    }

    /// The last value of a header. Hosts append theirs to what clients send, so only the last can be trusted.
    #[must_use]
    pub fn last_header(&self, name: &str) -> Option<&str> {
        self.headers.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}
