//! Who sends over one connection: what it sends next, and whether the answer is what it has to be.

use std::fmt;

use bytes::Bytes;
use http::header::HOST;
use http::{Method, Request, StatusCode};
use http_body_util::Full;
use serde::Deserialize;
use serde_json::Value;

use crate::work::{Expected, Prepared, request};

/// Page views of one visit. Then the next visitor comes, whom nobody knows.
const REQUESTS_OF_A_VISIT: u32 = 10;

/// Why a request counts as failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Failure {
    Unconnected,
    BrokenOff,
    TimedOut,
    Status(u16),
    Shape,
    OtherSession,
    OtherProfile,
}

impl Failure {
    /// Whether the same request may succeed a moment later.
    pub(crate) fn may_pass(self) -> bool {
        match self {
            Self::Unconnected | Self::BrokenOff | Self::TimedOut => true,
            Self::Status(status) => status == 429 || status >= 500,
            Self::Shape | Self::OtherSession | Self::OtherProfile => false,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unconnected => f.write_str("no connection"),
            Self::BrokenOff => f.write_str("connection broken off"),
            Self::TimedOut => f.write_str("no answer in time"),
            Self::Status(status) => write!(f, "status {status}"),
            Self::Shape => f.write_str("answer of another shape"),
            Self::OtherSession => f.write_str("another session answered"),
            Self::OtherProfile => f.write_str("another profile answered than before in the session"),
        }
    }
}

/// The sender of one connection's requests.
pub(crate) struct Caller<'a> {
    work: &'a Prepared,
    run: u64,
    connection: u32,
    visit: u32,
    requests_left: u32,
    profile: Option<String>,
}

/// The answer of `/track`. Clients call `forEach` on the lists.
#[derive(Deserialize)]
struct Answer<'a> {
    task: &'a str,
    #[serde(rename = "ux")]
    _ux: Vec<Value>,
    #[serde(rename = "events")]
    _events: Vec<Value>,
    #[serde(borrow)]
    profile: Id<'a>,
    #[serde(borrow)]
    session: Id<'a>,
    errors: Vec<Value>,
    #[serde(rename = "warnings")]
    _warnings: Vec<Value>,
}

#[derive(Deserialize)]
struct Id<'a> {
    id: &'a str,
}

#[derive(Deserialize)]
struct CommandResult<'a> {
    #[serde(rename = "result")]
    _result: &'a str,
}

impl<'a> Caller<'a> {
    pub(crate) fn new(work: &'a Prepared, run: u64, connection: u32) -> Self {
        Self { work, run, connection, visit: 0, requests_left: REQUESTS_OF_A_VISIT, profile: None }
    }

    /// The request of this number; the same again until its answer was taken.
    pub(crate) fn request(&self, number: u64) -> Request<Full<Bytes>> {
        match self.work {
            Prepared::PageViews { page_view, ids, host } => {
                let mut headers = page_view.headers.clone();
                headers.insert(HOST, host.clone());
                let body = page_view.body(&self.session(), self.profile.as_deref(), ids.of_request(number));
                request(Method::POST, "/track", headers, Bytes::from(body))
            }
            Prepared::Same { method, target, headers, body, .. } => {
                request(method.clone(), target, headers.clone(), body.clone())
            }
        }
    }

    /// Checks the answer to the last request.
    pub(crate) fn take(&mut self, status: StatusCode, body: &[u8]) -> Result<(), Failure> {
        if status != StatusCode::OK {
            return Err(Failure::Status(status.as_u16()));
        }
        let expected = match self.work {
            Prepared::PageViews { .. } => return self.take_answer(body),
            Prepared::Same { expected, .. } => expected,
        };
        let right = match expected {
            Expected::Text(text) => body == text.as_bytes(),
            Expected::Result => serde_json::from_slice::<CommandResult<'_>>(body).is_ok(),
            Expected::Results(number) => serde_json::from_slice::<Vec<CommandResult<'_>>>(body)
                .is_ok_and(|results| results.len() == *number),
        };
        if right { Ok(()) } else { Err(Failure::Shape) }
    }

