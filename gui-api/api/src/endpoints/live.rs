//! Live events as server-sent events.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{FromRef, FromRequestParts, State};
use axum::response::sse::{Event as Message, KeepAlive, Sse};
use futures_util::Stream;
use futures_util::stream::unfold;
use http::request::Parts;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use tideline_filter::{Document, Documents, Filter, Prepared};
use tideline_store::{EventFilter, Store};

use tokio::sync::OwnedSemaphorePermit;
use utoipa::IntoParams;

use crate::endpoints::events::ids_of;
use crate::error::{ApiError, Problem};
use crate::filters;
use crate::live::{Delivery, LiveEvent, Reader};
use crate::parameters::{Parameters, text};
use crate::routes::Shared;

/// A comment line as often as this keeps proxies from closing a quiet connection.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// `now` of a filter moves on this often.
const OLDEST_NOW: Duration = Duration::from_secs(1);

/// Which events.
#[derive(Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(crate) struct LiveParameters {
    /// Only events of this type: `page-view`.
    #[serde(deserialize_with = "text")]
    r#type: Option<String>,
    /// Only events of this event source.
    #[serde(deserialize_with = "text")]
    source: Option<String>,
    /// Only events of this session.
    #[serde(deserialize_with = "text")]
    session: Option<String>,
    /// Only events of this profile.
    #[serde(deserialize_with = "text")]
    profile: Option<String>,
    /// Only events that match this filter (`docs/filter.md`).
    #[serde(deserialize_with = "text")]
    #[param(max_length = 8192)]
    r#where: Option<String>,
}

/// Which events a reader wants.
struct Wanted {
    filter: EventFilter,
    r#where: Option<Condition>,
}

/// A filter, ready for what comes now.
struct Condition {
    filter: Filter,
    prepared: Prepared,
}

impl Wanted {
    async fn read(parameters: LiveParameters, store: &dyn Store) -> Result<Self, ApiError> {
        let LiveParameters { r#type, source, session, profile, r#where } = parameters;
        let filter = filters::read(r#where.as_deref(), Document::Event)?;
        let profiles = ids_of(profile, store).await?;
        Ok(Self {
            filter: EventFilter { r#type, source, session, profiles },
            r#where: filter.map(Condition::new),
        })
    }

    fn matches(&mut self, event: &LiveEvent) -> bool {
        self.filter.matches(&event.event)
            && self.r#where.as_mut().is_none_or(|condition| condition.matches(event, Timestamp::now()))
    }
}

impl Condition {
    fn new(filter: Filter) -> Self {
        Self { prepared: Prepared::at(&filter, Timestamp::now()), filter }
    }

    fn matches(&mut self, event: &LiveEvent, now: Timestamp) -> bool {
        if now.duration_since(self.prepared.now()).unsigned_abs() > OLDEST_NOW {
            self.prepared = Prepared::at(&self.filter, now);
        }
        let event: serde_json::Result<Value> = serde_json::from_str(event.json.get());
        event.is_ok_and(|event| self.prepared.matches(&Documents::only(Document::Event, &event)))
    }
}

/// A place among the readers, given back when the connection ends.
pub(crate) struct Seat {
    _permit: OwnedSemaphorePermit,
}

impl<S> FromRequestParts<S> for Seat
where
    Arc<Shared>: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = ApiError;

    async fn from_request_parts(_: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let shared = Arc::<Shared>::from_ref(state);
        let seat = Arc::clone(&shared.live_seats).try_acquire_owned();
        seat.map(|permit| Self { _permit: permit })
            .map_err(|_| ApiError::TooManyReaders(shared.most_live_readers))
    }
}

/// Follows events as they are stored.
///
/// Each message `event` has the event's id and the event as JSON. A message `gap` with `{"missed": n}`
/// says that n events of any kind were skipped because the reader was too slow. The stream ends when
/// events may have been missed in another way, or the service stops: connect again, and read the list.
#[utoipa::path(
    get, path = "/api/v1/events/live", operation_id = "follow_events", tag = "events", params(LiveParameters),
    responses(
        (status = 200, description = "Events without end", body = String, content_type = "text/event-stream"),
        (status = 400, description = "A parameter is unknown or not readable, or the filter is", body = Problem),
        (status = 401, description = "No token, or an unknown one", body = Problem),
        (status = 503, description = "Too many readers, or Redis cannot be reached", body = Problem),
    )
)]
pub(crate) async fn follow(
    State(shared): State<Arc<Shared>>,
    Parameters(parameters): Parameters<LiveParameters>,
    seat: Seat,
) -> Result<Sse<impl Stream<Item = Result<Message, Infallible>>>, ApiError> {
    let wanted = Wanted::read(parameters, shared.store.as_ref()).await?;
    let reader = shared.feed.reader().await.ok_or(ApiError::NoLiveEvents)?;
    let follower = Follower { reader, wanted, _seat: seat };
    let messages = unfold(follower, |mut follower| async { Some((Ok(follower.next().await?), follower)) });
    Ok(Sse::new(messages).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

struct Follower {
    reader: Reader,
    wanted: Wanted,
    _seat: Seat,
}

impl Follower {
    async fn next(&mut self) -> Option<Message> {
        loop {
            match self.reader.next().await? {
                Delivery::Event(event) if self.wanted.matches(&event) => return Some(message(&event)),
                Delivery::Event(_) => {}
                Delivery::Gap(missed) => {
                    return Some(Message::default().event("gap").data(format!(r#"{{"missed":{missed}}}"#)));
                }
            }
        }
    }
}

fn message(event: &LiveEvent) -> Message {
    let message = Message::default().event("event").data(event.json.get());
    // Ids come from clients, and the format has no place for these characters.
    match event.event.id.contains(['\r', '\n', '\0']) {
        true => message,
        false => message.id(&event.event.id),
    }
}
