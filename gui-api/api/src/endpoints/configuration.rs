//! Configuration objects: what people decide about events and profiles (`docs/configuration.md`).

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tideline_filter::Document;
use tideline_model::{ConfigurationKind, ConfigurationObject, ConfigurationSettings};
use tideline_pipeline::{RuleName, RuleProblem, Rules};
use utoipa::{IntoParams, ToSchema};

use crate::access::Author;
use crate::error::{ApiError, Problem};
use crate::filters;
use crate::parameters::{Body, ObjectPath, Parameters};
use crate::routes::Shared;
use crate::rule_failures::Failures;

/// The most objects of an installation.
const MOST_OBJECTS: usize = 1000;
/// The longest id, name and tag, in bytes.
const MOST_NAME_BYTES: usize = 256;
/// The longest description, in bytes.
const MOST_DESCRIPTION_BYTES: usize = 4096;
/// The most tags.
const MOST_TAGS: usize = 20;

/// Which objects.
#[derive(Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListParameters {
    /// Only those of this kind.
    kind: Option<ConfigurationKind>,
}

/// Which version is removed.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct RemoveParameters {
    /// The version that is there.
    version: u64,
}

/// An object, and how it is doing.
#[derive(Serialize, ToSchema)]
pub(crate) struct ObjectInUse {
    #[serde(flatten)]
    object: ConfigurationObject,
    /// Why it cannot work and is left out; null if it can.
    #[schema(required)]
    problem: Option<String>,
    /// How often it could not do its work on an event; null if that has not happened lately.
    #[schema(required)]
    failures: Option<Failures>,
}

/// All objects, or those of a kind.
#[derive(Serialize, ToSchema)]
pub(crate) struct ObjectList {
    /// By kind and id.
    objects: Vec<ObjectInUse>,
}

/// The versions of an object.
#[derive(Serialize, ToSchema)]
pub(crate) struct VersionList {
    /// The newest first, fifty at the most.
    versions: Vec<ConfigurationObject>,
}

/// An object as somebody wants it to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Draft {
    /// For people.
    name: String,
    /// What it is for.
    #[serde(default)]
    description: String,
    /// Words to find it by.
    #[serde(default)]
    tags: Vec<String>,
    /// Whether it does anything.
    #[serde(default = "yes")]
    enabled: bool,
    /// The version that the change was made from; 0 for a new object.
    version: u64,
    /// What it decides: the settings of its kind.
    #[schema(value_type = Object)]
    settings: Value,
}

fn yes() -> bool {
    true
}

/// Lists configuration objects, by kind and id.
#[utoipa::path(
    get, path = "/api/v1/configuration", operation_id = "list_configuration", tag = "configuration",
    params(ListParameters),
    responses(
        (status = 200, description = "The objects", body = ObjectList),
        (status = 400, description = "A parameter is unknown or not readable", body = Problem),
        (status = 401, description = "No token, or an unknown one", body = Problem),
        (status = 503, description = "The store does not answer", body = Problem),
    )
)]
pub(crate) async fn list(
    State(shared): State<Arc<Shared>>,
    Parameters(ListParameters { kind }): Parameters<ListParameters>,
) -> Result<Json<ObjectList>, ApiError> {
    let mut objects = shared.store.configuration().await?.objects;
    objects.retain(|object| kind.is_none_or(|kind| object.settings.kind() == kind));
    let failures = shared.failures.of_all().await;
    let in_use = |object| in_use(object, &failures);
    Ok(Json(ObjectList { objects: objects.into_iter().map(in_use).collect() }))
}

/// One configuration object.
#[utoipa::path(
    get, path = "/api/v1/configuration/{kind}/{id}", operation_id = "configuration_object", tag = "configuration",
    params(("kind" = ConfigurationKind, Path, description = "Its kind"), ("id" = String, Path, description = "Its id")),
    responses(
        (status = 200, description = "The object", body = ObjectInUse),
        (status = 400, description = "There is no such kind", body = Problem),
        (status = 401, description = "No token, or an unknown one", body = Problem),
        (status = 404, description = "No such object", body = Problem),
        (status = 503, description = "The store does not answer", body = Problem),
    )
)]
pub(crate) async fn one(
    State(shared): State<Arc<Shared>>,
    ObjectPath(kind, id): ObjectPath,
) -> Result<Json<ObjectInUse>, ApiError> {
    let mut objects = shared.store.configuration().await?.objects;
    objects.retain(|object| object.settings.kind() == kind && object.id == id);
    let object = objects.pop().ok_or(ApiError::NotFound { kind: kind.name(), id })?;
    Ok(Json(in_use(object, &shared.failures.of_all().await)))
}

