//! An analyst's side: the private service's API.

use reqwest::Client;
use serde_json::Value;

use crate::{eventually, http};

/// Reads through the API, with a token.
#[derive(Clone, Debug)]
pub struct Analyst {
    service: String,
    token: String,
    client: Client,
}

impl Analyst {
    pub(crate) fn new(service: String, token: String) -> Self {
        let client = http().build().expect("a client");
        Self { service, token, client }
    }

    /// What a path of the API answers; none unless it is 200.
    #[expect(clippy::disallowed_methods, reason = "pages are at most 200 events, and the service is ours")]
    pub async fn get(&self, path: &str) -> Option<Value> {
        let request = self.client.get(format!("{}/api/v1/{path}", self.service)).bearer_auth(&self.token);
        let answer = request.send().await.ok().filter(|answer| answer.status() == 200)?;
        serde_json::from_slice(&answer.bytes().await.ok()?).ok()
    }

    /// All events that match the query, newest first, page by page.
    pub async fn events(&self, query: &str) -> Vec<Value> {
        let mut events = Vec::new();
        let mut cursor = String::new();
        loop {
            let page =
                self.get(&format!("events?limit=200&{query}{cursor}")).await.expect("a page of events");
            events.extend(page["events"].as_array().expect("a list").iter().cloned());
            match page["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return events,
            }
        }
    }

    /// The events that clients sent in a session, once there are at least `count`; oldest first.
    pub async fn sent_events(&self, session: &str, count: usize) -> Vec<Value> {
        let query = format!("session={session}");
        eventually(&format!("{count} events in session {session}"), || async {
            let mut events = self.events(&query).await;
            events.retain(|event| !is_added(event));
            events.reverse();
            (events.len() >= count).then_some(events)
        })
        .await
    }

    /// A profile, once it is there.
    pub async fn profile(&self, id: &str) -> Value {
        eventually(&format!("profile {id}"), || self.get_owned(format!("profiles/{id}"))).await
    }

    /// A session, once it is there.
    pub async fn session(&self, id: &str) -> Value {
        eventually(&format!("session {id}"), || self.get_owned(format!("sessions/{id}"))).await
    }

    async fn get_owned(&self, path: String) -> Option<Value> {
        self.get(&path).await
    }
}

/// Whether the platform added this event.
fn is_added(event: &Value) -> bool {
    ["profile-created", "session-opened", "visit-started"]
        .contains(&event["type"].as_str().unwrap_or_default())
}
