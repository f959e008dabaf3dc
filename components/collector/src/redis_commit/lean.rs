//! Requests as they are, each by one `XADD`, for databases that bill each command (`docs/adr/0005-lean-mode.md`).
//!
//! What a source allows is read now and then ([`Sources`]) and followed here ([`super::decide`]). It promises that what is
//! answered is in its lane's stream. A request may be there twice, with the same ids, when the connection broke or a leader
//! vanished: recognising it is left to the private service, and so is everything that needs other requests.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tideline_protocol::{
    FunctionReplyError, Lane, Lanes, Redirect, SourceRules, TrackCall, TrackReply, Tracked, append_command,
    redirect_fields_command, source_command, was_appended, would_append_command,
};
use tideline_redis_rest::{Error, Transport};

use super::decide;
use super::sources::{Known, Rules, Sources};
use super::wire::{self, Wire, oldest};
use super::{Grouping, Sharing};
use crate::group::Writer;
use crate::{Began, CommitError, Timer};

/// Commits without functions.
pub(super) struct Lean<T: Transport, M: Timer> {
    wire: Arc<Wire<T, M>>,
    sources: Arc<Sources>,
    readings: Sharing<SourceReader<T, M>>,
    appends: Sharing<Appender<T, M>>,
    lanes: u16,
    nowhere: Lane,
}

impl<T: Transport, M: Timer> Lean<T, M> {
    pub(super) fn new(wire: &Arc<Wire<T, M>>, grouping: Grouping, lanes: &Lanes) -> Self {
        let sources = Arc::<Sources>::default();
        let reader = SourceReader { wire: Arc::clone(wire), sources: Arc::clone(&sources) };
        let appender = Appender { wire: Arc::clone(wire), sources: Arc::clone(&sources) };
        Self {
            wire: Arc::clone(wire),
            sources,
            readings: Sharing::new(reader, grouping),
            appends: Sharing::new(appender, grouping),
            lanes: lanes.count(),
            nowhere: lanes.nowhere(),
        }
    }

    pub(super) async fn commit(&self, call: TrackCall, began: Began) -> Result<Tracked, CommitError> {
        let id = call.record.source.clone();
        // Each lane has a copy.
        let reading = || Reading { id: id.clone(), key: call.lane.source(&id), began };
        let Known { rules, is_aging } = match self.sources.get(&id, self.wire.timer().now()) {
            Some(known) => known,
            None => Known { rules: self.readings.submit(reading()).await??, is_aging: false },
        };
        let refresh = is_aging.then(reading);
        let reply = match (decide::refusal(rules.as_deref(), &call), rules) {
            // A source that is only refused is read again when nobody knows it any more.
            (Some(refusal), _) => refusal,
            (None, None) => TrackReply::UnknownSource,
            (None, Some(rules)) => self.append(&rules, call, refresh, began).await?,
        };
        Ok(Tracked { reply, survivor: None })
    }

    async fn append(
        &self,
        rules: &SourceRules,
        call: TrackCall,
        refresh: Option<Reading>,
        began: Began,
    ) -> Result<TrackReply, CommitError> {
        let now = self.wire.timer().now();
        let above =
            |rate| self.sources.above_rate(&call.record.source, rate, self.lanes, call.record.events, now);
        if let Some(milliseconds) = rules.rate.and_then(above) {
            return Ok(TrackReply::Limited { milliseconds });
        }
        let lane = call.lane.clone();
        let record = decide::record(rules, call);
        let (profile, transitional) = (record.profile.clone(), record.transitional);
        let command = wire::command(&append_command(&lane, &record));
        let is_stored = self.appends.submit(Append { command, refresh, began }).await??;
        Ok(if is_stored {
            TrackReply::Stored { profile, transitional, personal: None }
        } else {
            TrackReply::NoLane
        })
    }

