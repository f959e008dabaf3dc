//! The settings of the binary. `--help` is made from this file; each option is also an environment
//! variable. Secrets have no option: they come from the environment or from a file.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::{Args, CommandFactory as _, Parser, Subcommand, ValueEnum};
use tideline_api::Tokens;
use tideline_protocol::Lanes;

use crate::collector_settings::CollectorSettings;
use crate::processing_settings::ProcessingSettings;
use crate::secret;
use crate::store_settings::{SECRETS, StoreSettings};

const REDIS_URL: &str = "TIDELINE_REDIS_URL";
const API_TOKENS: &str = "TIDELINE_API_TOKENS_SHA256";
const CONTEXT: &str = "TIDELINE_CONTEXT";
const REGION: &str = "TIDELINE_REGION";
const LANES: &str = "TIDELINE_LANES";

const REDIS_HELP: &str = "\
Secret, from the environment or from a file that --redis-url-file names:
  TIDELINE_REDIS_URL          Where Redis is and who we are: redis://user:password@host:6379";

const FILE_HELP: &str = r#"The file, with all that it may say; a source needs an id and a name, and what is left out is as here:
  {
    "sources": [{
      "id": "shop-web",
      "name": "Shop",
      "channel": null,                what it is for, as in "Web"
      "type": ["rest"],               rest (/track), webhook (/collect), redirect (/redirect)
      "enabled": true,
      "transitional": false,          true: of what it brings, only the profile is kept
      "origins": [],                  web origins whose pages may use it, as in "https://shop.example"; none: any
      "bots": "refuse",               refuse, accept
      "opt_out": "ignore",            what Sec-GPC: 1 or DNT: 1 does: ignore, anonymous, drop
      "returns": [],                  what pages are told of their visitor: segments, consents, interests, traits.plan
      "config": {
        "static_profile_id": false,   true: profile ids are taken as they are sent
        "replace_profile_id": null,   webhooks: the property that is the profile's id, as in "customer.id"
        "generate_profile": [],       webhooks: properties; the first that is there tells the person
        "sticky_session": true        webhooks: all events of such a person are in one session
      }
    }],
    "redirects": [{
      "id": "autumn",                 the link is /redirect/autumn
      "name": "Autumn mail",
      "source": "links",              a source of the file, of type redirect
      "event_type": "link-opened",
      "url": "https://shop.example/coats",
      "props": {},                    the event's properties, a template
      "enabled": true
    }]
  }"#;

const SECRETS_HELP: &str = "\
Secrets, from the environment or from files that --redis-url-file, --api-tokens-sha256-file and --identity-salt-file name:
  TIDELINE_REDIS_URL          Where Redis is and who we are: redis://user:password@host:6379
  TIDELINE_API_TOKENS_SHA256  SHA-256 of each API token, 64 hex digits, separated by commas.
                              Make one with: printf %s \"$TOKEN\" | sha256sum
  TIDELINE_SEARCH_PASSWORD, TIDELINE_SEARCH_API_KEY
                              Who we are to the search server, if there is one; or files that
                              --search-password-file and --search-api-key-file name
  TIDELINE_IDENTITY_SALT      Not needed: people are known by what they tell only with it. For ever the same,
                              as at the edge. Make it with: openssl rand -hex 16

The role collect is told the rest by the variables of the edge, from the environment alone, and needs neither
of these two nor a store:
  UPSTASH_REDIS_REST_URL, UPSTASH_REDIS_REST_TOKEN   Redis over HTTP, and the edge's token
  TIDELINE_PROFILE_ID_KEYS                           The edge's keys; make one with: openssl rand -hex 16
  docs/deploy.md has all of them";

/// Takes in what the edge accepted, stores it, and serves the API and the GUI.
#[derive(Debug, Parser)]
#[command(name = "tideline", version)]
pub(crate) struct CommandLine {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) logging: Logging,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the service until SIGTERM or SIGINT.
    Serve(ServeSettings),
    /// Say what is wrong with the configuration, Redis and the store, a line each; exit 1 if anything is.
    Check(ServeSettings),
    /// Make Redis and the store ready: functions, lanes and event sources. Repeat it as often as you like.
    Provision(ProvisionSettings),
}

