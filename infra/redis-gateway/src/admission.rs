//! Admission: how many requests, and how many bytes of them, the gateway holds at one time.
//!
//! A request that finds no room is refused at once; nothing waits in line here, so a stalled Redis
//! or a slow client costs a known amount of memory. An [`Admission`] travels with its request, to
//! Redis and back into the answer, and gives its room back when the last byte of the answer is
//! taken, also when the client has long gone. A principal may have less room than there is for all.
//! How long a request may take is decided elsewhere.

use std::sync::Arc;

use bytes::Bytes;
use prometheus_client::metrics::gauge::Gauge;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::tokens::Room;

/// Answers up to this size are covered by the in-flight limit alone: refusing one for lack of room
/// would hide the outcome of a command that Redis has executed.
const SMALL_ANSWER_BYTES: usize = 16 * 1024;

/// The room that all requests share.
#[derive(Debug)]
pub(crate) struct Gate {
    requests: Arc<Semaphore>,
    bytes: Arc<Semaphore>,
    in_flight: Gauge,
}

/// The gateway has no room for one more request, or for its answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NoRoom;

impl Gate {
    /// Room for so many; `in_flight` follows how many there are.
    pub(crate) fn new(max_requests: usize, max_bytes: usize, in_flight: Gauge) -> Self {
        let semaphore = |permits: usize| Arc::new(Semaphore::new(permits.min(Semaphore::MAX_PERMITS)));
        Gate { requests: semaphore(max_requests), bytes: semaphore(max_bytes), in_flight }
    }

    /// Takes room for one request with a body of up to `body_bytes`, and out of its principal's own.
    pub(crate) fn admit(&self, own: Option<&Room>, body_bytes: usize) -> Result<Admission, NoRoom> {
        let take = |places: &Arc<Semaphore>| Arc::clone(places).try_acquire_owned().map_err(|_| NoRoom);
        let own = own.map(|room| take(&room.places)).transpose()?;
        let request = take(&self.requests)?;
        let bytes = take_bytes(&self.bytes, body_bytes)?;
        let counted = Counted::new(self.in_flight.clone());
        Ok(Admission { _places: (request, own, counted), bytes, budget: Arc::clone(&self.bytes) })
    }
}

fn take_bytes(budget: &Arc<Semaphore>, count: usize) -> Result<OwnedSemaphorePermit, NoRoom> {
    let count = u32::try_from(count).map_err(|_| NoRoom)?;
    Arc::clone(budget).try_acquire_many_owned(count).map_err(|_| NoRoom)
}

/// The room that one request holds until it is dropped.
#[derive(Debug)]
pub(crate) struct Admission {
    _places: (OwnedSemaphorePermit, Option<OwnedSemaphorePermit>, Counted),
    bytes: OwnedSemaphorePermit,
    budget: Arc<Semaphore>,
}

impl Admission {
    /// Turns an answer into bytes that hold this room until the connection has taken them.
    pub(crate) fn into_bytes(mut self, answer: Vec<u8>) -> Result<Bytes, NoRoom> {
        let missing = answer.len().saturating_sub(self.bytes.num_permits());
        if answer.len() > SMALL_ANSWER_BYTES && missing > 0 {
            self.bytes.merge(take_bytes(&self.budget, missing)?);
        }
        Ok(Bytes::from_owner(Held { answer, _admission: self }))
    }
}

/// One more in the gauge, until it is dropped.
#[derive(Debug)]
struct Counted(Gauge);

impl Counted {
    fn new(gauge: Gauge) -> Self {
        gauge.inc();
        Counted(gauge)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}

struct Held {
    answer: Vec<u8>,
    _admission: Admission,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_given_back_when_the_last_reference_to_the_answer_is_gone() {
        let gate = Gate::new(1, 100, Gauge::default());
        let answer = gate.admit(None, 10).unwrap().into_bytes(b"answer".to_vec()).unwrap();
        let written_later = answer.clone();
        drop(answer);
        assert_eq!(gate.admit(None, 10).unwrap_err(), NoRoom);
        drop(written_later);
        assert!(gate.admit(None, 100).is_ok());
    }

    #[test]
    fn a_principal_has_no_more_room_than_its_own() {
        let (gate, room) = (Gate::new(3, 100, Gauge::default()), Room::new(1));
        let first = gate.admit(Some(&room), 0).unwrap();
        assert_eq!(gate.admit(Some(&room), 0).unwrap_err(), NoRoom);
        let _others = (gate.admit(None, 0).unwrap(), gate.admit(None, 0).unwrap());
        assert_eq!(gate.admit(None, 0).unwrap_err(), NoRoom);
        drop(first);
        assert!(gate.admit(Some(&room), 0).is_ok());
    }

    #[test]
    fn a_large_answer_needs_room_and_a_small_one_does_not() {
        let gate = Gate::new(3, 20_000, Gauge::default());
        let first = gate.admit(None, 0).unwrap().into_bytes(vec![0; 19_000]).unwrap();
        assert_eq!(gate.admit(None, 0).unwrap().into_bytes(vec![0; 17_000]).unwrap_err(), NoRoom);
        assert!(gate.admit(None, 0).unwrap().into_bytes(vec![0; 16_000]).is_ok());
        drop(first);
        assert!(gate.admit(None, 0).unwrap().into_bytes(vec![0; 17_000]).is_ok());
    }
}
