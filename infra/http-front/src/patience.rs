//! How long a connection waits for its client: to open it, for the rest of a request's head, for room to
//! write an answer, and for the next request.
//!
//! hyper limits how long a head may take with one timer, which also runs while a connection is idle
//! between requests; nothing in it limits a client that sends requests and never reads, and an HTTP/2
//! connection on which nothing happens is kept for ever. So this module watches the waits in which a
//! client is due and does not go on. A connection's clock is looked at once per limit, so it costs nothing
//! per request.

use std::collections::BTreeSet;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, sleep_until};

/// Bytes in a second that a client of HTTP/2 has to take at least of an answer, past the first moment.
const SLOWEST_READER: u64 = 16 << 10;

/// How long a connection waits for its client, one limit for each wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// For all that precedes HTTP: what a proxy says of the client, and the TLS handshake.
    pub opening: Duration,
    /// For a request's head, from its first byte to its end; for the first one of a connection, from the
    /// end of the opening. (Later heads of HTTP/2 have no beginning of their own, and are bounded in bytes
    /// alone.)
    pub head: Duration,
    /// For a client that takes nothing of its answers.
    pub answer: Duration,
    /// For the next request, while none is in progress.
    pub idle: Duration,
}

/// Why a connection is given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lost {
    /// The client has begun something and does not go on.
    Stalled,
    /// Nothing was begun for too long.
    Idle,
}

/// What one connection waits for. All times are milliseconds after `opened`, plus one; 0 is "not waiting".
#[derive(Debug)]
pub(crate) struct Clock {
    opened: Instant,
    patience: Patience,
    head_since: AtomicU64,
    write_since: AtomicU64,
    idle_since: AtomicU64,
    /// Requests in progress.
    served: AtomicU32,
    /// HTTP/2: bytes that come need not belong to a head, and answers wait for each stream by itself.
    multiplexed: AtomicBool,
    pieces: Mutex<Pieces>,
}

/// Pieces of answers that HTTP/2 has not sent yet, by when they have to be.
#[derive(Debug, Default)]
struct Pieces {
    ends: BTreeSet<(Instant, u64)>,
    last: u64,
}

impl Clock {
    /// For a connection that was just accepted.
    pub(crate) fn new(patience: Patience) -> Arc<Self> {
        Arc::new(Self {
            opened: Instant::now(),
            patience,
            head_since: AtomicU64::new(0),
            write_since: AtomicU64::new(0),
            idle_since: AtomicU64::new(0),
            served: AtomicU32::new(0),
            multiplexed: AtomicBool::new(false),
            pieces: Mutex::default(),
        })
    }

    /// The opening is over, and the first request is due.
    pub(crate) fn opened(&self, multiplexed: bool) {
        self.multiplexed.store(multiplexed, Ordering::Relaxed);
        self.head_since.store(self.now(), Ordering::Relaxed);
    }

    /// A request is complete up to its body; the guard ends its service.
    pub(crate) fn serving(self: &Arc<Self>) -> Serving {
        self.served.fetch_add(1, Ordering::Relaxed);
        self.head_since.store(0, Ordering::Relaxed);
        self.idle_since.store(0, Ordering::Relaxed);
        Serving(Arc::clone(self))
    }

    /// A piece of an answer is handed to HTTP/2; the guard says when it was sent, or never will be.
    pub(crate) fn piece(self: &Arc<Self>, bytes: usize) -> Piece {
        let transfer = Duration::from_secs(bytes as u64 / SLOWEST_READER);
        let mut pieces = self.pieces();
        pieces.last += 1;
        let key = (Instant::now() + self.patience.answer + transfer, pieces.last);
        pieces.ends.insert(key);
        drop(pieces);
        Piece { clock: Arc::clone(self), key }
    }

    /// Returns when the client has kept the connection waiting for too long.
    pub(crate) async fn lost(&self) -> Lost {
        let Patience { head, answer, idle, .. } = self.patience;
        // HTTP/2 can tell a client whose first request is overdue that the connection ends.
        let multiplexed = self.multiplexed.load(Ordering::Relaxed);
        let overdue = if multiplexed { Lost::Idle } else { Lost::Stalled };
        let watched = [
            (&self.head_since, head, overdue),
            (&self.write_since, answer, Lost::Stalled),
            (&self.idle_since, idle, Lost::Idle),
        ];
        loop {
            let now = Instant::now();
            // What begins after this look cannot be overdue before the next.
            let mut next = now + head.min(answer).min(idle);
            for (since, limit, lost) in watched {
                let Some(since) = since.load(Ordering::Relaxed).checked_sub(1) else { continue };
                let end = self.opened + Duration::from_millis(since) + limit;
                if end <= now {
                    return lost;
                }
                next = next.min(end);
            }
            if let Some((end, _)) = self.pieces().ends.first() {
                if *end <= now {
                    return Lost::Stalled;
                }
                next = next.min(*end);
            }
            sleep_until(next).await;
        }
    }

    /// How long a client has to read that its connection ends.
    pub(crate) fn farewell(&self) -> Duration {
        self.patience.answer
    }

