//! One build, as a test sees it: what it is sent, what it answers, and what is stored of that.

use std::cell::RefCell;
use std::fmt::Write as _;

use reqwest::Method;
use serde_json::{Value, json};
use tideline_e2e::{Answer, Visitor, eventually};
use tokio::runtime::Handle;

use crate::builds::{Builds, Running};
use crate::openapi;

/// Headers that hosts set as they like.
const OF_THE_HOST: [&str; 3] = ["date", "connection", "keep-alive"];

/// A build under test.
pub(crate) struct Edge<'a> {
    builds: &'a Builds,
    pub(crate) running: &'a Running,
    sender: Sender,
    /// In front of every id of this test: other tests and builds use the same Redis. As long for all builds.
    prefix: String,
    transcript: RefCell<String>,
}

impl<'a> Edge<'a> {
    pub(crate) fn new(builds: &'a Builds, running: &'a Running, prefix: String) -> Self {
        Self {
            builds,
            running,
            sender: Sender {
                visitor: Visitor::new(running.address.clone()),
                runtime: builds.runtime().handle().clone(),
            },
            prefix,
            transcript: RefCell::default(),
        }
    }

    /// An id that no other test and build uses.
    pub(crate) fn id(&self, label: &str) -> String {
        format!("{}-{label}", self.prefix)
    }

