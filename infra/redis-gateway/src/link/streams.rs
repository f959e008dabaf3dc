//! Connections to Redis on which it goes on to speak: one for each subscriber and monitor.
//!
//! There are at most so many at a time, and each holds a bounded number of bytes for its client: one that
//! reads too slowly is cut off, and what Redis says is never held back for it. Both sides are asked now
//! and then whether they are still there: Redis with `PING`, the client with a comment. A stream ends with
//! its client, with its connection to Redis, and when the gateway stops; it is never continued on another
//! connection, since nobody could tell what was missed.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, timeout};

use super::RedisAddress;
use super::connect::{Connection, Reader, Writer, connect};
use crate::events::{EventBody, EventError, EventSender, EventWriter, channel};
use crate::resp::{Decoder, ProtocolError, encode_command};

/// How often both sides are asked whether they are there. Proxies close what is silent for a minute.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// A comment: readers of events pass over it.
const COMMENT: &[u8] = b":\n\n";
/// Room for each read.
const READ_BYTES: usize = 16 * 1024;

/// Why there is no stream.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StreamError {
    #[error("ERR max concurrent streams exceeded. Limit: {limit} streams; try again later")]
    TooMany { limit: usize },
    #[error("ERR redis is not reachable ({0}); nothing was executed")]
    NotReachable(String),
    /// The words of Redis.
    #[error("{0}")]
    Refused(String),
}

/// What streams need to know.
#[derive(Debug)]
pub(crate) struct StreamOptions {
    pub(crate) address: RedisAddress,
    /// How long connecting may take, up to the first reply.
    pub(crate) connect_timeout: Duration,
    /// Streams at a time.
    pub(crate) max_streams: usize,
    /// Bytes that may be on their way to one client.
    pub(crate) max_buffer_bytes: usize,
}

/// Opens streams.
#[derive(Debug)]
pub(crate) struct Streams {
    options: StreamOptions,
    places: Arc<Semaphore>,
    stopped: watch::Receiver<()>,
}

impl Streams {
    /// Streams that end when `stopped` is told.
    pub(crate) fn new(options: StreamOptions, stopped: watch::Receiver<()>) -> Self {
        let places = Arc::new(Semaphore::new(options.max_streams.min(Semaphore::MAX_PERMITS)));
        Streams { options, places, stopped }
    }

    /// Sends `command`, in RESP2, over a connection of its own. What Redis says from then on comes out of
    /// the body; its first reply has come already.
    pub(crate) async fn open(&self, command: Vec<u8>) -> Result<EventBody, StreamError> {
        let StreamOptions { address, connect_timeout, max_streams, max_buffer_bytes } = &self.options;
        let place = Arc::clone(&self.places)
            .try_acquire_owned()
            .map_err(|_| StreamError::TooMany { limit: *max_streams })?;
        let Connection { reader, writer, .. } = connect(address, *connect_timeout)
            .await
            .map_err(|error| StreamError::NotReachable(error.to_string()))?;
        let (events, body) = channel(*max_buffer_bytes);
        let mut stream = Stream {
            reader,
            writer,
            input: BytesMut::new(),
            decoder: Decoder::new(*max_buffer_bytes),
            event_writer: EventWriter::new(*max_buffer_bytes),
            events,
            heard: true,
            _place: place,
        };
        let begun = timeout(*connect_timeout, stream.begin(&command)).await;
        match begun.unwrap_or(Err(Ended::Silent)) {
            Ok(()) => {}
            Err(Ended::Events(EventError::Redis(text))) => return Err(StreamError::Refused(text)),
            Err(ended) => return Err(StreamError::NotReachable(ended.to_string())),
        }
        tokio::spawn(stream.run(self.stopped.clone()));
        Ok(body)
    }
}

