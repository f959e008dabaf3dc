//! Event text on its way from the connection to Redis to the client, under a limit of bytes.
//!
//! The sender never waits: when the client does not take what comes and the bytes on their way pass the
//! limit, sending fails, and the stream is over. A piece is on its way until the connection has written
//! its last byte. When either end is dropped, the other learns of it.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

/// What each piece costs beside its bytes.
const PIECE_BYTES: usize = 64;

/// A channel for at most `limit` bytes at a time.
pub(crate) fn channel(limit: usize) -> (EventSender, EventBody) {
    let (pieces, body) = mpsc::unbounded_channel();
    let room = Arc::new(Semaphore::new(limit.saturating_add(PIECE_BYTES).min(Semaphore::MAX_PERMITS)));
    (EventSender { pieces, room }, EventBody { pieces: body })
}

/// The end that events are put in.
#[derive(Debug)]
pub(crate) struct EventSender {
    pieces: mpsc::UnboundedSender<Bytes>,
    room: Arc<Semaphore>,
}

/// The client does not take what comes, or is gone.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NotTaken;

impl EventSender {
    /// Puts a piece of event text on its way.
    pub(crate) fn send(&self, text: Vec<u8>) -> Result<(), NotTaken> {
        let bytes = u32::try_from(text.len().saturating_add(PIECE_BYTES)).map_err(|_| NotTaken)?;
        let room = Arc::clone(&self.room).try_acquire_many_owned(bytes).map_err(|_| NotTaken)?;
        self.pieces.send(Bytes::from_owner(Piece { text, _room: room })).map_err(|_| NotTaken)
    }

    /// Returns when the client is gone.
    pub(crate) async fn closed(&self) {
        self.pieces.closed().await;
    }
}

struct Piece {
    text: Vec<u8>,
    _room: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        &self.text
    }
}

/// The end that the client reads: the body of its answer.
#[derive(Debug)]
pub(crate) struct EventBody {
    pieces: mpsc::UnboundedReceiver<Bytes>,
}

impl Body for EventBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.pieces.poll_recv(cx).map(|piece| piece.map(|piece| Ok(Frame::data(piece))))
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    #[tokio::test]
    async fn bytes_on_their_way_are_bounded_and_room_comes_back_when_they_are_written() {
        let (sender, mut body) = channel(1000);
        assert_eq!(sender.send(vec![b'a'; 600]), Ok(()));
        assert_eq!(sender.send(vec![b'b'; 600]), Err(NotTaken));
        let piece = body.frame().await.unwrap().unwrap().into_data().unwrap();
        assert_eq!(sender.send(vec![b'b'; 600]), Err(NotTaken), "not written yet");
        drop(piece);
        assert_eq!(sender.send(vec![b'b'; 600]), Ok(()));
        drop(body);
        sender.closed().await;
        assert_eq!(sender.send(Vec::new()), Err(NotTaken));
    }
}
