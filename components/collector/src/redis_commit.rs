//! The durable write through Redis over HTTP, of many requests at once.
//!
//! Whatever is asked for a request is answered within [`ANSWER_WITHIN`] of its beginning, or soon after. A write whose
//! connection broke is tried once more: the requests keep their ids, and Redis knows them for two minutes.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tideline_protocol::{
    FunctionReplyError, Lane, MOST_REQUESTS, Redirect, TrackCall, TrackReply, TrackWords, Tracked,
    redirect_command, survivor_of, track_command,
};
use tideline_redis_rest::{Client, Error, Transport};

use crate::group::{Group, MOST_ITEMS, Waking, Writer};
use crate::json::write_string;
use crate::{Began, Commit, CommitError, Timer};

/// A batch may be of one lane.
const _: () = assert!(MOST_ITEMS <= MOST_REQUESTS);

/// A visitor is answered within three seconds, with some time to spare for hosts.
const ANSWER_WITHIN: Duration = Duration::from_millis(2300);

/// What a call gets at least, however late it is.
const AT_LEAST: Duration = Duration::from_millis(200);

/// How requests share writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Grouping {
    /// Requests that come while a write is under way are written together, and wake each other.
    #[default]
    Waking,
    /// The same on a host where one request cannot wake another: each looks by itself, every millisecond.
    Polling,
    /// Each request is written by itself.
    None,
}

/// Commits requests together: those of a lane in one `FCALL track_v1`, those of all lanes in one HTTP request.
pub struct RedisCommit<T: Transport, M: Timer> {
    group: Group<TrackWriter<T, M>>,
    shares: bool,
}

impl<T: Transport, M: Timer> RedisCommit<T, M> {
    /// Commits through this client.
    pub fn new(client: Client<T>, timer: M, grouping: Grouping) -> Self {
        let waking = if grouping == Grouping::Polling { Waking::Polling } else { Waking::Signal };
        let group = Group::new(TrackWriter { client, timer }, waking);
        Self { group, shares: grouping != Grouping::None }
    }
}

impl<T: Transport, M: Timer> Commit for RedisCommit<T, M> {
    fn begin(&self) -> Began {
        Began(self.group.writer().timer.now())
    }

    async fn commit(&self, call: TrackCall, began: Began) -> Result<Tracked, CommitError> {
        let encoded = Encoded::of(call, began);
        if self.shares {
            return self.group.submit(encoded).await.map_err(|error| CommitError(error.to_string()))?;
        }
        let outcome = self.group.writer().write(vec![Arc::new(encoded)]).await.pop();
        outcome.unwrap_or(Err(FunctionReplyError.into()))
    }

    async fn redirect(&self, key: String, began: Began) -> Result<Option<Redirect>, CommitError> {
        let writer = self.group.writer();
        let reply = writer.client.command(redirect_command(key), writer.left(began)).await?;
        Ok(Redirect::parse(&reply)?)
    }
}

/// What Redis is told of one request, in JSON.
struct Encoded {
    began: Began,
    lane: Lane,
    look_up: Option<Vec<u8>>,
    /// Strings, with commas in between.
    keys: Vec<u8>,
    arguments: Vec<u8>,
}

impl Encoded {
    fn of(call: TrackCall, began: Began) -> Self {
        let TrackWords { lane, look_up, keys, arguments } = call.into_words();
        let look_up = look_up.map(|words| {
            let mut command = Vec::new();
            write_command(&mut command, |command| write_strings(command, &words));
            command
        });
        // Quotation marks make up a tenth of a body.
        let room = arguments.iter().map(|argument| argument.len() + argument.len() / 8 + 3).sum();
        let (mut encoded_keys, mut encoded_arguments) = (Vec::new(), Vec::with_capacity(room));
        write_strings(&mut encoded_keys, &keys);
        write_strings(&mut encoded_arguments, &arguments);
        Self { began, lane, look_up, keys: encoded_keys, arguments: encoded_arguments }
    }
}

/// Writes batches of requests.
struct TrackWriter<T, M> {
    client: Client<T>,
    timer: M,
}

impl<T: Transport, M: Timer> Writer for TrackWriter<T, M> {
    type Item = Encoded;
    type Outcome = Result<Tracked, CommitError>;
    type Timer = M;

