//! What the store has, and what the requests of a unit make of it, one after the other.

use std::collections::{HashMap, HashSet};

use tideline_model::{Event, Origin, Profile, Session};
use tideline_pipeline::{
    Identification, Outcome, Recheck, Reminder, Request, Settings, Trouble, profile_created_id,
    visit_event_ids,
};
use tideline_store::{Batch, Merge, Store, StoreError, Versioned};

use crate::aliases::{Adoption, Aliases};
use crate::entry::Entry;
use crate::repeats::{Mark, Repeats};
use crate::unit::{Verdict, WriteError};

/// What the store has, and what the requests so far add to it.
#[derive(Default)]
pub(crate) struct Known {
    origins: HashMap<String, Origin>,
    pub(crate) sessions: HashMap<String, Versioned<Session>>,
    pub(crate) profiles: HashMap<String, Versioned<Profile>>,
    /// Ids by which a profile of another id is known.
    pub(crate) aliases: HashMap<String, String>,
    /// Those of them that not everybody knows yet.
    pub(crate) moved: Vec<(String, String)>,
    /// Whom claims stand for, where they stand for somebody.
    claims: HashMap<String, String>,
    pub(crate) repeats: Repeats,
    events: Vec<Event>,
    pub(crate) changed_sessions: HashSet<String>,
    pub(crate) changed_profiles: HashSet<String>,
    pub(crate) merges: Vec<Merge>,
    pub(crate) troubles: Vec<Trouble>,
}

/// What became of a request.
pub(crate) struct AppliedRequest<'a> {
    pub(crate) verdict: Verdict,
    /// The profile that the session belongs to from now on.
    pub(crate) of_session: Option<String>,
    /// What the request says of who its profile is, and that profile's id, if it says something new.
    pub(crate) says: Option<(Identification<'a>, String)>,
}

impl Known {
    /// What is known of whatever the requests and reminders are about. Profiles that nobody can have heard of are not looked
    /// up; but are when this is done `again`.
    pub(crate) async fn load(
        store: &dyn Store,
        aliases: &mut Aliases<'_>,
        requests: &[&Request],
        reminders: &[&Reminder],
        rechecked: &[&str],
        again: bool,
    ) -> Result<Self, WriteError> {
        if requests.is_empty() && reminders.is_empty() && rechecked.is_empty() {
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
        let ids = profile_ids.iter().map(String::as_str).chain(of_sessions).chain(claimed);
        let ids = distinct(ids.chain(rechecked.iter().copied()));
        known.aliases = aliases.survivors(&ids).await?;
        let minted = |request: &&Request| request.has_new_profile() && !again;
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
            let named = self.stands_for(id).to_owned();
            if self.profiles.contains_key(&named) || unheard_of.contains(named.as_str()) {
                continue;
            }
            if let Some(profile) = store.profile(&named).await?.filter(|profile| profile.id != named) {
                self.aliases.insert(id.clone(), profile.id.clone());
                self.moved.push((named, profile.id.clone()));
                others.insert(profile.id);
            }
        }
        self.load_missing(store, others).await
    }

    pub(crate) async fn load_missing(
        &mut self,
        store: &dyn Store,
        mut ids: HashSet<String>,
    ) -> Result<(), StoreError> {
        ids.retain(|id| !self.profiles.contains_key(id));
        if !ids.is_empty() {
            let ids: Vec<String> = ids.into_iter().collect();
            self.profiles.extend(store.states(&[], &ids).await?.profiles);
        }
        Ok(())
    }

    /// The profile that this id stands for.
    pub(crate) fn stands_for<'a>(&'a self, id: &'a str) -> &'a str {
        self.aliases.get(id).map_or(id, String::as_str)
    }

    pub(crate) fn apply<'a>(
        &mut self,
        entry: &Entry,
        request: &Request,
        settings: &'a Settings,
    ) -> AppliedRequest<'a> {
        if request.fingerprint().is_some_and(|fingerprint| !self.repeats.is_first(&entry.lane, fingerprint)) {
            let verdict = Verdict { duplicates: entry.account.events, ..Verdict::default() };
            return AppliedRequest { verdict, of_session: None, says: None };
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
        let says = outcome
            .profile
            .as_ref()
            .and_then(|after| Some((Identification::of(settings, profile, after)?, after.id.clone())));
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
        AppliedRequest { verdict, of_session, says }
    }

    /// What the edge is to be told, if it has the session under another profile than the one that it belongs to.
    pub(crate) fn adoption(
        &self,
        entry: &Entry,
        request: &Request,
        of_session: Option<String>,
    ) -> Option<Adoption> {
        let (from, to) = (request.profile()?, of_session?);
        let to = self.stands_for(&to);
        // Where the edge has not looked the session up, it has nothing to be told.
        let is_told = request.keeps_session() && from != to && !entry.account.is_uncounted;
        is_told.then(|| Adoption {
            lane: entry.lane.clone(),
            session: request.session().to_owned(),
            from: from.to_owned(),
            to: to.to_owned(),
        })
    }

    /// What a reminder makes of its session. It brings no events that anybody has counted.
    pub(crate) fn remind(&mut self, reminder: &Reminder) -> Verdict {
        let session = self.sessions.get(reminder.session()).map(|session| &session.document);
        let profile = session.and_then(|session| session.profile.as_ref());
        let profile_id = profile.map(|profile| self.stands_for(&profile.id));
        let origin = reminder.origin();
        let taken = |id: &str| self.origins.get(id).is_some_and(|known| *known != origin);
        let outcome = reminder.apply(taken, session, profile_id);
        self.take(outcome);
        Verdict::default()
    }

    /// What a recheck makes of its profile. It brings no events that anybody has counted.
    pub(crate) fn recheck(&mut self, recheck: &Recheck) -> Verdict {
        let profile = self.profiles.get(self.stands_for(recheck.profile()));
        let outcome = recheck.apply(profile.map(|profile| &profile.document));
        self.take(outcome);
        Verdict::default()
    }

    /// Notes events, for what comes after them.
    pub(crate) fn note(&mut self, events: Vec<Event>) {
        for event in events {
            self.origins.insert(event.id.clone(), event.metadata.origin.clone());
            self.events.push(event);
        }
    }

    /// Notes the documents, for what comes after them.
    fn take(&mut self, outcome: Outcome) {
        self.troubles.extend(outcome.troubles);
        self.note(outcome.events);
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

    pub(crate) fn into_batch(mut self) -> Batch {
        self.sessions.retain(|id, _| self.changed_sessions.contains(id));
        self.profiles.retain(|id, _| self.changed_profiles.contains(id));
        Batch {
            events: self.events,
            sessions: self.sessions.into_values().collect(),
            profiles: self.profiles.into_values().collect(),
            merges: self.merges,
            ..Batch::default()
        }
    }
}

/// Puts a document in the place of the one before, which keeps the version that was read.
pub(crate) fn put<T>(documents: &mut HashMap<String, Versioned<T>>, id: String, document: T) {
    let version = documents.get(&id).map_or_else(Default::default, |before| before.version);
    documents.insert(id, Versioned { document, version });
}

fn distinct<'a>(ids: impl Iterator<Item = &'a str>) -> Vec<String> {
    ids.collect::<HashSet<_>>().into_iter().map(str::to_owned).collect()
}
