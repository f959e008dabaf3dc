//! The buffer between the one subscription and the many readers.
//!
//! It holds the latest events up to a number of bytes, and never waits: when it is full, the oldest go,
//! and whoever had not read them learns how many they were. A reader is bound to one subscription: when
//! that breaks, nobody knows what was missed, so the reader ends, and its client starts afresh.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use serde_json::value::RawValue;
use tideline_model::Event;
use tokio::sync::watch;

/// What the buffer holds at the most, as JSON.
const MOST_BYTES: usize = 8 * 1024 * 1024;

/// How long a new reader waits for a subscription, so that the moments after a start are not an outage.
const PATIENCE: Duration = Duration::from_secs(3);

/// An event, once for matching and once as it is sent.
#[derive(Debug)]
pub(crate) struct LiveEvent {
    pub(crate) event: Event,
    pub(crate) json: Box<RawValue>,
}

/// What a reader gets.
#[derive(Debug)]
pub(crate) enum Delivery {
    /// The next event.
    Event(Arc<LiveEvent>),
    /// So many events that this reader will not see.
    Gap(u64),
}

/// The buffer. Events are numbered from the start of the process.
pub(crate) struct Feed {
    state: watch::Sender<State>,
}

#[derive(Default)]
struct State {
    events: VecDeque<Option<Arc<LiveEvent>>>,
    /// The number of the first in `events`.
    first: u64,
    bytes: usize,
    /// Counts subscriptions; the current one, if there is one.
    subscriptions: u64,
    current: Option<u64>,
}

impl State {
    fn next(&self) -> u64 {
        self.first + self.events.len() as u64
    }

    fn drop_oldest(&mut self) {
        if let Some(oldest) = self.events.pop_front() {
            self.first += 1;
            self.bytes -= size(oldest.as_deref());
        }
    }
}

fn size(event: Option<&LiveEvent>) -> usize {
    // The parsed event takes about as much again as its JSON.
    event.map_or(0, |event| event.json.get().len() * 2)
}

impl Feed {
    pub(crate) fn new() -> Self {
        Self { state: watch::Sender::new(State::default()) }
    }

    /// A subscription begins.
    pub(super) fn begin(&self) {
        self.state.send_modify(|state| {
            state.subscriptions += 1;
            state.current = Some(state.subscriptions);
        });
    }

    /// The subscription is lost, or the service ends: so do all readers.
    pub(crate) fn end(&self) {
        self.state.send_modify(|state| {
            *state = State { first: state.next(), subscriptions: state.subscriptions, ..State::default() };
        });
    }

    /// Takes in what one message brought; `None` is an event that could not be read.
    pub(super) fn push(&self, events: Vec<Option<LiveEvent>>) {
        self.state.send_modify(|state| {
            for event in events {
                state.bytes += size(event.as_ref());
                state.events.push_back(event.map(Arc::new));
            }
            while state.bytes > MOST_BYTES {
                state.drop_oldest();
            }
        });
    }

    /// A reader of what comes from now on; none when there is no subscription.
    pub(crate) async fn reader(&self) -> Option<Reader> {
        let mut state = self.state.subscribe();
        let subscribed = state.wait_for(|state| state.current.is_some());
        let (subscription, next) = {
            let state = tokio::time::timeout(PATIENCE, subscribed).await.ok()?.ok()?;
            (state.current?, state.next())
        };
        Some(Reader { state, subscription, next })
    }
}

/// One reader's place in the feed.
pub(crate) struct Reader {
    state: watch::Receiver<State>,
    subscription: u64,
    next: u64,
}

impl Reader {
    /// The next delivery; none when the subscription that this reader began with is over.
    pub(crate) async fn next(&mut self) -> Option<Delivery> {
        loop {
            if let Some(delivery) = self.take()? {
                return Some(delivery);
            }
            self.state.changed().await.ok()?;
        }
    }

