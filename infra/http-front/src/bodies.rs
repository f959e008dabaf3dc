//! Takes a request's body into memory, within limits on size, time and the memory of all bodies.
//!
//! A body is complete before anybody works on the request: a slow sender costs a connection and nothing
//! else. Collecting costs nothing measurable for bodies of usual size. Only bytes that have come are
//! accounted: what a visitor merely announces costs nobody else anything.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::Refusal;

/// Bytes are accounted in pieces of this size.
const PIECE: usize = 1024;

/// How long, and how much of it, the rest of a refused body is read, so that the client reads the
/// answer instead of a connection reset.
const DISCARD_TIME: Duration = Duration::from_secs(2);
const DISCARD_BYTES: usize = 16 << 20;

/// Limits on the request bodies of a server; clones share the memory account.
#[derive(Clone, Debug)]
pub struct Bodies {
    timeout: Duration,
    account: Arc<Semaphore>,
}

/// A body in memory, and its place in the account.
#[derive(Debug)]
pub struct HeldBody {
    /// The body.
    pub bytes: Bytes,
    /// What is accounted for it.
    pub held: Held,
}

/// What is accounted for one body, until this is dropped. It goes with the request and stays there even
/// when the visitor leaves, because the copies of the body do as well.
#[must_use = "the body is no longer accounted when this is dropped"]
#[derive(Debug, Default)]
pub struct Held(Option<OwnedSemaphorePermit>);

impl Bodies {
    /// Bodies that take at most `max_bytes` of memory all together, and `timeout` each to arrive.
    #[must_use]
    pub fn new(max_bytes: usize, timeout: Duration) -> Self {
        let pieces = max_bytes.div_ceil(PIECE).min(Semaphore::MAX_PERMITS);
        Self { timeout, account: Arc::new(Semaphore::new(pieces)) }
    }

    /// Reads a whole body of at most `most` bytes. A refused one is read on in the background for a
    /// moment and thrown away.
    ///
    /// # Errors
    /// It is too large, too slow or broken, or the account is exhausted.
    pub async fn take(&self, mut body: Incoming, most: usize) -> Result<HeldBody, Refusal> {
        if body.is_end_stream() {
            return Ok(HeldBody { bytes: Bytes::new(), held: Held::default() });
        }
        let read = match timeout(self.timeout, self.read(&mut body, most)).await {
            Ok(read) => read,
            Err(_) => Err(Refusal::SlowBody),
        };
        if let Err(Refusal::LargeBody(_) | Refusal::Busy) = read {
            discard(body);
        }
        read
    }

    async fn read(&self, body: &mut Incoming, most: usize) -> Result<HeldBody, Refusal> {
        if usize::try_from(body.size_hint().lower()).map_or(true, |announced| announced > most) {
            return Err(Refusal::LargeBody(most));
        }
        let mut held = Held::default();
        let mut first = Bytes::new();
        let mut rest = BytesMut::new();
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame.map_err(|_| Refusal::BrokenBody)?.into_data() else {
                continue;
            };
            let length = first.len() + rest.len() + data.len();
            if length > most {
                return Err(Refusal::LargeBody(most));
            }
            self.hold(&mut held, length)?;
            // Almost every body comes in one piece, which is then passed on as it is.
            if first.is_empty() && rest.is_empty() {
                first = data;
                continue;
            }
            if rest.is_empty() {
                rest.reserve(length);
                rest.extend_from_slice(&std::mem::take(&mut first));
            }
            rest.extend_from_slice(&data);
        }
        let bytes = if rest.is_empty() { first } else { rest.freeze() };
        Ok(HeldBody { bytes, held })
    }

    /// Raises what is accounted for one body to `bytes`.
    fn hold(&self, held: &mut Held, bytes: usize) -> Result<(), Refusal> {
        let wanted = bytes.div_ceil(PIECE);
        let have = held.0.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let missing = u32::try_from(wanted.saturating_sub(have)).map_err(|_| Refusal::Busy)?;
        if missing == 0 {
            return Ok(());
        }
        let more = Arc::clone(&self.account).try_acquire_many_owned(missing).map_err(|_| Refusal::Busy)?;
        match &mut held.0 {
            Some(held) => held.merge(more),
            None => held.0 = Some(more),
        }
        Ok(())
    }
}

/// Reads the rest of a body that nobody wants in the background, for a moment, and throws it away: a
/// client that is still sending when its connection is closed would read a reset instead of the answer.
pub fn discard(mut body: Incoming) {
    if body.is_end_stream() {
        return;
    }
    let rest = async move {
        let mut left = DISCARD_BYTES;
        while let Some(Ok(frame)) = body.frame().await {
            let length = frame.data_ref().map_or(0, Bytes::len);
            let Some(rest) = left.checked_sub(length) else {
                return;
            };
            left = rest;
        }
    };
    tokio::spawn(timeout(DISCARD_TIME, rest));
}