/// Makes or changes a configuration object.
#[utoipa::path(
    put, path = "/api/v1/configuration/{kind}/{id}", operation_id = "put_configuration_object", tag = "configuration",
    params(("kind" = ConfigurationKind, Path, description = "Its kind"), ("id" = String, Path, description = "Its id")),
    request_body = Draft,
    responses(
        (status = 200, description = "The object as it is now", body = ConfigurationObject),
        (status = 201, description = "The object, which is new", body = ConfigurationObject),
        (status = 400, description = "There is no such kind, or the body is no such object", body = Problem),
        (status = 401, description = "No token, or an unknown one", body = Problem),
        (status = 409, description = "Somebody else has changed it in the meantime", body = Problem),
        (status = 413, description = "The body is too large", body = Problem),
        (status = 422, description = "It could not work", body = Problem),
        (status = 503, description = "The store does not answer", body = Problem),
    )
)]
pub(crate) async fn put(
    State(shared): State<Arc<Shared>>,
    Author(author): Author,
    ObjectPath(kind, id): ObjectPath,
    Body(draft): Body<Draft>,
) -> Result<Response, ApiError> {
    let is_new = draft.version == 0;
    let object = object(kind, id, draft, author)?;
    if is_new && shared.store.configuration().await?.objects.len() >= MOST_OBJECTS {
        return Err(unusable(
            "id",
            format!("there are {MOST_OBJECTS} objects, which is the most: remove one"),
        ));
    }
    shared.store.put_configuration(object.clone()).await?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(object)).into_response())
}

/// Removes a configuration object. Its versions stay readable.
#[utoipa::path(
    delete, path = "/api/v1/configuration/{kind}/{id}", operation_id = "remove_configuration_object",
    tag = "configuration",
    params(
        ("kind" = ConfigurationKind, Path, description = "Its kind"), ("id" = String, Path, description = "Its id"),
        RemoveParameters,
    ),
    responses(
        (status = 204, description = "It is removed"),
        (status = 400, description = "There is no such kind, or a parameter is not readable", body = Problem),
        (status = 401, description = "No token, or an unknown one", body = Problem),
        (status = 409, description = "Somebody else has changed or removed it in the meantime", body = Problem),
        (status = 503, description = "The store does not answer", body = Problem),
    )
)]
pub(crate) async fn remove(
    State(shared): State<Arc<Shared>>,
    ObjectPath(kind, id): ObjectPath,
    Parameters(RemoveParameters { version }): Parameters<RemoveParameters>,
) -> Result<StatusCode, ApiError> {
    shared.store.remove_configuration(kind, &id, version).await?;
    shared.failures.forget(&RuleName { kind, id }).await;
    Ok(StatusCode::NO_CONTENT)
}

/// The versions of a configuration object, also of one that was removed.
#[utoipa::path(
    get, path = "/api/v1/configuration/{kind}/{id}/versions", operation_id = "configuration_versions",
    tag = "configuration",
    params(("kind" = ConfigurationKind, Path, description = "Its kind"), ("id" = String, Path, description = "Its id")),
    responses(
        (status = 200, description = "The versions", body = VersionList),
        (status = 400, description = "There is no such kind", body = Problem),
        (status = 401, description = "No token, or an unknown one", body = Problem),
        (status = 404, description = "There never was such an object", body = Problem),
        (status = 503, description = "The store does not answer", body = Problem),
    )
)]
pub(crate) async fn versions(
    State(shared): State<Arc<Shared>>,
    ObjectPath(kind, id): ObjectPath,
) -> Result<Json<VersionList>, ApiError> {
    let versions = shared.store.configuration_versions(kind, &id).await?;
    if versions.is_empty() {
        return Err(ApiError::NotFound { kind: kind.name(), id });
    }
    Ok(Json(VersionList { versions }))
}

