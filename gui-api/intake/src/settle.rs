//! Settling: acknowledging entries, counting them in the ledger and burying the dead ones, at once.

use std::collections::BTreeMap;

use redis::{Cmd, Pipeline, Value};
use tideline_protocol::Lane;

use crate::entry::Entry;
use crate::handle::Handle;
use crate::reader::Reader;
use crate::unit::Verdict;

/// The longest reason that goes to the dead letters, in characters.
const MAX_REASON: usize = 500;

/// The calls of `settle_v1` that settle a unit: one for each lane.
pub(crate) struct Settlement {
    lanes: Vec<Lane>,
    commands: Pipeline,
}

impl Settlement {
    /// Settles `entries` by their `verdicts`.
    pub(crate) fn of(entries: &[Entry], verdicts: &[Verdict]) -> Self {
        let mut by_lane: BTreeMap<&Lane, Vec<(&Entry, &Verdict)>> = BTreeMap::new();
        for (entry, verdict) in entries.iter().zip(verdicts) {
            by_lane.entry(&entry.lane).or_default().push((entry, verdict));
        }
        let mut commands = redis::pipe();
        for (lane, settled) in &by_lane {
            commands.add_command(command(lane, settled));
        }
        Self { lanes: by_lane.into_keys().cloned().collect(), commands }
    }

    /// The commands, which may be sent again when it is unknown whether they arrived.
    pub(crate) fn commands(&self) -> &Pipeline {
        &self.commands
    }

    /// Notes what the replies say.
    pub(crate) fn note(&self, replies: Vec<Value>, reader: &mut Reader, handle: &Handle) {
        for (lane, reply) in self.lanes.iter().zip(replies) {
            let Ok((_, stored, duplicates, dead, length)) =
                redis::from_redis_value::<(u64, u64, u64, u64, u64)>(reply)
            else {
                continue;
            };
            handle.settled(stored, duplicates, dead);
            reader.has_length(lane, length);
        }
    }
}

fn command(lane: &Lane, settled: &[(&Entry, &Verdict)]) -> Cmd {
    let mut keys = vec![lane.events(), lane.dead_letters()];
    let mut arguments = Vec::with_capacity(settled.len() * 7);
    for (entry, verdict) in settled {
        let ledger = lane.ledger(entry.account.received_at);
        let place = keys.iter().position(|key| *key == ledger).unwrap_or_else(|| {
            keys.push(ledger);
            keys.len() - 1
        });
        let reason: String =
            verdict.reason.iter().flat_map(|reason| reason.chars()).take(MAX_REASON).collect();
        arguments.extend([
            entry.id.to_string(),
            // Lua counts from one.
            (place + 1).to_string(),
            entry.account.source.clone(),
            verdict.stored.to_string(),
            verdict.duplicates.to_string(),
            verdict.dead.to_string(),
            reason,
        ]);
    }
    redis::cmd("FCALL").arg("settle_v1").arg(keys.len()).arg(keys).arg(arguments).clone()
}