    fn bytes(item: &Encoded) -> usize {
        item.look_up.as_ref().map_or(0, Vec::len) + item.keys.len() + item.arguments.len()
    }

    async fn write(&self, batch: Vec<Arc<Encoded>>) -> Vec<Result<Tracked, CommitError>> {
        let mut outcomes = self.write_once(&batch).await;
        if let Err(Error::Transport(error)) = &outcomes
            && error.is_of_connection()
        {
            outcomes = self.write_once(&batch).await;
        }
        outcomes.unwrap_or_else(|error| {
            let error = CommitError::from(error);
            batch.iter().map(|_| Err(error.clone())).collect()
        })
    }

    fn timer(&self) -> &M {
        &self.timer
    }
}

impl<T: Transport, M: Timer> TrackWriter<T, M> {
    /// How long a call may take that is for a request which began then.
    fn left(&self, Began(began): Began) -> Duration {
        (began + ANSWER_WITHIN).saturating_sub(self.timer.now()).max(AT_LEAST)
    }

    async fn write_once(&self, batch: &[Arc<Encoded>]) -> Result<Vec<Result<Tracked, CommitError>>, Error> {
        let Pipeline { body, plan } = Pipeline::of(batch);
        let oldest = batch.iter().map(|item| item.began).min_by_key(|began| began.0).unwrap_or_default();
        let replies = self.client.pipeline(body, plan.commands(), self.left(oldest)).await?;
        Ok(plan.outcomes(batch.len(), replies))
    }
}

/// A batch as the body of one HTTP request.
struct Pipeline {
    body: Vec<u8>,
    plan: Plan,
}

/// Which reply is about which requests of the batch.
#[derive(Default)]
struct Plan {
    /// The first replies: each about one request's claim.
    look_ups: Vec<usize>,
    /// The others: each about the requests of a lane.
    calls: Vec<Vec<usize>>,
}

impl Pipeline {
    fn of(batch: &[Arc<Encoded>]) -> Self {
        let mut lanes: Vec<(&Lane, Vec<usize>)> = Vec::new();
        let mut plan = Plan::default();
        let mut body =
            Vec::with_capacity(batch.iter().map(|item| item.keys.len() + item.arguments.len() + 64).sum());
        body.push(b'[');
        for (index, item) in batch.iter().enumerate() {
            if let Some(look_up) = &item.look_up {
                plan.look_ups.push(index);
                body.extend_from_slice(look_up);
                body.push(b',');
            }
            match lanes.iter_mut().find(|(lane, _)| **lane == item.lane) {
                Some((_, indices)) => indices.push(index),
                None => lanes.push((&item.lane, vec![index])),
            }
        }
        for (_, indices) in lanes {
            let items = || indices.iter().filter_map(|index| batch.get(*index));
            write_command(&mut body, |body| {
                write_strings(body, &track_command(indices.len()));
                for item in items() {
                    body.push(b',');
                    body.extend_from_slice(&item.keys);
                }
                body.push(b',');
                write_strings(body, &[indices.len().to_string()]);
                for item in items() {
                    body.push(b',');
                    body.extend_from_slice(&item.arguments);
                }
            });
            body.push(b',');
            plan.calls.push(indices);
        }
        // In the place of the last comma.
        body.pop();
        body.push(b']');
        Self { body, plan }
    }
}

impl Plan {
    fn commands(&self) -> usize {
        self.look_ups.len() + self.calls.len()
    }

    /// What the replies say about each of so many requests.
    fn outcomes(
        self,
        requests: usize,
        replies: Vec<Result<Value, Error>>,
    ) -> Vec<Result<Tracked, CommitError>> {
        let mut outcomes: Vec<Result<Tracked, CommitError>> =
            std::iter::repeat_with(|| Err(FunctionReplyError.into())).take(requests).collect();
        let mut survivors: Vec<Result<Option<String>, CommitError>> =
            std::iter::repeat_with(|| Ok(None)).take(requests).collect();
        let mut replies = replies.into_iter();
        for (index, reply) in self.look_ups.into_iter().zip(&mut replies) {
            if let Some(survivor) = survivors.get_mut(index) {
                *survivor = reply.map_err(CommitError::from).and_then(|reply| Ok(survivor_of(&reply)?));
            }
        }
        for (indices, reply) in self.calls.into_iter().zip(replies) {
            for (position, index) in indices.into_iter().enumerate() {
                let (Some(outcome), Some(survivor)) = (outcomes.get_mut(index), survivors.get_mut(index))
                else {
                    continue;
                };
                *outcome = decided(&reply, position).and_then(|reply| {
                    Ok(Tracked { reply, survivor: std::mem::replace(survivor, Ok(None))? })
                });
            }
        }
        outcomes
    }
}