/// Why a stream ended.
#[derive(Debug, thiserror::Error)]
enum Ended {
    #[error("{0}")]
    Io(#[from] std::io::Error),
    #[error("redis closed the connection")]
    Closed,
    #[error("redis says nothing")]
    Silent,
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
    #[error(transparent)]
    Events(#[from] EventError),
    #[error("the client reads too slowly, or is gone")]
    NotTaken,
    #[error("the gateway is stopping")]
    Stopped,
}

struct Stream {
    reader: Reader,
    writer: Writer,
    input: BytesMut,
    decoder: Decoder,
    event_writer: EventWriter,
    events: EventSender,
    /// Redis has said something since the last heartbeat.
    heard: bool,
    _place: OwnedSemaphorePermit,
}

impl Stream {
    /// Sends the command, and returns when the first reply is on its way to the client.
    async fn begin(&mut self, command: &[u8]) -> Result<(), Ended> {
        self.writer.write_all(command).await?;
        self.writer.flush().await?;
        loop {
            self.read().await?;
            if self.forward()? {
                return Ok(());
            }
        }
    }

    async fn run(mut self, mut stopped: watch::Receiver<()>) {
        let mut heartbeat = interval_at(Instant::now() + HEARTBEAT, HEARTBEAT);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let reason = loop {
            if let Err(ended) = self.turn(&mut heartbeat, &mut stopped).await {
                break ended;
            }
        };
        tracing::debug!(%reason, "a stream of events ended");
    }

    async fn turn(
        &mut self,
        heartbeat: &mut Interval,
        stopped: &mut watch::Receiver<()>,
    ) -> Result<(), Ended> {
        self.input.reserve(READ_BYTES);
        tokio::select! {
            read = self.reader.read_buf(&mut self.input) => {
                self.took(read?)?;
                self.forward().map(drop)
            }
            _ = heartbeat.tick() => self.beat().await,
            () = self.events.closed() => Err(Ended::NotTaken),
            // An error means that the gateway's handle is gone, which is to stop too.
            _ = stopped.changed() => Err(Ended::Stopped),
        }
    }

    async fn read(&mut self) -> Result<(), Ended> {
        self.input.reserve(READ_BYTES);
        let count = self.reader.read_buf(&mut self.input).await?;
        self.took(count)
    }

    fn took(&mut self, count: usize) -> Result<(), Ended> {
        self.heard = true;
        if count == 0 { Err(Ended::Closed) } else { Ok(()) }
    }

    /// Sends on what has come. Whether it was anything.
    fn forward(&mut self) -> Result<bool, Ended> {
        let mut text = Vec::new();
        loop {
            let step = self.decoder.next(&self.input)?;
            if step.needs_input() {
                break;
            }
            if let Some(token) = &step.token {
                self.event_writer.accept(token, self.decoder.at_boundary(), &mut text)?;
            }
            let consumed = step.consumed;
            self.input.advance(consumed);
        }
        if text.is_empty() {
            return Ok(false);
        }
        self.events.send(text).map_err(|_| Ended::NotTaken)?;
        Ok(true)
    }

    async fn beat(&mut self) -> Result<(), Ended> {
        if !std::mem::take(&mut self.heard) {
            return Err(Ended::Silent);
        }
        let mut ping = Vec::new();
        encode_command(&mut ping, &["PING"]);
        let written = async {
            self.writer.write_all(&ping).await?;
            self.writer.flush().await
        };
        timeout(HEARTBEAT, written).await.map_err(|_| Ended::Silent)??;
        self.events.send(COMMENT.to_vec()).map_err(|_| Ended::NotTaken)
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;
    use tokio::io::{DuplexStream, duplex, split};

    use super::*;

    /// A stream whose Redis we are, and its client's end. The sender stops it.
    fn stream() -> (DuplexStream, EventBody, watch::Sender<()>) {
        let (ours, redis) = duplex(1024);
        let (reader, writer) = split(ours);
        let (events, body) = channel(1000);
        let place = Arc::new(Semaphore::new(1)).try_acquire_owned().unwrap();
        let stream = Stream {
            reader: Box::new(reader),
            writer: Box::new(writer),
            input: BytesMut::new(),
            decoder: Decoder::new(1000),
            event_writer: EventWriter::new(1000),
            events,
            heard: true,
            _place: place,
        };
        let (stop, stopped) = watch::channel(());
        tokio::spawn(stream.run(stopped));
        (redis, body, stop)
    }

    async fn next(body: &mut EventBody) -> Option<String> {
        let frame = body.frame().await?.unwrap();
        Some(String::from_utf8(frame.into_data().unwrap().to_vec()).unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn both_sides_are_asked_now_and_then_and_a_silent_redis_ends_the_stream() {
        let (mut redis, mut body, _stop) = stream();
        let began = Instant::now();
        for _ in 0..3 {
            assert_eq!(next(&mut body).await.as_deref(), Some(":\n\n"));
            let mut ping = [0; 14];
            redis.read_exact(&mut ping).await.unwrap();
            assert_eq!(&ping, b"*1\r\n$4\r\nPING\r\n");
            redis.write_all(b"*2\r\n$4\r\npong\r\n$0\r\n\r\n").await.unwrap();
        }
        assert_eq!(began.elapsed(), HEARTBEAT * 3);
        assert_eq!(next(&mut body).await.as_deref(), Some(":\n\n"));
        assert_eq!(next(&mut body).await, None, "no answer to the last ping");
        assert_eq!(began.elapsed(), HEARTBEAT * 5);
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_ends_when_the_gateway_stops() {
        let (mut redis, mut body, stop) = stream();
        redis.write_all(b"*1\r\n$1\r\na\r\n").await.unwrap();
        assert_eq!(next(&mut body).await.as_deref(), Some("data: a\n\n"));
        stop.send(()).unwrap();
        assert_eq!(next(&mut body).await, None);
    }
}
