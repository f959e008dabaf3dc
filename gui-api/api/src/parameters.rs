//! What requests are made of: path and query parameters and bodies, read strictly.
//!
//! A parameter that is not known, given twice or not readable is refused with a sentence that says
//! what would be right: a filter that is silently ignored shows data that nobody asked for. An empty
//! value counts as not given, so that forms can send all their fields.

use std::error::Error as _;

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use http::StatusCode;
use http::request::Parts;
use jiff::Timestamp;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use tideline_model::{ConfigurationKind, UnknownKind};
use tideline_store::MAX_PAGE;

use crate::error::ApiError;

/// The query parameters of a request.
pub(crate) struct Parameters<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Parameters<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match Query::<T>::from_request_parts(parts, state).await {
            Ok(Query(parameters)) => Ok(Self(parameters)),
            Err(rejection) => {
                let reason = rejection.source().map_or_else(|| rejection.to_string(), ToString::to_string);
                Err(ApiError::Parameter(format!("the query cannot be read: {reason}")))
            }
        }
    }
}

/// The body of a request, JSON.
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let bytes =
            Bytes::from_request(request, state).await.map_err(|rejection| match rejection.status() {
                StatusCode::PAYLOAD_TOO_LARGE => ApiError::TooLarge,
                _ => ApiError::Parameter("the body broke off".to_owned()),
            })?;
        let read = serde_json::from_slice(&bytes);
        read.map(Self).map_err(|error| ApiError::Parameter(format!("the body cannot be read: {error}")))
    }
}

/// The document id at the end of a path.
pub(crate) struct Id(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match Path::<String>::from_request_parts(parts, state).await {
            Ok(Path(id)) => Ok(Self(id)),
            Err(_) => Err(not_utf8()),
        }
    }
}

/// A profile and one of its merges in a path.
pub(crate) struct MergePath {
    pub(crate) profile: String,
    pub(crate) merge: String,
}

impl<S: Send + Sync> FromRequestParts<S> for MergePath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let (profile, merge) = two(parts, state).await?;
        Ok(Self { profile, merge })
    }
}

/// The two parameters of a path.
async fn two<S: Send + Sync>(parts: &mut Parts, state: &S) -> Result<(String, String), ApiError> {
    let path = Path::<(String, String)>::from_request_parts(parts, state).await;
    path.map(|Path(two)| two).map_err(|_| not_utf8())
}

fn not_utf8() -> ApiError {
    ApiError::Parameter("the id in the path is not UTF-8 after decoding its %XX".to_owned())
}

/// The kind and the id of a configuration object in a path.
pub(crate) struct ObjectPath(pub(crate) ConfigurationKind, pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for ObjectPath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let (kind, id) = two(parts, state).await?;
        let kind = kind.parse().map_err(|error: UnknownKind| ApiError::Parameter(error.to_string()))?;
        Ok(Self(kind, id))
    }
}

/// A text.
pub(crate) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let value = String::deserialize(deserializer)?;
    Ok(Some(value).filter(|value| !value.is_empty()))
}

/// A moment, as RFC 3339 writes it.
pub(crate) fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    let Some(value) = text(deserializer)? else { return Ok(None) };
    value.parse().map(Some).map_err(|_| {
        D::Error::custom(format!(
            "`{value}` is not a time: write it as in 2026-01-31T12:00:00Z, or 2026-01-31T13:00:00%2B01:00 with + as %2B"
        ))
    })
}

/// How many documents a page has.
pub(crate) fn page_size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<usize>, D::Error> {
    let Some(value) = text(deserializer)? else { return Ok(None) };
    match value.parse() {
        Ok(limit) if (1..=MAX_PAGE).contains(&limit) => Ok(Some(limit)),
        _ => Err(D::Error::custom(format!("`{value}` is not a number from 1 to {MAX_PAGE}"))),
    }
}
