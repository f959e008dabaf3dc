//! All routes of the service, what guards them and what limits them.

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_extractor_with_state;
use axum::response::IntoResponse;
use axum::routing::any;
use http::header::CONTENT_TYPE;
use tideline_pipeline::Settings;
use tideline_protocol::Lanes;
use tideline_store::Store;
use tokio::sync::Semaphore;
use utoipa::OpenApi;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::{Admitted, Gate};
use crate::endpoints::{configuration, events, explain, health, live, merges, profiles, sessions};
use crate::error::ApiError;
use crate::headers;
use crate::live::Feed;
use crate::redis_link::RedisLink;
use crate::redis_probe::RedisProbe;
use crate::rule_failures::RuleFailures;
use crate::service::Obstacle;

/// The OpenAPI document, as it is served.
pub(crate) const OPENAPI: &str = include_str!("../openapi.json");

/// What a body may have. The edge takes no larger requests, which are the largest that anybody explains.
pub(crate) const MOST_BODY_BYTES: usize = 256 * 1024;

/// What the health routes need.
pub(crate) struct Health {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) redis: RedisProbe,
    pub(crate) obstacle: Option<Obstacle>,
}

/// What the data routes need.
pub(crate) struct Shared {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) gate: Gate,
    pub(crate) feed: Arc<Feed>,
    pub(crate) live_seats: Arc<Semaphore>,
    pub(crate) most_live_readers: usize,
    pub(crate) failures: RuleFailures,
    pub(crate) redis: Arc<RedisLink>,
    pub(crate) lanes: Lanes,
    pub(crate) processing: Settings,
}

/// Open to everybody who reaches the port.
fn open() -> OpenApiRouter<Arc<Health>> {
    OpenApiRouter::new().routes(routes!(health::live)).routes(routes!(health::ready))
}

/// Open with a token only.
fn guarded() -> OpenApiRouter<Arc<Shared>> {
    OpenApiRouter::new()
        .routes(routes!(events::list))
        .routes(routes!(live::follow))
        .routes(routes!(events::one))
        .routes(routes!(profiles::list))
        .routes(routes!(profiles::one))
        .routes(routes!(merges::list))
        .routes(routes!(merges::undo))
        .routes(routes!(sessions::one))
        .routes(routes!(configuration::list))
        .routes(routes!(configuration::one, configuration::put, configuration::remove))
        .routes(routes!(configuration::versions))
        .routes(routes!(explain::explain))
        .routes(routes!(document))
}

/// The whole service: `gui` answers what is neither health nor API.
pub(crate) fn service(health: Arc<Health>, shared: Arc<Shared>, gui: Router) -> Router {
    let guarded = Router::from(guarded())
        // Below /api nothing is open, so that a route that is missing cannot be told from one that is not.
        .route("/api", any(no_route))
        .route("/api/", any(no_route))
        .route("/api/{*rest}", any(no_route))
        .method_not_allowed_fallback(wrong_method)
        .layer(from_extractor_with_state::<Admitted, _>(Arc::clone(&shared)))
        .layer(headers::uncached())
        .layer(DefaultBodyLimit::max(MOST_BODY_BYTES))
        .with_state(shared);
    headers::secured(health_only(health).merge(guarded).merge(gui))
}

/// The service of a process that has no API.
pub(crate) fn health_only(health: Arc<Health>) -> Router {
    headers::secured(Router::from(open()).layer(headers::uncached()).with_state(health))
}

/// The OpenAPI document, made from the code. `openapi.json` is the same, kept in the repository.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    let mut document = Document::openapi();
    document.merge(open().into_openapi());
    document.merge(guarded().into_openapi());
    document
}

#[derive(OpenApi)]
#[openapi(
    info(title = "Tideline", description = "The API of the private service. The GUI uses nothing else."),
    security(("token" = [])),
    modifiers(&Document),
)]
struct Document;

impl utoipa::Modify for Document {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::Http(scheme));
    }
}

/// This document.
#[utoipa::path(
    get, path = "/openapi.json", operation_id = "document", tag = "meta",
    responses((status = 200, description = "The OpenAPI document of this service", body = Object))
)]
async fn document() -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], OPENAPI)
}

async fn no_route() -> ApiError {
    ApiError::NoRoute
}

async fn wrong_method() -> ApiError {
    ApiError::Method
}
