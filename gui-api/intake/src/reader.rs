//! Reading the lanes: what is pending first, then what is new, bounded in bytes, by the lane's owner alone.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::future::OptionFuture;
use redis::{RedisResult, Value};
use tideline_protocol::Lane;

use crate::Options;
use crate::entry::Entry;
use crate::leases::Tenure;
use crate::link::Link;
use crate::options::{DOORBELL, ROUND_BYTES, ROUND_ENTRIES};

/// Where a lane is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Position {
    /// At what was handed out and not settled: by a former owner, or in a round that failed.
    Pending,
    /// At what nobody has read.
    New,
}

/// A lane that is read.
struct Reading {
    tenure: Tenure,
    position: Position,
    /// The entry up to which the lane was handed out, as Redis said.
    handed_out: String,
    /// Entries in the stream, as Redis said.
    length: u64,
}

/// What one round read.
#[derive(Default)]
pub(crate) struct Round {
    /// Entries in the order of their lanes, lane after lane.
    pub(crate) entries: Vec<Entry>,
    /// Whether somebody listens to live events.
    pub(crate) has_listeners: bool,
    /// Lanes that turned out to be another's.
    pub(crate) lost: Vec<Lane>,
    /// Whether there may be more to read at once.
    pub(crate) more: bool,
}

/// Reads the lanes that this replica owns.
pub(crate) struct Reader {
    link: Link,
    /// Where waiting for new entries blocks nothing else.
    doorbell: Link,
    replica: String,
    live_channel: String,
    lanes: HashMap<Lane, Reading>,
}

impl Reader {
    pub(crate) fn new(options: &Options, replica: &str) -> Self {
        Self {
            link: Link::new(options.redis.clone(), Duration::from_secs(30)),
            doorbell: Link::new(options.redis.clone(), DOORBELL + Duration::from_secs(10)),
            replica: replica.to_owned(),
            live_channel: options.lanes.live_channel(),
            lanes: HashMap::new(),
        }
    }

    /// Reads these lanes from now on. One that is new, or was lost in between, begins with what is pending.
    pub(crate) fn take_over(&mut self, owned: &[(Lane, Tenure)]) {
        self.lanes.retain(|lane, reading| owned.contains(&(lane.clone(), reading.tenure)));
        for (lane, tenure) in owned {
            self.lanes.entry(lane.clone()).or_insert_with(|| Reading {
                tenure: *tenure,
                position: Position::Pending,
                handed_out: "0-0".to_owned(),
                length: 0,
            });
        }
    }

    /// What was read and not settled is read again, in all lanes.
    pub(crate) fn start_over(&mut self) {
        for reading in self.lanes.values_mut() {
            reading.position = Position::Pending;
        }
    }

    /// Whether a lane is about to be read from what is pending.
    pub(crate) fn has_pending(&self) -> bool {
        self.lanes.values().any(|reading| reading.position == Position::Pending)
    }

    /// Entries in the streams of all lanes.
    pub(crate) fn lag(&self) -> u64 {
        self.lanes.values().map(|reading| reading.length).sum()
    }

    /// How many lanes are read.
    pub(crate) fn lanes(&self) -> usize {
        self.lanes.len()
    }

    /// Notes how long a lane's stream is.
    pub(crate) fn has_length(&mut self, lane: &Lane, length: u64) {
        if let Some(reading) = self.lanes.get_mut(lane) {
            reading.length = length;
        }
    }

    /// Reads a part of each lane. After an error it is unknown what was handed out: [`Self::start_over`].
    pub(crate) async fn read(&mut self) -> RedisResult<Round> {
        let lanes: Vec<Lane> = self.lanes.keys().cloned().collect();
        let share = lanes.len().max(1);
        let mut commands = redis::pipe();
        commands.cmd("PUBSUB").arg("NUMSUB").arg(&self.live_channel);
        for lane in &lanes {
            let pending = self.lanes.get(lane).is_some_and(|reading| reading.position == Position::Pending);
            commands.cmd("FCALL").arg("read_v1").arg(2).arg(lane.lease()).arg(lane.events());
            commands.arg(&self.replica).arg(if pending { "pending" } else { "new" });
            commands.arg((ROUND_ENTRIES / share).max(1)).arg((ROUND_BYTES / share).max(1));
        }
        let mut replies = self.link.query_all(&commands).await?.into_iter();
        let has_listeners = replies.next().is_some_and(|reply| listeners(reply) > 0);
        let mut round = Round { has_listeners, ..Round::default() };
        for (lane, reply) in lanes.into_iter().zip(replies) {
            self.read_lane(lane, reply, &mut round);
        }
        Ok(round)
    }

    fn read_lane(&mut self, lane: Lane, reply: Value, round: &mut Round) {
        let Some(reading) = self.lanes.get_mut(&lane) else { return };
        let Some((handed_out, length, entries)) = parts(reply) else {
            self.lanes.remove(&lane);
            round.lost.push(lane);
            return;
        };
        reading.handed_out = handed_out;
        reading.length = length;
        round.more |= !entries.is_empty() || reading.position == Position::Pending;
        if entries.is_empty() {
            reading.position = Position::New;
        }
        let tenure = reading.tenure;
        round.entries.extend(entries.into_iter().filter_map(|entry| Entry::read(&lane, tenure, entry)));
    }

    /// Waits until a lane has something new, for [`DOORBELL`] at the most. What arrives is read by the next round.
    pub(crate) async fn wait(&mut self) -> RedisResult<()> {
        let mut command = redis::cmd("XREAD");
        command.arg("COUNT").arg(1).arg("BLOCK").arg(DOORBELL.as_millis().to_string()).arg("STREAMS");
        let (keys, ids): (Vec<_>, Vec<_>) =
            self.lanes.iter().map(|(lane, reading)| (lane.events(), &reading.handed_out)).unzip();
        let wait = (!keys.is_empty()).then(|| self.doorbell.query::<Value>(command.arg(keys).arg(ids)));
        OptionFuture::from(wait).await.map_or(Ok(()), |rung| rung.map(drop))
    }

    /// Ends a wait that was given up: it would go on in Redis, and hold up the next.
    pub(crate) fn stop_waiting(&mut self) {
        self.doorbell.hang_up();
    }

    /// The connection for commands that do not block.
    pub(crate) fn link(&mut self) -> &mut Link {
        &mut self.link
    }
}

/// The reply of `read_v1`; none when the lane is another's.
fn parts(reply: Value) -> Option<(String, u64, Vec<Value>)> {
    let Value::Array(parts) = reply else { return None };
    let [handed_out, length, entries] = <[Value; 3]>::try_from(parts).ok()?;
    let Value::Array(entries) = entries else { return None };
    Some((redis::from_redis_value(handed_out).ok()?, redis::from_redis_value(length).ok()?, entries))
}

/// The reply of `PUBSUB NUMSUB` for one channel.
fn listeners(reply: Value) -> u64 {
    redis::from_redis_value::<(String, u64)>(reply).map_or(0, |(_, count)| count)
}
