//! Looks whether profiles belong to other segments than they say, because time has passed or a segment was changed.
//!
//! It walks through all profiles, some at a time; only those that are to move cause any writing.

use std::sync::Arc;
use std::time::{Duration, Instant};

use redis::aio::MultiplexedConnection;
use tideline_pipeline::{Recheck, Rules};
use tideline_protocol::Lanes;
use tideline_store::{MAX_PAGE, ProfileKey, ProfileQuery, Revision, Store};

use crate::silent_visits::{RemindError, time};

/// How many pages of profiles are read at a time, so that other work is not held up.
const PAGES: usize = 20;
/// How long it rests between two walks.
const REST: Duration = Duration::from_secs(60 * 60);

/// A walk through all profiles, again and again.
pub(crate) struct Segments {
    store: Arc<dyn Store>,
    lanes: Lanes,
    rules: Rules,
    revision: Option<Revision>,
    walk: Walk,
}

enum Walk {
    /// It has come behind this profile, or is at the beginning.
    At(Option<ProfileKey>),
    /// It is over, since then.
    Over(Instant),
}

impl Segments {
    pub(crate) fn new(store: Arc<dyn Store>, lanes: Lanes) -> Self {
        Self { store, lanes, rules: Rules::default(), revision: None, walk: Walk::At(None) }
    }

    /// Goes on with the walk, if it is time: how many are to be rechecked.
    pub(crate) async fn recheck(&mut self, redis: &mut MultiplexedConnection) -> Result<usize, RemindError> {
        if self.revision != Some(self.store.configuration_revision().await?) {
            let configuration = self.store.configuration().await?;
            self.rules = Rules::compile(&configuration.objects).0;
            // Where there are no segments, people may have to leave those that there were.
            let is_needed = self.rules.has_segments() || self.revision.is_some();
            self.walk = if is_needed { Walk::At(None) } else { Walk::Over(Instant::now()) };
            self.revision = Some(configuration.revision);
        }
        if self.rules.has_segments() && matches!(self.walk, Walk::Over(since) if since.elapsed() >= REST) {
            self.walk = Walk::At(None);
        }
        let mut moved = 0;
        for _ in 0..PAGES {
            let Walk::At(after) = &self.walk else { break };
            let query = ProfileQuery { after: after.clone(), limit: MAX_PAGE, ..ProfileQuery::default() };
            let page = self.store.profiles(query).await?;
            // Redis dates the entries: by another clock, one could come too early.
            let now = time(redis).await?;
            let moving = page.profiles.iter().filter(|profile| self.rules.move_profile(profile, now));
            let moving: Vec<&str> = moving.map(|profile| profile.id.as_str()).collect();
            self.write(redis, &moving).await?;
            moved += moving.len();
            self.walk = page.next.map_or_else(|| Walk::Over(Instant::now()), |next| Walk::At(Some(next)));
        }
        Ok(moved)
    }

    async fn write(&self, redis: &mut MultiplexedConnection, profiles: &[&str]) -> Result<(), RemindError> {
        if profiles.is_empty() {
            return Ok(());
        }
        let revision = self.revision.unwrap_or_default().0;
        let mut commands = redis::Pipeline::with_capacity(profiles.len());
        for profile in profiles {
            let events = self.lanes.of_profile(profile).events();
            let entry = commands.cmd("XADD").arg(events).arg("NOMKSTREAM").arg("*");
            entry.arg(Recheck::FIELD).arg(*profile).arg(Recheck::RULES).arg(revision).ignore();
        }
        Ok(commands.exec_async(redis).await?)
    }
}