    fn pieces(&self) -> MutexGuard<'_, Pieces> {
        self.pieces.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> u64 {
        u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX).saturating_add(1)
    }

    fn bytes_came(&self) {
        let idle = self.served.load(Ordering::Relaxed) == 0 && !self.multiplexed.load(Ordering::Relaxed);
        if idle && self.idle_since.load(Ordering::Relaxed) != 0 {
            self.idle_since.store(0, Ordering::Relaxed);
            self.head_since.store(self.now(), Ordering::Relaxed);
        }
    }

    fn wrote(&self, blocked: bool) {
        let since = self.write_since.load(Ordering::Relaxed);
        if blocked && since == 0 {
            self.write_since.store(self.now(), Ordering::Relaxed);
        } else if !blocked && since != 0 {
            self.write_since.store(0, Ordering::Relaxed);
        }
    }
}

/// A request is being served, up to the end of its answer.
#[derive(Debug)]
pub(crate) struct Serving(Arc<Clock>);

impl Drop for Serving {
    fn drop(&mut self) {
        if self.0.served.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.0.idle_since.store(self.0.now(), Ordering::Relaxed);
        }
    }
}

/// A piece of an answer on its way.
#[derive(Debug)]
pub(crate) struct Piece {
    clock: Arc<Clock>,
    key: (Instant, u64),
}

impl Drop for Piece {
    fn drop(&mut self) {
        self.clock.pieces().ends.remove(&self.key);
    }
}

/// A stream that tells what its client does.
#[derive(Debug)]
pub(crate) struct Watched<S> {
    pub(crate) stream: S,
    pub(crate) clock: Arc<Clock>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let outcome = Pin::new(&mut self.stream).poll_read(cx, buf);
        if buf.filled().len() > before {
            self.clock.bytes_came();
        }
        outcome
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.clock.wrote(outcome.is_pending());
        outcome
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(cx, bytes);
        self.clock.wrote(outcome.is_pending());
        outcome
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(5);
    const PATIENCE: Patience =
        Patience { opening: LIMIT, head: LIMIT, answer: LIMIT, idle: Duration::from_secs(60) };

    fn opened(multiplexed: bool) -> Arc<Clock> {
        let clock = Clock::new(PATIENCE);
        clock.opened(multiplexed);
        clock
    }

    async fn is_kept_for(clock: &Clock, time: Duration) -> bool {
        tokio::time::timeout(time, clock.lost()).await.is_err()
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_begins_and_does_not_go_on_is_given_up() {
        let clock = opened(false);
        let opened = Instant::now();
        assert_eq!(clock.lost().await, Lost::Stalled);
        assert_eq!(opened.elapsed(), LIMIT, "nothing came at all");

        drop(clock.serving());
        tokio::time::advance(Duration::from_secs(30)).await;
        clock.bytes_came();
        let began = Instant::now();
        tokio::time::advance(LIMIT / 2).await;
        clock.bytes_came();
        assert_eq!(clock.lost().await, Lost::Stalled);
        assert_eq!(began.elapsed(), LIMIT, "half a head, however slowly it goes on");
    }

    #[tokio::test(start_paused = true)]
    async fn requests_being_served_are_left_alone_and_idle_connections_for_a_while() {
        for multiplexed in [false, true] {
            let clock = opened(multiplexed);
            let (serving, another) = (clock.serving(), clock.serving());
            clock.bytes_came();
            assert!(is_kept_for(&clock, LIMIT * 100).await);
            drop(serving);
            assert!(is_kept_for(&clock, LIMIT * 100).await);
            drop(another);
            let idle = Instant::now();
            assert_eq!(clock.lost().await, Lost::Idle);
            assert_eq!(idle.elapsed(), PATIENCE.idle);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn bytes_of_http_2_begin_no_head_and_keep_no_idle_connection() {
        let clock = opened(true);
        for limit in [PATIENCE.head, PATIENCE.idle] {
            let began = Instant::now();
            clock.bytes_came();
            tokio::time::advance(limit / 2).await;
            clock.bytes_came();
            assert_eq!(clock.lost().await, Lost::Idle);
            assert_eq!(began.elapsed(), limit);
            drop(clock.serving());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_does_not_take_its_answer_is_given_up() {
        let clock = opened(false);
        let _serving = clock.serving();
        clock.wrote(true);
        tokio::time::advance(LIMIT / 2).await;
        clock.wrote(false);
        clock.wrote(true);
        let blocked = Instant::now();
        tokio::time::advance(LIMIT / 2).await;
        clock.wrote(true);
        assert_eq!(clock.lost().await, Lost::Stalled);
        assert_eq!(blocked.elapsed(), LIMIT, "the first of the blocked writes counts");
    }

    #[tokio::test(start_paused = true)]
    async fn each_piece_of_an_answer_over_http_2_has_to_be_taken_in_time() {
        let clock = opened(true);
        let _serving = clock.serving();
        let began = Instant::now();
        let large = clock.piece(1 << 20);
        drop(clock.piece(10));
        assert_eq!(clock.lost().await, Lost::Stalled);
        assert_eq!(began.elapsed(), LIMIT + Duration::from_secs((1 << 20) / SLOWEST_READER));
        drop(large);
        assert!(is_kept_for(&clock, LIMIT * 100).await, "everything was taken");
    }
}
