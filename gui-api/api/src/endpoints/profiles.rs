//! Profiles: lists, and one by its id.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use tideline_filter::Document;
use tideline_model::Profile;
use tideline_store::{ProfileKey, ProfileQuery};
use utoipa::{IntoParams, ToSchema};

use crate::cursor::{self, List};
use crate::error::{ApiError, Problem};
use crate::filters;
use crate::parameters::{Id, Parameters, page_size, text};
use crate::routes::Shared;

const DEFAULT_PAGE: usize = 50;

/// Which profiles, and how many.
#[derive(Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListParameters {
    /// Only profiles that match this filter (`docs/filter.md`): `metadata.time.visit.count > 10 AND traits.city = "Oslo"`.
    /// Documents are read to find them, for about two seconds: a page may hold none though `next` leads to more.
    #[serde(deserialize_with = "text")]
    #[param(max_length = 8192)]
    r#where: Option<String>,
    /// How many at the most; 50 when not given.
    #[serde(deserialize_with = "page_size")]
    #[param(minimum = 1, maximum = 200)]
    limit: Option<usize>,
    /// `next` of the page before.
    #[serde(deserialize_with = "text")]
    cursor: Option<String>,
}

/// A page of profiles.
#[derive(Serialize, ToSchema)]
pub(crate) struct ProfileList {
    /// The latest updated first.
    profiles: Vec<Profile>,
    /// The `cursor` of the next page; null on the last one.
    #[schema(required)]
    next: Option<String>,
}

/// Lists profiles, the latest updated first.
///
/// One that is updated while somebody reads page by page moves to the front, where they will not see it.
#[utoipa::path(
    get, path = "/api/v1/profiles", operation_id = "list_profiles", tag = "profiles", params(ListParameters),
    responses(
        (status = 200, description = "A page of profiles", body = ProfileList),
        (status = 400, description = "A parameter is unknown or not readable, or the filter is", body = Problem),
        (status = 401, description = "No token, or an unknown one", body = Problem),
        (status = 503, description = "The store does not answer", body = Problem),
    )
)]
pub(crate) async fn list(
    State(shared): State<Arc<Shared>>,
    Parameters(ListParameters { r#where, limit, cursor }): Parameters<ListParameters>,
) -> Result<Json<ProfileList>, ApiError> {
    let query = ProfileQuery {
        r#where: filters::prepared(r#where.as_deref(), Document::Profile)?,
        after: cursor::decode(List::Profiles, cursor, |microseconds, id| ProfileKey { microseconds, id })?,
        limit: limit.unwrap_or(DEFAULT_PAGE),
    };
    let page = shared.store.profiles(query).await?;
    let next = page.next.map(|next| cursor::encode(List::Profiles, next.microseconds, &next.id));
    Ok(Json(ProfileList { profiles: page.profiles, next }))
}

/// One profile, by its id or any that it has had.
#[utoipa::path(
    get, path = "/api/v1/profiles/{id}", operation_id = "profile", tag = "profiles",
    params(("id" = String, Path, description = "An id of the profile")),
    responses(
        (status = 200, description = "The profile", body = Profile),
        (status = 401, description = "No token, or an unknown one", body = Problem),
        (status = 404, description = "No such profile", body = Problem),
        (status = 503, description = "The store does not answer", body = Problem),
    )
)]
pub(crate) async fn one(State(shared): State<Arc<Shared>>, Id(id): Id) -> Result<Json<Profile>, ApiError> {
    match shared.store.profile(&id).await? {
        Some(profile) => Ok(Json(profile)),
        None => Err(ApiError::NotFound { kind: "profile", id }),
    }
}
