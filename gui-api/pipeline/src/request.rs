//! A stored request, read: its events as documents, and what sessions and profiles take from it.

use std::collections::{BTreeMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tideline_model::{
    App, Device, Event, EventMetadata, EventTime, Geo, Hit, Journey, Origin, Os, Properties, Reference,
    Referral, RequestFacts, Session, SessionReference, Tags, Utm,
};
use tideline_protocol::{EntryId, IdentitySalt, Lane, StreamRecord};
use uuid::Uuid;

use crate::body::Body;
use crate::surroundings::{self, Languages};
use crate::visit::VISIT_ENDED;
use crate::{Places, Rules, Settings, addresses, client_event, system_event};

/// The most events in one request; the edge takes no more.
pub const MAX_EVENTS: usize = 500;
/// The longest id and event type, in bytes of UTF-8. The edge takes 256; lower case may be longer.
pub const MAX_ID_BYTES: usize = 512;
/// The longest name of a time zone that is kept, in bytes. The longest IANA name has 38.
const MAX_TIME_ZONE_BYTES: usize = 64;

/// How long the edge knows a session after its last request.
const SESSION_LIVES: SignedDuration = SignedDuration::from_hours(24);

/// Why a request cannot become documents.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unprocessable {
    /// The body is no JSON, or nested too deep.
    #[error("the body is unreadable: {0}")]
    NotJson(String),
    /// A part of the body has another shape.
    #[error("`{path}` is not {wanted}")]
    Wrong {
        /// Where.
        path: String,
        /// What should be there.
        wanted: &'static str,
    },
    /// A part of the body or of the entry is missing or blank.
    #[error("`{0}` is missing")]
    Missing(String),
    /// An id or event type is too long.
    #[error("`{path}` has {bytes} bytes: at most {MAX_ID_BYTES} are kept")]
    TooLong {
        /// Which.
        path: String,
        /// How long it is.
        bytes: usize,
    },
    /// More events than a request may have.
    #[error("the body has {0} events: at most {MAX_EVENTS} are kept")]
    TooManyEvents(usize),
    /// The ledger was told another number of events.
    #[error("the body has {found} events, the entry says {said}")]
    EventCount {
        /// Events in the body.
        found: usize,
        /// What the entry says.
        said: u32,
    },
    /// The time of receipt is out of range.
    #[error("the time of receipt, `{0}`, is out of range")]
    ReceiveTime(String),
}

/// What all events of a request share.
pub(crate) struct Common {
    pub(crate) request_id: Uuid,
    pub(crate) received: Timestamp,
    pub(crate) origin: Origin,
    pub(crate) source: Reference,
    pub(crate) channel: Option<String>,
    pub(crate) session: Option<SessionReference>,
    pub(crate) is_profile_less: bool,
    pub(crate) debug: bool,
    pub(crate) facts: RequestFacts,
}

impl Common {
    /// An event with nothing but what all share. Its profile is known when the request is applied.
    pub(crate) fn event(&self, id: String, r#type: String, time: EventTime) -> Event {
        Event {
            id,
            name: name_of(&r#type),
            r#type,
            metadata: EventMetadata {
                time,
                status: "collected".to_owned(),
                channel: self.channel.clone(),
                valid: true,
                errors: Vec::new(),
                warning: false,
                skipped: Vec::new(),
                profile_less: self.is_profile_less,
                debug: self.debug,
                origin: self.origin.clone(),
            },
            source: self.source.clone(),
            session: self.session.clone(),
            profile: None,
            hit: Hit::default(),
            journey: Journey::default(),
            tags: Tags::default(),
            device: Device::default(),
            os: Os::default(),
            app: App::default(),
            utm: Utm::default(),
            referral: Referral::default(),
            data: Properties::new(),
            traits: Properties::new(),
            properties: Properties::new(),
            context: Properties::new(),
            config: Properties::new(),
            request: self.facts.clone(),
        }
    }
}

/// A type for people: `page-view` is `Page View`.
fn name_of(r#type: &str) -> String {
    let capitalised = |word: &str| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_uppercase().chain(letters).collect::<String>())
    };
    r#type.split('-').filter_map(capitalised).collect::<Vec<_>>().join(" ")
}

/// An event that a client sent.
pub(crate) struct ClientEvent {
    pub(crate) event: Event,
    /// Whether it is stored; it counts either way.
    pub(crate) is_kept: bool,
}

