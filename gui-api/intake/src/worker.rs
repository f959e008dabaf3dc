//! The work of one replica: read a round, write and settle it unit by unit, and again.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use redis::{RedisError, RedisResult};
use tideline_protocol::Lanes;
use tideline_store::{Store, StoreError};
use tokio::sync::watch;
use tracing::warn;

use crate::Options;
use crate::aliases::{self, Aliases};
use crate::entry::Entry;
use crate::handle::Handle;
use crate::keeper::release;
use crate::leases::Leases;
use crate::link::explain;
use crate::live;
use crate::options::{CONFLICTS_AT_ONCE, TRIES_ALONE, UNIT_BYTES, UNIT_ENTRIES, UNIT_EVENTS};
use crate::outage::Outage;
use crate::reader::Reader;
use crate::ruling::{self, Ruling};
use crate::settle::Settlement;
use crate::unit::{Unit, Verdict, WriteError};

/// What a number of times that an entry was handed out is raised to by each try alone.
const ALONE: u64 = 1000;

/// Works on the lanes that are owned.
pub(crate) struct Worker {
    reader: Reader,
    store: Arc<dyn Store>,
    leases: Arc<Leases>,
    handle: Handle,
    replica: String,
    lanes: Lanes,
    ruling: Ruling,
    drain: watch::Receiver<bool>,
    redis_outage: Outage,
    store_outage: Outage,
}

/// What became of a unit that was to be written.
enum Written {
    /// It is in the store.
    As(Vec<Verdict>),
    /// It cannot be, now or later: why.
    Never(String),
}

/// Work on a unit was given up: it stays pending, and is read again by whoever owns its lanes then.
struct GivenUp;

impl Worker {
    pub(crate) fn new(
        options: &Options,
        store: Arc<dyn Store>,
        leases: Arc<Leases>,
        handle: Handle,
        replica: &str,
        drain: watch::Receiver<bool>,
    ) -> Self {
        Self {
            reader: Reader::new(options, replica),
            store,
            leases,
            handle,
            replica: replica.to_owned(),
            lanes: options.lanes.clone(),
            ruling: Ruling::new(options.settings.clone()),
            drain,
            redis_outage: Outage::none("redis"),
            store_outage: Outage::none("store"),
        }
    }

    /// Works until the drain begins, and ends between two units.
    pub(crate) async fn run(&mut self) {
        while !self.is_draining() {
            self.give_back_surplus().await;
            self.reader.take_over(&self.leases.held(Instant::now()));
            self.handle.owns(self.reader.lanes(), self.reader.lag());
            if self.reader.lanes() == 0 {
                self.wait_for_lanes().await;
            } else if self.may_read().await && self.knows_the_rules().await {
                self.round().await;
            }
        }
    }

    async fn round(&mut self) {
        let left = Settlement::again(self.reader.take_unsettled());
        if !left.is_empty()
            && let Err((left, error)) = self.settle(left).await
        {
            left.leave(&mut self.reader);
            return self.redis_failed(explain(&error)).await;
        }
        let round = match self.reader.read().await {
            Ok(round) => round,
            Err(error) => {
                self.reader.start_over();
                return self.redis_failed(explain(&error)).await;
            }
        };
        self.redis_answers();
        for lane in &round.lost {
            self.leases.lost(lane);
        }
        for unit in units(round.entries) {
            if self.work(unit, round.has_listeners).await.is_err() {
                return self.reader.start_over();
            }
        }
        self.handle.owns(self.reader.lanes(), self.reader.lag());
        if !round.more {
            self.wait_for_entries().await;
        }
    }

    /// Writes a unit, publishes and settles it; entry by entry, when one of them cannot be written.
    async fn work(&mut self, unit: Vec<Entry>, has_listeners: bool) -> Result<(), GivenUp> {
        if let Some(revision) = unit.iter().filter_map(Entry::demands).max() {
            self.ruling.must_know(revision);
            if !self.knows_the_rules().await {
                return Err(GivenUp);
            }
        }
        let mut units = VecDeque::from([Unit::open(unit, self.ruling.settings())]);
        while let Some(unit) = units.pop_front() {
            self.check_that_all_are_owned(&unit)?;
            let verdicts = match unit.suspect() {
                Some(suspect) if suspect.times / ALONE >= TRIES_ALONE => vec![give_up(suspect)],
                _ => match self.write(&unit, has_listeners).await? {
                    Written::As(verdicts) => verdicts,
                    Written::Never(reason) if unit.is_single() => unit.bury(&reason),
                    Written::Never(_) => {
                        units.extend(unit.apart());
                        continue;
                    }
                },
            };
            self.settle_unit(&unit, &verdicts).await?;
        }
        Ok(())
    }

