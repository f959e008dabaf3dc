//! Profiles, their keys and ids, and merges: what a batch changes of them, as one transaction where they depend on one
//! another.
//!
//! A key is a document that names its profile. A former id is one too, at the place where a profile of that id would be:
//! so no new profile can take it.

use std::collections::{HashMap, HashSet};

use http::Method;
use serde_json::json;
use tideline_model::{MergeRecord, Profile};

use super::ElasticsearchStore;
use super::documents::{Found, Place};
use super::schema::{Index, Stored, keyword, server_id};
use super::transaction::Change;
use crate::{Batch, MAX_MERGES, StoreError, Version};

/// Merges that follow a profile into another, at the most.
const MOST_FOLLOWING: usize = 1000;

/// What a profile is found by besides its id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Names {
    keys: HashSet<String>,
    ids: HashSet<String>,
}

impl Names {
    pub(super) fn of(profile: &Profile) -> Self {
        let ids = profile.ids.iter().filter(|id| **id != profile.id);
        Self { keys: profile.metadata.keys.iter().cloned().collect(), ids: ids.cloned().collect() }
    }
}

/// A planned change of several documents, of which each may be touched several times.
#[derive(Default)]
struct Plan {
    found: HashMap<Place, Found>,
    then: HashMap<Place, Option<Stored>>,
}

impl Plan {
    /// What is at the place, as far as it is planned.
    fn at(&self, place: &Place) -> Option<&Stored> {
        match self.then.get(place) {
            Some(then) => then.as_ref(),
            None => self.found.get(place).map(|found| &found.stored),
        }
    }

    fn put(&mut self, place: Place, then: Option<Stored>) {
        self.then.insert(place, then);
    }

    fn leads_to(&self, place: &Place) -> Option<&str> {
        self.at(place)?.leads_to.as_deref()
    }

    fn changes(mut self) -> Vec<Change> {
        let mut changes: Vec<Change> = Vec::new();
        for (place, then) in self.then {
            let now = self.found.remove(&place);
            let stays = match (&now, &then) {
                (None, None) => true,
                (Some(now), Some(then)) => now.stored == *then,
                _ => false,
            };
            // A document that is only looked at must stay as it is as well, so it is written again.
            if !stays || now.as_ref().is_some_and(|now| now.stored.document.is_some()) {
                changes.push(Change { place, now, then });
            }
        }
        // Two that change the same documents lock them in one order, so that one of them gets all.
        changes.sort_by(|one, other| one.place.cmp(&other.place));
        changes
    }
}

