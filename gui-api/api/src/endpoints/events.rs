//! Events: lists, and one by its id.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tideline_filter::Document;
use tideline_model::Event;
use tideline_store::{EventFilter, EventKey, EventQuery, Store};
use utoipa::{IntoParams, ToSchema};

use crate::cursor::{self, List};
use crate::error::{ApiError, Problem};
use crate::filters;
use crate::parameters::{Id, Parameters, page_size, text, time};
use crate::routes::Shared;

const DEFAULT_PAGE: usize = 50;

/// Which events, and how many.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
#[derive(Default)]
pub(crate) struct ListParameters {
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
    /// Only events that match this filter (`docs/filter.md`): `properties.total > 100 AND hit.url CONTAINS "shoe"`. Documents
    /// are read to find them, for about two seconds: a page may hold none though `next` leads to more.
    #[serde(deserialize_with = "text")]
    #[param(max_length = 8192)]
    r#where: Option<String>,
    /// Only events whose time (`metadata.time.insert`) is this or later.
    #[serde(deserialize_with = "time")]
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<Timestamp>,
    /// Only events whose time is earlier than this.
    #[serde(deserialize_with = "time")]
    #[param(value_type = Option<String>, format = DateTime)]
    to: Option<Timestamp>,
    /// How many at the most; 50 when not given.
    #[serde(deserialize_with = "page_size")]
    #[param(minimum = 1, maximum = 200)]
    limit: Option<usize>,
    /// `next` of the page before.
    #[serde(deserialize_with = "text")]
    cursor: Option<String>,
}

impl ListParameters {
    async fn query(self, store: &dyn Store) -> Result<EventQuery, ApiError> {
        let Self { r#type, source, session, profile, r#where, from, to, limit, cursor } = self;
        if let (Some(from), Some(to)) = (from, to)
            && from >= to
        {
            return Err(ApiError::Parameter(format!(
                "no time is from {from} on and before {to}: `from` must be earlier than `to`"
            )));
        }
        let after = cursor::decode(List::Events, cursor, |microseconds, id| EventKey { microseconds, id })?;
        let r#where = filters::prepared(r#where.as_deref(), Document::Event)?;
        let filter = EventFilter { r#type, source, session, profiles: ids_of(profile, store).await? };
        Ok(EventQuery { filter, r#where, from, to, after, limit: limit.unwrap_or(DEFAULT_PAGE) })
    }
}

/// All ids of a profile: its events may have any of them, as events are not written again when profiles are merged.
pub(crate) async fn ids_of(id: Option<String>, store: &dyn Store) -> Result<Vec<String>, ApiError> {
    let Some(id) = id else { return Ok(Vec::new()) };
    let profile = store.profile(&id).await?;
    let mut ids = profile.map_or_else(Vec::new, |profile| profile.ids);
    if !ids.contains(&id) {
        ids.push(id);
    }
    Ok(ids)
}

/// A page of events.
#[derive(Serialize, ToSchema)]
pub(crate) struct EventList {
    /// The newest first.
    events: Vec<Event>,
    /// The `cursor` of the next page; null on the last one.
    #[schema(required)]
    next: Option<String>,
}

/// Lists events, the newest first.
#[utoipa::path(
    get, path = "/api/v1/events", operation_id = "list_events", tag = "events", params(ListParameters),
    responses(
        (status = 200, description = "A page of events", body = EventList),
        (status = 400, description = "A parameter is unknown or not readable, or the filter is", body = Problem),
        (status = 401, description = "No token, or an unknown one", body = Problem),
        (status = 503, description = "The store does not answer", body = Problem),
    )
)]
pub(crate) async fn list(
    State(shared): State<Arc<Shared>>,
    Parameters(parameters): Parameters<ListParameters>,
) -> Result<Json<EventList>, ApiError> {
    let page = shared.store.events(parameters.query(shared.store.as_ref()).await?).await?;
    Ok(Json(EventList {
        events: page.events,
        next: page.next.map(|next| cursor::encode(List::Events, next.microseconds, &next.id)),
    }))
}

/// One event.
#[utoipa::path(
    get, path = "/api/v1/events/{id}", operation_id = "event", tag = "events", params(("id" = String, Path, description = "The event's id")),
    responses(
        (status = 200, description = "The event", body = Event),
        (status = 401, description = "No token, or an unknown one", body = Problem),
        (status = 404, description = "No such event", body = Problem),
        (status = 503, description = "The store does not answer", body = Problem),
    )
)]
pub(crate) async fn one(State(shared): State<Arc<Shared>>, Id(id): Id) -> Result<Json<Event>, ApiError> {
    match shared.store.event(&id).await? {
        Some(event) => Ok(Json(event)),
        None => Err(ApiError::NotFound { kind: "event", id }),
    }
}
