//! Group commit: what arrives while a write is under way is written together when that write returns.
//!
//! ```text
//! submit ─▶ queue ─┬─ no write is under way ─────▶ the first in the queue leads: takes what waits, writes, delivers
//!                  ├─ a whole batch waits ───────▶ the same
//!                  └─ else ──────────────────────▶ waits for its outcome, or to lead when a write returns
//! ```
//! There is no worker: whoever is first leads, so nothing outlives the requests that it is for. A quiet collector writes
//! at once and a busy one in large batches. In between, where requests come every millisecond or so, the leader waits a
//! moment for company ([`WINDOW`]), because writing one costs nearly as much as writing ten.
//!
//! It promises that items are written in the order of their arrival, each in one batch at a time, and that what was in
//! the batch of a leader who vanished is written again by those who still wait. That writing twice does no harm is left
//! to the [`Writer`].

mod lead;
mod pace;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_channel::oneshot;
use futures_util::future::{Either, select};

use self::lead::Lead;
use self::pace::Pace;
use crate::Timer;

/// The most items of a batch. Larger ones bring nothing: an item of 128 costs as much as one of 64.
pub(crate) const MOST_ITEMS: usize = 64;

/// The most bytes of a batch of several: our gateway takes 1 MiB at a time.
const FULL_BYTES: usize = 512 * 1024;

/// What may wait, in bytes. Beyond it visitors are asked to come again: a component has little memory.
const MOST_WAITING_BYTES: usize = 8 << 20;

/// The most batches under way. One is enough until writes take long; then full batches do not wait for it.
const MOST_UNDER_WAY: usize = 8;

/// How long a leader waits for company, where company is to be expected.
pub(crate) const WINDOW: Duration = Duration::from_millis(1);

/// With so many a leader waits no longer.
const COMPANY: usize = 24;

/// How often those who are not woken look by themselves.
const POLL: Duration = Duration::from_millis(1);

/// How often an item is submitted whose leaders vanish.
const MOST_TRIES: usize = 3;

/// What a group writes with.
pub(crate) trait Writer {
    /// What is written.
    type Item;
    /// What became of it.
    type Outcome;
    /// Time.
    type Timer: Timer;

    /// What an item takes in a batch, in bytes.
    fn bytes(item: &Self::Item) -> usize;

    /// Writes a batch: an outcome for each item, in their order. Writing an item again does no harm.
    fn write(&self, batch: Vec<Arc<Self::Item>>) -> impl Future<Output = Vec<Self::Outcome>>;

    /// Time.
    fn timer(&self) -> &Self::Timer;
}

/// How those who wait learn that it is their turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waking {
    /// They are woken.
    Signal,
    /// They look every millisecond, for hosts on which one request cannot wake another.
    Polling,
}

/// Why an item has no outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unwritten {
    /// Too much waits already.
    #[error("{MOST_WAITING_BYTES} bytes wait to be written already: redis is slower than what comes in")]
    Full,
    /// Whoever led its batch vanished, again and again.
    #[error("the write was given up before it was confirmed")]
    Abandoned,
}

/// Those who want something written. Clones are the same group.
pub(crate) struct Group<W: Writer>(Arc<Shared<W>>);

struct Shared<W: Writer> {
    writer: W,
    waking: Waking,
    queue: Mutex<Queue<W>>,
}

struct Queue<W: Writer> {
    waiting: VecDeque<Waiting<W>>,
    /// Of all that wait.
    bytes: usize,
    under_way: usize,
    pace: Pace,
    /// Tells a leader that company has come.
    company: Option<oneshot::Sender<()>>,
}

/// An item in the queue or in a batch.
struct Waiting<W: Writer> {
    item: Arc<W::Item>,
    /// None for whoever leads its batch.
    turn: Option<oneshot::Sender<Turn<W>>>,
}

/// What those who wait are told.
enum Turn<W: Writer> {
    Lead(Lead<W>),
    Done(W::Outcome),
}

