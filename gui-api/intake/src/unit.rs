//! A unit of work: entries that are applied in order to what the store has, and written at once.

use std::collections::{HashMap, HashSet};
use std::mem;

use redis::RedisError;
use tideline_model::{Event, Origin, Profile, Session};
use tideline_pipeline::{Outcome, Reminder, Request, Settings, Trouble, profile_created_id, visit_event_ids};
use tideline_store::{Batch, Store, StoreError, Versioned};

use crate::aliases::{Adoption, Aliases};
use crate::entry::{Content, Entry};
use crate::repeats::{Mark, Repeats};

/// What became of an entry's events, for the ledger.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) stored: u32,
    pub(crate) duplicates: u32,
    pub(crate) dead: u32,
    /// They count, and were not to be stored.
    pub(crate) passed: u32,
    /// Why it goes to the dead letters, if it does.
    pub(crate) reason: Option<String>,
    /// By what the same request is to be known, if another entry brings it soon.
    pub(crate) mark: Option<Mark>,
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
    /// Sessions that the edge is to know under another profile.
    pub(crate) adoptions: Vec<Adoption>,
    /// Rules that could not do their work.
    pub(crate) troubles: Vec<Trouble>,
}

/// Why a unit could not be applied, or written, now.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WriteError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Redis(#[from] RedisError),
}

impl Unit {
    pub(crate) fn open(mut entries: Vec<Entry>, settings: &Settings) -> Self {
        let contents = entries.iter_mut().map(|entry| entry.open(settings)).collect();
        Self { entries, contents }
    }

    /// Whether it is of one entry.
    pub(crate) fn is_single(&self) -> bool {
        self.entries.len() == 1
    }

    /// A unit for each entry.
    pub(crate) fn apart(self) -> impl Iterator<Item = Self> {
        let entries = self.entries.into_iter().zip(self.contents);
        entries.map(|(entry, content)| Self { entries: vec![entry], contents: vec![content] })
    }

    /// The verdicts that all entries go to the dead letters.
    pub(crate) fn bury(&self, reason: &str) -> Vec<Verdict> {
        self.entries.iter().map(|entry| entry.bury(reason.to_owned())).collect()
    }

    /// The entry that may have ended the service: it is alone in its unit.
    pub(crate) fn suspect(&self) -> Option<&Entry> {
        match self.entries.as_slice() {
            [suspect] if suspect.is_suspect() => Some(suspect),
            _ => None,
        }
    }

