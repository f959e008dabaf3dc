//! A unit of work: entries that are applied in order to what the store has, and written at once.

use std::collections::{HashMap, HashSet};

use tideline_model::{Event, Origin, Profile, Session};
use tideline_pipeline::Request;
use tideline_store::{Batch, Store, StoreError, Versioned};

use crate::entry::{Content, Entry};

/// What became of an entry's events, for the ledger.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) stored: u32,
    pub(crate) duplicates: u32,
    pub(crate) dead: u32,
    /// Why it goes to the dead letters, if it does.
    pub(crate) reason: Option<String>,
}

/// Entries, opened.
pub(crate) struct Unit {
    pub(crate) entries: Vec<Entry>,
    /// One for each entry.
    contents: Vec<Content>,
}

/// A unit, applied and not yet written.
pub(crate) struct Applied {
    pub(crate) batch: Batch,
    /// One for each entry, in their order.
    pub(crate) verdicts: Vec<Verdict>,
}

impl Unit {
    pub(crate) fn open(mut entries: Vec<Entry>) -> Self {
        let contents = entries.iter_mut().map(Entry::open).collect();
        Self { entries, contents }
    }

    /// The entry that may have ended the service: it is alone in its unit.
    pub(crate) fn suspect(&self) -> Option<&Entry> {
        match self.entries.as_slice() {
            [suspect] if suspect.is_suspect() => Some(suspect),
            _ => None,
        }
    }

    /// Applies the entries to what the store has now.
    pub(crate) async fn apply(&self, store: &dyn Store) -> Result<Applied, StoreError> {
        let requests = self.contents.iter().filter_map(|content| match content {
            Content::Request(request) => Some(request.as_ref()),
            _ => None,
        });
        let mut known = Known::load(store, &requests.collect::<Vec<_>>()).await?;
        let verdict = |(entry, content): (&Entry, &Content)| match content {
            Content::Request(request) => known.apply(request),
            Content::Unprocessable(reason) => entry.bury(reason.clone()),
            Content::Deleted => Verdict::default(),
        };
        let verdicts = self.entries.iter().zip(&self.contents).map(verdict).collect();
        Ok(Applied { batch: known.into_batch(), verdicts })
    }
}

impl Entry {
    /// The verdict that it goes to the dead letters.
    pub(crate) fn bury(&self, reason: String) -> Verdict {
        Verdict { dead: self.account.events, reason: Some(reason), ..Verdict::default() }
    }
}

/// What the store has, and what the requests so far add to it.
#[derive(Default)]
struct Known {
    origins: HashMap<String, Origin>,
    sessions: HashMap<String, Versioned<Session>>,
    profiles: HashMap<String, Versioned<Profile>>,
    /// Ids by which a profile of another id is known.
    aliases: HashMap<String, String>,
    events: Vec<Event>,
    changed_sessions: HashSet<String>,
    changed_profiles: HashSet<String>,
}

impl Known {
    async fn load(store: &dyn Store, requests: &[&Request]) -> Result<Self, StoreError> {
        if requests.is_empty() {
            return Ok(Self::default());
        }
        let requests = || requests.iter().copied();
        let event_ids: Vec<String> = requests().flat_map(Request::event_ids).map(str::to_owned).collect();
        let session_ids = distinct(requests().map(Request::session));
        let profile_ids = distinct(requests().map(Request::profile));
        let origins = store.origins(&event_ids).await?;
        let states = store.states(&session_ids, &profile_ids).await?;
        let mut known = Self { origins, ..Self::default() };

        // A session may belong to another profile than its client was answered, and a client may send
        // an id that its profile had before.
        let mut others = HashSet::new();
        for session in states.sessions.values() {
            others.insert(session.document.profile.id.clone());
        }
        let heard_of: HashSet<&str> =
            requests().filter(|request| !request.has_new_profile()).map(Request::profile).collect();
        for id in heard_of.into_iter().filter(|id| !states.profiles.contains_key(*id)) {
            if let Some(profile) = store.profile(id).await?.filter(|profile| profile.id != id) {
                known.aliases.insert(id.to_owned(), profile.id.clone());
                others.insert(profile.id);
            }
        }
        others.retain(|id| !states.profiles.contains_key(id));
        known.sessions = states.sessions;
        known.profiles = states.profiles;
        if !others.is_empty() {
            let others: Vec<String> = others.into_iter().collect();
            known.profiles.extend(store.states(&[], &others).await?.profiles);
        }
        Ok(known)
    }

    fn apply(&mut self, request: &Request) -> Verdict {
        let session = self.sessions.get(request.session()).map(|session| &session.document);
        let named = request.profile_in(session);
        let profile_id = self.aliases.get(named).map_or(named, String::as_str).to_owned();
        let profile = self.profiles.get(&profile_id).map(|profile| &profile.document);
        let taken = |id: &str| self.origins.get(id).is_some_and(|origin| origin != request.origin());
        let outcome = request.apply(taken, session, &profile_id, profile);

        for event in outcome.events {
            self.origins.insert(event.id.clone(), event.metadata.origin.clone());
            self.events.push(event);
        }
        if let Some(session) = outcome.session {
            self.changed_sessions.insert(session.id.clone());
            put(&mut self.sessions, session.id.clone(), session);
        }
        if let Some(profile) = outcome.profile {
            for id in profile.ids.iter().filter(|id| **id != profile.id && !self.profiles.contains_key(*id)) {
                self.aliases.insert(id.clone(), profile.id.clone());
            }
            self.changed_profiles.insert(profile.id.clone());
            put(&mut self.profiles, profile.id.clone(), profile);
        }
        Verdict { stored: outcome.stored, duplicates: outcome.duplicates, ..Verdict::default() }
    }

    fn into_batch(mut self) -> Batch {
        self.sessions.retain(|id, _| self.changed_sessions.contains(id));
        self.profiles.retain(|id, _| self.changed_profiles.contains(id));
        Batch {
            events: self.events,
            sessions: self.sessions.into_values().collect(),
            profiles: self.profiles.into_values().collect(),
        }
    }
}

/// Puts a document in the place of the one before, which keeps the version that was read.
fn put<T>(documents: &mut HashMap<String, Versioned<T>>, id: String, document: T) {
    let version = documents.get(&id).map_or_else(Default::default, |before| before.version);
    documents.insert(id, Versioned { document, version });
}

fn distinct<'a>(ids: impl Iterator<Item = &'a str>) -> Vec<String> {
    ids.collect::<HashSet<_>>().into_iter().map(str::to_owned).collect()
}