/// All variables that this program reads for itself: those of its options, and its secrets, but for the identity salt, which
/// the collector reads as well.
pub(crate) fn environment_names() -> Vec<String> {
    let program = CommandLine::command();
    let commands = std::iter::once(&program).chain(program.get_subcommands());
    let of_options = commands.flat_map(clap::Command::get_arguments).filter_map(clap::Arg::get_env);
    let secrets = [REDIS_URL, API_TOKENS].into_iter().chain(SECRETS).map(str::to_owned);
    of_options.map(|name| name.to_string_lossy().into_owned()).chain(secrets).collect()
}

/// How log lines are written.
#[derive(Debug, Args)]
#[command(next_help_heading = "Logging")]
pub(crate) struct Logging {
    /// How log lines are written, to standard error.
    #[arg(long, env = "TIDELINE_LOG_FORMAT", value_enum, default_value_t = LogFormat::Text, global = true)]
    pub(crate) log_format: LogFormat,

    /// Least important level that is logged, or a filter such as `info,tideline_api=debug`.
    #[arg(long, env = "TIDELINE_LOG", default_value = "info", value_name = "FILTER", global = true)]
    pub(crate) log: String,
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Which installation: its Redis, its lanes, its store. The same for everything that belongs to it.
#[derive(Clone, Debug, Args)]
pub(crate) struct Installation {
    /// File that holds the URL of Redis, instead of TIDELINE_REDIS_URL.
    #[arg(long, env = "TIDELINE_REDIS_URL_FILE", value_name = "FILE")]
    redis_url_file: Option<PathBuf>,

    /// Context: data of two contexts never meet. 1 to 32 of a-z, 0-9 and `-`.
    #[arg(long, env = CONTEXT, default_value = "production", value_name = "NAME")]
    context: String,

    /// Region: each has its own edges and its own Redis. 1 to 32 of a-z, 0-9 and `-`.
    #[arg(long, env = REGION, default_value = "local", value_name = "NAME")]
    region: String,

    /// Number of lanes, 1 to 256. Fixed once there is data, and the same at the edge.
    #[arg(long, env = LANES, default_value_t = Lanes::DEFAULT_COUNT, value_name = "NUMBER")]
    lanes: u16,

    #[command(flatten)]
    pub(crate) store: StoreSettings,
}

impl Installation {
    /// The lanes, with their names checked.
    pub(crate) fn lanes(&self) -> anyhow::Result<Lanes> {
        Lanes::new(&self.context, &self.region, self.lanes)
            .context("TIDELINE_CONTEXT, TIDELINE_REGION or TIDELINE_LANES is not usable")
    }

    /// The same for a collector, which reads variables.
    pub(crate) fn variables(&self) -> [(&'static str, String); 3] {
        [(CONTEXT, self.context.clone()), (REGION, self.region.clone()), (LANES, self.lanes.to_string())]
    }

    /// A client for Redis; nothing is connected yet.
    pub(crate) fn redis(&self) -> anyhow::Result<redis::Client> {
        let url = secret::read(REDIS_URL, self.redis_url_file.as_deref())?;
        if url.reveal().starts_with("rediss:") {
            anyhow::bail!("{REDIS_URL} asks for TLS, which is not built in: use redis:// and a tunnel");
        }
        // Its own error may quote the URL.
        redis::Client::open(url.reveal()).map_err(|_| {
            anyhow::anyhow!("{REDIS_URL} is not a Redis URL: write redis://user:password@host:6379, special characters in the password as %XX")
        })
    }
}

/// Settings of `serve` and `check`.
#[derive(Clone, Debug, Args)]
#[command(after_help = SECRETS_HELP)]
pub(crate) struct ServeSettings {
    #[command(flatten)]
    pub(crate) installation: Installation,