    /// Applies the entries to what the store has now.
    pub(crate) async fn apply(
        &self,
        store: &dyn Store,
        aliases: &mut Aliases<'_>,
    ) -> Result<Applied, WriteError> {
        let (mut requests, mut reminders) = (Vec::new(), Vec::new());
        for content in &self.contents {
            match content {
                Content::Request(request) => requests.push(request.as_ref()),
                Content::Reminder(reminder) => reminders.push(reminder.as_ref()),
                Content::Unprocessable(_) | Content::Deleted => {}
            }
        }
        let mut known = Known::load(store, aliases, &requests, &reminders).await?;
        let with_entries = self.entries.iter().zip(&self.contents);
        known.repeats = Repeats::load(
            aliases.link,
            with_entries.filter_map(|(entry, content)| match content {
                Content::Request(request) => Some((&entry.lane, request.fingerprint()?)),
                _ => None,
            }),
        )
        .await?;
        let mut adoptions = Vec::new();
        let mut verdicts = Vec::with_capacity(self.entries.len());
        for (entry, content) in self.entries.iter().zip(&self.contents) {
            verdicts.push(match content {
                Content::Request(request) => {
                    let (verdict, adoption) = known.apply(entry, request);
                    adoptions.extend(adoption);
                    verdict
                }
                Content::Reminder(reminder) => known.remind(reminder),
                Content::Unprocessable(reason) => entry.bury(reason.clone()),
                Content::Deleted => Verdict::default(),
            });
        }
        let troubles = mem::take(&mut known.troubles);
        Ok(Applied { batch: known.into_batch(), verdicts, adoptions, troubles })
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
    /// Whom claims stand for, where they stand for somebody.
    claims: HashMap<String, String>,
    repeats: Repeats,
    events: Vec<Event>,
    changed_sessions: HashSet<String>,
    changed_profiles: HashSet<String>,
    troubles: Vec<Trouble>,
}

impl Known {
    async fn load(
        store: &dyn Store,
        aliases: &mut Aliases<'_>,
        requests: &[&Request],
        reminders: &[&Reminder],
    ) -> Result<Self, WriteError> {
        if requests.is_empty() && reminders.is_empty() {
            return Ok(Self::default());
        }
        let requests = || requests.iter().copied();
        let reminded = reminders.iter().map(|reminder| reminder.session());
        let event_ids: Vec<String> = requests().flat_map(Request::event_ids).map(str::to_owned).collect();
        let session_ids = distinct(requests().map(Request::session).chain(reminded));
        let profile_ids = distinct(requests().filter_map(Request::profile));
        let origins = store.origins(&event_ids).await?;
        let states = store.states(&session_ids, &profile_ids).await?;
        let mut known =
            Self { origins, sessions: states.sessions, profiles: states.profiles, ..Self::default() };

        // A session may belong to another profile than its client was answered.
        let of_sessions = known.sessions.values().filter_map(|session| session.document.profile.as_ref());
        let of_sessions = of_sessions.map(|profile| profile.id.as_str());
        let claims = distinct(requests().filter_map(Request::claim));
        known.claims = aliases.survivors(&claims).await?;
        let claimed = known.claims.values().map(String::as_str);
        let ids = distinct(profile_ids.iter().map(String::as_str).chain(of_sessions).chain(claimed));
        known.aliases = aliases.survivors(&ids).await?;
        let minted = |request: &&Request| request.has_new_profile();
        let sent_again: HashSet<_> =
            requests().filter(|request| !minted(request)).map(Request::profile).collect();
        let unheard_of =
            requests().filter(minted).map(Request::profile).filter(|id| !sent_again.contains(id));
        known.load_profiles(store, &ids, &unheard_of.flatten().collect()).await?;
        known.load_announcements(store, &ids).await?;
        let session = |id: &str| known.sessions.get(id).map(|session| &session.document);
        let of_visits = visit_event_ids(&requests().collect::<Vec<_>>(), reminders, session);
        if !of_visits.is_empty() {
            known.origins.extend(store.origins(&of_visits).await?);
        }
        Ok(known)
    }

    /// Learns of the profiles without a document whether it was said already that they were created.
    async fn load_announcements(&mut self, store: &dyn Store, ids: &[String]) -> Result<(), StoreError> {
        let missing = ids.iter().map(|id| self.stands_for(id)).filter(|id| !self.profiles.contains_key(*id));
        let announcements: HashSet<String> = missing.map(profile_created_id).collect();
        if !announcements.is_empty() {
            let announcements: Vec<String> = announcements.into_iter().collect();
            self.origins.extend(store.origins(&announcements).await?);
        }
        Ok(())
    }

    /// Loads the profiles that these ids stand for. Where Redis knows no alias, the store may know a profile that had
    /// the id before, unless nobody can have heard of it.
    async fn load_profiles(
        &mut self,
        store: &dyn Store,
        ids: &[String],
        unheard_of: &HashSet<&str>,
    ) -> Result<(), StoreError> {
        self.load_missing(store, ids.iter().map(|id| self.stands_for(id).to_owned()).collect()).await?;
        let mut others = HashSet::new();
        for id in ids {
            let named = self.stands_for(id);
            if self.profiles.contains_key(named) || unheard_of.contains(named) {
                continue;
            }
            if let Some(profile) = store.profile(named).await?.filter(|profile| profile.id != named) {
                self.aliases.insert(id.clone(), profile.id.clone());
                others.insert(profile.id);
            }
        }
        self.load_missing(store, others).await
    }

