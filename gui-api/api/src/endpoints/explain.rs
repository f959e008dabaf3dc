//! What would become of a request, step by step; nothing is stored.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tideline_model::{ConfigurationKind, Event, Profile, ProfileReference, Properties, Session};
use tideline_pipeline::{Identification, Request, Rules, Settings, Step};
use tideline_protocol::{EntryId, StreamRecord};
use tideline_store::Store;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::error::{ApiError, Problem};
use crate::parameters::Body;
use crate::routes::Shared;

/// A request to `/track`, and what else the edge would know of it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Question {
    /// The body, as a page sends it. Its source, session and profile are those that are known, or new ones.
    #[schema(value_type = Object)]
    body: Properties,
    /// Headers that the edge keeps, such as `user-agent` and `accept-language`; names in lower case.
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// The visitor's address.
    #[serde(default)]
    address: Option<String>,
    /// When it is received; now when nothing is said.
    #[schema(value_type = Option<String>, format = DateTime)]
    #[serde(default)]
    received: Option<Timestamp>,
}

/// What would become of a request.
#[derive(Serialize, ToSchema)]
pub(crate) struct Explanation {
    /// What is done, in order.
    steps: Vec<ExplainedStep>,
    /// The events that would be stored.
    events: Vec<Event>,
    /// The session as it would be; null if it would not change.
    #[schema(required)]
    session: Option<Session>,
    /// The profile as it would be; null if it would not change.
    #[schema(required)]
    profile: Option<Profile>,
    /// How many of its events are stored already.
    duplicates: u32,
    /// How many of its events would count and not be stored.
    passed: u32,
    /// Rules that could not do their work.
    failures: Vec<ExplainedFailure>,
}

/// One step.
#[derive(Serialize, ToSchema)]
struct ExplainedStep {
    /// What is done: `reading`, `session`, `compliance`, `validation`, `reshaping`, `event type`, `profile`, `mapping`, `merging`.
    step: &'static str,
    /// The rule that does it; null where it is built in.
    #[schema(required)]
    rule: Option<ExplainedRule>,
    /// The document before; null where there is none.
    #[schema(value_type = Option<Object>, required)]
    before: Value,
    /// The document after.
    #[schema(value_type = Object)]
    after: Value,
}

/// A rule.
#[derive(Serialize, ToSchema)]
struct ExplainedRule {
    /// Its kind.
    kind: ConfigurationKind,
    /// Its id.
    id: String,
}

/// A rule could not do its work.
#[derive(Serialize, ToSchema)]
struct ExplainedFailure {
    /// Which.
    rule: ExplainedRule,
    /// The event's id.
    event: String,
    /// Why.
    reason: String,
}