impl ElasticsearchStore {
    /// Whether more than the profiles' own documents change.
    pub(super) async fn is_about_people(&self, batch: &Batch) -> Result<bool, StoreError> {
        if !batch.merges.is_empty() || !batch.separations.is_empty() {
            return Ok(true);
        }
        let mut unknown = Vec::new();
        for profile in &batch.profiles {
            let names = Names::of(&profile.document);
            let known = match profile.version {
                Version(0) => Some(Names::default()),
                version => self.known_names(&profile.document.id, version),
            };
            match known {
                Some(known) if known == names => {}
                Some(_) => return Ok(true),
                None => unknown.push(profile),
            }
        }
        let places: Vec<Place> =
            unknown.iter().map(|profile| self.profile_at(&profile.document.id)).collect();
        let found = self.transactions().settled(&places).await?;
        for (profile, found) in unknown.into_iter().zip(found) {
            let stored = found.filter(|found| found.version == profile.version);
            let before = stored.as_ref().map(|found| profile_of(&found.stored)).transpose()?.flatten();
            // Whatever is there else conflicts when it is written.
            if before.is_some_and(|before| Names::of(&before) != Names::of(&profile.document)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Writes sessions, profiles, keys, ids and merges of the batch: all of them, or none.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] as the port says.
    pub(super) async fn write_people(&self, batch: &Batch) -> Result<(), StoreError> {
        let conflict = |kind, id: &str| Err(StoreError::Conflict { kind, id: id.to_owned() });
        let mut plan = Plan::default();
        let mut separated: HashSet<String> = HashSet::new();
        let own = batch.profiles.iter().map(|profile| self.profile_at(&profile.document.id));
        let gone = batch.merges.iter().map(|merge| self.profile_at(&merge.record.merged.id));
        let sessions = batch.sessions.iter().map(|session| self.session_at(&session.document.id));
        let merges = batch.merges.iter().map(|merge| self.merge_at(&merge.record.id));
        let taken_back = batch.separations.iter().map(|id| self.merge_at(id));
        self.look(&mut plan, own.chain(gone).chain(sessions).chain(merges).chain(taken_back)).await?;

        // What is there now is found by these names, and will be by those.
        let mut before: HashMap<&str, Names> = HashMap::new();
        for merge in &batch.merges {
            let merged = &merge.record.merged;
            let place = self.profile_at(&merged.id);
            if merge.version.0 > 0 {
                let Some(found) = plan.found.get(&place).filter(|found| found.version == merge.version)
                else {
                    return conflict("profile", &merged.id);
                };
                let names = profile_of(&found.stored)?.map(|profile| Names::of(&profile));
                before.insert(&merged.id, names.unwrap_or_default());
            }
        }
        for profile in &batch.profiles {
            let id = profile.document.id.as_str();
            let found = plan.found.get(&self.profile_at(id));
            if profile.version.0 > 0 {
                let Some(found) = found.filter(|found| found.version == profile.version) else {
                    return conflict("profile", id);
                };
                let names = profile_of(&found.stored)?.map(|profile| Names::of(&profile));
                before.insert(id, names.unwrap_or_default());
            }
        }
        for session in &batch.sessions {
            let found = plan.found.get(&self.session_at(&session.document.id));
            if found.map(|found| found.version).unwrap_or_default() != session.version {
                return conflict("session", &session.document.id);
            }
        }
        let after: HashMap<&str, Names> = batch
            .profiles
            .iter()
            .map(|profile| (profile.document.id.as_str(), Names::of(&profile.document)))
            .collect();
        let names = before.values().chain(after.values());
        let named: HashSet<Place> = names
            .flat_map(|names| {
                let keys = names.keys.iter().map(|key| self.key_at(key));
                keys.chain(names.ids.iter().map(|id| self.profile_at(id)))
            })
            .collect();
        self.look(&mut plan, named.into_iter()).await?;

        for id in &batch.separations {
            separated.extend(self.plan_separation(&mut plan, id).await?);
        }
        for merge in &batch.merges {
            self.plan_merge(&mut plan, &merge.record).await?;
        }
        // All of them first: of two in the batch one may have what the other has given up.
        for (id, names) in &before {
            for place in names.keys.iter().map(|key| self.key_at(key)) {
                if plan.leads_to(&place) == Some(id) {
                    plan.put(place, None);
                }
            }
        }
        for profile in &batch.profiles {
            let (id, document) = (profile.document.id.as_str(), &profile.document);
            let place = self.profile_at(id);
            let is_there = plan.at(&place).is_some_and(|stored| stored.document.is_some());
            let is_taken = plan.leads_to(&place).is_some() && !separated.contains(id);
            if profile.version.0 == 0 && (is_there || is_taken) {
                return conflict("profile", id);
            }
            plan.put(place, Some(Stored::profile(document)?));
        }
        for (id, names) in &after {
            for place in names.keys.iter().map(|key| self.key_at(key)) {
                if plan.leads_to(&place).is_some_and(|owner| owner != *id) {
                    return conflict("profile", id);
                }
                plan.put(place, Some(Stored::leading_to(id)));
            }
            for place in names.ids.iter().map(|id| self.profile_at(id)) {
                // A profile of this id that is there is found by it, whoever else has had it.
                if plan.at(&place).is_none_or(|stored| stored.document.is_none()) {
                    plan.put(place, Some(Stored::leading_to(id)));
                }
            }
        }
        for session in &batch.sessions {
            let place = self.session_at(&session.document.id);
            plan.put(place, Some(Stored::session(&session.document)?));
        }
        let touches_merges = !batch.merges.is_empty() || !batch.separations.is_empty();
        let refresh = touches_merges || self.refreshes();
        if self.transactions().commit(&plan.changes(), refresh).await? {
            return Ok(());
        }
        let profile = batch.profiles.first().map(|profile| profile.document.id.as_str());
        conflict("profile", profile.unwrap_or_default())
    }

    /// Looks what is at these places, unless that is known.
    async fn look(&self, plan: &mut Plan, places: impl Iterator<Item = Place>) -> Result<(), StoreError> {
        let unknown: HashSet<Place> = places.filter(|place| !plan.found.contains_key(place)).collect();
        let unknown: Vec<Place> = unknown.into_iter().collect();
        let found = self.transactions().settled(&unknown).await?;
        plan.found.extend(unknown.into_iter().zip(found).filter_map(|(place, found)| Some((place, found?))));
        Ok(())
    }

    /// The profile that goes leads to its survivor, and so do the merges that it has survived.
    async fn plan_merge(&self, plan: &mut Plan, record: &MergeRecord) -> Result<(), StoreError> {
        let (survivor, merged) = (&record.survivor.id, &record.merged.id);
        plan.put(self.profile_at(merged), Some(Stored::leading_to(survivor)));
        plan.put(self.merge_at(&record.id), Some(merge_document(record, survivor)?));
        for (place, found) in self.merges_of(merged, MOST_FOLLOWING).await? {
            let record = merge_of(&found.stored)?;
            plan.put(place.clone(), Some(merge_document(&record, survivor)?));
            plan.found.insert(place, found);
        }
        Ok(())
    }

    /// Takes a merge back: the ids of the profile that was merged.
    async fn plan_separation(&self, plan: &mut Plan, id: &str) -> Result<Vec<String>, StoreError> {
        let place = self.merge_at(id);
        let Some(stored) = plan.at(&place).cloned() else { return Ok(Vec::new()) };
        let MergeRecord { merged, .. } = merge_of(&stored)?;
        plan.put(place.clone(), None);
        let mut ids = merged.ids.clone();
        ids.push(merged.id.clone());
        let places: Vec<Place> = ids.iter().map(|id| self.profile_at(id)).collect();
        self.look(plan, places.iter().cloned()).await?;
        for place in places {
            if plan.leads_to(&place).is_some() {
                plan.put(place, None);
            }
        }
        // What the profile had survived before it was merged is its own history again.
        let survivor =
            stored.fields.get("survivor").and_then(|id| id.as_str()).unwrap_or_default().to_owned();
        for (other, found) in self.merges_of(&survivor, MOST_FOLLOWING).await? {
            let record = merge_of(&found.stored)?;
            if other != place && merged.ids.contains(&record.merged.id) {
                plan.put(other.clone(), Some(merge_document(&record, &merged.id)?));
                plan.found.insert(other, found);
            }
        }
        Ok(ids)
    }

    /// The merges that a profile has survived, the latest first.
    pub(super) async fn merges_of(
        &self,
        survivor: &str,
        most: usize,
    ) -> Result<Vec<(Place, Found)>, StoreError> {
        let index = self.names.of(Index::Merges);
        let query = json!({
            "size": most, "query": {"bool": {"filter": [{"term": {"survivor": keyword(survivor)}}]}},
            "sort": [{"at": "desc"}, {"id": "asc"}], "_source": false, "track_total_hits": false,
        });
        let hits = self.search(Method::POST, &index, &query).await?;
        let places: Vec<Place> =
            hits.into_iter().map(|hit| Place { index: index.clone(), id: hit.id }).collect();
        let found = self.transactions().settled(&places).await?;
        Ok(places.into_iter().zip(found).filter_map(|(place, found)| Some((place, found?))).collect())
    }

    pub(super) async fn merge_records(&self, survivor: &str) -> Result<Vec<MergeRecord>, StoreError> {
        let found = self.merges_of(survivor, MAX_MERGES).await?;
        found.iter().map(|(_, found)| merge_of(&found.stored)).collect()
    }

    pub(super) fn profile_at(&self, id: &str) -> Place {
        Place { index: self.names.of(Index::Profiles), id: server_id(id) }
    }

    pub(super) fn session_at(&self, id: &str) -> Place {
        Place { index: self.names.of(Index::Sessions), id: server_id(id) }
    }

    pub(super) fn key_at(&self, key: &str) -> Place {
        Place { index: self.names.of(Index::Keys), id: server_id(key) }
    }

    fn merge_at(&self, id: &str) -> Place {
        Place { index: self.names.of(Index::Merges), id: server_id(id) }
    }
}

fn merge_document(record: &MergeRecord, survivor: &str) -> Result<Stored, StoreError> {
    let at = record.at.as_microsecond();
    Stored::new(record, json!({"id": keyword(&record.id), "survivor": keyword(survivor), "at": at}))
}

/// The profile of a document; none where an id only leads to one.
pub(super) fn profile_of(stored: &Stored) -> Result<Option<Profile>, StoreError> {
    let Some(document) = &stored.document else { return Ok(None) };
    let damaged = |id: &str| StoreError::Damaged { kind: "profile", id: id.to_owned() };
    let id = stored.fields.get("id").and_then(|id| id.as_str()).unwrap_or_default();
    serde_json::from_str(document).map(Some).map_err(|_| damaged(id))
}

fn merge_of(stored: &Stored) -> Result<MergeRecord, StoreError> {
    let id = stored.fields.get("id").and_then(|id| id.as_str()).unwrap_or_default();
    serde_json::from_str(stored.document.as_deref().unwrap_or_default())
        .map_err(|_| StoreError::Damaged { kind: "merge", id: id.to_owned() })
}
