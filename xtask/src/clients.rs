//! Redis and the gateway alone, and the official clients of the protocol, unmodified, driven against them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use serde_json::json;

use crate::artifacts::{Artifacts, install_node};
use crate::ports::Ports;
use crate::probe::{wait_for_http, wait_for_port};
use crate::process::Process;
use crate::run::{command, root, run, target};
use crate::secrets::{random, sha256, write_private};
use crate::tools;

const JAVASCRIPT: &str = "tests/upstash-clients/javascript";
const PYTHON: &str = "tests/upstash-clients/python";

/// A gateway with a token for everything, in front of a Redis of its own. Dropped, both are killed.
#[derive(Debug)]
pub struct Served {
    gateway: Process,
    redis: Process,
    environment: [(&'static str, String); 2],
}

impl Served {
    /// Starts both.
    ///
    /// # Errors
    /// One of them does not start: says which, and the end of its log.
    pub fn start() -> Result<Self> {
        let data = target().join("upstash-clients");
        if data.exists() {
            fs::remove_dir_all(&data)?;
        }
        fs::create_dir_all(&data).with_context(|| format!("{} cannot be written", data.display()))?;
        let (ports, password, token) = (Ports::free()?, random(24)?, random(32)?);
        let redis = start_redis(&data, ports.redis, &password)?;
        let gateway = start_gateway(&data, ports, &password, &token)?;
        let environment = [
            ("UPSTASH_REDIS_REST_URL", format!("http://127.0.0.1:{}", ports.gateway)),
            ("UPSTASH_REDIS_REST_TOKEN", token),
        ];
        Ok(Self { gateway, redis, environment })
    }

    /// Ends both.
    ///
    /// # Errors
    /// The system refuses.
    pub fn stop(self) -> Result<()> {
        self.gateway.stop()?;
        self.redis.stop()?;
        Ok(())
    }

    /// The tests of the client from npm, ready to run.
    ///
    /// # Errors
    /// It cannot be installed.
    pub fn javascript(&self) -> Result<Command> {
        install_node(JAVASCRIPT)?;
        let mut suite = command(JAVASCRIPT, "node", &["--test"]);
        suite.envs(self.environment.clone());
        Ok(suite)
    }

    /// The tests of the client from PyPI, ready to run.
    ///
    /// # Errors
    /// There is no Python, or the client cannot be installed.
    pub fn python(&self) -> Result<Command> {
        let packages = install_python()?;
        let mut suite = command(PYTHON, "python3", &["test_clients.py"]);
        suite.envs(self.environment.clone()).env("PYTHONPATH", packages).env("PYTHONDONTWRITEBYTECODE", "1");
        Ok(suite)
    }
}

fn start_redis(data: &Path, port: u16, password: &str) -> Result<Process> {
    let acl = data.join("users.acl");
    write_private(&acl, format!("user default on #{} ~* &* +@all\n", sha256(password)).as_bytes())?;
    let mut command = Command::new("redis-server");
    command.args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--save", "", "--appendonly", "no"]);
    command.arg("--aclfile").arg(acl).arg("--dir").arg(data);
    let mut process = Process::start("redis", &mut command, &[], data)?;
    wait_for_port(&mut process, port)?;
    Ok(process)
}

fn start_gateway(data: &Path, ports: Ports, password: &str, token: &str) -> Result<Process> {
    let tokens = data.join("tokens.json");
    let entry = json!({ "name": "clients", "sha256": sha256(token), "policy": "full" });
    write_private(&tokens, json!({ "tokens": [entry] }).to_string().as_bytes())?;
    let environment = [
        ("GATEWAY_LISTEN", format!("127.0.0.1:{}", ports.gateway)),
        ("GATEWAY_REDIS_URL", format!("redis://default:{password}@127.0.0.1:{}", ports.redis)),
        ("GATEWAY_TOKENS_FILE", tokens.display().to_string()),
    ];
    let mut command = Command::new(Artifacts::locate(false).gateway);
    let mut process = Process::start("gateway", &mut command, &environment, data)?;
    wait_for_http(&mut process, ports.gateway, "/readyz")?;
    Ok(process)
}

/// Installs the client from PyPI outside of the checkout, in the versions and with the hashes of its lock file, if it is
/// not there. A folder, and no virtual environment: not every Python can make one.
fn install_python() -> Result<PathBuf> {
    tools::ensure_python()?;
    let requirements = root().join(PYTHON).join("requirements.txt");
    let packages = target().join("python-packages");
    let mark = packages.join("requirements.txt");
    let wanted = fs::read(&requirements)?;
    if fs::read(&mark).is_ok_and(|installed| installed == wanted) {
        return Ok(packages);
    }
    if packages.exists() {
        fs::remove_dir_all(&packages)?;
    }
    let options = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"];
    let mut pip = command(".", "python3", &options);
    pip.args(["--require-hashes", "--only-binary", ":all:", "--target"]).arg(&packages);
    pip.arg("--requirement").arg(&requirements).env("PIP_ROOT_USER_ACTION", "ignore");
    run(&mut pip)?;
    fs::write(mark, wanted)?;
    Ok(packages)
}
