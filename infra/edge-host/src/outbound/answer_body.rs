//! The body of an outgoing request's answer, bounded in bytes and in time.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};
use wasmtime_wasi_http::Error as WasiError;

/// What one answer may take.
pub(super) struct Limits {
    /// Bytes in all.
    pub(super) bytes: usize,
    /// When the whole answer must be there.
    pub(super) end: Instant,
    /// Between two frames.
    pub(super) between_frames: Duration,
}

impl Limits {
    fn next_frame_by(&self) -> Instant {
        self.end.min(Instant::now() + self.between_frames)
    }
}

/// Passes frames on until a limit is reached; then it ends with an error.
pub(super) struct AnswerBody {
    body: Incoming,
    limits: Limits,
    late: Pin<Box<Sleep>>,
}

impl AnswerBody {
    pub(super) fn new(body: Incoming, limits: Limits) -> Self {
        let late = Box::pin(sleep_until(limits.next_frame_by()));
        Self { body, limits, late }
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = WasiError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, WasiError>>> {
        let this = &mut *self;
        let frame = match Pin::new(&mut this.body).poll_frame(cx) {
            Poll::Ready(frame) => frame,
            Poll::Pending => {
                ready!(this.late.as_mut().poll(cx));
                return Poll::Ready(Some(Err(WasiError::ConnectionReadTimeout)));
            }
        };
        let Some(frame) = frame.transpose()? else {
            return Poll::Ready(None);
        };
        let length = frame.data_ref().map_or(0, Bytes::len);
        let Some(left) = this.limits.bytes.checked_sub(length) else {
            return Poll::Ready(Some(Err(WasiError::HttpResponseBodySize(None))));
        };
        this.limits.bytes = left;
        let next = this.limits.next_frame_by();
        this.late.as_mut().reset(next);
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
