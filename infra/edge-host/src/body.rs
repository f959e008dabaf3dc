//! Takes a request's body into memory, within limits on size, time and the memory of all bodies.
//!
//! A body is complete before the component hears of it: a slow sender costs a connection and never a
//! place in an instance. Collecting costs nothing measurable for bodies of usual size. Only bytes that
//! have come are accounted: what a visitor merely announces costs nobody else anything.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::Options;
use crate::refusal::Refusal;

/// Bytes are accounted in pieces of this size.
const PIECE: usize = 1024;

/// How long, and how much of it, the rest of a refused body is read, so that the client reads the
/// answer instead of a connection reset.
const DISCARD_TIME: Duration = Duration::from_secs(2);
const DISCARD_BYTES: usize = 16 << 20;

/// Limits on the request bodies of one shard; clones share the memory account.
#[derive(Clone)]
pub(crate) struct BodyLimits {
    max_bytes: u32,
    timeout: Duration,
    account: Arc<Semaphore>,
}

/// A body in memory, and its place in the account.
pub(crate) struct HeldBody {
    pub(crate) bytes: Bytes,
    pub(crate) held: Held,
}

/// What is accounted for one body, until this is dropped. It goes with the request into the instance and
/// stays there even when the visitor leaves, because the component's copies do as well.
#[must_use = "the body is no longer accounted when this is dropped"]
#[derive(Default)]
pub(crate) struct Held(Option<OwnedSemaphorePermit>);

impl BodyLimits {
    pub(crate) fn new(options: &Options) -> Self {
        let pieces = (options.max_buffered_bytes() as usize).div_ceil(PIECE);
        Self {
            max_bytes: options.max_body_bytes,
            timeout: Duration::from_millis(options.body_timeout_ms),
            account: Arc::new(Semaphore::new(pieces)),
        }
    }

    /// Reads the whole body. A refused one is read on in the background for a moment and thrown away.
    pub(crate) async fn take(&self, mut body: Incoming) -> Result<HeldBody, Refusal> {
        if body.is_end_stream() {
            return Ok(HeldBody { bytes: Bytes::new(), held: Held::default() });
        }
        let read = match timeout(self.timeout, self.read(&mut body)).await {
            Ok(read) => read,
            Err(_) => Err(Refusal::SlowBody),
        };
        if let Err(Refusal::LargeBody(_) | Refusal::Memory) = read {
            tokio::spawn(timeout(DISCARD_TIME, discard(body)));
        }
        read
    }

    async fn read(&self, body: &mut Incoming) -> Result<HeldBody, Refusal> {
        let max = self.max_bytes as usize;
        if body.size_hint().lower() > u64::from(self.max_bytes) {
            return Err(Refusal::LargeBody(self.max_bytes));
        }
        let mut held = Held::default();
        let mut first = Bytes::new();
        let mut rest = BytesMut::new();
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame.map_err(|_| Refusal::BrokenBody)?.into_data() else {
                continue;
            };
            let length = first.len() + rest.len() + data.len();
            if length > max {
                return Err(Refusal::LargeBody(self.max_bytes));
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
        let missing = u32::try_from(wanted.saturating_sub(have)).map_err(|_| Refusal::Memory)?;
        if missing == 0 {
            return Ok(());
        }
        let more = Arc::clone(&self.account).try_acquire_many_owned(missing).map_err(|_| Refusal::Memory)?;
        match &mut held.0 {
            Some(held) => held.merge(more),
            None => held.0 = Some(more),
        }
        Ok(())
    }
}

async fn discard(mut body: Incoming) {
    let mut left = DISCARD_BYTES;
    while let Some(Ok(frame)) = body.frame().await {
        let length = frame.data_ref().map_or(0, Bytes::len);
        let Some(rest) = left.checked_sub(length) else {
            return;
        };
        left = rest;
    }
}
