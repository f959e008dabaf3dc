//! What the component prints becomes log lines of the host, with the target `guest`: its standard error
//! as warnings, its standard output as information.
//!
//! Lines are cut at a limit and control characters are escaped by the log's formatter, so that the
//! component can neither fill memory nor forge lines of the host.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

/// Bytes of one line; a longer one is logged in pieces.
const MAX_LINE: usize = 4096;

/// Bytes that the component may print in one call.
const MAX_WRITE: usize = 64 << 10;

/// Which of the component's two output streams.
#[derive(Clone, Copy)]
enum Stream {
    Stdout,
    Stderr,
}

/// One of the component's two output streams.
#[derive(Clone)]
pub(crate) struct GuestLog {
    stream: Stream,
    unfinished: Arc<Mutex<Vec<u8>>>,
}

impl GuestLog {
    pub(crate) fn stdout() -> Self {
        Self { stream: Stream::Stdout, unfinished: Arc::default() }
    }

    pub(crate) fn stderr() -> Self {
        Self { stream: Stream::Stderr, unfinished: Arc::default() }
    }

    fn print(&self, bytes: &[u8]) {
        let mut unfinished = self.unfinished.lock().unwrap_or_else(PoisonError::into_inner);
        take_lines(&mut unfinished, bytes, |line| match self.stream {
            Stream::Stdout => {
                tracing::info!(target: "guest", stream = "stdout", line, "output of the component");
            }
            Stream::Stderr => {
                tracing::warn!(target: "guest", stream = "stderr", line, "output of the component");
            }
        });
    }
}

/// Appends `bytes` to what is `unfinished` and hands out every complete line.
fn take_lines(unfinished: &mut Vec<u8>, bytes: &[u8], mut line: impl FnMut(&str)) {
    for part in bytes.split_inclusive(|byte| *byte == b'\n') {
        let (text, complete) = match part.strip_suffix(b"\n") {
            Some(text) => (text, true),
            None => (part, false),
        };
        for piece in text.chunks(MAX_LINE) {
            if unfinished.len() + piece.len() > MAX_LINE {
                line(&String::from_utf8_lossy(unfinished));
                unfinished.clear();
            }
            unfinished.extend_from_slice(piece);
        }
        if complete {
            if !unfinished.is_empty() {
                line(&String::from_utf8_lossy(unfinished));
            }
            unfinished.clear();
        }
    }
}

impl StdoutStream for GuestLog {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    // Written at once: the default passes the bytes to another task and makes the component wait for it.
    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl IsTerminal for GuestLog {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl AsyncWrite for GuestLog {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.print(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl OutputStream for GuestLog {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.print(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(MAX_WRITE)
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for GuestLog {
    async fn ready(&mut self) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(writes: &[&[u8]]) -> (Vec<String>, usize) {
        let (mut unfinished, mut lines) = (Vec::new(), Vec::new());
        for write in writes {
            take_lines(&mut unfinished, write, |line| lines.push(line.to_owned()));
        }
        (lines, unfinished.len())
    }

    #[test]
    fn lines_are_put_together_from_pieces() {
        let (lines, left) = lines(&[b"one\ntw", b"o\n\n", b"rest"]);
        assert_eq!(lines, ["one", "two"]);
        assert_eq!(left, 4);
    }

    #[test]
    fn a_line_without_end_does_not_grow() {
        let long = vec![b'x'; MAX_LINE * 3];
        let (lines, left) = lines(&[&long, &long]);
        assert_eq!(lines.len(), 5);
        assert!(lines.iter().all(|line| line.len() == MAX_LINE));
        assert_eq!(left, MAX_LINE);
    }
}