    /// Whether Redis would write.
    pub(super) async fn ready(&self, began: Began) -> Result<(), CommitError> {
        let reply = self.wire.command(would_append_command(&self.nowhere), began).await?;
        // Whoever made this lane's stream made it by mistake, and it was written to all the same.
        was_appended(&reply).map(drop).map_err(CommitError::from)
    }

    pub(super) async fn redirect(&self, key: String, began: Began) -> Result<Option<Redirect>, CommitError> {
        let reply = self.wire.command(redirect_fields_command(key), began).await?;
        Ok(Redirect::parse_fields(&reply)?)
    }
}

/// A source to be read.
struct Reading {
    id: String,
    key: String,
    began: Began,
}

impl Reading {
    fn command(&self) -> Vec<u8> {
        wire::command(&source_command(self.key.clone()))
    }
}

/// Reads sources that nobody knows, each once for all who wait for it.
struct SourceReader<T, M> {
    wire: Arc<Wire<T, M>>,
    sources: Arc<Sources>,
}

impl<T: Transport, M: Timer> Writer for SourceReader<T, M> {
    type Item = Reading;
    type Outcome = Result<Rules, CommitError>;
    type Timer = M;

    fn bytes(item: &Reading) -> usize {
        item.id.len() + item.key.len()
    }

    async fn write(&self, batch: Vec<Arc<Reading>>) -> Vec<Result<Rules, CommitError>> {
        let now = self.wire.timer().now();
        let mut asked: Vec<&Reading> = Vec::new();
        for reading in &batch {
            let is_asked = asked.iter().any(|other| other.id == reading.id);
            // Whoever was before this batch may have read it.
            if !is_asked && self.sources.get(&reading.id, now).is_none() {
                asked.push(reading);
            }
        }
        let mut read: Vec<(&str, Result<Rules, CommitError>)> = Vec::new();
        if !asked.is_empty() {
            let body = || (pipeline(asked.iter().map(|reading| reading.command())), asked.len());
            let began = oldest(asked.iter().map(|reading| reading.began));
            match self.wire.pipeline(body, began).await {
                Ok(replies) => {
                    for (reading, reply) in asked.iter().zip(replies) {
                        read.push((&reading.id, note(&self.sources, &reading.id, reply, now)));
                    }
                }
                Err(error) => {
                    let error = CommitError::from(error);
                    read.extend(asked.iter().map(|reading| (reading.id.as_str(), Err(error.clone()))));
                }
            }
        }
        let outcome = |reading: &Arc<Reading>| {
            let found = read.iter().find(|(id, _)| *id == reading.id).map(|(_, outcome)| outcome.clone());
            let known = || self.sources.get(&reading.id, now).map(|known| Ok(known.rules));
            found.or_else(known).unwrap_or_else(|| Err(FunctionReplyError.into()))
        };
        batch.iter().map(outcome).collect()
    }

    fn timer(&self) -> &M {
        self.wire.timer()
    }
}

/// A request to be appended, and perhaps a source to be read with it.
struct Append {
    command: Vec<u8>,
    refresh: Option<Reading>,
    began: Began,
}

/// Appends requests.
struct Appender<T, M> {
    wire: Arc<Wire<T, M>>,
    sources: Arc<Sources>,
}

impl<T: Transport, M: Timer> Writer for Appender<T, M> {
    type Item = Append;
    /// Whether the lane has a stream.
    type Outcome = Result<bool, CommitError>;
    type Timer = M;

    fn bytes(item: &Append) -> usize {
        item.command.len()
    }

