//! A visitor's side: requests to the edge.

use reqwest::{Client, Method, redirect};
use serde_json::{Value, json};

use crate::http;

/// Sends requests to `/track`.
#[derive(Clone, Debug)]
pub struct Visitor {
    edge: String,
    client: Client,
}

/// A whole answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body as JSON; null if it is none.
    pub body: Value,
}

impl Answer {
    /// The value of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The profile id that was answered.
    #[must_use]
    pub fn profile(&self) -> String {
        self.body["profile"]["id"].as_str().expect("an answered profile id").to_owned()
    }

    /// The session id that was answered.
    #[must_use]
    pub fn session(&self) -> String {
        self.body["session"]["id"].as_str().expect("an answered session id").to_owned()
    }
}

impl Visitor {
    /// A visitor of the edge at this address.
    #[must_use]
    pub fn new(edge: String) -> Self {
        let client = http().redirect(redirect::Policy::none()).build().expect("a client");
        Self { edge, client }
    }

    /// Sends a JSON body to `/track`.
    pub async fn track(&self, body: &Value) -> Answer {
        self.send(Method::POST, "/track", &[("content-type", "application/json")], body.to_string()).await
    }

    /// Sends one event of the demo source.
    pub async fn event(&self, session: &str, event_id: &str, event_type: &str) -> Answer {
        let event = json!({ "type": event_type, "id": event_id });
        self.track(
            &json!({ "source": { "id": "shop-web" }, "session": { "id": session }, "events": [event] }),
        )
        .await
    }

    /// What the edge answers to a request without a body, as text.
    #[expect(clippy::disallowed_methods, reason = "the edge's answers are small, and it is ours")]
    pub async fn text(&self, method: Method, path: &str) -> String {
        let answer =
            self.client.request(method, format!("{}{path}", self.edge)).send().await.expect("an answer");
        answer.text().await.expect("a whole answer")
    }

    /// Sends any request.
    #[expect(clippy::disallowed_methods, reason = "the edge's answers are small, and it is ours")]
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<reqwest::Body>,
    ) -> Answer {
        let mut request = self.client.request(method, format!("{}{path}", self.edge)).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.send().await.expect("an answer from the edge");
        let headers = answer
            .headers()
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap_or_default().to_owned()))
            .collect();
        let status = answer.status().as_u16();
        let body = serde_json::from_slice(&answer.bytes().await.expect("a whole answer")).unwrap_or_default();
        Answer { status, headers, body }
    }
}