    async fn settle_unit(&mut self, unit: &Unit, verdicts: &[Verdict]) -> Result<(), GivenUp> {
        let mut settlement = Settlement::of(&unit.entries, verdicts);
        while let Err((unsettled, error)) = self.settle(settlement).await {
            self.redis_failed(explain(&error)).await;
            self.check_that_all_are_owned(unit)?;
            settlement = unsettled;
        }
        Ok(())
    }

    /// Settles each lane by itself. Gives the settlement back when it is unknown what became of it.
    async fn settle(&mut self, settlement: Settlement) -> Result<(), (Settlement, RedisError)> {
        match self.reader.link().query_each(&mut settlement.commands()).await {
            Ok(replies) => {
                self.redis_answers();
                settlement.note(replies, &mut self.reader, &self.handle);
                Ok(())
            }
            Err(error) => Err((settlement, error)),
        }
    }

    /// Writes a unit until the store has it, or has a document for it that nobody can read. An entry that was handed out often counts as tried while its write
    /// is under way: if that ends the service again, it is known next time.
    async fn write(&mut self, unit: &Unit, has_listeners: bool) -> Result<Written, GivenUp> {
        let mut conflicts = 0;
        loop {
            if let Some(suspect) = unit.suspect() {
                self.note(suspect, (suspect.times / ALONE + 1) * ALONE).await?;
            }
            let written = self.write_once(unit, has_listeners, conflicts > 0).await;
            if let (Err(_), Some(suspect)) = (&written, unit.suspect()) {
                // It has ended nothing: were it a try, an outage with some restarts would condemn it.
                self.note(suspect, suspect.times).await?;
            }
            match written {
                Ok(verdicts) => {
                    self.store_answers();
                    return Ok(Written::As(verdicts));
                }
                Err(WriteError::Store(StoreError::Conflict { .. })) if conflicts < CONFLICTS_AT_ONCE => {
                    conflicts += 1;
                }
                Err(WriteError::Store(error @ StoreError::Damaged { .. })) => {
                    return Ok(Written::Never(error.to_string()));
                }
                Err(WriteError::Store(error)) => self.store_failed(&error).await,
                Err(WriteError::Redis(error)) => self.redis_failed(explain(&error)).await,
            }
            self.check_that_all_are_owned(unit)?;
        }
    }

    async fn write_once(
        &mut self,
        unit: &Unit,
        has_listeners: bool,
        again: bool,
    ) -> Result<Vec<Verdict>, WriteError> {
        let mut aliases = Aliases { link: self.reader.link(), lanes: &self.lanes };
        let applied = unit.apply(self.store.as_ref(), &mut aliases, self.ruling.settings(), again).await?;
        let batch = applied.batch;
        let mut messages = if has_listeners {
            live::publish(&self.lanes.live_channel(), &batch.events)
        } else {
            redis::pipe()
        };
        let personal = self.ruling.personal().tell(&batch, &self.lanes);
        let failures = ruling::tell(&applied.troubles, &self.lanes);
        for command in aliases::tell(&applied.adoptions).into_iter().chain(personal).chain(failures) {
            messages.add_command(command);
        }
        let moved = Aliases::make(&self.lanes, &applied.moved);
        if !batch.is_empty() {
            self.store.write(batch).await?;
        }
        for command in moved {
            messages.add_command(command);
        }
        if !messages.is_empty() {
            // Nobody counts on them; what is wrong with Redis is told when the unit is settled.
            let _unsent = self.reader.link().query_each(&mut messages).await;
        }
        Ok(applied.verdicts)
    }

    /// Notes how often an entry counts as handed out.
    async fn note(&mut self, suspect: &Entry, times: u64) -> Result<(), GivenUp> {
        let mut command = redis::cmd("FCALL");
        command.arg("suspect_v1").arg(1).arg(suspect.lane.events()).arg(suspect.id.to_string()).arg(times);
        if let Err(error) = self.reader.link().query::<()>(&command).await {
            if error.code().is_some() {
                self.reader.rest(&suspect.lane, &error);
            } else {
                self.redis_failed(explain(&error)).await;
            }
            return Err(GivenUp);
        }
        Ok(())
    }

