//! `tideline check`: what is wrong with the configuration, the store and Redis, a line each.

use std::io::{self, Write as _};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use redis::InfoDict;
use redis::aio::MultiplexedConnection;
use tideline_model::{EventSource, Redirect};
use tideline_protocol::Lanes;

use crate::function_library::{self, Loaded};
use crate::published::{self, Kind};
use crate::settings::{Installation, Role, Roles, ServeSettings};
use crate::store_settings::Look;
use crate::{event_sources, lane_setup, redirects, redis_server, sentence};

const PROVISION: &str = "run `tideline provision --sources FILE`";

pub(crate) async fn run(settings: ServeSettings) -> anyhow::Result<ExitCode> {
    let roles = settings.roles()?;
    let mut report = Report::default();
    if roles.has(Role::Collect) {
        check_collector(&settings, &mut report).await?;
    }
    if roles.are_private() {
        check_private_service(&settings, &roles, &mut report).await?;
    }
    Ok(report.exit_code())
}

async fn check_collector(settings: &ServeSettings, report: &mut Report) -> io::Result<()> {
    if let Some(options) = report.note("collector", collector(settings))? {
        report.note("gateway", gateway(&options).await)?;
    }
    Ok(())
}

async fn check_private_service(
    settings: &ServeSettings,
    roles: &Roles,
    report: &mut Report,
) -> io::Result<()> {
    let installation = &settings.installation;
    let lanes = report.note(
        "lanes",
        installation.lanes().map(|lanes| {
            let described = described(&lanes);
            (lanes, described)
        }),
    )?;
    if roles.has(Role::Api) {
        report.note(
            "tokens",
            settings.api_tokens().map(|tokens| ((), format!("{} may use the API", tokens.count()))),
        )?;
        report.note("gui", gui(settings))?;
    }
    if roles.has(Role::Intake) {
        report.note("places", places(settings))?;
        report.note("identity", identity(settings))?;
    }
    let configuration = report.note("store", store(installation).await)?.flatten();
    let redis = report.note("redis", reach(installation).await)?;
    if let (Some(mut redis), Some(lanes)) = (redis, lanes) {
        report.note("durability", durability(&mut redis).await)?;
        report.note("functions", functions(&mut redis).await)?;
        report.note("streams", streams(&mut redis, &lanes).await)?;
        if let Some(configuration) = configuration {
            report.note("sources", published(&mut redis, &lanes, &configuration).await)?;
        }
    }
    Ok(())
}

/// What the store says that the edge should know.
struct Configuration {
    sources: Vec<EventSource>,
    redirects: Vec<Redirect>,
}

/// What was found so far.
#[derive(Default)]
struct Report {
    wrong: usize,
}

impl Report {
    /// Prints a line about one thing, and hands on what was found.
    fn note<T>(&mut self, what: &str, outcome: anyhow::Result<(T, String)>) -> io::Result<Option<T>> {
        let (state, said, found) = match outcome {
            Ok((found, said)) => ("ok", said, Some(found)),
            Err(error) => {
                self.wrong += 1;
                ("wrong", sentence::of(&error), None)
            }
        };
        writeln!(io::stdout(), "{state:<5}  {what:<10}  {said}")?;
        Ok(found)
    }

