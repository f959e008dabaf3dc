//! Which request is due, and when: the difference between a closed and an open loop.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Mutex;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::arrivals::Arrivals;

/// A request to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Job {
    /// Numbers have no gaps.
    pub(crate) number: u64,
    /// When it should have been sent. Latency counts from here.
    pub(crate) due: Instant,
}

/// Where connections get their requests from.
pub(crate) struct Jobs {
    next: AtomicU64,
    most: u64,
    pace: Pace,
}

enum Pace {
    /// The next request is due when the one before it is answered, until this moment.
    Answers(Instant),
    /// Requests are due whatever becomes of those before them. There are never more in here than the schedule has.
    Schedule(Mutex<UnboundedReceiver<Instant>>),
}

impl Jobs {
    /// A closed loop, of at most `most` requests.
    pub(crate) fn closed(end: Instant, most: u64) -> Self {
        Self { next: AtomicU64::new(0), most, pace: Pace::Answers(end) }
    }

    /// An open loop that begins now, of at most `most` requests.
    pub(crate) fn open(arrivals: Arrivals, most: u64) -> Self {
        let (released, queue) = unbounded_channel();
        let began = Instant::now();
        std::thread::spawn(move || {
            for at in arrivals {
                let due = began + at;
                wait_until(due);
                if released.send(due).is_err() {
                    return;
                }
            }
        });
        Self { next: AtomicU64::new(0), most, pace: Pace::Schedule(Mutex::new(queue)) }
    }

    /// The next request; none when the run is over.
    pub(crate) async fn next(&self) -> Option<Job> {
        let due = match &self.pace {
            Pace::Answers(end) => Some(Instant::now()).filter(|now| now < end),
            Pace::Schedule(queue) => queue.lock().await.recv().await,
        }?;
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        (number < self.most).then_some(Job { number, due })
    }
}

/// Waits as exactly as the system can. A timer of tokio's has steps of a millisecond, longer than many an answer takes.
#[expect(clippy::disallowed_methods, reason = "a thread of its own, which does nothing else")]
fn wait_until(due: Instant) {
    let wait = due.saturating_duration_since(Instant::now());
    if wait > Duration::ZERO {
        std::thread::sleep(wait);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_open_loop_gives_out_the_whole_schedule_at_its_moments() {
        let arrivals = Arrivals::new(5_000, Duration::from_millis(200), 3);
        let schedule: Vec<_> = arrivals.clone().collect();
        let jobs = Jobs::open(arrivals, u64::MAX);
        let mut given = Vec::new();
        while let Some(job) = jobs.next().await {
            assert!(job.due <= Instant::now(), "given out before it was due");
            given.push(job);
        }
        assert_eq!(given.len(), schedule.len());
        for (number, (job, at)) in given.iter().zip(&schedule).enumerate() {
            assert_eq!(job.number, number as u64);
            assert_eq!(job.due - given[0].due, *at - schedule[0]);
        }
    }

    #[tokio::test]
    async fn a_closed_loop_ends_at_its_time_or_its_number() {
        let endless = Instant::now() + Duration::from_secs(3_600);
        let jobs = Jobs::closed(endless, 2);
        assert_eq!(jobs.next().await.map(|job| job.number), Some(0));
        assert_eq!(jobs.next().await.map(|job| job.number), Some(1));
        assert_eq!(jobs.next().await, None);
        assert_eq!(Jobs::closed(Instant::now(), 2).next().await, None);
    }
}