    async fn load_missing(&mut self, store: &dyn Store, mut ids: HashSet<String>) -> Result<(), StoreError> {
        ids.retain(|id| !self.profiles.contains_key(id));
        if !ids.is_empty() {
            let ids: Vec<String> = ids.into_iter().collect();
            self.profiles.extend(store.states(&[], &ids).await?.profiles);
        }
        Ok(())
    }

    /// The profile that this id stands for.
    fn stands_for<'a>(&'a self, id: &'a str) -> &'a str {
        self.aliases.get(id).map_or(id, String::as_str)
    }

    fn apply(&mut self, entry: &Entry, request: &Request) -> (Verdict, Option<Adoption>) {
        if request.fingerprint().is_some_and(|fingerprint| !self.repeats.is_first(&entry.lane, fingerprint)) {
            return (Verdict { duplicates: entry.account.events, ..Verdict::default() }, None);
        }
        let session = self.sessions.get(request.session()).map(|session| &session.document);
        let claimed = request.claim().and_then(|claim| self.claims.get(claim)).map(String::as_str);
        let profile_id = request.profile_in(session, claimed).map(|named| self.stands_for(named).to_owned());
        let profile =
            profile_id.as_ref().and_then(|id| self.profiles.get(id)).map(|profile| &profile.document);
        let of_session = request.session_profile(session, profile_id.as_deref());
        let of_session = of_session.map(|id| self.stands_for(id).to_owned());
        let taken = |id: &str| self.origins.get(id).is_some_and(|origin| origin != request.origin());
        let outcome = request.apply(taken, session, profile_id.as_deref(), profile);
        let (stored, duplicates, passed) = (outcome.stored, outcome.duplicates, outcome.passed);
        self.take(outcome);
        let verdict = Verdict {
            stored,
            duplicates,
            passed,
            mark: request.fingerprint().map(|fingerprint| Mark {
                fingerprint: fingerprint.to_owned(),
                profile: profile_id.unwrap_or_default(),
            }),
            ..Verdict::default()
        };
        // Where the edge has not looked the session up, it has nothing to be told.
        let adoption = adoption(entry, request, of_session).filter(|_| !entry.account.is_uncounted);
        (verdict, adoption)
    }

    /// What a reminder makes of its session. It brings no events that anybody has counted.
    fn remind(&mut self, reminder: &Reminder) -> Verdict {
        let session = self.sessions.get(reminder.session()).map(|session| &session.document);
        let profile = session.and_then(|session| session.profile.as_ref());
        let profile_id = profile.map(|profile| self.stands_for(&profile.id));
        let origin = reminder.origin();
        let taken = |id: &str| self.origins.get(id).is_some_and(|known| *known != origin);
        let outcome = reminder.apply(taken, session, profile_id);
        self.take(outcome);
        Verdict::default()
    }

    /// Notes the documents, for what comes after them.
    fn take(&mut self, outcome: Outcome) {
        self.troubles.extend(outcome.troubles);
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
                self.aliases.entry(id.clone()).or_insert_with(|| profile.id.clone());
            }
            self.changed_profiles.insert(profile.id.clone());
            put(&mut self.profiles, profile.id.clone(), profile);
        }
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

/// The edge has the session under another profile than the one that it belongs to.
fn adoption(entry: &Entry, request: &Request, of_session: Option<String>) -> Option<Adoption> {
    let (from, to) = (request.profile()?, of_session?);
    (request.keeps_session() && from != to).then(|| Adoption {
        lane: entry.lane.clone(),
        session: request.session().to_owned(),
        from: from.to_owned(),
        to,
    })
}

/// Puts a document in the place of the one before, which keeps the version that was read.
fn put<T>(documents: &mut HashMap<String, Versioned<T>>, id: String, document: T) {
    let version = documents.get(&id).map_or_else(Default::default, |before| before.version);
    documents.insert(id, Versioned { document, version });
}

fn distinct<'a>(ids: impl Iterator<Item = &'a str>) -> Vec<String> {
    ids.collect::<HashSet<_>>().into_iter().map(str::to_owned).collect()
}