    /// Address and port of the API and the GUI; port 0 takes a free one.
    #[arg(long, env = "TIDELINE_LISTEN", default_value = "127.0.0.1:8686", value_name = "ADDRESS")]
    pub(crate) listen: SocketAddr,

    /// Directory of the built GUI; without it only the API is served.
    #[arg(long, env = "TIDELINE_GUI_DIR", value_name = "DIRECTORY")]
    pub(crate) gui_dir: Option<PathBuf>,

    /// File that holds the SHA-256 digests of the API tokens, instead of TIDELINE_API_TOKENS_SHA256.
    #[arg(long, env = "TIDELINE_API_TOKENS_SHA256_FILE", value_name = "FILE")]
    api_tokens_sha256_file: Option<PathBuf>,

    /// What this process does. Repeat it, or separate several with commas. Default: api,intake,scheduler, or collect
    /// where --expose-gui-api is no.
    #[arg(long = "role", env = "TIDELINE_ROLES", value_enum, value_delimiter = ',')]
    roles: Vec<Role>,

    /// Whether this is the private service. `no` makes it a collector and nothing else: there is no GUI and
    /// no API, whatever else is set.
    #[arg(long, env = "EXPOSE_GUI_API", value_enum, default_value_t = Expose::Yes)]
    expose_gui_api: Expose,

    /// Seconds that requests in progress may take when the service is asked to stop.
    #[arg(long, env = "TIDELINE_DRAIN_SECONDS", default_value_t = 10, value_name = "SECONDS")]
    drain_seconds: u64,

    #[command(flatten)]
    pub(crate) processing: ProcessingSettings,

    #[command(flatten)]
    collector: CollectorSettings,
}

/// A part of the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Role {
    /// The JSON API, the GUI, and keeping the event sources at the edge as they are in the store.
    Api,
    /// Reads what the edge accepted and stores it.
    Intake,
    /// Does what nobody asks for: ends visits that fell silent.
    Scheduler,
    /// Serves the public endpoints as the edge does, natively, on an address of its own.
    Collect,
}

/// Whether the GUI and its API are to be had here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Expose {
    /// What the roles say.
    Yes,
    /// A collector and nothing else.
    No,
}

/// What a process does, all of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Roles(Vec<Role>);

impl Roles {
    /// Whether the process has that role.
    pub(crate) fn has(&self, role: Role) -> bool {
        self.0.contains(&role)
    }

    /// Whether any of it is private, and so needs Redis and the store.
    pub(crate) fn are_private(&self) -> bool {
        self.0.iter().any(|role| *role != Role::Collect)
    }
}

impl ServeSettings {
    /// What this process does.
    pub(crate) fn roles(&self) -> anyhow::Result<Roles> {
        let asked = Roles(self.roles.clone());
        match self.expose_gui_api {
            Expose::No if asked.are_private() => bail!(
                "EXPOSE_GUI_API is no, which makes this process a collector and nothing else, but --role (TIDELINE_ROLES) asks for a private one: leave the role out, or set EXPOSE_GUI_API=yes"
            ),
            Expose::No => Ok(Roles(vec![Role::Collect])),
            Expose::Yes if self.roles.is_empty() => Ok(Roles(vec![Role::Api, Role::Intake, Role::Scheduler])),
            Expose::Yes => Ok(asked),
        }
    }

    /// How the collector serves, if this process is one.
    pub(crate) fn collector(&self) -> anyhow::Result<tideline_collect::Options> {
        self.collector.options(&self.installation, self.drain())
    }

    /// Who may use the API.
    pub(crate) fn api_tokens(&self) -> anyhow::Result<Tokens> {
        let digests = secret::read(API_TOKENS, self.api_tokens_sha256_file.as_deref())?;
        Tokens::parse(digests.reveal()).with_context(|| format!("{API_TOKENS} is not usable"))
    }

