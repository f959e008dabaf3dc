//! Requests as calls of `track_v1`: those of a lane in one `FCALL`, those of all lanes in one HTTP request.
//!
//! A write whose connection broke is tried once more: the requests keep their ids, and Redis knows them for two minutes.

use std::sync::Arc;

use serde_json::Value;
use tideline_protocol::{
    FunctionReplyError, Lane, MOST_REQUESTS, TrackCall, TrackReply, TrackWords, Tracked, survivor_of,
    track_command,
};
use tideline_redis_rest::{Error, Transport};

use super::wire::{self, Wire, oldest, write_command, write_strings};
use crate::group::{MOST_ITEMS, Writer};
use crate::{Began, CommitError, Timer};

/// A batch may be of one lane.
const _: () = assert!(MOST_ITEMS <= MOST_REQUESTS);

/// What Redis is told of one request, in JSON.
pub(super) struct Encoded {
    began: Began,
    lane: Lane,
    look_up: Option<Vec<u8>>,
    /// Strings, with commas in between.
    keys: Vec<u8>,
    arguments: Vec<u8>,
}

impl Encoded {
    pub(super) fn of(call: TrackCall, began: Began) -> Self {
        let TrackWords { lane, look_up, keys, arguments } = call.into_words();
        let look_up = look_up.map(|words| wire::command(&words));
        // Quotation marks make up a tenth of a body.
        let room = arguments.iter().map(|argument| argument.len() + argument.len() / 8 + 3).sum();
        let (mut encoded_keys, mut encoded_arguments) = (Vec::new(), Vec::with_capacity(room));
        write_strings(&mut encoded_keys, &keys);
        write_strings(&mut encoded_arguments, &arguments);
        Self { began, lane, look_up, keys: encoded_keys, arguments: encoded_arguments }
    }
}

/// Writes batches of requests.
pub(super) struct TrackWriter<T, M> {
    pub(super) wire: Arc<Wire<T, M>>,
}

impl<T: Transport, M: Timer> Writer for TrackWriter<T, M> {
    type Item = Encoded;
    type Outcome = Result<Tracked, CommitError>;
    type Timer = M;

    fn bytes(item: &Encoded) -> usize {
        item.look_up.as_ref().map_or(0, Vec::len) + item.keys.len() + item.arguments.len()
    }

    async fn write(&self, batch: Vec<Arc<Encoded>>) -> Vec<Result<Tracked, CommitError>> {
        let plan = Plan::of(&batch);
        let body = || (plan.body(&batch), plan.commands());
        match self.wire.pipeline(body, oldest(batch.iter().map(|item| item.began))).await {
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

/// A batch as commands, and which reply is about which of its requests.
#[derive(Default)]
struct Plan {
    /// The first replies: each about one request's claim.
    look_ups: Vec<usize>,
    /// The others: each about the requests of a lane.
    calls: Vec<Vec<usize>>,
}

impl Plan {
    fn of(batch: &[Arc<Encoded>]) -> Self {
        let mut lanes: Vec<(&Lane, Vec<usize>)> = Vec::new();
        let mut plan = Self::default();
        for (index, item) in batch.iter().enumerate() {
            if item.look_up.is_some() {
                plan.look_ups.push(index);
            }
            match lanes.iter_mut().find(|(lane, _)| **lane == item.lane) {
                Some((_, indices)) => indices.push(index),
                None => lanes.push((&item.lane, vec![index])),
            }
        }
        plan.calls = lanes.into_iter().map(|(_, indices)| indices).collect();
        plan
    }

    /// The body of the HTTP request.
    fn body(&self, batch: &[Arc<Encoded>]) -> Vec<u8> {
        let mut body =
            Vec::with_capacity(batch.iter().map(|item| item.keys.len() + item.arguments.len() + 64).sum());
        body.push(b'[');
        for look_up in self.look_ups.iter().filter_map(|index| batch.get(*index)?.look_up.as_ref()) {
            body.extend_from_slice(look_up);
            body.push(b',');
        }
        for indices in &self.calls {
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