    async fn write(&self, batch: Vec<Arc<Append>>) -> Vec<Result<bool, CommitError>> {
        let refreshes: Vec<&Reading> = batch.iter().filter_map(|item| item.refresh.as_ref()).collect();
        let body = || {
            let appends = batch.iter().map(|item| item.command.clone());
            let commands = appends.chain(refreshes.iter().map(|reading| reading.command()));
            (pipeline(commands), batch.len() + refreshes.len())
        };
        let now = self.wire.timer().now();
        match self.wire.pipeline(body, oldest(batch.iter().map(|item| item.began))).await {
            Ok(replies) => {
                let mut replies = replies.into_iter();
                let appended = |reply: Result<Value, Error>| Ok(was_appended(&reply?)?);
                let outcomes = replies.by_ref().take(batch.len()).map(appended).collect();
                for (reading, reply) in refreshes.into_iter().zip(replies) {
                    // If it is none, what is known grows older, and another request asks.
                    let _ = note(&self.sources, &reading.id, reply, now);
                }
                outcomes
            }
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

/// Notes what was read of a source at this time.
fn note(
    sources: &Sources,
    id: &str,
    reply: Result<Value, Error>,
    now: Duration,
) -> Result<Rules, CommitError> {
    let rules = SourceRules::parse(&reply?)?.map(Arc::new);
    sources.put(id, rules.clone(), now);
    Ok(rules)
}

/// Commands as the body of one HTTP request.
fn pipeline(commands: impl Iterator<Item = Vec<u8>>) -> Vec<u8> {
    let mut body = vec![b'['];
    for (index, command) in commands.enumerate() {
        if index > 0 {
            body.push(b',');
        }
        body.extend_from_slice(&command);
    }
    body.push(b']');
    body
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use futures_util::future::join;
    use serde_json::json;
    use tideline_protocol::Unasked;
    use tideline_redis_rest::TransportError;

    use super::super::RedisCommit;
    use super::super::script::{Script, call, commit, script};
    use super::*;
    use crate::Commit as _;

    type Committer<'a> = RedisCommit<&'a Script, &'a Script>;

    /// A Redis that replies this.
    fn telling(replies: impl IntoIterator<Item = Value>) -> Script {
        script(1, replies.into_iter().map(|reply| Ok(reply.to_string())).collect())
    }

    /// The settings of a source as Redis replies them.
    fn source(settings: &[(usize, &str)]) -> Value {
        let mut reply = vec![json!("1"), json!("rest"), json!("Shop")];
        reply.resize(13, Value::Null);
        for (index, value) in settings {
            reply[*index] = json!(value);
        }
        json!({ "result": reply })
    }

    fn entry() -> Value {
        json!({"result": "1-0"})
    }

    fn stored(profile: &str) -> TrackReply {
        TrackReply::Stored { profile: Some(profile.to_owned()), transitional: false, personal: None }
    }

    fn send(commit: &Committer<'_>, call: TrackCall) -> Result<TrackReply, CommitError> {
        let began = commit.begin();
        commit.commit(call, began).now_or_never().unwrap().map(|tracked| tracked.reply)
    }

    /// The names of the commands of each HTTP request.
    fn asked(script: &Script) -> Vec<Vec<String>> {
        let asked = script.asked.borrow();
        let name = |command: &Value| command[0].as_str().unwrap().to_owned();
        asked.iter().map(|commands| commands.as_array().unwrap().iter().map(name).collect()).collect()
    }

    fn later(script: &Script, seconds: u64) {
        script.now.set(script.now.get() + Duration::from_secs(seconds));
    }

    #[test]
    fn a_request_is_one_command_and_its_source_is_read_once_and_then_with_a_write() {
        let entry_and_source = json!([entry(), source(&[])]);
        let replies =
            [json!([source(&[])]), json!([entry()]), json!([entry()]), entry_and_source, json!([entry()])];
        let script = telling(replies);
        let commit = commit(&script, "lean");
        for seconds in [0, 29, 5, 29] {
            later(&script, seconds);
            assert_eq!(send(&commit, call("a", None)), Ok(stored("p")));
        }
        let [read, append] = ["HMGET", "XADD"].map(|name| vec![name.to_owned()]);
        let both = [append.clone(), read.clone()].concat();
        assert_eq!(asked(&script), [read, append.clone(), append.clone(), both, append]);
    }

    #[test]
    fn an_entry_says_what_nobody_has_looked_up() {
        let script = telling([json!([source(&[])]), json!([entry()])]);
        let mut imported = call("a", Some("imported"));
        imported.claim.as_mut().unwrap().doubtful = true;
        imported.facts.known_session_only = true;
        imported.record.new_profile = true;
        let mut expected = imported.record.clone();
        expected.unasked = Some(Unasked {
            claim: Some("imported".to_owned()),
            known_session_only: true,
            fingerprint: Some("f".to_owned()),
        });
        let words = append_command(&imported.lane, &expected);
        assert_eq!(send(&commit(&script, "lean"), imported), Ok(stored("p")), "the id that was made for it");
        assert_eq!(script.asked.borrow()[1][0], json!(words));
        assert_eq!(words[2..4], ["NOMKSTREAM", "*"]);
    }

    #[test]
    fn a_source_is_read_once_for_all_who_wait_for_it() {
        let replies = [json!([source(&[])]), json!([entry()]), json!([entry()])];
        let script = telling(replies);
        let commit = commit(&script, "lean");
        let began = commit.begin();
        let both = join(commit.commit(call("a", None), began), commit.commit(call("b", None), began));
        let (first, second) = both.now_or_never().unwrap();
        assert!(first.is_ok() && second.is_ok(), "{first:?} {second:?}");
        let reads = asked(&script).concat().iter().filter(|name| *name == "HMGET").count();
        assert_eq!(reads, 1);
    }

    #[test]
    fn a_source_refuses_by_what_is_known_of_it() {
        let replies = [json!([source(&[(0, "0")])])];
        let script = telling(replies);
        let commit = commit(&script, "lean");
        for _ in 0..3 {
            assert_eq!(send(&commit, call("a", None)), Ok(TrackReply::DisabledSource));
        }
        assert_eq!(script.asked.borrow().len(), 1);
    }

    #[test]
    fn a_write_whose_connection_broke_is_the_same_once_more_and_a_lane_without_a_stream_takes_nothing() {
        let told = |reply: Value| Ok(reply.to_string());
        let broken = Err(TransportError::Broken("closed".to_owned()));
        let nowhere = json!([{"result": null}]);
        let replies = vec![told(json!([source(&[])])), broken, told(json!([entry()])), told(nowhere)];
        let script = script(1, replies);
        let commit = commit(&script, "lean");
        assert_eq!(send(&commit, call("a", None)), Ok(stored("p")));
        assert_eq!(send(&commit, call("a", None)), Ok(TrackReply::NoLane));
        let asked = script.asked.borrow();
        assert_eq!(asked[1], asked[2]);
    }

    #[test]
    fn a_source_that_cannot_be_read_is_an_error_only_where_nobody_knows_it() {
        let told = |reply: Value| Ok(reply.to_string());
        let refused = json!({"error": "WRONGTYPE no hash"});
        let replies = vec![
            told(json!([refused.clone()])),
            told(json!([source(&[])])),
            told(json!([entry()])),
            told(json!([entry(), refused])),
        ];
        let script = script(1, replies);
        let commit = commit(&script, "lean");
        assert!(send(&commit, call("a", None)).is_err());
        assert!(send(&commit, call("a", None)).is_ok());
        later(&script, 31);
        assert!(send(&commit, call("a", None)).is_ok());
    }

    #[test]
    fn it_is_ready_while_redis_would_write() {
        let replies = [json!({"result": null}), json!({"error": "OOM no memory"})];
        let script = telling(replies);
        let commit = commit(&script, "lean");
        let ready = || commit.ready(call("a", None), commit.begin()).now_or_never().unwrap();
        assert_eq!(ready(), Ok(()));
        assert!(ready().unwrap_err().0.contains("OOM"));
        let asked = script.asked.borrow();
        assert_eq!(
            asked[0],
            json!(["XADD", "{tl:production:local:none}:events", "NOMKSTREAM", "*", "v", "1"])
        );
    }
}