    /// How long what is in progress may take at the end.
    pub(crate) fn drain(&self) -> Duration {
        Duration::from_secs(self.drain_seconds)
    }
}

/// Settings of `provision`.
#[derive(Clone, Debug, Args)]
#[command(after_help = format!("{FILE_HELP}\n\n{REDIS_HELP}"))]
pub(crate) struct ProvisionSettings {
    #[command(flatten)]
    pub(crate) installation: Installation,

    /// JSON file with all event sources and redirects, described below. A source that is not in it any more is
    /// switched off, a redirect is removed.
    #[arg(long, env = "TIDELINE_SOURCES", value_name = "FILE")]
    pub(crate) sources: PathBuf,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provision_file::ProvisionFile;
    use tideline_model::EventSource;

    fn serve(arguments: &[&str]) -> Result<ServeSettings, clap::Error> {
        let command_line = CommandLine::try_parse_from([&["tideline", "serve"], arguments].concat())?;
        match command_line.command {
            Command::Serve(settings) => Ok(settings),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_file_that_the_help_shows_is_one_and_leaves_out_nothing() {
        let without_remarks = |line: &str| line.trim().split("   ").next().unwrap_or_default().to_owned();
        let json: String = FILE_HELP.lines().skip(1).map(without_remarks).collect();
        let file: ProvisionFile = serde_json::from_str(&json).unwrap();
        assert_eq!(file.sources, [EventSource::new("shop-web", "Shop")]);
        let shown: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(shown["sources"][0], serde_json::to_value(&file.sources[0]).unwrap());
        assert_eq!(shown["redirects"][0], serde_json::to_value(&file.redirects[0]).unwrap());
    }

    #[test]
    fn options_are_consistent_and_defaults_are_accepted() {
        CommandLine::command().debug_assert();
        let settings = serve(&[]).unwrap();
        assert_eq!(settings.listen.port(), 8686);
        assert_eq!(settings.installation.lanes().unwrap().all().count(), 16);
    }

    #[test]
    fn roles_are_chosen_and_contradictions_refused_with_the_remedy() {
        use Role::{Api, Collect, Intake, Scheduler};
        let table = [
            (&[][..], Ok(&[Api, Intake, Scheduler][..])),
            (&["--role", "intake"], Ok(&[Intake])),
            (&["--role", "api,collect"], Ok(&[Api, Collect])),
            (&["--expose-gui-api", "yes", "--role", "collect"], Ok(&[Collect])),
            (&["--expose-gui-api", "no"], Ok(&[Collect])),
            (&["--expose-gui-api", "no", "--role", "collect"], Ok(&[Collect])),
            (&["--expose-gui-api", "no", "--role", "api"], Err("set EXPOSE_GUI_API=yes")),
            (&["--expose-gui-api", "no", "--role", "collect,intake"], Err("leave the role out")),
            (&["--expose-gui-api", "no", "--role", "scheduler"], Err("leave the role out")),
        ];
        for (arguments, expected) in table {
            match (serve(arguments).unwrap().roles(), expected) {
                (Ok(roles), Ok(expected)) => assert_eq!(roles.0, expected, "{arguments:?}"),
                (Err(error), Err(remedy)) => assert!(error.to_string().contains(remedy), "{error}"),
                (roles, _) => panic!("{arguments:?}: {roles:?}"),
            }
        }
        for arguments in [["--role", "everything"], ["--expose-gui-api", "maybe"], ["--expose-gui-api", ""]] {
            assert!(serve(&arguments).is_err(), "{arguments:?}");
        }
    }

    #[test]
    fn bad_names_and_numbers_of_lanes_are_refused_with_the_remedy() {
        for arguments in [["--lanes", "0"], ["--lanes", "257"], ["--region", "EU"], ["--context", ""]] {
            let error = serve(&arguments).unwrap().installation.lanes().unwrap_err();
            assert!(format!("{error:#}").contains("use 1 to"), "{error:#}");
        }
    }
}