    /// Sends a request. The answer goes into the comparison of the builds.
    pub(crate) fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Vec<u8>>,
    ) -> Answer {
        let answer = self.on_the_side(method.clone(), path, headers, body);
        self.compare(&format!("{method} {path}"), &answer);
        answer
    }

    /// Takes an answer into the comparison of the builds, however it was asked for.
    pub(crate) fn compare(&self, request: &str, answer: &Answer) {
        let mut transcript = self.transcript.borrow_mut();
        let mut headers: Vec<_> =
            answer.headers.iter().filter(|(name, _)| !OF_THE_HOST.contains(&name.as_str())).collect();
        headers.sort();
        writeln!(transcript, "{request}: {} {headers:?} {}", answer.status, answer.body).unwrap();
    }

    /// The same, out of the comparison: for what depends on the moment.
    pub(crate) fn on_the_side(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Vec<u8>>,
    ) -> Answer {
        self.sender.send(method, path, headers, body)
    }

    /// Sends from any thread, out of the comparison.
    pub(crate) fn sender(&self) -> Sender {
        self.sender.clone()
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], "")
    }

    /// Sends a body to `/track` as a page's script does.
    pub(crate) fn track(&self, body: &Value) -> Answer {
        self.post("/track", &body.to_string())
    }

    /// Sends JSON.
    pub(crate) fn post(&self, path: &str, body: &str) -> Answer {
        self.send(Method::POST, path, &[("content-type", "application/json")], body)
    }

    /// Sends one event of `rest-source-1` with further keys of the request.
    pub(crate) fn visit(&self, session: &str, changes: Value) -> Answer {
        self.track(&request(session, changes))
    }

    /// The events that were sent in a session, once there are as many; oldest first.
    pub(crate) fn stored(&self, session: &str, count: usize) -> Vec<Value> {
        self.wait(self.builds.analyst().sent_events(session, count))
    }

    /// All events of a type, once there are as many.
    pub(crate) fn stored_of_type(&self, event_type: &str, count: usize) -> Vec<Value> {
        let query = format!("type={event_type}");
        self.wait(eventually(&format!("{count} events of type {event_type}"), || async {
            let events = self.builds.analyst().events(&query).await;
            (events.len() >= count).then_some(events)
        }))
    }

    /// The event of this id, once it is stored.
    pub(crate) fn event(&self, id: &str) -> Value {
        let path = format!("events/{id}");
        self.wait(eventually(&path, || self.builds.analyst().get(&path)))
    }

    /// The stored event of a type that this is true of, once it is there.
    pub(crate) fn find_stored(&self, event_type: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        let query = format!("type={event_type}");
        self.wait(eventually(&format!("an event of type {event_type}"), || async {
            self.builds.analyst().events(&query).await.into_iter().find(&is_it)
        }))
    }

    /// The types of a session's events, oldest first, once all that it sent before is stored.
    pub(crate) fn stored_types(&self, session: &str) -> Vec<String> {
        // Requests of a session are stored in their order.
        let last = request(session, json!({ "events": [{ "type": "last" }] })).to_string();
        self.on_the_side(Method::POST, "/track", &[], last);
        let events = self.wait(eventually(&format!("the last event of session {session}"), || async {
            let events = self.builds.analyst().events(&format!("session={session}")).await;
            events.iter().any(|event| event["type"] == "last").then_some(events)
        }));
        let types = events.iter().rev().map(|event| event["type"].as_str().unwrap().to_owned());
        types.filter(|event_type| event_type != "last").collect()
    }

    /// The document at a path of the API, if there is one now.
    pub(crate) fn document(&self, path: &str) -> Option<Value> {
        self.wait(self.builds.analyst().get(path))
    }

    /// The profile, once it is stored.
    pub(crate) fn profile(&self, id: &str) -> Value {
        self.wait(self.builds.analyst().profile(id))
    }

    /// Waits until this is true of the profile.
    pub(crate) fn wait_for_profile(&self, id: &str, is_it: impl Fn(&Value) -> bool) {
        let path = format!("profiles/{id}");
        self.wait(eventually(&path, || async {
            self.builds.analyst().get(&path).await.filter(|profile| is_it(profile))
        }));
    }

    /// The session, once it is stored.
    pub(crate) fn session(&self, id: &str) -> Value {
        self.wait(self.builds.analyst().session(id))
    }

    /// Says in Redis that an id stands for another, as the private service does after a merge or an import.
    pub(crate) fn add_alias(&self, id: &str, survivor: &str) {
        self.builds.lanes().add_alias(id, survivor);
    }

    /// The same build with other settings.
    pub(crate) fn with_settings(&self, changes: &[(&'static str, &str)], test: impl Fn(&Edge<'_>)) {
        let running = self.builds.start_again(self.running.name, changes);
        let twin = Edge::new(self.builds, &running, format!("{}-again", self.prefix));
        test(&twin);
        self.transcript.borrow_mut().push_str(&twin.transcript.borrow().replace(&twin.prefix, &self.prefix));
    }

    /// Why requests could not be processed that were answered, if there are any: an answer is a promise.
    pub(crate) fn dead_letters(&self) -> Vec<String> {
        self.builds.lanes().dead_letters()
    }

    /// What was answered, with names in place of ids that differ from build to build.
    pub(crate) fn transcript(&self) -> String {
        let text = self.transcript.borrow().replace(&self.prefix, "<test>");
        let mut seen: Vec<String> = Vec::new();
        let mut readable = String::new();
        let mut rest = text.as_str();
        while !rest.is_empty() {
            match rest.get(..36).filter(|part| is_uuid(part)) {
                Some(id) => {
                    let number = seen.iter().position(|known| known == id).unwrap_or_else(|| {
                        seen.push(id.to_owned());
                        seen.len() - 1
                    });
                    write!(readable, "<id {number}>").unwrap();
                    rest = &rest[36..];
                }
                None => {
                    let length = rest.chars().next().map_or(0, char::len_utf8);
                    readable.push_str(&rest[..length]);
                    rest = &rest[length..];
                }
            }
        }
        readable
    }

    fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        self.builds.runtime().block_on(future)
    }
}

/// Sends requests to one build.
#[derive(Clone)]
pub(crate) struct Sender {
    visitor: Visitor,
    runtime: Handle,
}

impl Sender {
    pub(crate) fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Vec<u8>>,
    ) -> Answer {
        let answer = self.runtime.block_on(self.visitor.send(method.clone(), path, headers, body.into()));
        openapi::is_documented(&method, path, answer.status);
        answer
    }
}

/// A request with one event, and these keys in place of its own.
pub(crate) fn request(session: &str, changes: Value) -> Value {
    let mut body = json!({ "source": { "id": "rest-source-1" }, "session": { "id": session }, "events": [{ "type": "page-view" }] });
    body.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    body
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36 && uuid::Uuid::try_parse(text).is_ok()
}