/// A stored request, read.
pub struct Request {
    pub(crate) lane: String,
    pub(crate) entry: EntryId,
    pub(crate) session: String,
    /// None when its events belong to nobody.
    pub(crate) profile: Option<String>,
    /// The event source vouches for the profile.
    pub(crate) vouched: bool,
    /// None where the edge has not looked: then what is known of the session tells.
    new_session: Option<bool>,
    /// Nothing is to be kept unless the session is known.
    pub(crate) known_session_only: bool,
    /// A profile id that is nobody's unless it stands for somebody.
    claim: Option<String>,
    /// Where the edge has not looked whether it stored the request already, what tells so.
    fingerprint: Option<String>,
    pub(crate) keeps_session: bool,
    pub(crate) common: Common,
    /// Each once, in the order that the client gave.
    pub(crate) client_events: Vec<ClientEvent>,
    /// Events whose id an earlier one of the same request has.
    pub(crate) repeated: u32,
    /// What the platform adds for a new session.
    pub(crate) session_events: Vec<Event>,
    pub(crate) context: Properties,
    pub(crate) properties: Properties,
    pub(crate) time_zone: Option<String>,
    pub(crate) languages: Languages,
    pub(crate) user_agent: Option<String>,
    new_profile: bool,
    /// After how long a silence another visit begins.
    pub(crate) silence: SignedDuration,
    /// The visitor's, to look up where it is; not to be stored.
    address: Option<IpAddr>,
    places: Option<Arc<dyn Places>>,
    pub(crate) rules: Arc<Rules>,
    pub(crate) salt: Option<IdentitySalt>,
}

impl Request {
    /// Reads the request of the entry `entry` of `lane`, with settings that are as usual.
    ///
    /// # Errors
    /// As [`Self::read_with`].
    pub fn read(record: &StreamRecord, lane: &Lane, entry: EntryId) -> Result<Self, Unprocessable> {
        Self::read_with(&Settings::default(), record, lane, entry)
    }

