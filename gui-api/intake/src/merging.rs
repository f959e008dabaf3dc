//! Profiles of one person become one, as soon as a request tells that they are.
//!
//! A key of a person belongs to one profile. A request that gives a profile a key that another has makes one of the two,
//! in the same writing as everything else that it changes: whatever is killed, both are there or one is. The ids of the one
//! that goes lead to the other, in the store and, for the edge, in Redis.

use tideline_model::{MergeRecord, Profile, Reference};
use tideline_pipeline::{Key, Request, Settings, keys, merge};
use tideline_store::{Merge, Store, StoreError};
use uuid::Uuid;

use crate::known::{Known, put};

/// How often a merge may tell of another person that is the same.
const MOST_ROUNDS: usize = 8;

/// The most profiles that one is kept apart from.
const MOST_APART: usize = 50;

/// The namespace of the ids of merges.
const MERGES: Uuid = Uuid::from_u128(0x8a41_6c0e_52f7_4d0b_b1d3_97c5_0e64_2f3a);

/// Who a request says that its profile is of.
pub(crate) struct Told {
    profile: String,
    /// Keys of which it has others of the same kind now: somebody else may sit there, or an address has changed. Either way
    /// it is not known by them any more, nor merged by the new ones.
    given_up: Vec<Key>,
}

impl Told {
    /// None when nothing new is said.
    pub(crate) fn of(settings: &Settings, before: Option<&Profile>, after: &Profile) -> Option<Self> {
        let wanted = keys(settings, after);
        let has = |key: &Key| after.metadata.keys.contains(&key.id);
        let had = before.map(|before| keys(settings, before)).unwrap_or_default();
        let given_up: Vec<Key> = had.into_iter().filter(|key| !wanted.contains(key)).collect();
        let says_nothing = wanted.iter().all(has) && !given_up.iter().any(has);
        (!says_nothing).then(|| Self { profile: after.id.clone(), given_up })
    }
}

impl Known {
    /// Gives the profile its keys, and makes it one with those that have them already.
    pub(crate) async fn identify(
        &mut self,
        store: &dyn Store,
        settings: &Settings,
        request: &Request,
        told: Told,
    ) -> Result<(), StoreError> {
        let mut id = told.profile;
        let mut not_ours: Vec<Key> = Vec::new();
        let mut was_merged = false;
        for _ in 0..MOST_ROUNDS {
            let Some(profile) = self.profiles.get(&id).map(|profile| &profile.document) else {
                return Ok(());
            };
            let wanted = keys(settings, profile);
            let is_new = |key: &&Key| !profile.metadata.keys.contains(&key.id) && !not_ours.contains(key);
            let new: Vec<Key> = wanted.iter().filter(is_new).cloned().collect();
            let mut merged = false;
            for key in new {
                let Some(owner) = self.owner(store, &key).await?.filter(|owner| *owner != id) else {
                    continue;
                };
                if told.given_up.iter().any(|other| other.kind == key.kind) {
                    self.keep_apart(&id, &owner);
                }
                match self.merge(settings, request, &key, &id, &owner) {
                    Some(survivor) => {
                        (id, merged, was_merged) = (survivor, true, true);
                        break;
                    }
                    None => not_ours.push(key),
                }
            }
            if !merged {
                let ours = wanted.into_iter().filter(|key| !not_ours.contains(key)).map(|key| key.id);
                if let Some(profile) = self.profiles.get_mut(&id) {
                    let known = &mut profile.document.metadata.keys;
                    known.retain(|key| told.given_up.iter().all(|other| other.id != *key));
                    // What came by a merge stays, also where the other's value is the one that counts.
                    let new: Vec<String> = ours.filter(|key| !known.contains(key)).collect();
                    known.extend(new);
                    let moves =
                        if was_merged { request.move_merged(&mut profile.document) } else { Vec::new() };
                    self.note(moves);
                }
                return Ok(());
            }
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

    /// Notes that the profile is not to become one with the other.
    fn keep_apart(&mut self, id: &str, other: &str) {
        let Some(profile) = self.profiles.get_mut(id) else { return };
        let apart = &mut profile.document.metadata.apart;
        if !apart.iter().any(|known| known == other) && apart.len() < MOST_APART {
            apart.push(other.to_owned());
        }
    }

    /// Makes one of two profiles: the id of the one that is left; none where they are to stay two.
    fn merge(
        &mut self,
        settings: &Settings,
        request: &Request,
        key: &Key,
        one: &str,
        other: &str,
    ) -> Option<String> {
        let (first, second) = (self.profiles.get(one)?, self.profiles.get(other)?);
        let keeps_apart =
            |one: &Profile, other: &Profile| other.ids.iter().any(|id| one.metadata.apart.contains(id));
        if keeps_apart(&first.document, &second.document) || keeps_apart(&second.document, &first.document) {
            return None;
        }
        let outcome = merge(&settings.rules, &first.document, &second.document)?;
        let (kept, gone) = if outcome.merged == one { (second, first) } else { (first, second) };
        let origin = request.origin();
        let named = format!("{} {} {} {}", gone.document.id, kept.document.id, origin.lane, origin.entry);
        let record = MergeRecord {
            id: Uuid::new_v5(&MERGES, named.as_bytes()).to_string(),
            at: request.received(),
            origin: origin.clone(),
            by: key.kind.clone(),
            survivor: kept.document.clone(),
            merged: gone.document.clone(),
        };
        let survivor = outcome.survivor.id.clone();
        self.merges.push(Merge { version: gone.version, record });
        if let Some(gone) = self.profiles.remove(&outcome.merged) {
            self.follow(gone.document, &survivor, request);
        }
        self.changed_profiles.remove(&outcome.merged);
        self.changed_profiles.insert(survivor.clone());
        put(&mut self.profiles, survivor.clone(), outcome.survivor);
        Some(survivor)
    }

    /// The request's session is the survivor's from now on, like whatever else knows the profile that is gone. Other sessions
    /// follow with their next request, so that it does not matter which requests are processed together.
    fn follow(&mut self, gone: Profile, survivor: &str, request: &Request) {
        for alias in self.aliases.values_mut().filter(|alias| **alias == gone.id) {
            survivor.clone_into(alias);
        }
        if let Some(session) = self.sessions.get_mut(request.session()).filter(|_| request.keeps_session()) {
            let profile = &mut session.document.profile;
            if profile.as_ref().is_some_and(|profile| profile.id == gone.id) {
                *profile = Some(Reference::to(survivor));
            }
        }
        let ids = gone.ids.into_iter().filter(|id| *id != gone.id);
        for id in std::iter::once(gone.id.clone()).chain(ids) {
            self.aliases.insert(id.clone(), survivor.to_owned());
            self.moved.push((id, survivor.to_owned()));
        }
    }
}
