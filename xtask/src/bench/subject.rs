//! What is measured, running: its processes, and the Redis behind it. Each measurement has a new one.

use std::fs::{self, File};
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use serde_json::json;

use super::Programs;
use super::redis::User;
use super::rows::Subject;
use crate::ports::{Ports, at};
use crate::probe::{http_status, wait_for_port};
use crate::process::Process;
use crate::run::{output_of, root};
use crate::secrets::{random, sha256, write_private};
use crate::stack::{Part, Stack};

/// How a start ended.
pub(super) enum Started {
    /// It serves.
    Running(Box<Running>),
    /// It cannot be measured here, and why.
    Skipped(String),
}

/// Processes that serve requests.
pub(super) struct Running {
    /// Where requests are sent to; Redis, if there is nothing before it.
    pub(super) address: SocketAddr,
    /// Each process that works for a request.
    pub(super) processes: Vec<(&'static str, u32)>,
    /// The port of Redis, if there is one.
    pub(super) redis: Option<u16>,
    /// The port of the gateway's metrics, if there is a gateway.
    pub(super) metrics: Option<u16>,
    behind: Behind,
    _edge: Option<Process>,
}

/// What stands behind the edge.
enum Behind {
    Nothing,
    /// Redis with its users, the functions and the gateway, as it is deployed.
    Installation(Box<Stack>),
    /// Redis without users, and perhaps the gateway, whose token is here.
    Plain {
        _redis: Process,
        _gateway: Option<Process>,
        token: String,
    },
}

impl Running {
    /// Who may ask Redis for its statistics, and read the streams; none where Redis has no users.
    pub(super) fn redis_user(&self) -> Option<User<'_>> {
        match &self.behind {
            Behind::Installation(stack) => Some(("service", stack.service_password())),
            Behind::Plain { .. } | Behind::Nothing => None,
        }
    }

    /// What the generator is told in secret.
    pub(super) fn generator_environment(&self) -> Vec<(&'static str, String)> {
        match &self.behind {
            Behind::Installation(stack) => vec![("TIDELINE_LOAD_REDIS_URL", stack.redis_url())],
            Behind::Plain { token, .. } => vec![("TIDELINE_LOAD_TOKEN", token.clone())],
            Behind::Nothing => Vec::new(),
        }
    }
}

/// Starts what a row measures; its data go into `folder`, which is emptied.
///
/// # Errors
/// Something does not start; the sentence says where its log is.
pub(super) fn start(subject: Subject, programs: &Programs, folder: &Path) -> Result<Started> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("{} cannot be emptied", folder.display()))?;
    }
    fs::create_dir_all(folder)?;
    match subject {
        Subject::Hello => {
            let edge = Edge::new(Subject::Hello, programs, folder, Vec::new())?;
            edge.start(Behind::Nothing, Vec::new())
        }
        Subject::Gateway(_) => plain(programs, folder, true),
        Subject::Redis(_) => plain(programs, folder, false),
        Subject::Wasmtime if output_of("wasmtime", &["--version"]).is_none() => {
            Ok(Started::Skipped("`wasmtime` is not installed".to_owned()))
        }
        _ => {
            let stack = installation(programs, folder, |_| Ok(()))?;
            let edge = Edge::new(subject, programs, folder, stack.collector_environment().to_vec())?;
            let processes = [("gateway", Part::Gateway), ("Redis", Part::Redis)];
            let processes = processes.into_iter().filter_map(|(name, part)| Some((name, stack.id(part)?)));
            let processes = processes.collect();
            edge.start(Behind::Installation(Box::new(stack)), processes)
        }
    }
}

/// Redis with lanes and the demo source, and the gateway. `more_users` adds lines to the users of Redis.
///
/// # Errors
/// As [`start`].
pub(super) fn installation(
    programs: &Programs,
    folder: &Path,
    more_users: impl FnOnce(&mut File) -> io::Result<()>,
) -> Result<Stack> {
    let mut stack = Stack::prepare(programs.artifacts.clone(), Ports::free()?, folder)?;
    more_users(&mut File::options().append(true).open(folder.join("users.acl"))?)?;
    // A port that nobody else needs here.
    stack.show_gateway_metrics(stack.ports().service);
    stack.start(Part::Redis)?;
    stack.provision()?;
    stack.start(Part::Gateway)?;
    Ok(stack)
}

