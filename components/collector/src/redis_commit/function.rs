//! Requests as calls of `track_v1`: those of a batch in one `FCALL`, and in one HTTP request with what their claims stand for.
//!
//! A Redis Cluster takes no call with the keys of two lanes. It says so, and from then on each lane has its own calls.
//!
//! A write whose connection broke is tried once more: the requests keep their ids, and Redis knows them for two minutes.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;
use tideline_protocol::{
    FunctionReplyError, Lane, MOST_REQUESTS, TrackCall, TrackReply, TrackWords, Tracked, alias_command,
    survivor_of, track_command,
};
use tideline_redis_rest::{Error, Transport};

use super::wire::{Wire, oldest, strings, write_command, write_strings};
use crate::group::{MOST_ITEMS, Writer};
use crate::{Began, CommitError, Timer};

/// A batch may be one call.
const _: () = assert!(MOST_ITEMS <= MOST_REQUESTS);

type Reply = Result<Value, Error>;

/// What Redis is told of one request, in JSON.
pub(super) struct Encoded {
    began: Began,
    lane: Lane,
    /// A string.
    alias_key: Option<Vec<u8>>,
    /// Strings, with commas in between.
    keys: Vec<u8>,
    arguments: Vec<u8>,
}

impl Encoded {
    pub(super) fn of(call: TrackCall, began: Began) -> Self {
        let TrackWords { alias_key, keys, arguments } = call.words();
        let (alias_key, keys, arguments) =
            (alias_key.map(|key| strings(&[key])), strings(&keys), strings(&arguments));
        Self { began, lane: call.lane, alias_key, keys, arguments }
    }
}

/// Writes batches of requests.
pub(super) struct TrackWriter<T, M> {
    wire: Arc<Wire<T, M>>,
    /// Redis said that it takes no call with the keys of two lanes.
    is_cluster: AtomicBool,
}

impl<T: Transport, M: Timer> TrackWriter<T, M> {
    pub(super) fn new(wire: Arc<Wire<T, M>>) -> Self {
        Self { wire, is_cluster: AtomicBool::new(false) }
    }

    async fn run(&self, plan: &Plan, batch: &[Arc<Encoded>]) -> Result<Vec<Reply>, Error> {
        let body = || (plan.body(batch), plan.commands());
        self.wire.pipeline(body, oldest(batch.iter().map(|item| item.began))).await
    }
}

impl<T: Transport, M: Timer> Writer for TrackWriter<T, M> {
    type Item = Encoded;
    type Outcome = Result<Tracked, CommitError>;
    type Timer = M;

    fn bytes(item: &Encoded) -> usize {
        item.alias_key.as_ref().map_or(0, Vec::len) + item.keys.len() + item.arguments.len()
    }

    async fn write(&self, batch: Vec<Arc<Encoded>>) -> Vec<Result<Tracked, CommitError>> {
        let is_cluster = self.is_cluster.load(Ordering::Relaxed);
        let mut plan = if is_cluster { Plan::by_lane(&batch) } else { Plan::together(&batch) };
        let mut replies = self.run(&plan, &batch).await;
        if !is_cluster && replies.as_ref().is_ok_and(|replies| replies.iter().any(is_of_two_slots)) {
            self.is_cluster.store(true, Ordering::Relaxed);
            plan = Plan::by_lane(&batch);
            // What was written all the same is recognised.
            replies = self.run(&plan, &batch).await;
        }
        match replies {
            Ok(replies) => plan.outcomes(batch.len(), replies),
            Err(error) => {
                let error = CommitError::from(error);
                batch.iter().map(|_| Err(error.clone())).collect()
            }
        }
    }

    fn timer(&self) -> &M {
        self.wire.timer()
    }
}

fn is_of_two_slots(reply: &Reply) -> bool {
    matches!(reply, Err(Error::Command(text)) if text.starts_with("CROSSSLOT"))
}

/// A batch as commands, and which reply is about which of its requests.
#[derive(Default)]
struct Plan {
    /// The first commands: each looks up the claims of these requests.
    look_ups: Vec<Vec<usize>>,
    /// The others: each writes these requests.
    calls: Vec<Vec<usize>>,
}

impl Plan {
    fn together(batch: &[Arc<Encoded>]) -> Self {
        let claims: Vec<_> = claims(batch).collect();
        Self {
            look_ups: if claims.is_empty() { Vec::new() } else { vec![claims] },
            calls: vec![(0..batch.len()).collect()],
        }
    }

