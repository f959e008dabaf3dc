//! What event sources allow, kept for a while: bounded in bytes and in age.
//!
//! What was read is good for [`GOOD_FOR`]. From half of that on, one request at a time has it read again with its own write,
//! so that a source which is busy costs no round trip. A source that does not exist is remembered as well, and
//! goes first when room is needed: whoever makes ids up drives out what others made up.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tideline_protocol::{SourceRate, SourceRules};

/// How long a change of a source may take to be in force.
const GOOD_FOR: Duration = Duration::from_secs(60);

/// From this age on it is read again.
const AGING: Duration = Duration::from_secs(30);

/// A request that was to read it again and did not come back is followed by another after this time.
const ASKED_FOR: Duration = Duration::from_secs(5);

/// All that is kept, in bytes.
const MOST_BYTES: usize = 128 * 1024;

/// What an entry takes beside its id and rules, in bytes.
const OVERHEAD: usize = 128;

/// What is known of a source; none: that there is no such source.
pub(super) type Rules = Option<Arc<SourceRules>>;

/// What a request may go by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) rules: Rules,
    /// This request is to read it again.
    pub(super) is_aging: bool,
}

/// The sources that are known.
#[derive(Default)]
pub(super) struct Sources(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    sources: HashMap<String, Source>,
    bytes: usize,
}

struct Source {
    rules: Rules,
    read: Duration,
    asked: Option<Duration>,
    /// When its events so far would have come one after the other, in microseconds.
    due: u64,
}

impl Source {
    fn bytes(&self, id: &str) -> usize {
        OVERHEAD + id.len() + self.rules.as_ref().map_or(0, |rules| rules.bytes())
    }
}

impl Sources {
    /// What is known of this source, if anything is.
    pub(super) fn get(&self, id: &str, now: Duration) -> Option<Known> {
        let mut kept = self.kept();
        let source = kept.sources.get_mut(id).filter(|source| now.saturating_sub(source.read) < GOOD_FOR)?;
        let is_asked = source.asked.is_some_and(|asked| now.saturating_sub(asked) < ASKED_FOR);
        let is_aging = now.saturating_sub(source.read) >= AGING && !is_asked;
        if is_aging {
            source.asked = Some(now);
        }
        Some(Known { rules: source.rules.clone(), is_aging })
    }

    /// Notes what was read. How much the source has sent is not forgotten by that.
    pub(super) fn put(&self, id: &str, rules: Rules, now: Duration) {
        let mut kept = self.kept();
        let due = kept.remove(id).map_or(0, |before| before.due);
        let source = Source { rules, read: now, asked: None, due };
        let bytes = source.bytes(id);
        while kept.bytes + bytes > MOST_BYTES {
            let Some(least) = kept.least() else { return };
            kept.remove(&least);
        }
        kept.bytes += bytes;
        kept.sources.insert(id.to_owned(), source);
    }

    /// Counts events against the source's rate in `lanes` lanes, or says after how many milliseconds it may send again: the
    /// generic cell rate algorithm, as in `track_v1`.
    pub(super) fn above_rate(
        &self,
        id: &str,
        SourceRate { gap, burst }: SourceRate,
        lanes: u16,
        events: u32,
        now: Duration,
    ) -> Option<u64> {
        let mut kept = self.kept();
        // Without it, as where nothing can be kept, there is nothing to count with.
        let source = kept.sources.get_mut(id)?;
        let now = u64::try_from(now.as_micros()).unwrap_or(u64::MAX);
        // A lane has its share of the events, and here are those of all.
        let gap = gap / u64::from(lanes.max(1));
        let due = source.due.max(now);
        let excess = (due - now).saturating_sub(gap.saturating_mul(burst.saturating_sub(1)));
        if excess > 0 {
            return Some(excess.div_ceil(1000));
        }
        source.due = due.saturating_add(gap.saturating_mul(u64::from(events)));
        None
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn remove(&mut self, id: &str) -> Option<Source> {
        let source = self.sources.remove(id)?;
        self.bytes -= source.bytes(id);
        Some(source)
    }

    /// The one that is missed least: of those that do not exist, else of all, the one that was read first.
    fn least(&self) -> Option<String> {
        let least = self.sources.iter().min_by_key(|(_, source)| (source.rules.is_some(), source.read));
        least.map(|(id, _)| id.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn rules() -> Rules {
        Some(Arc::new(SourceRules { enabled: true, name: "Shop".to_owned(), ..SourceRules::default() }))
    }

    #[test]
    fn what_is_old_is_read_again_by_one_request_and_what_is_too_old_is_not_known() {
        let sources = Sources::default();
        assert_eq!(sources.get("shop", SECOND), None);
        sources.put("shop", rules(), SECOND);
        let at = |seconds: u64| sources.get("shop", SECOND * 1 + Duration::from_secs(seconds));
        let known = |is_aging| Some(Known { rules: rules(), is_aging });
        assert_eq!(at(29), known(false));
        assert_eq!(at(30), known(true));
        assert_eq!(at(31), known(false), "somebody reads it already");
        assert_eq!(at(35), known(true), "who seems to be gone");
        assert_eq!(at(60), None);
        sources.put("shop", None, 60 * SECOND);
        assert_eq!(sources.get("shop", 61 * SECOND), Some(Known { rules: None, is_aging: false }));
    }

    #[test]
    fn made_up_ids_take_bounded_memory_and_drive_out_each_other() {
        let sources = Sources::default();
        sources.put("shop", rules(), SECOND);
        for number in 0..5_000 {
            sources.put(&format!("made-up-{number}"), None, 2 * SECOND);
        }
        let kept = sources.kept();
        let bytes: usize = kept.sources.iter().map(|(id, source)| source.bytes(id)).sum();
        assert_eq!(kept.bytes, bytes);
        assert!(bytes <= MOST_BYTES && kept.sources.len() > 100, "{bytes}");
        assert!(kept.sources.contains_key("shop"));
        drop(kept);
        sources.put(
            "large",
            Some(Arc::new(SourceRules { name: "x".repeat(MOST_BYTES), ..SourceRules::default() })),
            SECOND,
        );
        assert_eq!(sources.get("large", SECOND), None, "it is read each time");
    }

    #[test]
    fn a_source_sends_as_much_as_it_may_over_all_lanes() {
        let sources = Sources::default();
        sources.put("shop", rules(), SECOND);
        // One event a second, three at once, published for sixteen lanes.
        let rate = SourceRate { gap: 16_000_000, burst: 3 };
        let send = |events, now| sources.above_rate("shop", rate, 16, events, now);
        assert_eq!((send(2, SECOND), send(2, SECOND)), (None, None));
        assert_eq!(send(1, SECOND), Some(2_000));
        sources.put("shop", rules(), SECOND);
        assert_eq!(send(1, 2 * SECOND), Some(1_000), "reading again forgives nothing");
        assert_eq!(send(1, 3 * SECOND), None);
    }
}