/// Explains what would become of a request to `/track`, with the rules of now and what is known now. Nothing is stored, and
/// the edge, which may refuse a request before, is not asked.
#[utoipa::path(
    post, path = "/api/v1/explain", operation_id = "explain", tag = "configuration", request_body = Question,
    responses(
        (status = 200, description = "Each step, and the documents in the end", body = Explanation),
        (status = 400, description = "The body cannot be read", body = Problem),
        (status = 401, description = "No token, or an unknown one", body = Problem),
        (status = 413, description = "The body is too large", body = Problem),
        (status = 422, description = "Such a request cannot become documents", body = Problem),
        (status = 503, description = "The store does not answer", body = Problem),
    )
)]
pub(crate) async fn explain(
    State(shared): State<Arc<Shared>>,
    Body(question): Body<Question>,
) -> Result<Json<Explanation>, ApiError> {
    let store = &shared.store;
    let (rules, _) = Rules::compile(&store.configuration().await?.objects);
    let mut settings = Settings { rules: Arc::new(rules), ..shared.processing.clone() };
    settings.follow(&store.sources().await?);
    let id_of = |what: &str| Some(question.body.get(what)?.get("id")?.as_str()?.trim().to_owned());
    let id_of = |what: &str| id_of(what).filter(|id| !id.is_empty());
    let new_id = || Uuid::new_v4().to_string();
    let session_id = id_of("session").unwrap_or_else(new_id);
    let session = store.session(&session_id).await?;
    let of_session = session.as_ref().and_then(|session| session.profile.as_ref());
    let known = of_session.map(|profile| profile.id.clone()).or_else(|| id_of("profile"));
    let profile = match &known {
        Some(id) => store.profile(id).await?,
        None => None,
    };
    let profile_id = profile.as_ref().map(|profile| profile.id.clone()).or(known.clone());
    let received = question.received.unwrap_or_else(Timestamp::now);
    let record = StreamRecord {
        request_id: Uuid::new_v4(),
        received_at: received.as_millisecond().try_into().unwrap_or_default(),
        source: id_of("source").unwrap_or_default(),
        session: session_id,
        new_profile: profile_id.is_none(),
        profile: Some(profile_id.clone().unwrap_or_else(new_id)),
        vouched: false,
        unasked: None,
        new_session: session.is_none(),
        transitional: false,
        events: question
            .body
            .get("events")
            .and_then(Value::as_array)
            .map_or(0, Vec::len)
            .try_into()
            .unwrap_or(u32::MAX),
        client_address: question.address.clone(),
        headers: question.headers.clone().into_iter().collect(),
        body: Value::Object(question.body).to_string(),
    };
    let lane = shared.lanes.of_session(&record.session);
    // Later than all that was read, so that it counts.
    let entry = EntryId { milliseconds: u64::MAX, sequence: u64::MAX };
    let request = Request::read_with(&settings, &record, &lane, entry).map_err(ApiError::Unprocessable)?;
    let event_ids: Vec<String> = request.event_ids().map(str::to_owned).collect();
    let stored = store.origins(&event_ids).await?;
    let profile_id = request.profile_in(session.as_ref(), None).map(str::to_owned);
    let taken = |id: &str| stored.contains_key(id);
    let (mut outcome, mut steps) =
        request.explain(taken, session.as_ref(), profile_id.as_deref(), profile.as_ref());
    let identified = match &outcome.profile {
        Some(after) => identify(store.as_ref(), &settings, &request, profile.as_ref(), after).await?,
        None => Identified::default(),
    };
    steps.extend(identified.steps);
    outcome.events.extend(identified.events);
    if let Some(survivor) = identified.profile {
        let owner = outcome.session.as_mut().and_then(|session| session.profile.as_mut());
        if let Some(owner) = owner.filter(|owner| survivor.ids.contains(&owner.id)) {
            *owner = ProfileReference { id: survivor.id.clone(), primary_id: survivor.primary_id.clone() };
        }
        outcome.profile = Some(survivor);
    }
    let rule = |rule: tideline_pipeline::RuleName| ExplainedRule { kind: rule.kind, id: rule.id };
    let step = |step: Step| ExplainedStep {
        step: step.name,
        rule: step.rule.map(rule),
        before: step.before,
        after: step.after,
    };
    let failure = |trouble: tideline_pipeline::Trouble| ExplainedFailure {
        rule: rule(trouble.rule),
        event: trouble.event,
        reason: trouble.reason,
    };
    Ok(Json(Explanation {
        steps: steps.into_iter().map(step).collect(),
        events: outcome.events,
        session: outcome.session,
        profile: outcome.profile,
        duplicates: outcome.duplicates,
        passed: outcome.passed,
        failures: outcome.troubles.into_iter().map(failure).collect(),
    }))
}

/// What a request's saying who its profile is of would change.
#[derive(Default)]
struct Identified {
    steps: Vec<Step>,
    events: Vec<Event>,
    profile: Option<Profile>,
}

/// Gives the profile its keys, and makes it one with those that have them already.
async fn identify(
    store: &dyn Store,
    settings: &Settings,
    request: &Request,
    before: Option<&Profile>,
    after: &Profile,
) -> Result<Identified, ApiError> {
    let Some(mut identification) = Identification::of(settings, before, after) else {
        return Ok(Identified::default());
    };
    let (mut profile, mut steps) = (after.clone(), Vec::new());
    let step = |before: &Profile, after: &Profile| Step {
        name: "merging",
        rule: None,
        before: json!(before),
        after: json!(after),
    };
    while let Some(key) = identification.next_key(&profile) {
        let owner = store.owners(std::slice::from_ref(&key.id)).await?.remove(&key.id);
        let owner = owner.filter(|owner| !profile.ids.contains(owner));
        let owner = match owner {
            Some(owner) => store.profile(&owner).await?,
            None => None,
        };
        let Some(owner) = owner else {
            identification.is_free(key);
            continue;
        };
        if let Some(merged) = identification.meets(&mut profile, &owner, key) {
            steps.push(step(&profile, &merged.survivor));
            profile = merged.survivor;
        }
    }
    let events =
        if identification.finish(&mut profile) { request.move_merged(&mut profile) } else { Vec::new() };
    Ok(Identified { steps, events, profile: Some(profile) })
}
