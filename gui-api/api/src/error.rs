//! What can go wrong: for a request, with its status, and for the service as a whole.

use std::net::SocketAddr;
use std::path::PathBuf;

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;
use tideline_filter::FilterError;
use tideline_pipeline::{RuleProblem, Unprocessable};
use tideline_store::StoreError;
use utoipa::ToSchema;

/// Why the service cannot start or had to end.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address is taken or not ours.
    #[error(
        "cannot listen on {address}: {source}; end the program that uses it, or choose another address with --listen"
    )]
    Listen {
        /// What was asked for.
        address: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
    /// The directory of the GUI does not hold the GUI.
    #[error("{} holds no index.html: build the GUI with `npm ci && npm run build` in gui-api/web and give its dist folder, or leave --gui-dir out", .0.display())]
    NoGui(PathBuf),
}

/// Why a request is not answered with what it asks for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    #[error("this needs a bearer token: send `Authorization: Bearer <token>`")]
    NoToken,
    #[error("this bearer token is not known: it may be mistyped or withdrawn")]
    UnknownToken,
    #[error("{0}")]
    Parameter(String),
    #[error("the filter cannot be used: {0}")]
    Filter(FilterError),
    #[error("no {kind} `{id}`")]
    NotFound { kind: &'static str, id: String },
    #[error("the body is too large: {most} bytes are the most", most = crate::routes::MOST_BODY_BYTES)]
    TooLarge,
    #[error("redis cannot be reached: try again in a few seconds")]
    NoRedis,
    #[error("{kind} `{id}` has another version by now: read it again, and make the change from there")]
    Outdated { kind: &'static str, id: String },
    #[error("what this merge brought went into a later one: take back merge `{0}` first")]
    MergedSince(String),
    #[error("{0}")]
    Unusable(RuleProblem),
    #[error("this request cannot become documents: {0}")]
    Unprocessable(Unprocessable),
    #[error("nothing is at this path: /openapi.json lists what there is")]
    NoRoute,
    #[error("this path does not take that method: /openapi.json lists what it takes")]
    Method,
    #[error("{0} readers follow the live events already, which is the most: close one, or try again later")]
    TooManyReaders(usize),
    #[error("live events are interrupted because redis cannot be reached: try again in a few seconds")]
    NoLiveEvents,
    #[error("the store holds the {kind} `{id}` but cannot read it: restore it from a backup")]
    Damaged { kind: &'static str, id: String },
    #[error("the store does not answer: try again in a few seconds")]
    Store(#[source] StoreError),
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Damaged { kind, id } => Self::Damaged { kind, id },
            StoreError::Conflict { kind, id } => Self::Outdated { kind, id },
            error => Self::Store(error),
        }
    }
}

impl ApiError {
    /// The one table of failures and what they are in HTTP.
    fn status(&self) -> StatusCode {
        match self {
            Self::NoToken | Self::UnknownToken => StatusCode::UNAUTHORIZED,
            Self::Parameter(_) | Self::Filter(_) => StatusCode::BAD_REQUEST,
            Self::NotFound { .. } | Self::NoRoute => StatusCode::NOT_FOUND,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Outdated { .. } | Self::MergedSince(_) => StatusCode::CONFLICT,
            Self::Unusable(_) | Self::Unprocessable(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Damaged { .. } => StatusCode::INTERNAL_SERVER_ERROR,
            Self::TooManyReaders(_) | Self::NoLiveEvents | Self::NoRedis | Self::Store(_) => {
                StatusCode::SERVICE_UNAVAILABLE
            }
        }
    }

    fn header(&self) -> Option<(HeaderName, HeaderValue)> {
        match self.status() {
            StatusCode::UNAUTHORIZED => Some((header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))),
            StatusCode::SERVICE_UNAVAILABLE => Some((header::RETRY_AFTER, HeaderValue::from_static("5"))),
            _ => None,
        }
    }
}

/// Every failure: one sentence for people.
#[derive(Serialize, ToSchema)]
pub(crate) struct Problem {
    /// What is wrong, and what to do.
    detail: String,
    /// Where in an object something is wrong, when that is what is wrong: `settings.operations[2].profile`.
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    /// Where a filter goes wrong, when that is what is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    filter: Option<FilterProblem>,
}

/// Where a filter goes wrong.
#[derive(Serialize, ToSchema)]
struct FilterProblem {
    /// What is wrong, without the place.
    message: String,
    /// The first character (Unicode scalar value) of the part that is wrong, from 0.
    start: usize,
    /// The character behind that part; `start` where something is missing.
    end: usize,
    /// What may have been meant, to stand in place of that part.
    #[serde(skip_serializing_if = "Option::is_none")]
    suggestion: Option<String>,
}

impl From<FilterError> for FilterProblem {
    fn from(FilterError { message, characters, suggestion, .. }: FilterError) -> Self {
        Self { message, start: characters.start, end: characters.end, suggestion }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        if let Self::Store(error) = &self {
            // What the store says is for the operator: it may name files and hosts.
            tracing::error!(%error, "the store failed a request");
        }
        let (detail, status, header) = (self.to_string(), self.status(), self.header());
        let (path, filter) = match self {
            Self::Filter(error) => (None, Some(Box::new(error))),
            Self::Unusable(RuleProblem { path, filter, .. }) => (Some(path), filter),
            _ => (None, None),
        };
        let problem = Problem { detail, path, filter: filter.map(|error| FilterProblem::from(*error)) };
        let mut response = (status, Json(problem)).into_response();
        response.headers_mut().extend(header);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_document_is_named_and_nobody_is_told_to_try_again() {
        let error = ApiError::from(StoreError::Damaged { kind: "profile", id: "p-1".to_owned() });
        assert!(error.to_string().contains("profile `p-1`"), "{error}");
        assert_eq!((error.status(), error.header()), (StatusCode::INTERNAL_SERVER_ERROR, None));
    }
}
