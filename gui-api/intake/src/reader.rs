//! Reading the lanes: what is pending first, then what is new, bounded in bytes, by the lane's owner alone.
//!
//! A lane that Redis has an error for rests for a while, and the others go on. One whose entries could not be
//! settled is not read before they are: reading them again would count as handing them out.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use redis::{Cmd, RedisError, RedisResult, Value};
use tideline_protocol::Lane;

use crate::Options;
use crate::entry::Entry;
use crate::leases::Tenure;
use crate::link::{Link, explain};
use crate::options::{DOORBELL, ROUND_BYTES, ROUND_ENTRIES};
use crate::outage::Outage;

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
    /// What is wrong with this lane alone.
    outage: Outage,
    rests_until: Option<Instant>,
    /// What the store has and could not be settled: of one round at the most.
    unsettled: Vec<Cmd>,
}

impl Reading {
    fn new(lane: &Lane, tenure: Tenure) -> Self {
        Self {
            tenure,
            position: Position::Pending,
            handed_out: "0-0".to_owned(),
            length: 0,
            outage: Outage::none(format!("lane {lane}")),
            rests_until: None,
            unsettled: Vec::new(),
        }
    }

    fn rests(&self, now: Instant) -> bool {
        self.rests_until.is_some_and(|until| until > now)
    }
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
            self.lanes.entry(lane.clone()).or_insert_with(|| Reading::new(lane, *tenure));
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

    /// Redis has an error for this lane alone: it rests, longer each time until it can be read again.
    pub(crate) fn rest(&mut self, lane: &Lane, error: &RedisError) {
        if let Some(reading) = self.lanes.get_mut(lane) {
            reading.position = Position::Pending;
            reading.rests_until = Some(Instant::now() + reading.outage.failed(explain(error)));
        }
    }

    /// Whether Redis has an error for each lane.
    pub(crate) fn all_rest(&self) -> bool {
        !self.lanes.is_empty() && self.lanes.values().all(|reading| reading.rests_until.is_some())
    }

    /// What the store has of this lane could not be settled.
    pub(crate) fn left_unsettled(&mut self, lane: &Lane, command: Cmd) {
        if let Some(reading) = self.lanes.get_mut(lane) {
            reading.unsettled.push(command);
        }
    }

    /// What was left unsettled in lanes that have rested.
    pub(crate) fn take_unsettled(&mut self) -> Vec<(Lane, Cmd)> {
        let now = Instant::now();
        let rested = self.lanes.iter_mut().filter(|(_, reading)| !reading.rests(now));
        rested
            .flat_map(|(lane, reading)| reading.unsettled.drain(..).map(|command| (lane.clone(), command)))
            .collect()
    }

    /// Reads a part of each lane that does not rest. After an error it is unknown what was handed out:
    /// [`Self::start_over`].
    pub(crate) async fn read(&mut self) -> RedisResult<Round> {
        let now = Instant::now();
        let readable = self.lanes.iter().filter(|(_, lane)| !lane.rests(now) && lane.unsettled.is_empty());
        let lanes: Vec<Lane> = readable.map(|(lane, _)| lane.clone()).collect();
        let share = lanes.len().max(1);
        let mut commands = redis::pipe();
        commands.cmd("PUBSUB").arg("NUMSUB").arg(&self.live_channel);
        for lane in &lanes {
            let pending = self.lanes.get(lane).is_some_and(|reading| reading.position == Position::Pending);
            commands.cmd("FCALL").arg("read_v1").arg(2).arg(lane.lease()).arg(lane.events());
            commands.arg(&self.replica).arg(if pending { "pending" } else { "new" });
            commands.arg((ROUND_ENTRIES / share).max(1)).arg((ROUND_BYTES / share).max(1));
        }
        let mut replies = self.link.query_each(&mut commands).await?.into_iter();
        let has_listeners = replies.next().and_then(Result::ok).is_some_and(|reply| listeners(reply) > 0);
        let mut replies: Vec<_> = replies.collect();
        // What is wrong with all lanes is wrong with Redis.
        if replies.iter().all(Result::is_err)
            && let Some(Err(error)) = replies.pop()
        {
            return Err(error);
        }
        let mut round = Round { has_listeners, ..Round::default() };
        for (lane, reply) in lanes.into_iter().zip(replies) {
            match reply {
                Ok(reply) => self.read_lane(lane, reply, &mut round),
                Err(error) => self.rest(&lane, &error),
            }
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
        reading.outage.over();
        reading.rests_until = None;
        reading.handed_out = handed_out;
        reading.length = length;
        round.more |= !entries.is_empty() || reading.position == Position::Pending;
        if entries.is_empty() {
            reading.position = Position::New;
        }
        let tenure = reading.tenure;
        round.entries.extend(entries.into_iter().filter_map(|entry| Entry::read(&lane, tenure, entry)));
    }

    /// Waits until a lane has something new, or has rested, for [`DOORBELL`] at the most. What arrives is read
    /// by the next round.
    pub(crate) async fn wait(&mut self) -> RedisResult<()> {
        let next_try = self.lanes.values().filter_map(|reading| reading.rests_until).min();
        let rest = next_try.map(|at| at.saturating_duration_since(Instant::now()));
        // To Redis, zero milliseconds are for ever.
        let most = rest.map_or(DOORBELL, |rest| rest.clamp(Duration::from_millis(1), DOORBELL));
        let mut command = redis::cmd("XREAD");
        command.arg("COUNT").arg(1).arg("BLOCK").arg(most.as_millis().to_string()).arg("STREAMS");
        // One lane that it has an error for would make Redis refuse all of them.
        let sound = self.lanes.iter().filter(|(_, reading)| reading.rests_until.is_none());
        let (keys, ids): (Vec<_>, Vec<_>) =
            sound.map(|(lane, reading)| (lane.events(), &reading.handed_out)).unzip();
        if !keys.is_empty() {
            return self.doorbell.query::<Value>(command.arg(keys).arg(ids)).await.map(drop);
        }
        if !self.lanes.is_empty() {
            tokio::time::sleep(most).await;
        }
        Ok(())
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
