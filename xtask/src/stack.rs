//! One whole Tideline on loopback: Redis, gateway, edge, private service, demo site.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use serde::Serialize;
use serde_json::json;

use crate::artifacts::Artifacts;
use crate::ports::Ports;
use crate::probe::{wait_for_http, wait_for_port};
use crate::process::Process;
use crate::run::root;
use crate::secrets::{Secrets, sha256, write_private};

/// The demo site's event source.
pub const SOURCE: &str = "shop-web";

/// A running Tideline. Dropped, it is killed; [`Stack::stop`] ends it in order.
pub struct Stack {
    artifacts: Artifacts,
    ports: Ports,
    data: PathBuf,
    secrets: Secrets,
    parts: Vec<(Part, Process)>,
    gateway_metrics: Option<u16>,
    is_lean: bool,
    knows_people: bool,
    /// Settings that lead to a search server; none where the store is embedded.
    search_server: Vec<(&'static str, String)>,
}

/// A process of the stack, in the order in which they start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// redis-server.
    Redis,
    /// Redis over HTTP.
    Gateway,
    /// The private service.
    Service,
    /// The edge host with the component.
    Edge,
    /// The demo site.
    Demo,
}

/// All parts, in the order in which they start.
pub const PARTS: [Part; 5] = [Part::Redis, Part::Gateway, Part::Service, Part::Edge, Part::Demo];

/// Where everything is, as `.tideline/up.json` tells scripts.
#[derive(Clone, Debug, Serialize)]
pub struct Addresses {
    /// The public edge.
    pub edge: String,
    /// The private service: API and GUI.
    pub gui: String,
    /// The demo site.
    pub demo: String,
    /// Redis over HTTP.
    pub gateway: String,
    /// The demo site's event source.
    pub source: String,
    /// A token for the API.
    pub token: String,
}

impl Stack {
    /// Writes what the parts need into `data`; starts nothing yet.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn prepare(artifacts: Artifacts, ports: Ports, data: &Path) -> Result<Self> {
        let redis_data = data.join("redis");
        fs::create_dir_all(&redis_data).with_context(|| format!("{} cannot be written", data.display()))?;
        let secrets = Secrets::load_or_make(&data.join("secrets.json"))?;