    fn exit_code(&self) -> ExitCode {
        if self.wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

fn described(lanes: &Lanes) -> String {
    format!("{} lanes of {}", lanes.all().count(), lane_setup::shared_name(lanes))
}

fn collector(settings: &ServeSettings) -> anyhow::Result<(tideline_collect::Options, String)> {
    let options = settings.collector()?;
    options.check()?;
    let said = format!("takes in events for {}", described(&options.settings.lanes));
    Ok((options, said))
}

fn places(settings: &ServeSettings) -> anyhow::Result<((), String)> {
    let said = match settings.processing.places()? {
        Some(file) => format!("addresses are looked up in a {}", file.kind()),
        None => "addresses are not looked up: there is no TIDELINE_PLACES_FILE".to_owned(),
    };
    Ok(((), said))
}

fn identity(settings: &ServeSettings) -> anyhow::Result<((), String)> {
    let said = match settings.processing.salt()? {
        Some(_) => "people are known by what they tell",
        None => "people are known by their profile ids alone: there is no TIDELINE_IDENTITY_SALT",
    };
    Ok(((), said.to_owned()))
}

async fn gateway(options: &tideline_collect::Options) -> anyhow::Result<((), String)> {
    let endpoint = &options.settings.endpoint;
    let address = format!("{}://{}", endpoint.scheme(), endpoint.authority());
    tideline_collect::ping(endpoint).await.with_context(|| {
        format!(
            "redis cannot be used over {address}: mend UPSTASH_REDIS_REST_URL or UPSTASH_REDIS_REST_TOKEN"
        )
    })?;
    Ok(((), format!("redis answers over {address}")))
}

fn gui(settings: &ServeSettings) -> anyhow::Result<((), String)> {
    let Some(folder) = &settings.gui_dir else { return Ok(((), "not served: no --gui-dir".to_owned())) };
    if !folder.join("index.html").is_file() {
        return Err(tideline_api::Error::NoGui(folder.clone()).into());
    }
    Ok(((), format!("in {}", folder.display())))
}

async fn store(installation: &Installation) -> anyhow::Result<(Option<Configuration>, String)> {
    // Opening would make it, or bring it up to date: then the version before could not be gone back to.
    let (store, place) = match installation.store.look().await? {
        Look::Is(Some(store), place) => (store, place),
        Look::Is(None, place) => bail!(
            "there is no store in {place}: {PROVISION}, which makes it, or mend TIDELINE_DATA_DIR or TIDELINE_SEARCH_URLS"
        ),
        Look::Older => {
            let said = "is of an older version: the next start brings it up to date, and was not read before";
            return Ok((None, said.to_owned()));
        }
    };
    store.ready().await?;
    let sources = store.sources().await?;
    if sources.is_empty() {
        bail!("the store in {place} knows no event source: {PROVISION}");
    }
    let redirects = store.redirects().await?;
    let said = format!("opens, and knows {} event sources and {} redirects", sources.len(), redirects.len());
    Ok((Some(Configuration { sources, redirects }), said))
}

async fn reach(installation: &Installation) -> anyhow::Result<(MultiplexedConnection, String)> {
    let client = installation.redis()?;
    let server = redis_server::connect(&client).await?;
    Ok((server.connection, format!("version {} at {}", server.version, redis_server::address(&client))))
}

/// Whether what was answered survives a crash, as far as Redis tells those who may not read its configuration.
async fn durability(redis: &mut MultiplexedConnection) -> anyhow::Result<((), String)> {
    let info: InfoDict = redis::cmd("INFO").arg("everything").query_async(redis).await?;
    if info.get::<u8>("aof_enabled") == Some(0) {
        bail!(
            "redis keeps no append-only file, so a crash loses events that were answered: set appendonly yes and appendfsync always, as infra/redis/redis.conf does"
        );
    }
    match info.get::<String>("maxmemory_policy") {
        Some(policy) if policy != "noeviction" => bail!(
            "redis drops keys when its memory is full (maxmemory-policy {policy}): set maxmemory-policy noeviction, as infra/redis/redis.conf does"
        ),
        _ => Ok(((), "append-only file is on, nothing is evicted".to_owned())),
    }
}

async fn functions(redis: &mut MultiplexedConnection) -> anyhow::Result<((), String)> {
    for library in function_library::ALL {
        match library.loaded(redis).await.context("cannot list the functions")? {
            Loaded::This => {}
            Loaded::Another => bail!(
                "redis has another version of the library {} than this program: {PROVISION}",
                library.name
            ),
            Loaded::Nothing => bail!("redis has no library {}: {PROVISION}", library.name),
        }
    }
    Ok(((), "both libraries are loaded, in this version".to_owned()))
}

async fn streams(redis: &mut MultiplexedConnection, lanes: &Lanes) -> anyhow::Result<((), String)> {
    let number = lanes.all().count();
    match lane_setup::made_with(redis, lanes).await? {
        None => bail!("these lanes were never set up: {PROVISION}"),
        Some(before) if usize::from(before) != number => {
            bail!("this installation has {before} lanes, and TIDELINE_LANES is {number}: set it to {before}")
        }
        Some(_) => {}
    }
    let missing = lane_setup::missing(redis, lanes).await?;
    if let Some(first) = missing.first() {
        bail!(
            "{} of {number} lanes lack their stream or its group, {first} among them: {PROVISION}",
            missing.len()
        );
    }
    Ok(((), format!("all {number} lanes have their stream and its group")))
}

async fn published(
    redis: &mut MultiplexedConnection,
    lanes: &Lanes,
    Configuration { sources, redirects }: &Configuration,
) -> anyhow::Result<((), String)> {
    let source_copies: Vec<_> = sources.iter().map(|source| event_sources::copy(source, lanes)).collect();
    let redirect_copies: Vec<_> = redirects.iter().map(redirects::copy).collect();
    for (what, kind, copies) in
        [("source", Kind::EventSources, &source_copies), ("redirect", Kind::Redirects, &redirect_copies)]
    {
        if let Some((id, lane)) = published::first_outdated(redis, lanes, kind, copies).await? {
            bail!(
                "the {what} `{id}` is not in lane {lane} as it is in the store, so the edge goes by something else: {PROVISION}"
            );
        }
        if let Some(id) = published::first_surplus(redis, lanes, kind, copies).await? {
            bail!("the {what} `{id}` is still in the lanes, and not in the store: {PROVISION}");
        }
    }
    Ok(((), format!("{} and {} redirects in every lane", sources.len(), redirects.len())))
}
