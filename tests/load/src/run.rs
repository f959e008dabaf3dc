//! One run: connections that take requests from a closed or an open loop until it is over.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::Result;
use futures_util::future::join_all;
use tokio::task::LocalSet;
use tokio::time::{sleep, sleep_until};

use crate::acknowledged::Acknowledged;
use crate::arrivals::Arrivals;
use crate::caller::Caller;
use crate::connection::Connection;
use crate::event_ids::EventIds;
use crate::jobs::{Job, Jobs};
use crate::report::Report;
use crate::tally::Tally;
use crate::work::{Prepared, Work};

/// Longer than any deadline of what is measured.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long an impatient visitor waits: about as long as a write takes, so that some leave before it and some after.
const IMPATIENCE: Duration = Duration::from_millis(1);

/// Between a failure and the next try.
const PAUSE: Duration = Duration::from_millis(20);

/// After which acknowledgements [`Notice::Acknowledged`] comes.
const NOTICE_EVERY: u64 = 250;

/// How requests follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Load {
    /// Each connection sends its next request when the last one is answered.
    Closed,
    /// Requests come at this rate by second, whatever becomes of those before them.
    Open(u32),
}

/// What to run.
#[derive(Clone)]
pub struct Plan {
    /// Where to send to.
    pub address: SocketAddr,
    /// What to send.
    pub work: Work,
    /// How requests follow each other.
    pub load: Load,
    /// Keep-alive connections.
    pub connections: u32,
    /// Not measured, before `duration`.
    pub warm_up: Duration,
    /// How long to measure.
    pub duration: Duration,
    /// Ends the run early, after so many requests.
    pub most_requests: u64,
    /// Sends a request again, with the same ids, until it is acknowledged.
    pub repeat: bool,
    /// Of so many requests, one is broken off by a visitor who leaves; 0: none.
    pub impatient_one_in: u64,
    /// Moments and ids follow from it. Runs against the same Redis need seeds of their own.
    pub seed: u64,
}

/// What a run tells while it goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The warm-up is over.
    Measuring,
    /// So many requests have been acknowledged. told every 250.
    Acknowledged(u64),
    /// The last answer is there.
    Measured,
}

/// What a run found, and which requests it had acknowledged.
pub struct Outcome {
    /// Counts and latencies.
    pub report: Report,
    /// The ids that were used.
    pub ids: EventIds,
    /// Numbers of the acknowledged requests.
    pub acknowledged: Acknowledged,
}

/// What all connections of a run share.
struct Shared<'a> {
    plan: &'a Plan,
    prepared: &'a Prepared,
    jobs: Jobs,
    tally: RefCell<Tally>,
    notify: RefCell<&'a mut dyn FnMut(Notice)>,
    measured_from: Instant,
    give_up: Instant,
}

/// Runs a plan. Needs a runtime of one thread, so that it takes little from what it measures.
///
/// # Errors
/// The work cannot be made into requests.
pub async fn run(plan: &Plan, notify: &mut dyn FnMut(Notice)) -> Result<Outcome> {
    let ids = EventIds::new(plan.seed, plan.work.events());
    let prepared = plan.work.prepare(&plan.address.to_string(), ids)?;
    let began = Instant::now();
    let end = began + plan.warm_up + plan.duration;
    let shared = Shared {
        plan,
        prepared: &prepared,
        jobs: match plan.load {
            Load::Closed => Jobs::closed(end, plan.most_requests),
            Load::Open(rate) => {
                Jobs::open(Arrivals::new(rate, plan.warm_up + plan.duration, plan.seed), plan.most_requests)
            }
        },
        tally: RefCell::new(Tally::new()?),
        notify: RefCell::new(notify),
        measured_from: began + plan.warm_up,
        // Under a load that cannot be served, requests pile up; as long again must do for them.
        give_up: end + plan.duration,
    };
    let measuring = async {
        sleep_until(shared.measured_from.into()).await;
        shared.tally.borrow_mut().measure();
        shared.tell(Notice::Measuring);
    };
    let sending = join_all((0..plan.connections).map(|number| shared.connection(number)));
    LocalSet::new().run_until(async { tokio::join!(measuring, sending) }).await;
    let measured = shared.measured_from.elapsed();
    shared.tell(Notice::Measured);
    let tally = shared.tally.into_inner();
    Ok(Outcome { report: tally.report(measured, plan.work.events()), ids, acknowledged: tally.acknowledged })
}

impl Shared<'_> {
    /// Sends requests over one connection until there are no more.
    async fn connection(&self, number: u32) {
        let mut connection = Connection::new(self.plan.address);
        let mut caller = Caller::new(self.prepared, self.plan.seed, number);
        loop {
            let free_since = Instant::now();
            let Some(job) = self.jobs.next().await else { return };
            let now = Instant::now();
            if now > self.give_up {
                self.tally.borrow_mut().give_up(now - job.due);
                continue;
            }
            if free_since <= job.due && job.due >= self.measured_from {
                self.tally.borrow_mut().sent_late(now - job.due);
            }
            self.serve(&mut connection, &mut caller, job).await;
        }
    }

    async fn serve(&self, connection: &mut Connection, caller: &mut Caller<'_>, job: Job) {
        let one_in = self.plan.impatient_one_in;
        let leaves = one_in > 0 && job.number % one_in == one_in - 1;
        let mut patience = if leaves { IMPATIENCE } else { PATIENCE };
        loop {
            let answer = connection.send(caller.request(job.number), patience).await;
            let Err(failure) = answer.and_then(|(status, body)| caller.take(status, &body)) else { break };
            let repeat = self.plan.repeat && failure.may_pass() && Instant::now() < self.give_up;
            if !repeat {
                self.tally.borrow_mut().fail(failure);
                return;
            }
            self.tally.borrow_mut().repeat();
            patience = PATIENCE;
            sleep(PAUSE).await;
        }
        let latency = (job.due >= self.measured_from).then(|| job.due.elapsed());
        let mut tally = self.tally.borrow_mut();
        tally.acknowledge(job.number, latency);
        let acknowledged = tally.acknowledged.count();
        drop(tally);
        if acknowledged.is_multiple_of(NOTICE_EVERY) {
            self.tell(Notice::Acknowledged(acknowledged));
        }
    }

    fn tell(&self, notice: Notice) {
        (self.notify.borrow_mut())(notice);
    }
}