fn in_use(object: ConfigurationObject, failures: &HashMap<String, Failures>) -> ObjectInUse {
    let name = RuleName { kind: object.settings.kind(), id: object.id.clone() };
    let problem = Rules::check(&object).err().map(|problem| problem.to_string());
    ObjectInUse { problem, failures: failures.get(&name.to_string()).cloned(), object }
}

/// The object that a draft becomes, if it can work.
fn object(
    kind: ConfigurationKind,
    id: String,
    draft: Draft,
    author: String,
) -> Result<ConfigurationObject, ApiError> {
    let Draft { name, description, tags, enabled, version, settings } = draft;
    let is_name = |text: &str| {
        !text.trim().is_empty() && text.len() <= MOST_NAME_BYTES && !text.chars().any(char::is_control)
    };
    for (path, text) in [("id", &id), ("name", &name)] {
        if !is_name(text) {
            return Err(unusable(path, format!("write 1 to {MOST_NAME_BYTES} bytes, in one line")));
        }
    }
    if description.len() > MOST_DESCRIPTION_BYTES {
        return Err(unusable("description", format!("{MOST_DESCRIPTION_BYTES} bytes are the most")));
    }
    if tags.len() > MOST_TAGS || !tags.iter().all(|tag| is_name(tag)) {
        return Err(unusable(
            "tags",
            format!("up to {MOST_TAGS} of 1 to {MOST_NAME_BYTES} bytes are possible"),
        ));
    }
    let settings = ConfigurationSettings::read(kind, &settings);
    let settings = settings.map_err(|error| unusable("settings", error.to_string()))?;
    let version = version.saturating_add(1);
    let object = ConfigurationObject {
        id,
        name,
        description,
        tags,
        enabled,
        version,
        author,
        changed: Timestamp::now(),
        settings,
    };
    Rules::check(&object).map_err(ApiError::Unusable)?;
    check_conditions(&object.settings)?;
    Ok(object)
}

/// Whether conditions ask for fields that there are.
fn check_conditions(settings: &ConfigurationSettings) -> Result<(), ApiError> {
    for (path, about, condition) in conditions(settings) {
        filters::check_condition(condition, about).map_err(|error| {
            ApiError::Unusable(RuleProblem {
                path,
                message: error.to_string(),
                filter: Some(Box::new(error)),
            })
        })?;
    }
    Ok(())
}

/// The conditions of an object: where they are, what they are about, and what they say.
fn conditions(settings: &ConfigurationSettings) -> Vec<(String, Document, &str)> {
    let when = match settings {
        ConfigurationSettings::Mapping(settings) => &settings.when,
        ConfigurationSettings::Validation(settings) => &settings.when,
        ConfigurationSettings::Reshaping(settings) => &settings.when,
        ConfigurationSettings::Compliance(settings) => &settings.when,
        ConfigurationSettings::IdentificationPoint(settings) => &settings.when,
        ConfigurationSettings::Segment(segment) => {
            let own = segment.condition.as_deref();
            let own = own.map(|own| ("settings.condition".to_owned(), Document::Profile, own));
            let counts = segment.counts.iter().enumerate().filter_map(|(index, count)| {
                let condition = count.when.condition.as_deref()?;
                Some((format!("settings.counts[{index}].when.condition"), Document::Event, condition))
            });
            return own.into_iter().chain(counts).collect();
        }
        ConfigurationSettings::EventType(_)
        | ConfigurationSettings::ConsentType(_)
        | ConfigurationSettings::Merging(_) => return Vec::new(),
    };
    let condition = when.condition.as_deref();
    let place = |condition| ("settings.when.condition".to_owned(), Document::Event, condition);
    condition.map(place).into_iter().collect()
}

fn unusable(path: &str, message: String) -> ApiError {
    ApiError::Unusable(RuleProblem { path: path.to_owned(), message, filter: None })
}
