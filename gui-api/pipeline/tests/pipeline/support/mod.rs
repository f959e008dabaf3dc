//! Stored requests, and a store as small as can be.
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;
use tideline_model::{
    ConfigurationKind, ConfigurationObject, ConfigurationSettings, Country, Event, Geo, Origin, Profile,
    Session,
};
use tideline_pipeline::{
    Identification, Outcome, Places, Reminder, Request, Rules, Settings, Step, Unprocessable,
};
use tideline_protocol::{EntryId, IdentitySalt, Lane, Lanes, StreamRecord};
use uuid::Uuid;

/// 2026-11-22T18:42:26Z.
pub(crate) const RECEIVED: u64 = 1_795_372_946_000;

pub(crate) fn lane() -> Lane {
    Lanes::new("production", "eu", 1).unwrap().of_session("s")
}

pub(crate) fn entry(number: u64) -> EntryId {
    EntryId { milliseconds: number, sequence: 0 }
}

/// The first request of session `s` and profile `p`, with this body.
pub(crate) fn record(body: &Value) -> StreamRecord {
    record_of(&body.to_string(), body["events"].as_array().map_or(0, Vec::len))
}

pub(crate) fn record_of(body: &str, events: usize) -> StreamRecord {
    StreamRecord {
        request_id: Uuid::from_u128(7),
        received_at: RECEIVED,
        source: "shop-web".into(),
        session: "s".into(),
        profile: Some("p".into()),
        vouched: false,
        unasked: None,
        new_session: true,
        new_profile: true,
        transitional: false,
        events: u32::try_from(events).unwrap(),
        client_address: Some("203.0.113.9".into()),
        headers: vec![("user-agent".into(), "Mozilla/5.0".into())],
        body: body.into(),
    }
}

/// A configuration object with these settings.
pub(crate) fn object(kind: ConfigurationKind, id: &str, settings: &Value) -> ConfigurationObject {
    ConfigurationObject {
        id: id.to_owned(),
        name: id.to_owned(),
        description: String::new(),
        tags: Vec::new(),
        enabled: true,
        version: 1,
        author: "2bb80d53".to_owned(),
        changed: Timestamp::UNIX_EPOCH,
        settings: ConfigurationSettings::read(kind, settings).unwrap_or_else(|error| panic!("{id}: {error}")),
    }
}

/// Knows where one network is.
#[derive(Debug)]
struct Neighbourhood;

impl Places for Neighbourhood {
    fn place(&self, address: IpAddr) -> Option<Geo> {
        let country = Country { name: Some("Germany".to_owned()), code: Some("DE".to_owned()) };
        let kiel = || Geo { country, city: Some("Kiel".to_owned()), ..Geo::default() };
        matches!(address, IpAddr::V4(address) if address.octets().starts_with(&[192, 0, 2])).then(kiel)
    }
}

/// All documents, by id.
#[derive(Clone, Debug, Default)]
pub(crate) struct Documents {
    /// What people have decided, and what event sources are for.
    pub(crate) settings: Settings,
    pub(crate) events: HashMap<String, Event>,
    pub(crate) order: Vec<String>,
    pub(crate) sessions: HashMap<String, Session>,
    pub(crate) profiles: HashMap<String, Profile>,
}

/// By what is stored, whatever the rules.
impl PartialEq for Documents {
    fn eq(&self, other: &Self) -> bool {
        let Self { settings: _, events, order, sessions, profiles } = self;
        (events, order, sessions, profiles) == (&other.events, &other.order, &other.sessions, &other.profiles)
    }
}

impl Documents {
    /// None yet, with these rules.
    pub(crate) fn following(rules: Rules) -> Self {
        Self { settings: Settings { rules: Arc::new(rules), ..Settings::default() }, ..Self::default() }
    }

    pub(crate) fn take(&mut self, record: &StreamRecord, number: u64) -> Result<Outcome, Unprocessable> {
        let settings = self.settings();
        let (request, outcome, _) = self.process(&settings, record, number)?;
        let before = outcome.profile.as_ref().and_then(|after| self.profiles.get(&after.id)).cloned();
        self.keep(&outcome);
        if let Some(after) = &outcome.profile
            && let Some(identification) = Identification::of(&settings, before.as_ref(), after)
        {
            self.identify(&request, identification, after.id.clone());
        }
        Ok(outcome)
    }

    /// What a request would make of the documents, and its steps.
    pub(crate) fn explain(&mut self, record: &StreamRecord, number: u64) -> (Outcome, Vec<Step>) {
        let (_, outcome, steps) = self.process(&self.settings(), record, number).unwrap();
        (outcome, steps)
    }

