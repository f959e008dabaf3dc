//! Keeps one connection to Redis open, for as long as anybody can send.
//!
//! After a loss it connects again at once, and requests that come meanwhile wait for that one
//! attempt. When the attempt fails, Redis is known to be down: requests are refused at once while
//! further attempts go on in the background. Each outage is logged once, and so is its end.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

use super::connect::{ConnectError, Connection, connect};
use super::exchange::{Ended, Exchange};
use super::{Batch, LinkError, LinkOptions, sentinel};

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// A connection that lasted less long is part of the same outage.
const STABLE: Duration = Duration::from_secs(1);

pub(super) async fn run(options: LinkOptions, mut inbox: mpsc::Receiver<Batch>) {
    let mut outage = Outage::default();
    loop {
        let attempt = connect(&options.address, options.connect_timeout);
        let connected = if outage.known {
            let Some(outcome) = refusing(&mut inbox, &outage.reason, attempt).await else { return };
            outcome
        } else {
            attempt.await
        };
        match connected {
            Ok(connection) => {
                outage.over(&options);
                let Some(lost) = exchange(connection, &options, &mut inbox).await else { return };
                outage.lost(&options, &lost);
            }
            Err(error) => outage.failed(&options, &error),
        }
        if outage.known {
            let pause = sleep(outage.next_pause());
            let Some(()) = refusing(&mut inbox, &outage.reason, pause).await else { return };
        }
    }
}

struct Lost {
    reason: Ended,
    stable: bool,
}

/// `None` when nobody can send any more.
async fn exchange(
    connection: Connection,
    options: &LinkOptions,
    inbox: &mut mpsc::Receiver<Batch>,
) -> Option<Lost> {
    let since = Instant::now();
    let endpoint = connection.endpoint.clone();
    let moved = sentinel::moved(&options.address, &endpoint, options.connect_timeout);
    let metrics = options.metrics.clone();
    let exchange = Exchange::new(connection, options.max_bulk_bytes, options.stall_timeout, metrics);
    options.metrics.connected.inc();
    let ended = exchange.run(inbox, moved).await;
    options.metrics.connected.dec();
    match ended {
        Ended::Finished => None,
        reason => {
            options.metrics.losses.inc();
            Some(Lost { reason, stable: since.elapsed() >= STABLE })
        }
    }
}

/// Waits for `event` and refuses every request that comes meanwhile; `None` when none can come.
async fn refusing<T>(
    inbox: &mut mpsc::Receiver<Batch>,
    reason: &Arc<str>,
    event: impl Future<Output = T>,
) -> Option<T> {
    tokio::pin!(event);
    loop {
        tokio::select! {
            outcome = &mut event => return Some(outcome),
            batch = inbox.recv() => batch?.refuse(LinkError::NotSent(Arc::clone(reason))),
        }
    }
}

/// What is known about Redis being away.
#[derive(Default)]
struct Outage {
    /// The last attempt failed: requests are refused without waiting for the next.
    known: bool,
    logged: bool,
    reason: Arc<str>,
    pause: Duration,
}

impl Outage {
    fn over(&mut self, options: &LinkOptions) {
        tracing::info!(redis = %options.address, "redis is reachable");
        self.known = false;
        self.logged = false;
    }

    fn lost(&mut self, options: &LinkOptions, lost: &Lost) {
        tracing::warn!(redis = %options.address, reason = %lost.reason, "the connection to redis was lost");
        if lost.stable {
            self.pause = Duration::ZERO;
        } else {
            // Redis lets us in and throws us out: do not spin.
            self.known = true;
            self.reason = lost.reason.to_string().into();
        }
    }

    fn failed(&mut self, options: &LinkOptions, error: &ConnectError) {
        self.known = true;
        self.reason = error.to_string().into();
        if !self.logged {
            self.logged = true;
            tracing::warn!(
                redis = %options.address,
                reason = %error,
                "redis is not reachable: requests are answered with 503 until it is"
            );
        }
    }

    fn next_pause(&mut self) -> Duration {
        self.pause = (self.pause * 2).clamp(FIRST_PAUSE, LONGEST_PAUSE);
        self.pause
    }
}