/// What the reply to a lane's call says about the request at this position.
fn decided(reply: &Result<Value, Error>, position: usize) -> Result<TrackReply, CommitError> {
    match reply {
        Ok(replies) => Ok(TrackReply::parse(replies.get(position).ok_or(FunctionReplyError)?)?),
        Err(error) => Err(CommitError(error.to_string())),
    }
}

fn write_command(json: &mut Vec<u8>, words: impl FnOnce(&mut Vec<u8>)) {
    json.push(b'[');
    words(json);
    json.push(b']');
}

fn write_strings(json: &mut Vec<u8>, strings: &[impl AsRef<str>]) {
    for (index, string) in strings.iter().enumerate() {
        if index > 0 {
            json.push(b',');
        }
        write_string(json, string.as_ref());
    }
}

impl From<Error> for CommitError {
    fn from(error: Error) -> Self {
        Self(error.to_string())
    }
}

impl From<FunctionReplyError> for CommitError {
    fn from(error: FunctionReplyError) -> Self {
        Self(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use futures_util::FutureExt as _;
    use serde_json::json;
    use tideline_protocol::{Claim, Facts, Lanes, StreamRecord};
    use tideline_redis_rest::{Endpoint, HttpReply, TransportError};
    use uuid::Uuid;

    use super::*;

    /// Replies as told, and remembers what it was asked. Each reply takes a while.
    struct Script {
        replies: RefCell<Vec<Result<String, TransportError>>>,
        asked: RefCell<Vec<Value>>,
        given: RefCell<Vec<Duration>>,
        now: Cell<Duration>,
        takes: Duration,
    }

    impl Transport for &Script {
        async fn post(
            &self,
            _endpoint: &Endpoint,
            path: &'static str,
            body: Vec<u8>,
            within: Duration,
        ) -> Result<HttpReply, TransportError> {
            assert_eq!(path, "pipeline");
            self.given.borrow_mut().push(within);
            self.asked.borrow_mut().push(serde_json::from_slice(&body).unwrap());
            self.now.set(self.now.get() + self.takes);
            let reply = self.replies.borrow_mut().remove(0);
            reply.map(|body| HttpReply { status: 200, body: body.into_bytes() })
        }
    }

    impl Timer for &Script {
        fn now(&self) -> Duration {
            self.now.get()
        }

        async fn sleep(&self, _time: Duration) {}
    }

    fn script(takes: u64, replies: Vec<Result<String, TransportError>>) -> Script {
        let takes = Duration::from_millis(takes);
        Script {
            replies: RefCell::new(replies),
            asked: RefCell::default(),
            given: RefCell::default(),
            now: Cell::default(),
            takes,
        }
    }

    fn call(session: &str, claim: Option<&str>) -> TrackCall {
        let lanes = Lanes::new("production", "eu", 2).unwrap();
        TrackCall {
            lane: lanes.of_session(session),
            bridge: "rest",
            fingerprint: "f".to_owned(),
            origin: None,
            claim: claim.map(|id| Claim {
                id: id.to_owned(),
                alias_key: format!("alias:{id}"),
                doubtful: false,
            }),
            facts: Facts::default(),
            record: StreamRecord {
                request_id: Uuid::nil(),
                received_at: 0,
                source: "shop".to_owned(),
                session: session.to_owned(),
                profile: Some("p".to_owned()),
                vouched: false,
                new_session: false,
                new_profile: false,
                transitional: false,
                events: 1,
                client_address: None,
                headers: Vec::new(),
                body: "{\"a\":\"\u{1}\\\"\"}".to_owned(),
            },
        }
    }

    /// Writes these calls as one batch.
    fn write(script: &Script, calls: Vec<TrackCall>) -> Vec<Result<Tracked, CommitError>> {
        let client = Client::new(Endpoint::new("http://h", "t").unwrap(), script);
        let commit = RedisCommit::new(client, script, Grouping::Waking);
        let batch = calls.into_iter().map(|call| Arc::new(Encoded::of(call, Began::default()))).collect();
        commit.group.writer().write(batch).now_or_never().unwrap()
    }

    fn stored(profile: &str) -> TrackReply {
        TrackReply::Stored { profile: Some(profile.to_owned()), transitional: false }
    }

    #[test]
    fn requests_of_a_lane_are_one_call_and_each_has_an_outcome_of_its_own() {
        let lanes = Lanes::new("production", "eu", 2).unwrap();
        let of_lane = |lane: usize| {
            let lane = lanes.all().nth(lane).unwrap();
            (0..).map(|number| number.to_string()).find(|name| lanes.of_session(name) == lane).unwrap()
        };
        let (a, b) = (of_lane(0), of_lane(1));
        let replies = json!([
            {"result": "survivor"},
            {"result": [["accepted", "1", "0", "1-0"], ["unknown-source"]]},
            {"error": "OOM no memory"},
        ]);
        let script = script(1, vec![Ok(replies.to_string())]);
        let calls = vec![call(&a, None), call(&b, None), call(&a, Some("claimed"))];
        let alone: Vec<_> = calls.iter().map(|call| call.clone().into_commands()).collect();
        let outcomes = write(&script, calls);

        assert_eq!(outcomes[0], Ok(Tracked { reply: stored("1"), survivor: None }));
        assert!(outcomes[1].as_ref().unwrap_err().0.contains("OOM no memory"), "{outcomes:?}");
        let unknown = Tracked { reply: TrackReply::UnknownSource, survivor: Some("survivor".to_owned()) };
        assert_eq!(outcomes[2], Ok(unknown));

        let asked = script.asked.borrow()[0].clone();
        assert_eq!(asked[0], json!(alone[2][0]), "the claim is looked up first");
        let (first, third) = (&alone[0][0], &alone[2][1]);
        let mut both: Vec<&str> = vec!["FCALL", "track_v1", "12"];
        both.extend(first[3..9].iter().chain(&third[3..9]).map(String::as_str));
        both.push("2");
        both.extend(first[10..].iter().chain(&third[10..]).map(String::as_str));
        assert_eq!(asked[1], json!(both));
        assert_eq!(asked[2], json!(alone[1][0]), "one request is told as if it were sent by itself");
    }

    #[test]
    fn a_write_whose_connection_broke_is_tried_once_more_in_the_time_that_is_left() {
        let answer = || Ok(json!([{"result": [["accepted", "1", "0", "1-0"]]}]).to_string());
        let broken = || Err(TransportError::Broken("closed".to_owned()));
        let not_sent = || Err(TransportError::NotSent("refused".to_owned()));
        let late = || Err(TransportError::MaybeSent("late".to_owned()));
        let table = [
            (300, vec![broken(), answer()], 2, true),
            (1, vec![not_sent(), answer()], 2, true),
            (1, vec![broken(), broken()], 2, false),
            (1, vec![late(), answer()], 1, false),
        ];
        for (takes, replies, tries, is_stored) in table {
            let what = format!("{takes} {replies:?}");
            let script = script(takes, replies);
            let outcomes = write(&script, vec![call("a", None)]);
            let asked = script.asked.borrow();
            assert_eq!((asked.len(), outcomes[0].is_ok()), (tries, is_stored), "{what}");
            assert!(asked.iter().all(|again| *again == asked[0]), "{what}");
            let given: Vec<_> = (0..).map(|tried| 2300 - takes * tried).take(tries).collect();
            assert_eq!(
                *script.given.borrow(),
                given.into_iter().map(Duration::from_millis).collect::<Vec<_>>()
            );
        }
    }

    #[test]
    fn a_reply_of_another_shape_is_everybodys_error() {
        for reply in
            [json!([{"result": []}]), json!([{"result": [["accepted", "1", "0", "1-0"]]}]), json!([])]
        {
            let outcomes =
                write(&script(1, vec![Ok(reply.to_string())]), vec![call("a", None), call("a", None)]);
            assert_eq!(outcomes.len(), 2);
            assert!(outcomes[1].is_err(), "{reply}");
        }
    }
}