    fn settings(&self) -> Settings {
        let salt = IdentitySalt::parse("000102030405060708090a0b0c0d0e0f").ok();
        Settings { places: Some(Arc::new(Neighbourhood)), salt, ..self.settings.clone() }
    }

    /// Makes one of profiles that are one person's, as whoever keeps them does.
    fn identify(&mut self, request: &Request, mut identification: Identification<'_>, mut id: String) {
        while let Some(key) = identification.next_key(&self.profiles[&id]) {
            let has = |profile: &&Profile| profile.id != id && profile.metadata.keys.contains(&key.id);
            let Some(owner) = self.profiles.values().find(has).cloned() else {
                identification.is_free(key);
                continue;
            };
            let mut profile = self.profiles.remove(&id).unwrap();
            let merged = identification.meets(&mut profile, &owner, key);
            self.profiles.insert(id.clone(), profile);
            if let Some(merged) = merged {
                let survivor = merged.survivor;
                self.profiles.remove(&merged.merged);
                for profile in self.sessions.values_mut().filter_map(|session| session.profile.as_mut()) {
                    if profile.id == merged.merged {
                        profile.id.clone_from(&survivor.id);
                    }
                }
                id.clone_from(&survivor.id);
                self.profiles.insert(id.clone(), survivor);
            }
        }
        let profile = self.profiles.get_mut(&id).unwrap();
        if identification.finish(profile) {
            let moves = request.move_merged(profile);
            self.keep(&Outcome { events: moves, ..Outcome::default() });
        }
    }

    fn process(
        &self,
        settings: &Settings,
        record: &StreamRecord,
        number: u64,
    ) -> Result<(Request, Outcome, Vec<Step>), Unprocessable> {
        let request = Request::read_with(settings, record, &lane(), entry(number))?;
        let session = self.sessions.get(request.session());
        let id = request.profile_in(session, None).map(|id| self.stands_for(id).to_owned());
        let origin = |id: &str| self.events.get(id).map(|event| &event.metadata.origin);
        let taken = |id: &str| origin(id).is_some_and(|origin: &Origin| origin != request.origin());
        let profile = id.as_ref().and_then(|id| self.profiles.get(id));
        let (outcome, steps) = request.explain(taken, session, id.as_deref(), profile);
        let untold = request.apply(taken, session, id.as_deref(), profile);
        assert_eq!(outcome, untold, "telling changes nothing");
        Ok((request, outcome, steps))
    }

    /// The profile that has this id, or had it before.
    fn stands_for<'a>(&'a self, id: &'a str) -> &'a str {
        let had = self.profiles.values().find(|profile| profile.ids.iter().any(|known| known == id));
        had.map_or(id, |profile| &profile.id)
    }

    /// A reminder of session `s`, so many milliseconds after its first request.
    pub(crate) fn remind(&mut self, after: u64) -> Outcome {
        let settings = Settings::default();
        let reminder = Reminder::read("s".to_owned(), &lane(), entry(RECEIVED + after), &settings).unwrap();
        let session = self.sessions.get("s");
        let owner = session.and_then(|session| session.profile.as_ref()).map(|profile| profile.id.clone());
        let origin = |id: &str| self.events.get(id).map(|event| &event.metadata.origin);
        let taken = |id: &str| origin(id).is_some_and(|origin| *origin != reminder.origin());
        let outcome = reminder.apply(taken, session, owner.as_deref());
        self.keep(&outcome);
        outcome
    }

    fn keep(&mut self, outcome: &Outcome) {
        for event in &outcome.events {
            if !self.events.contains_key(&event.id) {
                self.order.push(event.id.clone());
                self.events.insert(event.id.clone(), event.clone());
            }
        }
        if let Some(session) = outcome.session.clone() {
            self.sessions.insert(session.id.clone(), session);
        }
        if let Some(profile) = outcome.profile.clone() {
            self.profiles.insert(profile.id.clone(), profile);
        }
    }

    /// Types of all events, in the order in which they were stored.
    pub(crate) fn types(&self) -> Vec<&str> {
        self.order.iter().map(|id| self.events[id].r#type.as_str()).collect()
    }

    /// Types of the client's events, in the order in which they were stored.
    pub(crate) fn client_types(&self) -> Vec<&str> {
        let system = ["profile-created", "session-opened", "visit-started"];
        self.types().into_iter().filter(|r#type| !system.contains(r#type)).collect()
    }
}
