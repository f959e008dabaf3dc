//! A batch in the hands of whoever writes it.

use std::pin::pin;
use std::sync::Arc;

use futures_channel::oneshot;
use futures_util::future::select;

use super::{COMPANY, Shared, Turn, WINDOW, Waiting, Waking, Writer};
use crate::Timer as _;

/// The right to write a batch, and the duty to let others write after it: also when it is dropped.
pub(super) struct Lead<W: Writer> {
    shared: Arc<Shared<W>>,
    batch: Vec<Waiting<W>>,
    /// Whether others may write already.
    is_over: bool,
}

impl<W: Writer> Lead<W> {
    pub(super) fn new(shared: Arc<Shared<W>>, batch: Vec<Waiting<W>>) -> Self {
        Self { shared, batch, is_over: false }
    }

    /// Gives the batch to the first of those in it who still waits. If nobody does, nobody is there to be answered.
    pub(super) fn hand_over(mut self) {
        let mut index = 0;
        while let Some(turn) = self.batch.get_mut(index).and_then(|waiting| waiting.turn.take()) {
            match turn.send(Turn::Lead(self)) {
                Err(Turn::Lead(back)) => self = back,
                Ok(()) | Err(Turn::Done(_)) => return,
            }
            index += 1;
        }
        // Without this it would call its caller when it is dropped.
        self.is_over = true;
        self.shared.queue().under_way -= 1;
    }

    /// Writes the batch, tells the others in it, and returns the outcome of the item of whoever leads.
    pub(super) async fn write(mut self) -> Option<W::Outcome> {
        self.wait_for_company().await;
        let items = self.batch.iter().map(|waiting| Arc::clone(&waiting.item)).collect();
        let outcomes = self.shared.writer.write(items).await;
        // First the next write begins, then this one's outcomes are told.
        self.end();
        let mut own = None;
        for (waiting, outcome) in self.batch.drain(..).zip(outcomes) {
            match waiting.turn {
                // It fails when the visitor has left.
                Some(turn) => drop(turn.send(Turn::Done(outcome))),
                None => own = Some(outcome),
            }
        }
        own
    }

    async fn wait_for_company(&mut self) {
        let (sender, company) = oneshot::channel();
        let before = self.batch.len();
        {
            let mut queue = self.shared.queue();
            if before >= COMPANY || queue.under_way > 1 || !queue.pace.expects_company() {
                return;
            }
            queue.company = Some(sender);
        }
        let window = pin!(self.shared.writer.timer().sleep(WINDOW));
        match self.shared.waking {
            Waking::Signal => drop(select(company, window).await),
            Waking::Polling => window.await,
        }
        let mut queue = self.shared.queue();
        queue.company = None;
        queue.fill(&mut self.batch);
        queue.pace.waited(self.batch.len() > before);
    }

    /// Others may write.
    fn end(&mut self) {
        if !std::mem::replace(&mut self.is_over, true) {
            self.shared.queue().under_way -= 1;
            self.shared.pass_on();
        }
    }
}

impl<W: Writer> Drop for Lead<W> {
    fn drop(&mut self) {
        self.end();
    }
}
