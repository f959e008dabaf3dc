//! The GUI's files, from the folder that its build made. They hold no data, so they need no token.

use std::path::{Path, PathBuf};

use axum::Router;
use axum::handler::HandlerWithoutStateExt as _;
use axum::response::Response;
use axum::routing::{MethodRouter, get, get_service};
use http::header::CACHE_CONTROL;
use http::{HeaderValue, StatusCode};
use tower_http::services::{ServeDir, ServeFile};
use tower_http::set_header::SetResponseHeaderLayer;

use crate::Error;
use crate::error::ApiError;

/// Their names hold a hash of their content.
const NEVER_CHANGES: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// Asked for again each time, and answered 304 when it is still the same.
const ALWAYS_ASK: HeaderValue = HeaderValue::from_static("no-cache");

/// The routes of the GUI in this folder; without one, a page that says how to get it.
pub(crate) fn routes(folder: Option<PathBuf>) -> Result<Router, Error> {
    let Some(folder) = folder else {
        return Ok(Router::new().route("/", get(absent)).fallback(missing));
    };
    let index = folder.join("index.html");
    if !index.is_file() {
        return Err(Error::NoGui(folder));
    }
    Ok(Router::new()
        .route("/", cached(get_service(ServeFile::new(index)), ALWAYS_ASK))
        .nest_service("/assets", cached(files(&folder.join("assets")), NEVER_CHANGES))
        .fallback_service(cached(files(&folder), ALWAYS_ASK)))
}

fn files(folder: &Path) -> MethodRouter {
    get_service(
        ServeDir::new(folder).append_index_html_on_directories(false).fallback(missing.into_service()),
    )
}

/// A missing file must not be remembered as missing: the next deployment may bring it.
fn cached(files: MethodRouter, value: HeaderValue) -> MethodRouter {
    let on_success = move |response: &Response| {
        let found = response.status().is_success() || response.status() == StatusCode::NOT_MODIFIED;
        found.then(|| value.clone())
    };
    files.layer(SetResponseHeaderLayer::overriding(CACHE_CONTROL, on_success))
}

async fn absent() -> &'static str {
    "Tideline's API is here, its GUI is not: build it with `npm ci && npm run build` in gui-api/web, and start with --gui-dir gui-api/web/dist\n"
}

async fn missing() -> ApiError {
    ApiError::NoRoute
}