    fn take_answer(&mut self, body: &[u8]) -> Result<(), Failure> {
        let answer: Answer<'_> = serde_json::from_slice(body).map_err(|_| Failure::Shape)?;
        if answer.task.is_empty() || answer.profile.id.is_empty() || !answer.errors.is_empty() {
            return Err(Failure::Shape);
        }
        if answer.session.id != self.session() {
            return Err(Failure::OtherSession);
        }
        match &self.profile {
            Some(known) if known != answer.profile.id => return Err(Failure::OtherProfile),
            Some(_) => {}
            None => self.profile = Some(answer.profile.id.to_owned()),
        }
        self.requests_left -= 1;
        if self.requests_left == 0 {
            self.visit += 1;
            self.requests_left = REQUESTS_OF_A_VISIT;
            self.profile = None;
        }
        Ok(())
    }

    /// As long as the ids that trackers make.
    fn session(&self) -> String {
        format!("{:016x}-{:08x}-{:010x}", self.run, self.connection, self.visit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{EventIds, Work};

    fn prepared() -> Prepared {
        Work::PageViews { events: 1 }.prepare("localhost", EventIds::new(1, 1)).unwrap()
    }

    fn answer(session: &str, profile: &str) -> String {
        format!(
            r#"{{"task":"t","ux":[],"response":{{}},"events":[],"profile":{{"id":"{profile}"}},"session":{{"id":"{session}"}},"errors":[],"warnings":[]}}"#
        )
    }

    #[test]
    fn an_answer_that_is_not_the_visitors_own_is_a_failure() {
        let prepared = prepared();
        let mut caller = Caller::new(&prepared, 1, 0);
        let session = caller.session();
        let mut take =
            |status, body: &str| caller.take(StatusCode::from_u16(status).unwrap(), body.as_bytes());
        assert_eq!(take(503, ""), Err(Failure::Status(503)));
        assert_eq!(take(200, "{}"), Err(Failure::Shape));
        assert_eq!(take(200, &answer(&session, "")), Err(Failure::Shape));
        assert_eq!(take(200, &answer("other", "p")), Err(Failure::OtherSession));
        assert_eq!(take(200, &answer(&session, "p")), Ok(()));
        assert_eq!(take(200, &answer(&session, "q")), Err(Failure::OtherProfile));
        assert_eq!(take(200, &answer(&session, "p")), Ok(()));
    }

    #[test]
    fn after_ten_page_views_another_visitor_comes() {
        let prepared = prepared();
        let mut caller = Caller::new(&prepared, 1, 0);
        let session = caller.session();
        for _ in 0..REQUESTS_OF_A_VISIT {
            assert_eq!(caller.take(StatusCode::OK, answer(&session, "p").as_bytes()), Ok(()));
        }
        assert_ne!(caller.session(), session);
        assert_eq!(caller.take(StatusCode::OK, answer(&caller.session(), "q").as_bytes()), Ok(()));
    }

    #[test]
    fn results_of_commands_are_counted() {
        let commands = |commands| Work::Commands { token: "t".into(), commands };
        let take = |work: Work, body: &str| {
            let prepared = work.prepare("localhost", EventIds::new(1, 1)).unwrap();
            Caller::new(&prepared, 1, 0).take(StatusCode::OK, body.as_bytes())
        };
        assert_eq!(take(commands(1), r#"{"result":"1-0"}"#), Ok(()));
        assert_eq!(take(commands(2), r#"[{"result":"1-0"},{"result":"1-1"}]"#), Ok(()));
        assert_eq!(take(commands(2), r#"[{"result":"1-0"},{"error":"ERR"}]"#), Err(Failure::Shape));
        assert_eq!(take(commands(3), r#"[{"result":"1-0"}]"#), Err(Failure::Shape));
        assert_eq!(take(Work::Get { answer: "hello".into() }, "hell"), Err(Failure::Shape));
    }
}
