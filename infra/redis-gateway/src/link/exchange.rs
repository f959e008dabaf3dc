//! Traffic on one connection: commands out, replies in, matched in order.
//!
//! One task owns the connection, so the order of writing is the order of matching. Everything that
//! waits is written in one call, which makes batches under load and adds no delay without. The
//! exchange ends when the connection does, when Redis stalls, or when nobody can send any more; every
//! request left over then learns whether it may have been executed.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

use super::connect::{Connection, Reader, Writer};
use super::transactions::{Next, Transactions, question};
use super::{Batch, Delivery, LinkError};
use crate::admission::Admission;
use crate::answer::{Answer, Finished, Format};
use crate::metrics::LinkMetrics;
use crate::resp::{Decoder, ProtocolError, encode_command};

/// No more requests are taken while so much waits to be written.
const HIGH_WATER_BYTES: usize = 1024 * 1024;
/// Requests taken at one time.
const TAKE: usize = 64;
/// Room for each read.
const READ_BYTES: usize = 64 * 1024;
/// A buffer that grew beyond this is given back when it is empty.
const KEEP_BYTES: usize = 1024 * 1024;
/// Commands of at least so many bytes are written from where they are, if nothing waits before them.
const LARGE_BYTES: usize = 16 * 1024;

/// Why the traffic ended.
#[derive(Debug, thiserror::Error)]
pub(super) enum Ended {
    /// Nobody can send any more, and all replies are delivered.
    #[error("nothing more to send")]
    Finished,
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("redis closed it")]
    Closed,
    #[error("redis did not answer for {} ms", .0.as_millis())]
    Stalled(Duration),
    #[error("the sentinels name another master")]
    Moved,
    #[error("redis sent a reply that nobody asked for")]
    Unasked,
    #[error("redis refused EXEC and kept the transaction open")]
    OpenTransaction,
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
}

/// Whose replies these are.
enum For {
    Request(Option<Admission>, oneshot::Sender<Result<Delivery, LinkError>>),
    /// Ours: whether transactions are allowed.
    Transactions,
    /// Ours: whether Redis is there.
    Nobody,
}

/// Commands that wait for their replies.
struct Pending {
    answer: Answer,
    to: For,
    /// As long as no more bytes than this are written, nothing of it can have been executed.
    harmless: u64,
}

pub(super) struct Exchange {
    reader: Reader,
    writer: Writer,
    /// Written bytes may wait in the encryption, which sends them when it is flushed.
    unflushed: bool,
    encrypted: bool,
    input: BytesMut,
    output: BytesMut,
    decoder: Decoder,
    pending: VecDeque<Pending>,
    transactions: Transactions,
    queued_bytes: u64,
    written_bytes: u64,
    stall_timeout: Duration,
    metrics: LinkMetrics,
    /// When Redis last said something, or had nothing to say.
    progress: Instant,
}

impl Exchange {
    pub(super) fn new(
        connection: Connection,
        max_bulk_bytes: usize,
        stall_timeout: Duration,
        metrics: LinkMetrics,
    ) -> Self {
        let Connection { endpoint: _, encrypted, reader, writer } = connection;
        Exchange {
            reader,
            writer,
            unflushed: false,
            encrypted,
            metrics,
            input: BytesMut::new(),
            output: BytesMut::new(),
            decoder: Decoder::new(max_bulk_bytes),
            pending: VecDeque::new(),
            transactions: Transactions::default(),
            queued_bytes: 0,
            written_bytes: 0,
            stall_timeout,
            progress: Instant::now(),
        }
    }

    /// Runs until the traffic ends, or Redis has `moved`, and leaves no request without an answer.
    pub(super) async fn run(
        mut self,
        inbox: &mut mpsc::Receiver<Batch>,
        moved: impl Future<Output = ()>,
    ) -> Ended {
        tokio::pin!(moved);
        let ended = tokio::select! {
            ended = self.traffic(inbox) => ended,
            () = &mut moved => Ended::Moved,
        };
        let reason: Arc<str> = ended.to_string().into();
        for left in self.pending.drain(..) {
            let error = if left.harmless < self.written_bytes {
                LinkError::OutcomeUnknown(Arc::clone(&reason))
            } else {
                LinkError::NotSent(Arc::clone(&reason))
            };
            if let For::Request(_, to) = left.to {
                let _ = to.send(Err(error));
            }
        }
        for waiting in self.transactions.answered(false) {
            waiting.refuse(LinkError::NotSent(Arc::clone(&reason)));
        }
        ended
    }