    /// Whether reading makes sense now. What is pending counts as handed out when it is read, and what is
    /// handed out often is suspected: so it is not read while the store could not take it.
    async fn may_read(&mut self) -> bool {
        if !self.reader.has_pending() {
            return true;
        }
        match self.store.ready().await {
            Ok(()) => {
                self.store_answers();
                true
            }
            Err(error) => {
                self.store_failed(&error).await;
                false
            }
        }
    }

    /// Whether it is known what rules there are: what they would not let be stored must not be.
    async fn knows_the_rules(&mut self) -> bool {
        match self.ruling.refresh(self.store.as_ref()).await {
            Ok(()) => true,
            Err(error) => {
                self.store_failed(&error).await;
                false
            }
        }
    }

    fn check_that_all_are_owned(&self, unit: &Unit) -> Result<(), GivenUp> {
        let now = Instant::now();
        let owned = unit.entries.iter().all(|entry| self.leases.holds(&entry.lane, entry.tenure, now));
        if owned && !self.is_draining() { Ok(()) } else { Err(GivenUp) }
    }

    async fn give_back_surplus(&mut self) {
        for lane in self.leases.surplus() {
            self.leases.lost(&lane);
            let given: RedisResult<()> = self.reader.link().query(&release(&lane, &self.replica)).await;
            if let Err(error) = given {
                return self.redis_failed(explain(&error)).await;
            }
        }
    }

    async fn wait_for_lanes(&mut self) {
        let leases = Arc::clone(&self.leases);
        match leases.trouble() {
            Some(trouble) => return self.redis_failed(trouble).await,
            None => self.redis_answers(),
        }
        tokio::select! {
            () = leases.changed() => {}
            () = draining(&mut self.drain) => {}
        }
    }

    async fn wait_for_entries(&mut self) {
        let leases = Arc::clone(&self.leases);
        let rung = tokio::select! {
            rung = self.reader.wait() => Some(rung),
            () = leases.changed() => None,
            () = draining(&mut self.drain) => None,
        };
        match rung {
            Some(Ok(())) => {}
            Some(Err(error)) => self.redis_failed(explain(&error)).await,
            None => self.reader.stop_waiting(),
        }
    }

    async fn redis_failed(&mut self, explanation: String) {
        self.handle.redis_is_down(true);
        let wait = self.redis_outage.failed(explanation);
        self.pause(wait).await;
    }

    fn redis_answers(&mut self) {
        self.handle.redis_is_down(self.reader.all_rest());
        self.redis_outage.over();
    }

    async fn store_failed(&mut self, error: &StoreError) {
        self.handle.store_is_down(true);
        let wait = self.store_outage.failed(error);
        self.pause(wait).await;
    }

    fn store_answers(&mut self) {
        self.handle.store_is_down(false);
        self.store_outage.over();
    }

    async fn pause(&mut self, wait: Duration) {
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = draining(&mut self.drain) => {}
        }
    }

    fn is_draining(&self) -> bool {
        *self.drain.borrow()
    }
}

/// Ends when the drain begins.
async fn draining(drain: &mut watch::Receiver<bool>) {
    // The sender outlives the worker: an error cannot be, and would mean the same.
    let _begun = drain.wait_for(|begun| *begun).await;
}

/// The verdict on an entry that was tried alone too often.
fn give_up(suspect: &Entry) -> Verdict {
    let tried = suspect.times / ALONE;
    warn!(lane = %suspect.lane, entry = %suspect.id, "an entry goes to the dead letters: processing it ended the service");
    suspect.bury(format!("processing it alone ended the service {tried} times"))
}

/// Divides a round into units, in order: bounded, and suspects alone.
fn units(entries: Vec<Entry>) -> Vec<Vec<Entry>> {
    let mut units: Vec<Vec<Entry>> = Vec::new();
    let (mut bytes, mut events, mut alone) = (0, 0, true);
    for entry in entries {
        let full = bytes >= UNIT_BYTES || events >= UNIT_EVENTS;
        let apart = alone || full || entry.is_suspect();
        if apart {
            (bytes, events) = (0, 0);
        }
        bytes += entry.bytes();
        events += usize::try_from(entry.account.events).unwrap_or(UNIT_EVENTS);
        alone = entry.is_suspect();
        match units.last_mut() {
            Some(unit) if !apart && unit.len() < UNIT_ENTRIES => unit.push(entry),
            _ => units.push(vec![entry]),
        }
    }
    units
}
