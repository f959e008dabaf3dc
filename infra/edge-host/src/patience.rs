//! How long a connection waits until its client takes what was written to it.
//!
//! hyper limits how long the head of a request may take, and this host how long its body may; nothing
//! limits a client that sends requests and never reads, which would keep its connection for ever. So
//! this module watches the writes. A connection's clock is looked at once per limit, so it costs
//! nothing per request.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, sleep_until};

/// Since when one connection waits for room to write.
#[derive(Debug)]
pub(crate) struct Patience {
    opened: Instant,
    limit: Duration,
    /// Milliseconds after `opened`, plus one; 0 is "not waiting".
    blocked_since: AtomicU64,
}

impl Patience {
    /// For a connection that was just accepted.
    pub(crate) fn new(limit: Duration) -> Arc<Self> {
        Arc::new(Self { opened: Instant::now(), limit, blocked_since: AtomicU64::new(0) })
    }

    /// Returns when the client has taken nothing for too long.
    pub(crate) async fn lost(&self) {
        loop {
            let now = Instant::now();
            let waiting_since = match self.blocked_since.load(Ordering::Relaxed) {
                0 => now,
                since => self.opened + Duration::from_millis(since - 1),
            };
            let end = waiting_since + self.limit;
            if end <= now {
                return;
            }
            sleep_until(end).await;
        }
    }

    fn wrote(&self, blocked: bool) {
        let since = self.blocked_since.load(Ordering::Relaxed);
        if blocked && since == 0 {
            self.blocked_since.store(self.now(), Ordering::Relaxed);
        } else if !blocked && since != 0 {
            self.blocked_since.store(0, Ordering::Relaxed);
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX).saturating_add(1)
    }
}

/// A stream that tells whether its client takes what is written.
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
        Pin::new(&mut self.stream).poll_read(cx, buf)
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
    async fn a_client_that_takes_nothing_is_given_up() {
        let patience = Patience::new(LIMIT);
        tokio::time::advance(LIMIT * 3).await;
        patience.wrote(true);
        tokio::time::advance(LIMIT / 2).await;
        patience.wrote(true);
        let asked = Instant::now();
        patience.lost().await;
        assert_eq!(asked.elapsed(), LIMIT / 2, "the first of the blocked writes counts");
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_something_is_given_the_whole_time_again() {
        let patience = Patience::new(LIMIT);
        patience.wrote(true);
        tokio::time::advance(LIMIT / 2).await;
        patience.wrote(false);
        patience.wrote(true);
        let blocked = Instant::now();
        patience.lost().await;
        assert_eq!(blocked.elapsed(), LIMIT);
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_without_anything_to_write_is_left_alone() {
        let patience = Patience::new(LIMIT);
        patience.wrote(false);
        assert!(tokio::time::timeout(LIMIT * 10, patience.lost()).await.is_err());
    }
}
