//! Settling: acknowledging entries, counting them in the ledger and burying the dead ones, at once.

use std::collections::BTreeMap;

use redis::{Cmd, Pipeline, RedisResult, Value};
use tideline_protocol::Lane;

use crate::entry::Entry;
use crate::handle::Handle;
use crate::reader::Reader;
use crate::unit::Verdict;

/// The longest reason that goes to the dead letters, in characters.
const MAX_REASON: usize = 500;

/// Calls of `settle_v2`, each for one lane. They may be sent again when it is unknown whether they arrived.
pub(crate) struct Settlement(Vec<(Lane, Cmd)>);

impl Settlement {
    /// Settles `entries` by their `verdicts`.
    pub(crate) fn of(entries: &[Entry], verdicts: &[Verdict]) -> Self {
        let mut by_lane: BTreeMap<&Lane, Vec<(&Entry, &Verdict)>> = BTreeMap::new();
        for (entry, verdict) in entries.iter().zip(verdicts) {
            by_lane.entry(&entry.lane).or_default().push((entry, verdict));
        }
        Self(by_lane.into_iter().map(|(lane, settled)| (lane.clone(), command(lane, &settled))).collect())
    }

    /// What was left unsettled, once more.
    pub(crate) fn again(left: Vec<(Lane, Cmd)>) -> Self {
        Self(left)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn commands(&self) -> Pipeline {
        let mut commands = Pipeline::with_capacity(self.0.len());
        for (_, command) in &self.0 {
            commands.add_command(command.clone());
        }
        commands
    }

    /// Nothing is known of it: all of it is left to the reader.
    pub(crate) fn leave(self, reader: &mut Reader) {
        for (lane, command) in self.0 {
            reader.left_unsettled(&lane, command);
        }
    }

    /// Notes what the replies say. What was refused is left to the reader, which lets the lane rest.
    pub(crate) fn note(self, replies: Vec<RedisResult<Value>>, reader: &mut Reader, handle: &Handle) {
        for ((lane, command), reply) in self.0.into_iter().zip(replies) {
            let reply = match reply {
                Ok(reply) => reply,
                Err(error) => {
                    reader.left_unsettled(&lane, command);
                    reader.rest(&lane, &error);
                    continue;
                }
            };
            let Ok([_, stored, duplicates, dead, passed, length]) =
                redis::from_redis_value::<[u64; 6]>(reply)
            else {
                continue;
            };
            handle.settled(stored, duplicates, dead, passed);
            reader.has_length(&lane, length);
        }
    }
}

fn command(lane: &Lane, settled: &[(&Entry, &Verdict)]) -> Cmd {
    let mut keys = vec![lane.events(), lane.dead_letters()];
    let mut arguments = Vec::with_capacity(settled.len() * 11);
    for (entry, verdict) in settled {
        // Lua counts from one.
        let mut place = |wanted: String| {
            let known = keys.iter().position(|key| *key == wanted);
            let place = known.unwrap_or_else(|| {
                keys.push(wanted);
                keys.len() - 1
            });
            (place + 1).to_string()
        };
        let ledger = place(lane.ledger(entry.account.received_at));
        let (seen, profile) = match &verdict.mark {
            Some(mark) => (place(lane.seen(&mark.fingerprint)), mark.profile.clone()),
            None => (String::new(), String::new()),
        };
        let reason: String =
            verdict.reason.iter().flat_map(|reason| reason.chars()).take(MAX_REASON).collect();
        arguments.extend([
            entry.id.to_string(),
            ledger,
            entry.account.source.clone(),
            verdict.stored.to_string(),
            verdict.duplicates.to_string(),
            verdict.dead.to_string(),
            verdict.passed.to_string(),
            reason,
            if entry.account.is_uncounted { "1" } else { "0" }.to_owned(),
            seen,
            profile,
        ]);
    }
    redis::cmd("FCALL").arg("settle_v2").arg(keys.len()).arg(keys).arg(arguments).clone()
}