        let acl = fs::read_to_string(root().join("infra/redis/users.acl.template"))?
            .replace("@EDGE_PASSWORD_SHA256@", &sha256(&secrets.edge_password))
            .replace("@SERVICE_PASSWORD_SHA256@", &sha256(&secrets.service_password));
        write_private(&data.join("users.acl"), acl.as_bytes())?;
        write_tokens(data, &secrets, "ingest")?;
        let sources =
            json!({ "sources": [{ "id": SOURCE, "name": "Demo shop", "type": ["rest"], "enabled": true }] });
        fs::write(data.join("sources.json"), sources.to_string())?;
        Ok(Self {
            artifacts,
            ports,
            data: data.to_owned(),
            secrets,
            parts: Vec::new(),
            gateway_metrics: None,
            is_lean: false,
            knows_people: false,
            search_server: Vec::new(),
        })
    }

    /// Lets collectors call no function of Redis, from the next start of gateway and edge on.
    ///
    /// # Errors
    /// The gateway's tokens cannot be written.
    pub fn make_lean(&mut self) -> Result<()> {
        self.is_lean = true;
        write_tokens(&self.data, &self.secrets, "lean")
    }

    /// Lets the service know people by what they tell, from its next start on. Suites in which the same people come again
    /// and again to be told apart leave it out.
    pub fn know_people(&mut self) {
        self.knows_people = true;
    }

    /// Lets the service keep documents on a search server that these settings lead to, from its next start on.
    pub fn store_on(&mut self, search_server: Vec<(&'static str, String)>) {
        self.search_server = search_server;
    }

    /// Lets the gateway show its metrics on this port, from its next start on.
    pub fn show_gateway_metrics(&mut self, port: u16) {
        self.gateway_metrics = Some(port);
    }

    /// Starts all parts, each when the one before it answers.
    ///
    /// # Errors
    /// A part does not start: says which, and the end of its log.
    pub fn start_all(&mut self) -> Result<()> {
        PARTS.iter().try_for_each(|part| self.start(*part))
    }

    /// Starts one part and waits until it answers.
    ///
    /// # Errors
    /// As [`Stack::start_all`].
    pub fn start(&mut self, part: Part) -> Result<()> {
        if part == Part::Service {
            self.provision()?;
        }
        let process = match part {
            Part::Redis => self.start_redis(),
            Part::Gateway => self.start_gateway(),
            Part::Service => self.start_service(),
            Part::Edge => self.start_edge(),
            Part::Demo => self.start_demo(),
        }?;
        self.parts.push((part, process));
        Ok(())
    }

    /// Ends one part without a chance to clean up.
    ///
    /// # Errors
    /// It does not run.
    pub fn kill(&mut self, part: Part) -> Result<()> {
        self.take(part)?.kill()?;
        Ok(())
    }

    /// Ends one part as its operator would.
    ///
    /// # Errors
    /// It does not run, or ends with an error.
    pub fn stop(&mut self, part: Part) -> Result<()> {
        let status = self.take(part)?.stop()?;
        if !status.success() {
            bail!("{part:?} ended with {status}");
        }
        Ok(())
    }

    /// Ends all parts: those that take events in first, Redis last.
    ///
    /// # Errors
    /// A part ends with an error.
    pub fn stop_all(&mut self) -> Result<()> {
        for part in [Part::Demo, Part::Edge, Part::Gateway, Part::Service, Part::Redis] {
            if self.parts.iter().any(|(known, _)| *known == part) {
                self.stop(part)?;
            }
        }
        Ok(())
    }

    /// The name and the log of a part that has ended by itself, if one has.
    ///
    /// # Errors
    /// The system does not tell.
    pub fn ended_part(&mut self) -> Result<Option<String>> {
        for (_, process) in &mut self.parts {
            if let Some(status) = process.ended()? {
                return Ok(Some(format!("{} ended ({status}):\n{}", process.name(), process.last_lines())));
            }
        }
        Ok(None)
    }

    /// Where everything is.
    #[must_use]
    pub fn addresses(&self) -> Addresses {
        Addresses {
            edge: url(self.ports.edge),
            gui: url(self.ports.service),
            demo: url(self.ports.demo),
            gateway: url(self.ports.gateway),
            source: SOURCE.to_owned(),
            token: self.secrets.api_token.clone(),
        }
    }

    /// The address of Redis for the private service's user: a secret.
    #[must_use]
    pub fn redis_url(&self) -> String {
        format!("redis://service:{}@127.0.0.1:{}", self.secrets.service_password, self.ports.redis)
    }

    /// The address of Redis for the edge's user, as the gateway uses it: a secret.
    #[must_use]
    pub fn edge_redis_url(&self) -> String {
        format!("redis://edge:{}@127.0.0.1:{}", self.secrets.edge_password, self.ports.redis)
    }

    /// The password of the private service's user of Redis: a secret.
    #[must_use]
    pub fn service_password(&self) -> &str {
        &self.secrets.service_password
    }

    /// The edge's token at the gateway: a secret.
    #[must_use]
    pub fn ingest_token(&self) -> &str {
        &self.secrets.ingest_token
    }

    /// What a collector of this installation is told by its environment, secrets included.
    #[must_use]
    pub fn collector_environment(&self) -> [(&'static str, String); 5] {
        [
            ("UPSTASH_REDIS_REST_URL", url(self.ports.gateway)),
            ("UPSTASH_REDIS_REST_TOKEN", self.secrets.ingest_token.clone()),
            ("TIDELINE_PROFILE_ID_KEYS", self.secrets.profile_id_key.clone()),
            ("TIDELINE_IDENTITY_SALT", self.secrets.identity_salt.clone()),
            ("TIDELINE_REDIS_MODE", if self.is_lean { "lean" } else { "function" }.to_owned()),
        ]
    }

    /// The process id of a part, if it runs.
    #[must_use]
    pub fn id(&self, part: Part) -> Option<u32> {
        self.parts.iter().find(|(known, _)| *known == part).map(|(_, process)| process.id())
    }

    /// Which port each part listens on.
    #[must_use]
    pub fn ports(&self) -> Ports {
        self.ports
    }

    /// The programs that the stack runs.
    #[must_use]
    pub fn artifacts(&self) -> &Artifacts {
        &self.artifacts
    }

    /// The folder that [`Stack::prepare`] was given.
    #[must_use]
    pub fn data(&self) -> &Path {
        &self.data
    }

    fn take(&mut self, part: Part) -> Result<Process> {
        let place = self.parts.iter().position(|(known, _)| *known == part);
        Ok(self.parts.remove(place.with_context(|| format!("{part:?} does not run"))?).1)
    }

    fn logs(&self) -> PathBuf {
        self.data.join("logs")
    }

    fn start_redis(&self) -> Result<Process> {
        let mut command = Command::new("redis-server");
        command
            .arg(root().join("infra/redis/redis.conf"))
            .args(["--port", &self.ports.redis.to_string(), "--maxmemory", "1gb"])
            .arg("--dir")
            .arg(self.data.join("redis"))
            .arg("--aclfile")
            .arg(self.data.join("users.acl"));
        let mut process = Process::start("redis", &mut command, &[], &self.logs())?;
        wait_for_port(&mut process, self.ports.redis)?;
        Ok(process)
    }

    fn start_gateway(&self) -> Result<Process> {
        let mut environment = vec![
            ("GATEWAY_LISTEN", listen(self.ports.gateway)),
            ("GATEWAY_REDIS_URL", self.edge_redis_url()),
            ("GATEWAY_TOKENS_FILE", self.data.join("gateway-tokens.json").display().to_string()),
        ];
        environment.extend(self.gateway_metrics.map(|port| ("GATEWAY_METRICS_LISTEN", listen(port))));
        let mut command = Command::new(&self.artifacts.gateway);
        let mut process = Process::start("gateway", &mut command, &environment, &self.logs())?;
        wait_for_http(&mut process, self.ports.gateway, "/readyz")?;
        Ok(process)
    }

    /// Loads the functions into Redis, which runs, creates the lanes and publishes the event sources.
    ///
    /// # Errors
    /// `tideline provision` fails.
    pub fn provision(&self) -> Result<()> {
        let mut command = Command::new(&self.artifacts.service);
        command.arg("provision").arg("--sources").arg(self.data.join("sources.json"));
        let mut process =
            Process::start("provision", &mut command, &self.service_environment(), &self.logs())?;
        if !process.wait()?.success() {
            bail!("`tideline provision` failed:\n{}", process.last_lines());
        }
        Ok(())
    }

    fn start_service(&self) -> Result<Process> {
        let mut command = Command::new(&self.artifacts.service);
        command.arg("serve");
        let mut process = Process::start("service", &mut command, &self.service_environment(), &self.logs())?;
        wait_for_http(&mut process, self.ports.service, "/readyz")?;
        Ok(process)
    }

    fn service_environment(&self) -> Vec<(&'static str, String)> {
        let salt = ("TIDELINE_IDENTITY_SALT", self.secrets.identity_salt.clone());
        let mut environment = vec![
            ("TIDELINE_LISTEN", listen(self.ports.service)),
            ("TIDELINE_REDIS_URL", self.redis_url()),
            ("TIDELINE_GUI_DIR", self.artifacts.gui.display().to_string()),
            ("TIDELINE_API_TOKENS_SHA256", sha256(&self.secrets.api_token)),
        ];
        environment.extend(Some(salt).filter(|_| self.knows_people));
        if self.search_server.is_empty() {
            environment.push(("TIDELINE_DATA_DIR", self.data.join("store").display().to_string()));
        }
        environment.extend(self.search_server.iter().cloned());
        environment
    }

    fn start_edge(&self) -> Result<Process> {
        let edge = [
            ("EDGE_COMPONENT", self.artifacts.component.display().to_string()),
            ("EDGE_LISTEN", listen(self.ports.edge)),
            ("EDGE_ALLOW_OUTBOUND", url(self.ports.gateway)),
            ("EDGE_CACHE_DIR", self.data.join("edge-cache").display().to_string()),
            ("TIDELINE_CLIENT_ADDRESS_HEADER", "tideline-client-address".to_owned()),
        ];
        let environment: Vec<_> = edge.into_iter().chain(self.collector_environment()).collect();
        let mut command = Command::new(&self.artifacts.edge);
        let mut process = Process::start("edge", &mut command, &environment, &self.logs())?;
        wait_for_http(&mut process, self.ports.edge, "/healthz")?;
        Ok(process)
    }

    fn start_demo(&self) -> Result<Process> {
        let mut command = Command::new("node");
        command.arg(root().join("infra/demo-site/serve.mjs")).args([
            &self.ports.demo.to_string(),
            &url(self.ports.edge),
            SOURCE,
        ]);
        let mut process = Process::start("demo", &mut command, &[], &self.logs())?;
        wait_for_http(&mut process, self.ports.demo, "/")?;
        Ok(process)
    }
}

/// The gateway's tokens: the edge's, with this policy.
fn write_tokens(data: &Path, secrets: &Secrets, policy: &str) -> Result<()> {
    let token = json!({ "name": "edge", "sha256": sha256(&secrets.ingest_token), "policy": policy });
    write_private(&data.join("gateway-tokens.json"), json!({ "tokens": [token] }).to_string().as_bytes())
}

fn listen(port: u16) -> String {
    format!("127.0.0.1:{port}")
}

fn url(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}
