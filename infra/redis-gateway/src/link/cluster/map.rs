//! The map of the slots, kept up to date: read again now and then, and at once when it was wrong.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::slots::SlotMap;
use crate::link::address::{Endpoint, Upstream};
use crate::link::connect::{ConnectError, any};
use crate::link::{LinkError, LinkOptions};

/// While nothing is wrong with the map.
const CALM: Duration = Duration::from_secs(10);
/// While there is none.
const AGAIN: Duration = Duration::from_millis(500);
/// However wrong it is.
const LEAST: Duration = Duration::from_millis(50);

/// What is known of the slots.
#[derive(Debug, Default)]
struct State {
    map: Option<Arc<SlotMap>>,
    /// Why there is no map.
    reason: Arc<str>,
    tried: bool,
}

/// The map, at any time.
#[derive(Debug)]
pub(super) struct Maps {
    state: Arc<watch::Sender<State>>,
    wrong: Arc<Notify>,
}

impl Maps {
    /// Starts to keep the map up to date.
    pub(super) fn start(options: &LinkOptions, tasks: &mut JoinSet<()>) -> Self {
        let maps = Maps { state: Arc::default(), wrong: Arc::default() };
        let (state, wrong) = (Arc::clone(&maps.state), Arc::clone(&maps.wrong));
        tasks.spawn(keep(options.clone(), state, wrong));
        maps
    }

    /// Who serves a slot, or what concerns none. Waits for the first attempt to learn it.
    pub(super) async fn owner(&self, slot: Option<u16>) -> Result<Endpoint, LinkError> {
        let mut seen = self.state.subscribe();
        let stopping = || LinkError::NotSent("the gateway is stopping".into());
        let state = seen.wait_for(|state| state.tried).await.map_err(|_| stopping())?;
        let map = state.map.as_ref().ok_or_else(|| LinkError::NotSent(Arc::clone(&state.reason)))?;
        let slot = slot.unwrap_or(0);
        let unserved = || LinkError::NotSent(format!("no node of the cluster serves slot {slot}").into());
        map.owner(slot).cloned().ok_or_else(unserved).inspect_err(|_| self.refresh())
    }

    pub(super) fn current(&self) -> Option<Arc<SlotMap>> {
        self.state.borrow().map.clone()
    }

    /// A node says that it serves a slot no more, and who does.
    pub(super) fn moved(&self, slot: u16, owner: Endpoint) {
        self.state.send_modify(|state| {
            if let Some(map) = &mut state.map {
                Arc::make_mut(map).moved(slot, owner);
            }
        });
        self.refresh();
    }

    /// The map may be wrong: read it again.
    pub(super) fn refresh(&self) {
        self.wrong.notify_one();
    }
}

async fn keep(options: LinkOptions, state: Arc<watch::Sender<State>>, wrong: Arc<Notify>) {
    let mut logged = false;
    loop {
        let map = state.borrow().map.clone();
        let read = read(&options, map.as_deref()).await;
        let pause = if read.is_ok() { CALM } else { AGAIN };
        match read {
            Ok(map) => {
                if logged || state.borrow().map.is_none() {
                    tracing::info!(redis = %options.address, nodes = map.nodes().len(), "the map of the cluster is known");
                }
                logged = false;
                state.send_modify(|state| {
                    *state = State { map: Some(Arc::new(map)), tried: true, ..State::default() }
                });
            }
            Err(error) => {
                if !std::mem::replace(&mut logged, true) {
                    tracing::warn!(redis = %options.address, reason = %error, "the map of the cluster cannot be read");
                }
                state.send_modify(|state| {
                    state.reason = error.to_string().into();
                    state.tried = true;
                });
            }
        }
        sleep(LEAST).await;
        let _ = timeout(pause, wrong.notified()).await;
    }
}

/// Asks the nodes that are known, and those of the URL after them.
async fn read(options: &LinkOptions, known: Option<&SlotMap>) -> Result<SlotMap, ConnectError> {
    let mut nodes: Vec<Endpoint> =
        known.map(|map| map.nodes().into_iter().cloned().collect()).unwrap_or_default();
    if let Upstream::Cluster(seeds) = &options.address.upstream {
        nodes.extend(seeds.iter().cloned());
    }
    let mut connection = any(&nodes, &options.address, options.connect_timeout).await?;
    let asked = connection.endpoint.clone();
    let slots = connection.ask(&["CLUSTER", "SLOTS"]);
    let limit = options.connect_timeout;
    let reply = timeout(limit, slots).await.map_err(|_| ConnectError::Timeout(limit))??;
    let map = SlotMap::read(&reply, &asked).filter(|map| !map.nodes().is_empty());
    map.ok_or_else(|| ConnectError::NoMap(format!("{asked} serves no slots, or is no node of a cluster")))
}