    fn by_lane(batch: &[Arc<Encoded>]) -> Self {
        let mut calls: Vec<Vec<usize>> = Vec::new();
        let mut call_of_lane = HashMap::new();
        for (index, item) in batch.iter().enumerate() {
            let call = *call_of_lane.entry(&item.lane).or_insert(calls.len());
            match calls.get_mut(call) {
                Some(requests) => requests.push(index),
                None => calls.push(vec![index]),
            }
        }
        // An id's alias is in a lane of its own.
        Self { look_ups: claims(batch).map(|index| vec![index]).collect(), calls }
    }

    /// The body of the HTTP request.
    fn body(&self, batch: &[Arc<Encoded>]) -> Vec<u8> {
        let bytes = |item: &Arc<Encoded>| item.keys.len() + item.arguments.len() + 128;
        let mut body = Vec::with_capacity(batch.iter().map(bytes).sum());
        body.push(b'[');
        for indices in &self.look_ups {
            write_command(&mut body, |body| {
                write_strings(body, &alias_command(indices.len()));
                for key in items(batch, indices).filter_map(|item| item.alias_key.as_ref()) {
                    body.push(b',');
                    body.extend_from_slice(key);
                }
            });
            body.push(b',');
        }
        for indices in &self.calls {
            write_command(&mut body, |body| {
                write_strings(body, &track_command(indices.len()));
                for item in items(batch, indices) {
                    body.push(b',');
                    body.extend_from_slice(&item.keys);
                }
                body.push(b',');
                write_strings(body, &[indices.len().to_string()]);
                for item in items(batch, indices) {
                    body.push(b',');
                    body.extend_from_slice(&item.arguments);
                }
            });
            body.push(b',');
        }
        // In the place of the last comma.
        body.pop();
        body.push(b']');
        body
    }

    fn commands(&self) -> usize {
        self.look_ups.len() + self.calls.len()
    }

    /// What the replies say about each of so many requests.
    fn outcomes(self, requests: usize, replies: Vec<Reply>) -> Vec<Result<Tracked, CommitError>> {
        let mut outcomes: Vec<Result<Tracked, CommitError>> =
            std::iter::repeat_with(|| Err(FunctionReplyError.into())).take(requests).collect();
        let mut survivors: Vec<Result<Option<String>, CommitError>> =
            std::iter::repeat_with(|| Ok(None)).take(requests).collect();
        let mut replies = replies.into_iter();
        for (indices, reply) in self.look_ups.into_iter().zip(&mut replies) {
            for (position, index) in indices.into_iter().enumerate() {
                if let Some(survivor) = survivors.get_mut(index) {
                    *survivor = about(&reply, |replies| survivor_of(replies, position));
                }
            }
        }
        for (indices, reply) in self.calls.into_iter().zip(replies) {
            for (position, index) in indices.into_iter().enumerate() {
                let (Some(outcome), Some(survivor)) = (outcomes.get_mut(index), survivors.get_mut(index))
                else {
                    continue;
                };
                *outcome = about(&reply, |replies| {
                    TrackReply::parse(replies.get(position).ok_or(FunctionReplyError)?)
                })
                .and_then(|reply| Ok(Tracked { reply, survivor: std::mem::replace(survivor, Ok(None))? }));
            }
        }
        outcomes
    }
}

/// The requests that bring a claim.
fn claims(batch: &[Arc<Encoded>]) -> impl Iterator<Item = usize> {
    batch.iter().enumerate().filter_map(|(index, item)| item.alias_key.as_ref().map(|_| index))
}

fn items<'a>(batch: &'a [Arc<Encoded>], indices: &'a [usize]) -> impl Iterator<Item = &'a Arc<Encoded>> {
    indices.iter().filter_map(|index| batch.get(*index))
}

