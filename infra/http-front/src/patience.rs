//! How long a connection waits for its client: for the rest of a request's head, and for room to
//! write an answer.
//!
//! hyper limits how long a head may take with one timer, which also runs while a connection is idle
//! between requests; and nothing limits a client that sends requests and never reads, which would keep
//! its connection for ever. So this module watches the waits in which a client has begun something and
//! does not go on. A connection's clock is looked at once per limit, so it costs nothing per request.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, sleep_until};

/// What one connection waits for. All times are milliseconds after `opened`, plus one; 0 is "not waiting".
#[derive(Debug)]
pub struct Patience {
    opened: Instant,
    limit: Duration,
    head_since: AtomicU64,
    write_since: AtomicU64,
    serving: AtomicBool,
}

impl Patience {
    /// For a connection that was just accepted, where only the client's reading is watched: its heads
    /// and its idle time are limited by hyper's one timer.
    #[must_use]
    pub fn with_reader(limit: Duration) -> Arc<Self> {
        Self::new(limit, 0, true)
    }

    /// For a connection that was just accepted, whose first request is due: the client's reading is
    /// watched, and its heads, between [`Patience::serving`] and the next. Idle it may be for longer.
    #[must_use]
    pub fn with_client(limit: Duration) -> Arc<Self> {
        Self::new(limit, 1, false)
    }

    fn new(limit: Duration, head_since: u64, serving: bool) -> Arc<Self> {
        Arc::new(Self {
            opened: Instant::now(),
            limit,
            head_since: AtomicU64::new(head_since),
            write_since: AtomicU64::new(0),
            serving: AtomicBool::new(serving),
        })
    }

    /// A request is complete up to its body; the guard ends its service.
    #[must_use]
    pub fn serving(self: &Arc<Self>) -> Serving {
        self.serving.store(true, Ordering::Relaxed);
        self.head_since.store(0, Ordering::Relaxed);
        Serving(Arc::clone(self))
    }

    /// Returns when the client has kept the connection waiting for too long.
    pub(crate) async fn lost(&self) {
        loop {
            let now = Instant::now();
            let started = [&self.head_since, &self.write_since].map(|since| since.load(Ordering::Relaxed));
            let oldest = started.into_iter().filter(|since| *since > 0).min();
            let waiting_since = oldest.map_or(now, |since| self.opened + Duration::from_millis(since - 1));
            let end = waiting_since + self.limit;
            if end <= now {
                return;
            }
            sleep_until(end).await;
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX).saturating_add(1)
    }

    fn bytes_came(&self) {
        if !self.serving.load(Ordering::Relaxed) && self.head_since.load(Ordering::Relaxed) == 0 {
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

/// A request is being served.
#[derive(Debug)]
pub struct Serving(Arc<Patience>);

impl Drop for Serving {
    fn drop(&mut self) {
        self.0.serving.store(false, Ordering::Relaxed);
    }
}

/// A stream that tells what its client does.
#[derive(Debug)]
pub(crate) struct Watched<S> {
    pub(crate) stream: S,
    pub(crate) patience: Arc<Patience>,
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
            self.patience.bytes_came();
        }
        outcome
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.patience.wrote(outcome.is_pending());
        outcome
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(cx, bytes);
        self.patience.wrote(outcome.is_pending());
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

    #[tokio::test(start_paused = true)]
    async fn a_client_that_begins_and_does_not_go_on_is_given_up() {
        let patience = Patience::with_client(LIMIT);
        let opened = Instant::now();
        patience.lost().await;
        assert_eq!(opened.elapsed(), LIMIT, "nothing came at all");

        drop(patience.serving());
        tokio::time::advance(Duration::from_secs(60)).await;
        patience.bytes_came();
        let began = Instant::now();
        patience.lost().await;
        assert!(began.elapsed() >= LIMIT && began.elapsed() < LIMIT * 2, "half a head");
    }

    #[tokio::test(start_paused = true)]
    async fn idle_connections_and_requests_being_served_are_left_alone() {
        let patience = Patience::with_client(LIMIT);
        let serving = patience.serving();
        patience.bytes_came();
        assert!(tokio::time::timeout(LIMIT * 10, patience.lost()).await.is_err());
        drop(serving);
        assert!(tokio::time::timeout(LIMIT * 10, patience.lost()).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_does_not_take_its_answer_is_given_up() {
        let patience = Patience::with_client(LIMIT);
        drop(patience.serving());
        patience.wrote(true);
        tokio::time::advance(LIMIT / 2).await;
        patience.wrote(false);
        patience.wrote(true);
        let blocked = Instant::now();
        patience.lost().await;
        assert_eq!(blocked.elapsed(), LIMIT);
    }
    #[tokio::test(start_paused = true)]
    async fn where_only_the_reader_is_watched_nothing_else_counts() {
        let patience = Patience::with_reader(LIMIT);
        patience.bytes_came();
        patience.wrote(false);
        assert!(tokio::time::timeout(LIMIT * 10, patience.lost()).await.is_err());
        patience.wrote(true);
        tokio::time::advance(LIMIT / 2).await;
        patience.wrote(true);
        let asked = Instant::now();
        patience.lost().await;
        assert_eq!(asked.elapsed(), LIMIT / 2, "the first of the blocked writes counts");
    }
}