    async fn traffic(&mut self, inbox: &mut mpsc::Receiver<Batch>) -> Ended {
        let mut arrived = Vec::with_capacity(TAKE);
        let mut open = true;
        let alarm = sleep_until(Instant::now() + self.stall_timeout);
        tokio::pin!(alarm);
        while open || !self.pending.is_empty() {
            self.input.reserve(READ_BYTES);
            let can_take = open && self.output.len() < HIGH_WATER_BYTES;
            tokio::select! {
                read = self.reader.read_buf(&mut self.input) => match read {
                    Ok(0) => return Ended::Closed,
                    Ok(_) => {
                        self.progress = Instant::now();
                        if let Err(ended) = self.deliver() {
                            return ended;
                        }
                    }
                    Err(error) => return error.into(),
                },
                written = write(&mut self.writer, &mut self.output), if self.unflushed || !self.output.is_empty() => {
                    match written {
                        Ok(count) => self.wrote(count),
                        Err(error) => return error.into(),
                    }
                }
                count = inbox.recv_many(&mut arrived, TAKE), if can_take => {
                    open = count > 0;
                    arrived.drain(..).for_each(|batch| self.take(batch));
                }
                () = &mut alarm => match self.alarm() {
                    Ok(next) => alarm.as_mut().reset(next),
                    Err(stalled) => return stalled,
                },
            }
        }
        Ended::Finished
    }

    /// So many bytes were written, or everything was flushed.
    fn wrote(&mut self, count: usize) {
        self.unflushed = self.encrypted && count > 0;
        if count > 0 {
            self.metrics.writes.inc();
            self.written_bytes += count as u64;
        }
    }

    fn take(&mut self, batch: Batch) {
        if batch.to.is_closed() {
            return;
        }
        if !batch.answer.is_transaction() {
            return self.send(batch);
        }
        match self.transactions.arrived(batch) {
            Next::Send(batch) => self.send(*batch),
            Next::Ask => {
                let answer = Answer::transaction(READ_BYTES, Format::Json, 0);
                self.enqueue(question(), answer, For::Transactions);
            }
            Next::Wait => {}
        }
    }

    fn send(&mut self, batch: Batch) {
        self.metrics.requests.inc();
        let Batch { commands, answer, admission, to } = batch;
        self.enqueue(commands, answer, For::Request(admission, to));
    }

    fn enqueue(&mut self, commands: Vec<u8>, answer: Answer, to: For) {
        if self.pending.is_empty() {
            self.progress = Instant::now();
        }
        let begins = self.queued_bytes;
        self.queued_bytes += commands.len() as u64;
        if self.output.is_empty() && commands.len() >= LARGE_BYTES {
            self.output = Bytes::from(commands).into();
        } else {
            self.output.extend_from_slice(&commands);
        }
        // Without its last byte, Redis does not begin with a command.
        let harmless = if answer.is_all_or_nothing() { self.queued_bytes.saturating_sub(1) } else { begins };
        self.pending.push_back(Pending { answer, to, harmless });
    }

    fn deliver(&mut self) -> Result<(), Ended> {
        loop {
            let step = self.decoder.next(&self.input)?;
            if step.needs_input() {
                break;
            }
            let consumed = step.consumed;
            if let Some(token) = step.token {
                let front = self.pending.front_mut().ok_or(Ended::Unasked)?;
                front.answer.accept(token);
                if self.decoder.at_boundary() {
                    front.answer.reply_ended();
                    self.complete_front()?;
                }
            }
            self.input.advance(consumed);
        }
        if self.input.is_empty() && self.input.capacity() > KEEP_BYTES {
            self.input = BytesMut::new();
        }
        Ok(())
    }

