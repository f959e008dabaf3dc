//! Owning lanes: says that this replica lives, keeps its leases, and takes free lanes up to its fair share.
//!
//! A replica has at most ⌈lanes ÷ replicas⌉ lanes. It gives back what exceeds that between two rounds of work,
//! so a replica that joins gets its part at once and one that leaves is replaced by the others. It leaves to
//! Redis functions that a lane has one owner; a replica that does not know that it lost one can do no harm
//! (it can read nothing, and what it writes late is a conflict or known already).

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::time::{Duration, Instant};

use redis::{Cmd, Pipeline, RedisResult, Value};
use tideline_protocol::Lane;
use tracing::{debug, info};

use crate::Options;
use crate::leases::Leases;
use crate::link::{Link, explain};
use crate::outage::Outage;

/// Keeps the leases of one replica.
pub(crate) struct Keeper {
    link: Link,
    replica: String,
    lanes: Vec<Lane>,
    lease: Duration,
    renewal: Duration,
    leases: Arc<Leases>,
    /// Lanes whose lease Redis refuses to tell.
    outages: HashMap<Lane, Outage>,
}

impl Keeper {
    pub(crate) fn new(options: &Options, leases: Arc<Leases>) -> Self {
        Self {
            link: Link::new(options.redis.clone(), options.lease / 2),
            replica: new_replica_name(),
            lanes: options.lanes.all().collect(),
            lease: options.lease,
            renewal: options.renewal(),
            leases,
            outages: HashMap::new(),
        }
    }

    /// The name under which this replica owns lanes.
    pub(crate) fn replica(&self) -> &str {
        &self.replica
    }

    /// Keeps leases, for ever. Trouble is the worker's to tell: it meets the same Redis.
    pub(crate) async fn run(&mut self) {
        let mut ticks = tokio::time::interval(self.renewal);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let renewed = self.renew().await;
            self.leases.set_trouble(renewed.err().map(|error| explain(&error)));
        }
    }

    /// Gives all lanes back, so that others take them at once.
    pub(crate) async fn leave(&mut self) {
        let held = self.leases.held(Instant::now());
        let mut commands = redis::pipe();
        for (lane, _) in &held {
            commands.add_command(release(lane, &self.replica));
            self.leases.lost(lane);
        }
        commands.add_command(self.presence(0));
        match self.link.query_each(&mut commands).await {
            Ok(_) => info!(lanes = held.len(), "gave its lanes back"),
            Err(error) => {
                debug!(error = explain(&error), "lanes could not be given back: their leases will end")
            }
        }
    }

    async fn renew(&mut self) -> RedisResult<()> {
        let presence = self.presence(self.lease.as_millis());
        let replicas: usize = self.link.query(&presence).await?;
        let fair_share = self.lanes.len().div_ceil(replicas.max(1));
        let held: Vec<Lane> = self.leases.held(Instant::now()).into_iter().map(|(lane, _)| lane).collect();
        self.ask_for(&held).await?;
        self.leases.set_fair_share(fair_share);

        let mine: HashSet<_> = held.iter().collect();
        let others: Vec<Lane> = self.lanes.iter().filter(|lane| !mine.contains(lane)).cloned().collect();
        let mut wanted = fair_share.saturating_sub(held.len());
        let mut rest = others.as_slice();
        while wanted > 0 && !rest.is_empty() {
            let (now, later) = rest.split_at(wanted.min(rest.len()));
            wanted = wanted.saturating_sub(self.ask_for(now).await?);
            rest = later;
        }
        Ok(())
    }

    /// Takes or keeps these lanes where they are free or ours; returns how many are ours now. A lane for which
    /// Redis has an error keeps what it has: its lease ends by itself.
    async fn ask_for(&mut self, lanes: &[Lane]) -> RedisResult<usize> {
        if lanes.is_empty() {
            return Ok(0);
        }
        // Before the question: Redis counts from when it hears it.
        let until = Instant::now() + self.lease;
        let mut commands = Pipeline::with_capacity(lanes.len());
        for lane in lanes {
            let mut command = redis::cmd("FCALL");
            command.arg("lease_v1").arg(2).arg(lane.lease()).arg(lane.events());
            commands.add_command(command.arg(&self.replica).arg(millis(self.lease)).clone());
        }
        let replies = self.link.query_each(&mut commands).await?;
        let mut ours = 0;
        for (lane, reply) in lanes.iter().zip(replies) {
            let reply = match reply {
                Ok(reply) => reply,
                // The others are renewed all the same; this one is asked for again with the next renewal.
                Err(error) => {
                    let none = || Outage::none(format!("lease of lane {lane}"));
                    self.outages.entry(lane.clone()).or_insert_with(none).failed(explain(&error));
                    continue;
                }
            };
            if let Some(mut outage) = self.outages.remove(lane) {
                outage.over();
            }
            match reply {
                Value::Int(0) => self.leases.lost(lane),
                reply => {
                    ours += 1;
                    self.leases.confirm(lane, until, reply == Value::Int(2));
                }
            }
        }
        Ok(ours)
    }

    fn presence(&self, lease_ms: u128) -> Cmd {
        // With the first lane's keys: one place that all replicas know.
        let first = self.lanes.first().map(Lane::name).unwrap_or_default();
        let mut command = redis::cmd("FCALL");
        command.arg("replica_v1").arg(1).arg(format!("{{{first}}}:replicas")).arg(&self.replica);
        command.arg(lease_ms.to_string()).clone()
    }
}

/// The command that gives a lane back.
pub(crate) fn release(lane: &Lane, replica: &str) -> Cmd {
    redis::cmd("FCALL").arg("release_v1").arg(1).arg(lane.lease()).arg(replica).clone()
}

fn millis(duration: Duration) -> String {
    duration.as_millis().to_string()
}

/// A name that no other replica has, nor this one had before it was restarted.
fn new_replica_name() -> String {
    // `RandomState` is keyed by the operating system's randomness.
    let random = || RandomState::new().hash_one(std::process::id());
    format!("{:016x}{:016x}", random(), random())
}
