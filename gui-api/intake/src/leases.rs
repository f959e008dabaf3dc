//! Which lanes this replica owns at this moment: kept by the keeper, asked by the worker.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tideline_protocol::Lane;
use tokio::sync::Notify;

/// The lanes that are owned.
pub(crate) struct Leases {
    state: Mutex<State>,
    changed: Notify,
}

struct State {
    held: BTreeMap<Lane, Held>,
    fair_share: usize,
    tenures: u64,
    trouble: Option<String>,
}

#[derive(Clone, Copy)]
struct Held {
    until: Instant,
    tenure: Tenure,
}

/// One uninterrupted time of owning a lane. A lane of another tenure may have been anybody's in between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tenure(u64);

impl Leases {
    pub(crate) fn none() -> Self {
        let state = State { held: BTreeMap::new(), fair_share: usize::MAX, tenures: 0, trouble: None };
        Self { state: Mutex::new(state), changed: Notify::new() }
    }

    /// The lanes that are owned at `now`.
    pub(crate) fn held(&self, now: Instant) -> Vec<(Lane, Tenure)> {
        let state = self.state();
        state
            .held
            .iter()
            .filter(|(_, held)| held.until > now)
            .map(|(lane, held)| (lane.clone(), held.tenure))
            .collect()
    }

    /// Whether the lane is still owned, without interruption.
    pub(crate) fn holds(&self, lane: &Lane, tenure: Tenure, now: Instant) -> bool {
        self.state().held.get(lane).is_some_and(|held| held.until > now && held.tenure == tenure)
    }

    /// The lanes that exceed the fair share.
    pub(crate) fn surplus(&self) -> Vec<Lane> {
        let state = self.state();
        state.held.keys().skip(state.fair_share).cloned().collect()
    }

    /// Why leases cannot be renewed, if they cannot.
    pub(crate) fn trouble(&self) -> Option<String> {
        self.state().trouble.clone()
    }

    /// Ends when lanes were added, or exceed the fair share, or there is trouble.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Redis has confirmed a lane until then; `anew` when it was free before.
    pub(crate) fn confirm(&self, lane: &Lane, until: Instant, anew: bool) {
        let mut state = self.state();
        if let Some(held) = state.held.get_mut(lane).filter(|_| !anew) {
            held.until = until;
            return;
        }
        state.tenures += 1;
        let tenure = Tenure(state.tenures);
        state.held.insert(lane.clone(), Held { until, tenure });
        drop(state);
        self.changed.notify_one();
    }

    /// The lane is another's, or was given back.
    pub(crate) fn lost(&self, lane: &Lane) {
        self.state().held.remove(lane);
    }

    /// Leases cannot be renewed, or can again.
    pub(crate) fn set_trouble(&self, trouble: Option<String>) {
        let mut state = self.state();
        let began = trouble.is_some() && state.trouble.is_none();
        state.trouble = trouble;
        drop(state);
        if began {
            self.changed.notify_one();
        }
    }

    /// How many lanes this replica should have.
    pub(crate) fn set_fair_share(&self, lanes: usize) {
        let mut state = self.state();
        state.fair_share = lanes;
        let too_many = state.held.len() > lanes;
        drop(state);
        if too_many {
            self.changed.notify_one();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tideline_protocol::Lanes;

    use super::*;

    #[test]
    fn a_lane_counts_until_its_lease_ends_and_a_new_tenure_is_told_apart() {
        let lane = Lanes::new("production", "eu", 1).unwrap().of_session("s");
        let (leases, now) = (Leases::none(), Instant::now());
        let soon = now + Duration::from_secs(1);
        leases.confirm(&lane, soon, true);
        let (_, first) = leases.held(now)[0];
        assert!(leases.holds(&lane, first, now));
        assert!(!leases.holds(&lane, first, soon));
        leases.confirm(&lane, soon, false);
        assert!(leases.holds(&lane, first, now));
        leases.confirm(&lane, soon, true);
        assert!(!leases.holds(&lane, first, now));
        leases.set_fair_share(0);
        assert_eq!(leases.surplus(), std::slice::from_ref(&lane));
        leases.lost(&lane);
        assert!(leases.held(now).is_empty());
    }
}
