//! `tideline provision`: makes Redis and the store ready. All of it can be repeated, and a run that was
//! cut short is mended by the next one.

use std::collections::HashSet;
use std::process::ExitCode;

use anyhow::Context as _;
use redis::aio::MultiplexedConnection;
use tideline_model::{EventSource, Redirect};
use tideline_store::Store;

use crate::provision_file::ProvisionFile;
use crate::settings::ProvisionSettings;
use crate::{function_library, lane_setup, published, redis_server};

pub(crate) async fn run(settings: ProvisionSettings) -> anyhow::Result<ExitCode> {
    let installation = &settings.installation;
    let lanes = installation.lanes()?;
    let ProvisionFile { sources, redirects } = ProvisionFile::read(&settings.sources)?;
    let mut redis = redis_server::connect(&installation.redis()?).await?.connection;
    let store = installation.store.open().await?;

    load_functions(&mut redis).await.context("cannot load the functions into redis")?;
    lane_setup::ensure(&mut redis, &lanes).await.context("cannot set up the lanes")?;
    store_sources(store.as_ref(), &sources).await?;
    store_redirects(store.as_ref(), &redirects).await?;
    published::publish(&mut redis, &lanes, &sources, &redirects).await?;
    tracing::info!(
        lanes = lanes.all().count(),
        sources = sources.len(),
        redirects = redirects.len(),
        "provisioned"
    );
    Ok(ExitCode::SUCCESS)
}

async fn load_functions(redis: &mut MultiplexedConnection) -> redis::RedisResult<()> {
    for library in function_library::ALL {
        library.load(redis).await?;
    }
    Ok(())
}

/// The store keeps a source that is gone from the file, because events refer to it, but switched off.
/// The edge refuses it either way: as unknown from now on, as disabled once the service has started anew.
async fn store_sources(store: &dyn Store, sources: &[EventSource]) -> anyhow::Result<()> {
    let ids: HashSet<String> = sources.iter().map(|source| source.id.to_lowercase()).collect();
    for known in store.sources().await? {
        if known.enabled && !ids.contains(&known.id.to_lowercase()) {
            tracing::info!(source = known.id, "switched off a source that is not in the file any more");
            store.put_source(EventSource { enabled: false, ..known }).await?;
        }
    }
    for source in sources {
        store.put_source(source.clone()).await?;
    }
    Ok(())
}

/// A redirect that is gone from the file is gone from the store: nothing refers to it.
async fn store_redirects(store: &dyn Store, redirects: &[Redirect]) -> anyhow::Result<()> {
    let ids: HashSet<String> = redirects.iter().map(|redirect| redirect.id.to_lowercase()).collect();
    for known in store.redirects().await? {
        if !ids.contains(&known.id.to_lowercase()) {
            tracing::info!(redirect = known.id, "removed a redirect that is not in the file any more");
            store.remove_redirect(&known.id).await?;
        }
    }
    for redirect in redirects {
        store.put_redirect(redirect.clone()).await?;
    }
    Ok(())
}