    /// Reads the request of the entry `entry` of `lane`.
    ///
    /// # Errors
    /// A body that is not what the protocol says, or beyond a bound. Reading it again gives the same.
    pub fn read_with(
        settings: &Settings,
        record: &StreamRecord,
        lane: &Lane,
        entry: EntryId,
    ) -> Result<Self, Unprocessable> {
        check_ids(record)?;
        let mut body = Body::read(&record.body)?;
        let found = body.events.len();
        if found > MAX_EVENTS {
            return Err(Unprocessable::TooManyEvents(found));
        }
        if u32::try_from(found) != Ok(record.events) {
            return Err(Unprocessable::EventCount { found, said: record.events });
        }
        let address = visitors_address(&body, record);
        body.keep(settings.addresses);
        // Of what a transitional source brings, only the profile is kept.
        let keeps_session = body.options.session && !record.transitional;
        let may_keep = body.options.events && !record.transitional;
        let profile = record.profile.clone().filter(|_| body.options.profile);
        let common = Common {
            session: keeps_session.then(|| SessionReference::to(&record.session)),
            is_profile_less: profile.is_none(),
            debug: body.options.debug,
            ..common(settings, record, lane, entry)?
        };
        let mut client_events = Vec::with_capacity(found);
        let mut ids = HashSet::new();
        for (index, sent) in body.events.into_iter().enumerate() {
            let ClientEvent { event, is_kept } = client_event::document(&common, index, sent)?;
            if ids.insert(event.id.clone()) {
                client_events.push(ClientEvent { event, is_kept: is_kept && may_keep });
            }
        }
        let different = u32::try_from(client_events.len()).unwrap_or(record.events);
        let header = |name: &str| {
            record.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
        };
        // What ends a visit begins none.
        let ends_visit = client_events.iter().any(|sent| sent.event.r#type == VISIT_ENDED);
        let unasked = record.unasked.as_ref();
        let new_session = unasked.is_none().then_some(record.new_session);
        let may_open_session = new_session != Some(false) && keeps_session && !ends_visit;
        let session_events =
            if may_open_session { system_event::of_new_session(&common, &client_events) } else { Vec::new() };
        Ok(Self {
            lane: lane.name().to_owned(),
            entry,
            session: record.session.clone(),
            new_profile: record.new_profile && profile.is_some(),
            vouched: record.vouched && profile.is_some(),
            profile,
            new_session,
            known_session_only: unasked.is_some_and(|unasked| unasked.known_session_only),
            claim: unasked.and_then(|unasked| unasked.claim.clone()).filter(|_| body.options.profile),
            fingerprint: unasked.map(|unasked| {
                unasked.fingerprint.clone().unwrap_or_else(|| record.request_id.simple().to_string())
            }),
            keeps_session,
            common,
            client_events,
            repeated: record.events.saturating_sub(different),
            session_events,
            time_zone: time_zone(&body.context),
            languages: Languages::of(&body.context, header("accept-language")),
            // A server that passes a request on has a user agent of its own.
            user_agent: body
                .user_agent
                .or_else(|| header("user-agent").map(str::to_owned))
                .or_else(|| surroundings::user_agent_of_script(&body.context)),
            context: body.context,
            properties: body.properties,
            silence: settings.silence,
            address,
            places: settings.places.clone(),
            rules: Arc::clone(&settings.rules),
            salt: settings.salt,
        })
    }

    /// Ids of the events that it may add, but for the one that says that its profile was created: whether one is
    /// taken decides what becomes of the request. Those that it does not keep are among them, as they must not count
    /// again.
    pub fn event_ids(&self) -> impl Iterator<Item = &str> {
        let client_events = self.client_events.iter().map(|sent| &sent.event);
        client_events.chain(&self.session_events).map(|event| event.id.as_str())
    }

    /// The events that the client sent.
    pub(crate) fn events(&self) -> impl Iterator<Item = &Event> {
        self.client_events.iter().map(|sent| &sent.event)
    }

    /// Where the visitor's address is, if anybody knows.
    pub(crate) fn place(&self) -> Option<Geo> {
        self.places.as_ref()?.place(self.address?)
    }

    /// Whether the client says that the visit is over.
    pub(crate) fn ends_visit(&self) -> bool {
        self.events().any(|event| event.r#type == VISIT_ENDED)
    }

    /// The session's id.
    #[must_use]
    pub fn session(&self) -> &str {
        &self.session
    }

    /// The profile's id, as the client was answered; none when its events belong to nobody.
    #[must_use]
    pub fn profile(&self) -> Option<&str> {
        self.profile.as_deref()
    }

    /// The unsigned profile id that the client brought, where the edge has not looked up whose it is.
    #[must_use]
    pub fn claim(&self) -> Option<&str> {
        self.claim.as_deref()
    }

    /// What an equal request has as well, where the edge has not looked whether one was stored a moment ago, and the ids
    /// of stored events cannot tell because not all are kept.
    #[must_use]
    pub fn fingerprint(&self) -> Option<&str> {
        let keeps_all = self.client_events.iter().all(|event| event.is_kept);
        self.fingerprint.as_deref().filter(|_| !keeps_all)
    }

    /// Whether no request of its session came in the day before.
    pub(crate) fn opens_session(&self, session: Option<&Session>) -> bool {
        self.new_session.unwrap_or_else(|| {
            let last = session.map(|session| session.metadata.time.update);
            last.is_none_or(|last| self.common.received.duration_since(last) > SESSION_LIVES)
        })
    }

    /// Whether the session is kept, with what this request says of it.
    #[must_use]
    pub fn keeps_session(&self) -> bool {
        self.keeps_session
    }

    /// Whether the profile's id was made for this request, so that nobody can have heard of it before.
    #[must_use]
    pub fn has_new_profile(&self) -> bool {
        self.new_profile
    }

    /// When the edge received it.
    #[must_use]
    pub fn received(&self) -> Timestamp {
        self.common.received
    }

    /// The stream entry that it is.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.common.origin
    }
}

fn check_ids(record: &StreamRecord) -> Result<(), Unprocessable> {
    for (what, id) in [
        ("session", Some(&record.session)),
        ("profile", record.profile.as_ref()),
        ("source", Some(&record.source)),
    ] {
        let bytes = id.map(String::len);
        if bytes == Some(0) {
            return Err(Unprocessable::Missing(what.to_owned()));
        }
        if let Some(bytes) = bytes.filter(|bytes| *bytes > MAX_ID_BYTES) {
            return Err(Unprocessable::TooLong { path: what.to_owned(), bytes });
        }
    }
    Ok(())
}

/// The address of the visitor. Of a server that passes a request on it is what the server says.
fn visitors_address(body: &Body, record: &StreamRecord) -> Option<IpAddr> {
    if body.user_agent.is_some() {
        return addresses::read(body.forwarded_for.as_deref()?.split(',').next()?);
    }
    addresses::read(record.client_address.as_deref()?)
}

/// What all events share as far as the entry tells: the session is the request's, and a profile is awaited.
fn common(
    settings: &Settings,
    record: &StreamRecord,
    lane: &Lane,
    entry: EntryId,
) -> Result<Common, Unprocessable> {
    let mut headers = record.headers.iter().cloned().collect::<BTreeMap<_, _>>();
    settings.addresses.keep_in_headers(&mut headers);
    let address = record.client_address.as_deref();
    let received = i64::try_from(record.received_at).ok().and_then(|at| Timestamp::from_millisecond(at).ok());
    Ok(Common {
        request_id: record.request_id,
        received: received.ok_or_else(|| Unprocessable::ReceiveTime(record.received_at.to_string()))?,
        origin: Origin { lane: lane.name().to_owned(), entry: entry.to_string() },
        source: Reference::to(&record.source),
        channel: settings.channels.get(&record.source.to_lowercase()).cloned(),
        session: Some(SessionReference::to(&record.session)),
        is_profile_less: false,
        debug: false,
        facts: RequestFacts {
            id: record.request_id.to_string(),
            ip: address.and_then(|address| settings.addresses.kept(address)),
            headers,
        },
    })
}

/// The name of the time zone in this context, if it has one.
pub(crate) fn time_zone(context: &Properties) -> Option<String> {
    let name = context.get("time")?.get("tz").and_then(Value::as_str)?.trim();
    (1..=MAX_TIME_ZONE_BYTES).contains(&name.len()).then(|| name.to_owned())
}