impl<W: Writer> Group<W> {
    pub(crate) fn new(writer: W, waking: Waking) -> Self {
        let queue =
            Queue { waiting: VecDeque::new(), bytes: 0, under_way: 0, pace: Pace::default(), company: None };
        Self(Arc::new(Shared { writer, waking, queue: Mutex::new(queue) }))
    }

    pub(crate) fn writer(&self) -> &W {
        &self.0.writer
    }

    /// Writes an item, together with others.
    pub(crate) async fn submit(&self, item: W::Item) -> Result<W::Outcome, Unwritten> {
        let item = Arc::new(item);
        for _ in 0..MOST_TRIES {
            let turn = self.0.enqueue(&item)?;
            self.0.pass_on();
            match self.0.wait(turn).await {
                Some(Turn::Done(outcome)) => return Ok(outcome),
                Some(Turn::Lead(lead)) => {
                    if let Some(outcome) = lead.write().await {
                        return Ok(outcome);
                    }
                }
                None => {}
            }
        }
        Err(Unwritten::Abandoned)
    }
}

impl<W: Writer> Shared<W> {
    fn queue(&self) -> MutexGuard<'_, Queue<W>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enqueue(&self, item: &Arc<W::Item>) -> Result<oneshot::Receiver<Turn<W>>, Unwritten> {
        let (sender, turn) = oneshot::channel();
        let now = self.writer.timer().now();
        let mut queue = self.queue();
        let bytes = queue.bytes + W::bytes(item);
        if bytes > MOST_WAITING_BYTES {
            return Err(Unwritten::Full);
        }
        queue.bytes = bytes;
        queue.pace.arrived(now);
        queue.waiting.push_back(Waiting { item: Arc::clone(item), turn: Some(sender) });
        if queue.waiting.len() >= COMPANY
            && let Some(company) = queue.company.take()
        {
            // Fails when the leader has waited long enough already.
            let _ = company.send(());
        }
        Ok(turn)
    }

    /// Has batches written as long as there are any that may be.
    fn pass_on(self: &Arc<Self>) {
        loop {
            let Some(batch) = self.queue().next_batch() else { return };
            Lead::new(Arc::clone(self), batch).hand_over();
        }
    }

    /// Waits for one's turn; none when the leader of one's batch vanished.
    async fn wait(&self, mut turn: oneshot::Receiver<Turn<W>>) -> Option<Turn<W>> {
        if self.waking == Waking::Signal {
            return turn.await.ok();
        }
        loop {
            match select(turn, pin!(self.writer.timer().sleep(POLL))).await {
                Either::Left((told, _)) => return told.ok(),
                Either::Right(((), waiting)) => turn = waiting,
            }
        }
    }
}

impl<W: Writer> Queue<W> {
    /// Takes a batch out, if one may be written now.
    fn next_batch(&mut self) -> Option<Vec<Waiting<W>>> {
        let is_full = self.waiting.len() >= MOST_ITEMS || self.bytes >= FULL_BYTES;
        let may_lead = self.under_way == 0 || (is_full && self.under_way < MOST_UNDER_WAY);
        if !may_lead || self.waiting.is_empty() {
            return None;
        }
        self.under_way += 1;
        let mut batch = Vec::new();
        self.fill(&mut batch);
        Some(batch)
    }

    /// Adds what waits to a batch, until it is full.
    fn fill(&mut self, batch: &mut Vec<Waiting<W>>) {
        let mut bytes: usize = batch.iter().map(|waiting| W::bytes(&waiting.item)).sum();
        while batch.len() < MOST_ITEMS
            && let Some(next) = self.waiting.front()
        {
            let more = W::bytes(&next.item);
            if !batch.is_empty() && bytes + more > FULL_BYTES {
                return;
            }
            bytes += more;
            self.bytes -= more;
            batch.extend(self.waiting.pop_front());
        }
    }
}
