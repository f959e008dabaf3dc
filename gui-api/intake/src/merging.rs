//! Profiles of one person become one, as soon as a request tells that they are.
//!
//! A key of a person belongs to one profile. A request that gives a profile a key that another has makes one of the two,
//! in the same writing as everything else that it changes: whatever is killed, both are there or one is. The ids of the one
//! that goes lead to the other, in the store and, for the edge, in Redis.

use tideline_model::{MergeRecord, Profile, ProfileReference};
use tideline_pipeline::{Identification, Key, Merged, Request};
use tideline_store::{Merge, Store, StoreError};
use uuid::Uuid;

use crate::known::{Known, put};

/// The namespace of the ids of merges.
const MERGES: Uuid = Uuid::from_u128(0x8a41_6c0e_52f7_4d0b_b1d3_97c5_0e64_2f3a);

impl Known {
    /// Gives the profile of this id its keys, and makes it one with those that have them already.
    pub(crate) async fn identify(
        &mut self,
        store: &dyn Store,
        request: &Request,
        mut identification: Identification<'_>,
        mut id: String,
    ) -> Result<(), StoreError> {
        while let Some(profile) = self.profiles.get(&id) {
            let Some(key) = identification.next_key(&profile.document) else { break };
            let owner = self.owner(store, &key).await?.filter(|owner| *owner != id);
            let owner = owner.and_then(|owner| Some(self.profiles.get(&owner)?.document.clone()));
            let (Some(owner), Some(profile)) = (owner, self.profiles.get_mut(&id)) else {
                identification.is_free(key);
                continue;
            };
            let kind = key.kind.clone();
            if let Some(merged) = identification.meets(&mut profile.document, &owner, key) {
                id = self.make_one(request, kind, merged).unwrap_or(id);
            }
        }
        let Some(profile) = self.profiles.get_mut(&id) else { return Ok(()) };
        if identification.finish(&mut profile.document) {
            let moves = request.move_merged(&mut profile.document);
            self.note(moves);
        }
        Ok(())
    }

    /// The profile that has the key, by what is stored and by what was changed since.
    async fn owner(&mut self, store: &dyn Store, key: &Key) -> Result<Option<String>, StoreError> {
        let has = |profile: &Profile| profile.metadata.keys.contains(&key.id);
        let changed = self.changed_profiles.iter().filter_map(|id| self.profiles.get(id));
        if let Some(owner) = changed.map(|profile| &profile.document).find(|profile| has(profile)) {
            return Ok(Some(owner.id.clone()));
        }
        let Some(owner) = store.owners(std::slice::from_ref(&key.id)).await?.remove(&key.id) else {
            return Ok(None);
        };
        let owner = self.stands_for(&owner).to_owned();
        self.load_missing(store, [owner.clone()].into()).await?;
        // It may have lost the key since, by an earlier request of the unit.
        Ok(self.profiles.get(&owner).filter(|profile| has(&profile.document)).map(|_| owner))
    }

    /// Two profiles are one from now on: the id of the one that is left.
    fn make_one(&mut self, request: &Request, by: String, outcome: Merged) -> Option<String> {
        let (kept, gone) = (self.profiles.get(&outcome.survivor.id)?, self.profiles.get(&outcome.merged)?);
        let origin = request.origin();
        let named = format!("{} {} {} {}", gone.document.id, kept.document.id, origin.lane, origin.entry);
        let record = MergeRecord {
            id: Uuid::new_v5(&MERGES, named.as_bytes()).to_string(),
            at: request.received(),
            origin: origin.clone(),
            by,
            survivor: kept.document.clone(),
            merged: gone.document.clone(),
        };
        let survivor = ProfileReference {
            id: outcome.survivor.id.clone(),
            primary_id: outcome.survivor.primary_id.clone(),
        };
        self.merges.push(Merge { version: gone.version, record });
        if let Some(gone) = self.profiles.remove(&outcome.merged) {
            self.follow(gone.document, &survivor, request);
        }
        self.changed_profiles.remove(&outcome.merged);
        self.changed_profiles.insert(survivor.id.clone());
        put(&mut self.profiles, survivor.id.clone(), outcome.survivor);
        Some(survivor.id)
    }

    /// The request's session is the survivor's from now on, like whatever else knows the profile that is gone. Other sessions
    /// follow with their next request, so that it does not matter which requests are processed together.
    fn follow(&mut self, gone: Profile, survivor: &ProfileReference, request: &Request) {
        for alias in self.aliases.values_mut().filter(|alias| **alias == gone.id) {
            alias.clone_from(&survivor.id);
        }
        if let Some(session) = self.sessions.get_mut(request.session()).filter(|_| request.keeps_session()) {
            let profile = &mut session.document.profile;
            if profile.as_ref().is_some_and(|profile| profile.id == gone.id) {
                *profile = Some(survivor.clone());
            }
        }
        let ids = gone.ids.into_iter().filter(|id| *id != gone.id);
        for id in std::iter::once(gone.id.clone()).chain(ids) {
            self.aliases.insert(id.clone(), survivor.id.clone());
            self.moved.push((id, survivor.id.clone()));
        }
    }
}
