//! The private service: the API, the intake, and what they need, from waiting for Redis to the word that
//! they are to end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context as _, bail};
use tideline_api::Service;
use tideline_intake::Intake;
use tideline_places::PlacesFile;
use tideline_protocol::Lanes;
use tideline_services::Scheduler;
use tideline_store::Store;

use crate::function_library::{self, Loaded};
use crate::redis_server::RedisServer;
use crate::settings::{Role, Roles, ServeSettings};
use crate::wiring::{self, Parts};
use crate::{lane_setup, published, redis_server};

/// The private service, listening but not yet answering.
pub(crate) struct PrivateService {
    roles: Roles,
    lanes: Lanes,
    redis: redis::Client,
    store: Arc<dyn Store>,
    address: SocketAddr,
    api: Service,
    intake: Option<Intake>,
    places: Option<Arc<PlacesFile>>,
    scheduler: Option<Scheduler>,
    /// Whether Redis holds what it must.
    is_prepared: Arc<AtomicBool>,
}

impl PrivateService {
    /// Opens the store and listens. Redis need not be there.
    pub(crate) async fn bind(settings: &ServeSettings, roles: Roles) -> anyhow::Result<Self> {
        let lanes = settings.installation.lanes()?;
        let redis = settings.installation.redis()?;
        let store = settings.installation.store.open().await?;
        let processing = &settings.processing;
        let looks_up = roles.has(Role::Intake) || roles.has(Role::Api);
        let places = if looks_up { processing.places()? } else { None };
        let for_requests = processing.settings(places.clone())?;
        let mut api = wiring::api_options(settings, &roles, &redis, &lanes, for_requests.clone())?;
        if for_requests.salt.is_none() && roles.has(Role::Intake) {
            tracing::info!(
                "people are known by their profile ids alone: there is no TIDELINE_IDENTITY_SALT to know them by what they tell"
            );
        }
        let intake = roles.has(Role::Intake);
        let intake = intake.then(|| wiring::intake(for_requests, &redis, &lanes, &store)).transpose()?;
        let scheduler =
            roles.has(Role::Scheduler).then(|| wiring::scheduler(processing, &redis, &lanes, &store));
        let scheduler = scheduler.transpose()?;
        let is_prepared = Arc::new(AtomicBool::new(false));
        api.obstacle = Some(wiring::obstacle(Arc::clone(&is_prepared), intake.as_ref()));
        let api = Service::bind(api, Arc::clone(&store)).await?;
        let address = api.address();
        Ok(Self { roles, lanes, redis, store, address, api, intake, places, scheduler, is_prepared })
    }

    /// Runs its parts, until all are asked to stop or one ends by itself. They end with `parts`.
    pub(crate) async fn run(self, parts: &mut Parts) -> anyhow::Result<()> {
        let Self { roles, lanes, redis, store, address, api, intake, places, scheduler, is_prepared } = self;
        // Health is answered from here on: whoever watches sees a service that waits, not one that is dead.
        tracing::info!(%address, "answering health");
        parts.spawn(|drain| api.run(drain));

        let prepare =
            redis_server::when_reachable(&redis, |server| prepare(&roles, &lanes, store.as_ref(), server));
        tokio::select! {
            prepared = prepare => prepared?,
            () = parts.asked_to_stop() => return Ok(()),
        }
        if *parts.stop().borrow() {
            return Ok(());
        }
        is_prepared.store(true, Ordering::Relaxed);
        if let Some(intake) = intake {
            parts.spawn(|drain| intake.run(drain));
        }
        if let Some(places) = places {
            parts.spawn(|drain| places.run(drain));
        }
        if let Some(scheduler) = scheduler {
            parts.spawn(|drain| scheduler.run(drain));
        }
        tracing::info!(%address, "listening");
        parts.asked_to_stop().await;
        Ok(())
    }
}

/// Makes Redis hold what it must: it may have been replaced by an empty one since the installation was
/// provisioned. What was never provisioned is not made up.
async fn prepare(roles: &Roles, lanes: &Lanes, store: &dyn Store, server: RedisServer) -> anyhow::Result<()> {
    let RedisServer { mut connection, version } = server;
    let redis = &mut connection;
    tracing::info!(version, "redis is there");
    if !roles.has(Role::Api) {
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
    published::publish(redis, lanes, &sources, &store.redirects().await?).await
}