    /// What is there for this reader now.
    fn take(&mut self) -> Option<Option<Delivery>> {
        let state = self.state.borrow_and_update();
        if state.current != Some(self.subscription) {
            return None;
        }
        let mut missed = state.first.saturating_sub(self.next);
        self.next += missed;
        while let Some(event) =
            usize::try_from(self.next - state.first).ok().and_then(|at| state.events.get(at))
        {
            match event {
                // Told first: the event is taken with the next call.
                Some(_) if missed > 0 => break,
                Some(event) => {
                    self.next += 1;
                    return Some(Some(Delivery::Event(Arc::clone(event))));
                }
                None => {
                    self.next += 1;
                    missed += 1;
                }
            }
        }
        Some((missed > 0).then_some(Delivery::Gap(missed)))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use serde_json::json;

    pub(in crate::live) fn event(id: &str, filling: usize) -> LiveEvent {
        let time = "2026-01-31T12:00:00Z";
        let event = json!({
            "id": id, "type": "page-view", "name": "Page View",
            "metadata": {"time": {"insert": time, "receive": time}, "status": "collected", "valid": true,
                         "origin": {"lane": "l", "entry": "1-0"}},
            "source": {"id": "s"}, "session": {"id": "x"}, "profile": {"id": "p"},
            "properties": {"filling": "x".repeat(filling)}, "request": {"id": "r"}
        });
        let json = serde_json::value::to_raw_value(&event).unwrap();
        LiveEvent { event: serde_json::from_value(event).unwrap(), json }
    }

    fn brief(delivery: Option<Delivery>) -> String {
        match delivery {
            Some(Delivery::Event(event)) => event.event.id.clone(),
            Some(Delivery::Gap(missed)) => format!("gap {missed}"),
            None => "end".to_owned(),
        }
    }

    #[tokio::test]
    async fn readers_get_what_comes_after_they_joined_each_at_its_own_speed() {
        let feed = Feed::new();
        feed.begin();
        feed.push(vec![Some(event("before", 0))]);
        let (mut one, mut two) = (feed.reader().await.unwrap(), feed.reader().await.unwrap());
        feed.push(vec![Some(event("a", 0)), Some(event("b", 0))]);
        assert_eq!(brief(one.next().await), "a");
        assert_eq!(brief(one.next().await), "b");
        feed.push(vec![Some(event("c", 0))]);
        assert_eq!(brief(one.next().await), "c");
        for expected in ["a", "b", "c"] {
            assert_eq!(brief(two.next().await), expected);
        }
    }

    #[tokio::test]
    async fn a_slow_reader_learns_how_many_events_passed_it_by() {
        let feed = Feed::new();
        feed.begin();
        let mut reader = feed.reader().await.unwrap();
        let filling = MOST_BYTES / 2 / 4;
        feed.push((0..10).map(|n| Some(event(&n.to_string(), filling))).collect());
        assert_eq!(brief(reader.next().await), "gap 7");
        for expected in ["7", "8", "9"] {
            assert_eq!(brief(reader.next().await), expected);
        }
        assert!(feed.state.borrow().bytes <= MOST_BYTES);
    }

    #[tokio::test]
    async fn unreadable_and_oversized_events_are_gaps() {
        let feed = Feed::new();
        feed.begin();
        let mut reader = feed.reader().await.unwrap();
        feed.push(vec![Some(event("a", 0)), None, None, Some(event("b", 0)), None]);
        for expected in ["a", "gap 2", "b", "gap 1"] {
            assert_eq!(brief(reader.next().await), expected);
        }
        feed.push(vec![Some(event("huge", MOST_BYTES))]);
        feed.push(vec![Some(event("c", 0))]);
        for expected in ["gap 1", "c"] {
            assert_eq!(brief(reader.next().await), expected);
        }
    }

    #[tokio::test]
    async fn a_broken_subscription_ends_its_readers_even_when_another_follows() {
        let feed = Feed::new();
        feed.begin();
        let mut reader = feed.reader().await.unwrap();
        feed.push(vec![Some(event("a", 0))]);
        feed.end();
        feed.begin();
        assert_eq!(brief(reader.next().await), "end");
        let mut reader = feed.reader().await.unwrap();
        feed.push(vec![Some(event("b", 0))]);
        assert_eq!(brief(reader.next().await), "b");
    }

    #[tokio::test]
    async fn a_reader_waits_for_the_subscription_that_is_about_to_begin() {
        let feed = Arc::new(Feed::new());
        let waiting = tokio::spawn({
            let feed = Arc::clone(&feed);
            async move { feed.reader().await.is_some() }
        });
        tokio::task::yield_now().await;
        feed.begin();
        assert!(waiting.await.unwrap());
    }
}