/// An edge that is about to be started.
pub(super) struct Edge {
    subject: Subject,
    command: Command,
    environment: Vec<(&'static str, String)>,
    port: u16,
    logs: PathBuf,
}

impl Edge {
    /// An edge on a free port; `environment` is what a collector is told.
    pub(super) fn new(
        subject: Subject,
        programs: &Programs,
        folder: &Path,
        mut environment: Vec<(&'static str, String)>,
    ) -> Result<Self> {
        let port = Ports::free()?.edge;
        let artifacts = &programs.artifacts;
        let gateway = environment.iter().find(|(name, _)| *name == "UPSTASH_REDIS_REST_URL");
        let outbound = gateway.map(|(_, url)| url.clone()).unwrap_or_default();
        let mut ours = |component: &Path| {
            environment.extend([
                ("EDGE_LISTEN", at(port).to_string()),
                ("EDGE_ALLOW_OUTBOUND", outbound.clone()),
                ("EDGE_CACHE_DIR", programs.cache.display().to_string()),
            ]);
            environment.retain(|(_, value)| !value.is_empty());
            let mut command = Command::new(&artifacts.edge);
            command.arg("--component").arg(component);
            command
        };
        let command = match subject {
            Subject::Component | Subject::ComponentAlone => ours(&artifacts.component),
            Subject::ComponentP2 => ours(&artifacts.component_p2),
            Subject::Hello => ours(&programs.hello),
            Subject::Wasmtime => {
                let mut command = Command::new("wasmtime");
                command.args(["serve", "-Scli", "-Sinherit-env", "--addr", &at(port).to_string()]);
                command.arg(&artifacts.component);
                command
            }
            Subject::Native => {
                environment.push(("EXPOSE_GUI_API", "no".to_owned()));
                environment.push(("TIDELINE_COLLECT_LISTEN", at(port).to_string()));
                let mut command = Command::new(&artifacts.service);
                command.arg("serve");
                command
            }
            Subject::Gateway(_) | Subject::Redis(_) => bail!("{subject:?} has no edge"),
        };
        if subject == Subject::ComponentAlone {
            environment.push(("TIDELINE_GROUP_COMMIT", "no".to_owned()));
        }
        let keeps_addresses = matches!(
            subject,
            Subject::Component | Subject::ComponentAlone | Subject::ComponentP2 | Subject::Native
        );
        if keeps_addresses {
            environment.push(("TIDELINE_CLIENT_ADDRESS_HEADER", "tideline-client-address".to_owned()));
        }
        Ok(Self { subject, command, environment, port, logs: folder.join("logs") })
    }

    /// Starts the process, whether it is ready or not.
    pub(super) fn run(&mut self) -> Result<Process> {
        let mut edge = Process::start("edge", &mut self.command, &self.environment, &self.logs)?;
        wait_for_port(&mut edge, self.port)?;
        Ok(edge)
    }

    /// Where it listens.
    pub(super) fn port(&self) -> u16 {
        self.port
    }

    fn start(mut self, behind: Behind, mut processes: Vec<(&'static str, u32)>) -> Result<Started> {
        let edge = self.run()?;
        let path = if self.subject == Subject::Hello { "/" } else { "/readyz" };
        // The first answer of a component may take until it is compiled.
        if http_status(self.port, path) != Some(200) {
            bail!("the edge is not ready:\n{}", edge.last_lines());
        }
        processes.insert(0, ("edge", edge.id()));
        let address = at(self.port);
        let ports = match &behind {
            Behind::Installation(stack) => Some(stack.ports()),
            Behind::Plain { .. } | Behind::Nothing => None,
        };
        let (redis, metrics) = (ports.map(|ports| ports.redis), ports.map(|ports| ports.service));
        let _edge = Some(edge);
        Ok(Started::Running(Box::new(Running { address, processes, redis, metrics, behind, _edge })))
    }
}

/// Redis without users, as `redis-benchmark` finds it by itself, perhaps behind a gateway.
fn plain(programs: &Programs, folder: &Path, with_gateway: bool) -> Result<Started> {
    let (ports, logs) = (Ports::free()?, folder.join("logs"));
    let mut command = Command::new("redis-server");
    command.arg(root().join("infra/redis/redis.conf"));
    command.args(["--port", &ports.redis.to_string(), "--maxmemory", "2gb", "--dir"]).arg(folder);
    let mut redis = Process::start("redis", &mut command, &[], &logs)?;
    wait_for_port(&mut redis, ports.redis)?;
    let token = random(32)?;
    let mut processes = vec![("Redis", redis.id())];
    let mut gateway = None;
    if with_gateway {
        let tokens = json!({ "tokens": [{ "name": "load", "sha256": sha256(&token), "policy": "full" }] });
        let tokens_file = folder.join("gateway-tokens.json");
        write_private(&tokens_file, tokens.to_string().as_bytes())?;
        let environment = [
            ("GATEWAY_LISTEN", at(ports.gateway).to_string()),
            ("GATEWAY_REDIS_URL", format!("redis://{}", at(ports.redis))),
            ("GATEWAY_TOKENS_FILE", tokens_file.display().to_string()),
        ];
        let mut command = Command::new(&programs.artifacts.gateway);
        let mut process = Process::start("gateway", &mut command, &environment, &logs)?;
        wait_for_port(&mut process, ports.gateway)?;
        processes.insert(0, ("gateway", process.id()));
        gateway = Some(process);
    }
    let address = at(if with_gateway { ports.gateway } else { ports.redis });
    let behind = Behind::Plain { _redis: redis, _gateway: gateway, token };
    Ok(Started::Running(Box::new(Running {
        address,
        processes,
        redis: Some(ports.redis),
        metrics: None,
        behind,
        _edge: None,
    })))
}