/// What the reply says about one of its requests.
fn about<A>(
    reply: &Reply,
    read: impl FnOnce(&Value) -> Result<A, FunctionReplyError>,
) -> Result<A, CommitError> {
    match reply {
        Ok(replies) => Ok(read(replies)?),
        Err(error) => Err(CommitError(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::FutureExt as _;
    use serde_json::json;
    use tideline_protocol::Lanes;
    use tideline_redis_rest::TransportError;

    use super::super::Mode;
    use super::super::script::{Script, call, commit, script};
    use super::*;

    /// Writes these calls as one batch.
    fn write(script: &Script, calls: Vec<TrackCall>) -> Vec<Result<Tracked, CommitError>> {
        let Mode::Function(sharing) = commit(script, "function").mode else { panic!("another mode") };
        let batch = calls.into_iter().map(|call| Arc::new(Encoded::of(call, Began::default()))).collect();
        sharing.group.writer().write(batch).now_or_never().unwrap()
    }

    fn stored(profile: &str) -> TrackReply {
        TrackReply::Stored { profile: Some(profile.to_owned()), transitional: false, personal: None }
    }

    #[test]
    fn requests_are_one_call_and_each_has_an_outcome_of_its_own() {
        let (a, b) = of_two_lanes();
        let replies = json!([
            {"result": ["survivor"]},
            {"result": [["accepted", "1", "0", "1-0"], ["no-lane"], ["unknown-source"]]},
        ]);
        let script = script(1, vec![Ok(replies.to_string())]);
        let calls = vec![call(&a, None), call(&b, None), call(&a, Some("claimed"))];
        let alone: Vec<_> = calls.iter().map(|call| call.commands()).collect();
        let outcomes = write(&script, calls);

        assert_eq!(outcomes[0], Ok(Tracked { reply: stored("1"), survivor: None }));
        assert_eq!(outcomes[1], Ok(Tracked { reply: TrackReply::NoLane, survivor: None }));
        let unknown = Tracked { reply: TrackReply::UnknownSource, survivor: Some("survivor".to_owned()) };
        assert_eq!(outcomes[2], Ok(unknown));

        let asked = script.asked.borrow()[0].clone();
        assert_eq!(asked[0], json!(alone[2][0]), "the claim is looked up first");
        let each = [&alone[0][0], &alone[1][0], &alone[2][1]];
        let mut all: Vec<&str> = vec!["FCALL", "track_v1", "21"];
        all.extend(each.iter().flat_map(|words| &words[3..10]).map(String::as_str));
        all.push("3");
        all.extend(each.iter().flat_map(|words| &words[11..]).map(String::as_str));
        assert_eq!(asked[1], json!(all));
    }

    #[test]
    fn a_cluster_is_asked_lane_by_lane_once_it_has_said_what_it_is() {
        let (a, b) = of_two_lanes();
        let crossed = json!([
            {"error": "CROSSSLOT Keys in request don't hash to the same slot"},
            {"error": "CROSSSLOT Keys in request don't hash to the same slot"},
        ]);
        let apart = json!([
            {"result": ["survivor"]},
            {"result": [null]},
            {"result": [["accepted", "1", "0", "1-0"], ["unknown-source"]]},
            {"error": "OOM no memory"},
        ]);
        let calls = || vec![call(&a, None), call(&b, Some("other")), call(&a, Some("claimed"))];
        let script = script(1, vec![Ok(crossed.to_string()), Ok(apart.to_string()), Ok(apart.to_string())]);
        let Mode::Function(sharing) = commit(&script, "function").mode else { panic!("another mode") };
        let write = || {
            let batch =
                calls().into_iter().map(|call| Arc::new(Encoded::of(call, Began::default()))).collect();
            sharing.group.writer().write(batch).now_or_never().unwrap()
        };
        let outcomes = write();
        assert_eq!(write(), outcomes);
        assert_eq!(outcomes[0], Ok(Tracked { reply: stored("1"), survivor: None }));
        assert!(outcomes[1].as_ref().unwrap_err().0.contains("OOM no memory"), "{outcomes:?}");
        assert_eq!(outcomes[2], Ok(Tracked { reply: TrackReply::UnknownSource, survivor: None }));

        let asked = script.asked.borrow();
        assert_eq!(asked.len(), 3, "the second batch needs no trial");
        assert_eq!(asked[1], asked[2]);
        let commands = |batch: usize| asked[batch].as_array().unwrap().len();
        assert_eq!((commands(0), commands(1)), (2, 4));
        let alone: Vec<_> = calls().iter().map(TrackCall::commands).collect();
        assert_eq!(asked[1][0], json!(alone[1][0]));
        assert_eq!(asked[1][1], json!(alone[2][0]));
        assert_eq!(asked[1][3], json!(alone[1][1]), "one request is told as if it were sent by itself");
    }

    /// The names of two sessions that are in different lanes.
    fn of_two_lanes() -> (String, String) {
        let lanes = Lanes::new("production", "eu", 2).unwrap();
        let of_lane = |lane: usize| {
            let lane = lanes.all().nth(lane).unwrap();
            (0..).map(|number| number.to_string()).find(|name| lanes.of_session(name) == lane).unwrap()
        };
        (of_lane(0), of_lane(1))
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