    fn complete_front(&mut self) -> Result<(), Ended> {
        if self.pending.front().is_some_and(|front| front.answer.awaited() > 0) {
            return Ok(());
        }
        let Some(Pending { answer, to, .. }) = self.pending.pop_front() else { return Ok(()) };
        if answer.never_began() {
            self.transactions.forget();
        }
        let leaves_open = answer.leaves_the_transaction_open();
        let finished = answer.finish();
        match to {
            For::Request(admission, to) => {
                let _ = to.send(Ok(Delivery { finished, admission }));
            }
            For::Transactions => self.know_of_transactions(&finished),
            For::Nobody => {}
        }
        if leaves_open { Err(Ended::OpenTransaction) } else { Ok(()) }
    }

    fn know_of_transactions(&mut self, finished: &Finished) {
        let allowed = finished.status.is_success();
        for batch in self.transactions.answered(allowed) {
            if batch.to.is_closed() {
                continue;
            }
            if allowed { self.send(batch) } else { batch.refuse(LinkError::NoTransactions) }
        }
    }

    /// Gives up a connection on which commands wait and nothing arrives. On a quiet one a `PING`
    /// nobody waits for takes their place: so a dead peer is found before the next request is.
    fn alarm(&mut self) -> Result<Instant, Ended> {
        let now = Instant::now();
        if self.pending.is_empty() {
            let mut commands = Vec::new();
            encode_command(&mut commands, &["PING"]);
            self.enqueue(commands, Answer::single(READ_BYTES, Format::Json), For::Nobody);
            return Ok(now + self.stall_timeout);
        }
        let end_of_patience = self.progress + self.stall_timeout;
        if end_of_patience <= now { Err(Ended::Stalled(self.stall_timeout)) } else { Ok(end_of_patience) }
    }
}

/// Writes what there is to write, and then flushes it; how many bytes were written.
async fn write(writer: &mut Writer, output: &mut BytesMut) -> io::Result<usize> {
    if output.is_empty() {
        return writer.flush().await.map(|()| 0);
    }
    writer.write_buf(output).await
}

#[cfg(test)]
mod tests {
    use tokio::io::{duplex, split};

    use super::super::address::Endpoint;
    use super::*;

    /// What becomes of commands of which Redis takes no more than the first so many bytes.
    async fn cut_after(bytes: usize, commands: &[u8], answer: Answer) -> LinkError {
        let (ours, mut redis) = duplex(bytes);
        let (reader, writer) = split(ours);
        let connection = Connection {
            endpoint: Endpoint::Unix("redis.sock".into()),
            encrypted: false,
            reader: Box::new(reader),
            writer: Box::new(writer),
        };
        let exchange = Exchange::new(connection, 1000, Duration::from_secs(60), LinkMetrics::default());
        let (inbox, mut batches) = mpsc::channel(1);
        let (to, delivered) = oneshot::channel();
        let batch = Batch { commands: commands.to_vec(), answer, admission: None, to };
        inbox.send(batch).await.unwrap();
        let traffic =
            tokio::spawn(async move { exchange.run(&mut batches, std::future::pending()).await.to_string() });
        // As much as there is room for is written, and nothing of it is read.
        let mut peeked = [0; 1];
        redis.read_exact(&mut peeked).await.unwrap();
        drop(redis);
        traffic.await.unwrap();
        delivered.await.unwrap().unwrap_err()
    }

    #[tokio::test]
    async fn what_redis_has_only_a_part_of_is_not_executed_unless_the_part_is_a_command() {
        let mut commands = Vec::new();
        encode_command(&mut commands, &["SET", "key", &"x".repeat(100)]);
        let single = || Answer::single(1000, Format::Json);
        assert!(matches!(cut_after(50, &commands, single()).await, LinkError::NotSent(_)));
        assert!(matches!(cut_after(500, &commands, single()).await, LinkError::OutcomeUnknown(_)));
        let pipeline = Answer::pipeline(1000, Format::Json, vec![crate::answer::Item::Reply]);
        assert!(matches!(cut_after(50, &commands, pipeline).await, LinkError::OutcomeUnknown(_)));
    }
}
