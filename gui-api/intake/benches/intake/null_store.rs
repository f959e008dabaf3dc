//! A store that stores nothing: it knows sessions and profiles as they were written last, and forgets events.

use std::collections::HashMap;
use std::future::ready;
use std::sync::{Mutex, PoisonError};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tideline_model::{
    ConfigurationKind, ConfigurationObject, Event, EventSource, MergeRecord, Origin, Profile, Redirect,
    Session,
};
use tideline_store::{
    Batch, Configuration, EventPage, EventQuery, ProfilePage, ProfileQuery, Revision, SessionKey,
    SilentQuery, States, Store, StoreError,
};

/// Sessions and profiles.
#[derive(Default)]
pub(crate) struct NullStore {
    states: Mutex<States>,
}

type Answer<'a, T> = BoxFuture<'a, Result<T, StoreError>>;

/// The answer of a store that has nothing.
fn nothing<'a, T: Default + Send + 'a>() -> Answer<'a, T> {
    ready(Ok(T::default())).boxed()
}

impl Store for NullStore {
    fn origins<'a>(&'a self, _event_ids: &'a [String]) -> Answer<'a, HashMap<String, Origin>> {
        nothing()
    }

    fn states<'a>(&'a self, session_ids: &'a [String], profile_ids: &'a [String]) -> Answer<'a, States> {
        let known = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        let states =
            States { sessions: of(&known.sessions, session_ids), profiles: of(&known.profiles, profile_ids) };
        ready(Ok(states)).boxed()
    }

    fn write(&self, batch: Batch) -> Answer<'_, ()> {
        let mut known = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        let sessions = batch.sessions.into_iter().map(|session| (session.document.id.clone(), session));
        known.sessions.extend(sessions);
        let profiles = batch.profiles.into_iter().map(|profile| (profile.document.id.clone(), profile));
        known.profiles.extend(profiles);
        nothing()
    }

    fn event<'a>(&'a self, _id: &'a str) -> Answer<'a, Option<Event>> {
        nothing()
    }

    fn session<'a>(&'a self, _id: &'a str) -> Answer<'a, Option<Session>> {
        nothing()
    }

    fn profile<'a>(&'a self, _id: &'a str) -> Answer<'a, Option<Profile>> {
        nothing()
    }

    fn owners<'a>(&'a self, _keys: &'a [String]) -> Answer<'a, HashMap<String, String>> {
        nothing()
    }

    fn merges<'a>(&'a self, _survivor: &'a str) -> Answer<'a, Vec<MergeRecord>> {
        nothing()
    }

    fn events(&self, _query: EventQuery) -> Answer<'_, EventPage> {
        nothing()
    }

    fn profiles(&self, _query: ProfileQuery) -> Answer<'_, ProfilePage> {
        nothing()
    }

    fn silent_sessions(&self, _query: SilentQuery) -> Answer<'_, Vec<SessionKey>> {
        nothing()
    }

    fn sources(&self) -> Answer<'_, Vec<EventSource>> {
        nothing()
    }

    fn put_source(&self, _source: EventSource) -> Answer<'_, ()> {
        nothing()
    }

    fn redirects(&self) -> Answer<'_, Vec<Redirect>> {
        nothing()
    }

    fn put_redirect(&self, _redirect: Redirect) -> Answer<'_, ()> {
        nothing()
    }

    fn remove_redirect<'a>(&'a self, _id: &'a str) -> Answer<'a, ()> {
        nothing()
    }

    fn configuration(&self) -> Answer<'_, Configuration> {
        nothing()
    }

    fn configuration_revision(&self) -> Answer<'_, Revision> {
        nothing()
    }

    fn put_configuration(&self, _object: ConfigurationObject) -> Answer<'_, ()> {
        nothing()
    }

    fn remove_configuration<'a>(
        &'a self,
        _kind: ConfigurationKind,
        _id: &'a str,
        _version: u64,
    ) -> Answer<'a, ()> {
        nothing()
    }

    fn configuration_versions<'a>(
        &'a self,
        _kind: ConfigurationKind,
        _id: &'a str,
    ) -> Answer<'a, Vec<ConfigurationObject>> {
        nothing()
    }

    fn ready(&self) -> Answer<'_, ()> {
        nothing()
    }
}

/// Those of these ids.
fn of<T: Clone>(known: &HashMap<String, T>, ids: &[String]) -> HashMap<String, T> {
    ids.iter().filter_map(|id| Some((id.clone(), known.get(id)?.clone()))).collect()
}
