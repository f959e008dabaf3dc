//! `tideline serve`: the service, from waiting for Redis to the last answer.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use tideline_api::Service;
use tideline_protocol::Lanes;
use tideline_store::Store;

use crate::function_library::{self, Loaded};
use crate::redis_server::RedisServer;
use crate::settings::{Role, ServeSettings};
use crate::wiring::{self, Parts};
use crate::{event_sources, lane_setup, redis_server, stop_signal};

/// What the parts may take to end beyond the drain that they were given.
const GRACE: Duration = Duration::from_secs(5);

pub(crate) async fn run(settings: ServeSettings) -> anyhow::Result<ExitCode> {
    let lanes = settings.installation.lanes()?;
    let redis = settings.installation.redis()?;
    let mut api = wiring::api_options(&settings, &redis, &lanes)?;
    let store = wiring::open_store(&settings.installation)?;
    let intake =
        if settings.has(Role::Intake) { Some(wiring::intake(&redis, &lanes, &store)?) } else { None };
    api.intake_works = intake.as_ref().map(wiring::works);
    let mut parts = Parts::new();
    stop_signal::forward_to(parts.stop())?;

    // Health is answered from here on: whoever watches sees a service that waits, not one that is dead.
    let api = Service::bind(api, Arc::clone(&store)).await?;
    let address = api.address();
    tracing::info!(%address, "answering health");
    parts.spawn(|drain| api.run(drain));

    let prepare =
        redis_server::when_reachable(&redis, |server| prepare(&settings, &lanes, store.as_ref(), server));
    let prepared = tokio::select! {
        prepared = prepare => prepared,
        () = parts.asked_to_stop() => Ok(()),
    };
    if prepared.is_ok() && !*parts.stop().borrow() {
        if let Some(intake) = intake {
            parts.spawn(|drain| intake.run(drain));
        }
        tracing::info!(%address, "listening");
        parts.asked_to_stop().await;
    }
    let ended = parts.end(settings.drain() + GRACE).await;
    prepared.and(ended).map(|()| ExitCode::SUCCESS)
}

/// Makes Redis hold what it must: it may have been replaced by an empty one since the installation was
/// provisioned. What was never provisioned is not made up.
async fn prepare(
    settings: &ServeSettings,
    lanes: &Lanes,
    store: &dyn Store,
    server: RedisServer,
) -> anyhow::Result<()> {
    let RedisServer { mut connection, version } = server;
    let redis = &mut connection;
    tracing::info!(version, "redis is there");
    if !settings.has(Role::Api) {
        return match lane_setup::missing(redis, lanes).await?.first() {
            None => Ok(()),
            Some(lane) => bail!(
                "lane {lane} is not set up: run `tideline provision --sources FILE`, or start a process with the role api"
            ),
        };
    }
    let sources = store.sources().await?;
    if sources.is_empty() {
        bail!("this installation has no event source: run `tideline provision --sources FILE` first");
    }
    for library in function_library::ALL {
        match library.loaded(redis).await.context("cannot list the functions in redis")? {
            Loaded::This => {}
            Loaded::Nothing => {
                library.load(redis).await.context("cannot load the functions into redis")?;
                tracing::warn!(library = library.name, "loaded functions that redis did not have");
            }
            // Another version of this program may be at work: replacing its functions is a decision.
            Loaded::Another => {
                tracing::warn!(
                    library = library.name,
                    "redis has another version of these functions: `tideline provision` replaces them"
                );
            }
        }
    }
    lane_setup::restore(redis, lanes).await?;
    event_sources::publish(redis, lanes, &sources).await.context("cannot publish the event sources")
}
