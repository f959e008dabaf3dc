//! Real search servers for tests and for trying things out: Elasticsearch and OpenSearch, from Maven Central, on loopback.
//!
//! They are test servers and nothing else: no part of them goes into the repository or into a release. What they
//! are made of, and why, is `docs/stores.md`.

mod fetch;
mod security;

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use self::fetch::fetch;
use self::security::Security;
use crate::probe::wait_for_port;
use crate::process::Process;
use crate::run::{output_of, root};
use crate::tools;

/// The memory of a server.
const HEAP: &str = "1g";
/// Who runs it where we are root, as whom it does not start: nobody.
const NOBODY: &str = "65534";

/// A search server that can be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Server {
    /// Elasticsearch 8.19 with TLS and passwords.
    Elasticsearch8,
    /// Elasticsearch 7.17.
    Elasticsearch7,
    /// OpenSearch 2.19.
    OpenSearch2,
}

impl Server {
    /// Those that every run of the tests needs.
    pub const ALWAYS: [Self; 2] = [Self::Elasticsearch8, Self::OpenSearch2];
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Elasticsearch8, Self::OpenSearch2, Self::Elasticsearch7];

    /// What it is called on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Elasticsearch8 => "es8",
            Self::Elasticsearch7 => "es7",
            Self::OpenSearch2 => "os2",
        }
    }

    /// The server of this name.
    ///
    /// # Errors
    /// There is none.
    pub fn parse(name: &str) -> Result<Self> {
        let names = Self::ALL.map(Self::name).join(", ");
        let found = Self::ALL.into_iter().find(|server| server.name() == name);
        found.with_context(|| format!("there is no search server `{name}`: use {names}"))
    }
}

/// A running search server. Dropped, it is killed.
#[derive(Debug)]
pub struct Running {
    server: Server,
    home: PathBuf,
    data: PathBuf,
    port: u16,
    security: Option<Security>,
    /// None while it is killed.
    process: Option<Process>,
}

impl Running {
    /// Fetches the server, if it was never fetched, and starts it with an empty folder `data`.
    ///
    /// # Errors
    /// It cannot be had, or does not start: the end of its log.
    pub fn start(server: Server, data: &Path) -> Result<Self> {
        tools::ensure_java()?;
        let home = fetch(server)?;
        if data.exists() {
            fs::remove_dir_all(data)?;
        }
        for folder in ["config", "data", "logs", "tmp"] {
            let folder = data.join(folder);
            fs::create_dir_all(&folder).with_context(|| format!("{} cannot be written", folder.display()))?;
        }
        let data = fs::canonicalize(data)?;
        let port = free_port()?;
        let security = match server {
            Server::Elasticsearch8 => Some(Security::make(&data.join("config"))?),
            Server::Elasticsearch7 | Server::OpenSearch2 => None,
        };
        if server != Server::OpenSearch2 {
            configure(&home, &data, port, security.as_ref())?;
        }
        give_away(&data)?;
        if let Some(security) = &security {
            security.set_password(|arguments| launcher(&home, &data, "keystore", arguments))?;
        }
        let mut running = Self { server, home, data, port, security, process: None };
        running.start_again()?;
        Ok(running)
    }

    /// Starts it with the data that it has, if it was killed.
    ///
    /// # Errors
    /// It does not start: the end of its log.
    pub fn start_again(&mut self) -> Result<()> {
        let Self { server, home, data, port, .. } = &*self;
        let mut command = match server {
            Server::Elasticsearch8 => launcher(home, data, "server", &[]),
            Server::Elasticsearch7 => elasticsearch_7(home, data),
            Server::OpenSearch2 => open_search(home, data, *port),
        };
        let mut process = Process::start(server.name(), &mut command, &[], &data.join("logs"))?;
        wait_for_port(&mut process, *port)?;
        self.process = Some(process);
        Ok(())
    }

    /// Ends it without a chance to clean up.
    ///
    /// # Errors
    /// The system refuses.
    pub fn kill(&mut self) -> Result<()> {
        self.process.take().map_or(Ok(()), |process| process.kill().map(drop))
    }

    /// What tests find it by.
    #[must_use]
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let mut environment = vec![("TIDELINE_TEST_SEARCH", self.url())];
        if let Some(security) = &self.security {
            environment.push(("TIDELINE_TEST_SEARCH_CA", security.authority.display().to_string()));
            environment.push(("TIDELINE_TEST_SEARCH_PASSWORD", security.password.clone()));
        }
        environment
    }

    /// What the service finds it by.
    #[must_use]
    pub fn settings(&self) -> Vec<(&'static str, String)> {
        let mut settings =
            vec![("TIDELINE_SEARCH_URLS", self.url()), ("TIDELINE_SEARCH_REPLICAS", "0".to_owned())];
        if let Some(security) = &self.security {
            settings.extend([
                ("TIDELINE_SEARCH_CA_FILE", security.authority.display().to_string()),
                ("TIDELINE_SEARCH_USER", "elastic".to_owned()),
                ("TIDELINE_SEARCH_PASSWORD", security.password.clone()),
            ]);
        }
        settings
    }

    fn url(&self) -> String {
        let scheme = if self.security.is_some() { "https" } else { "http" };
        format!("{scheme}://127.0.0.1:{}", self.port)
    }

    /// Ends it, and removes its data.
    ///
    /// # Errors
    /// The system refuses.
    pub fn stop(mut self) -> Result<()> {
        if let Some(process) = self.process.take() {
            process.stop()?;
        }
        fs::remove_dir_all(&self.data).with_context(|| format!("{} cannot be removed", self.data.display()))
    }
}

/// A port that is free, and the next one, which servers use to speak among themselves.
fn free_port() -> Result<u16> {
    for _ in 0..100 {
        let one = TcpListener::bind("127.0.0.1:0")?;
        let port = one.local_addr()?.port();
        if port < u16::MAX && TcpListener::bind(("127.0.0.1", port + 1)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no two ports in a row are free");
}

/// The settings of Elasticsearch.
fn configure(home: &Path, data: &Path, port: u16, security: Option<&Security>) -> Result<()> {
    let config = data.join("config");
    for file in ["log4j2.properties", "roles.yml", "role_mapping.yml", "users", "users_roles"] {
        let ours = home.join("config").join(file);
        if ours.exists() {
            fs::copy(ours, config.join(file))?;
        }
    }
    let options = fs::read_to_string(home.join("config/jvm.options"))?;
    let wanted = |line: &&str| {
        !line.is_empty()
            && !line.starts_with('#')
            && !["gc.log", "gc*", "HeapDump"].iter().any(|part| line.contains(part))
    };
    let options: Vec<&str> = options.lines().filter(wanted).collect();
    fs::write(config.join("jvm.options"), options.join("\n"))?;
    fs::create_dir_all(config.join("jvm.options.d"))?;
    let mut settings = format!(
        "cluster.name: tideline-tests\npath.data: {}\npath.logs: {}\ndiscovery.type: single-node\n\
         network.host: 127.0.0.1\nhttp.port: {port}\ntransport.port: {}\n\
         cluster.routing.allocation.disk.threshold_enabled: false\n",
        data.join("data").display(),
        data.join("logs").display(),
        port + 1,
    );
    settings.push_str(security.map_or("", |_| Security::SETTINGS));
    fs::write(config.join("elasticsearch.yml"), settings)?;
    Ok(())
}

/// A command line tool of Elasticsearch 8. It runs only in its own folder.
fn launcher(home: &Path, data: &Path, tool: &str, arguments: &[&str]) -> Command {
    let mut command = java(data);
    command
        .current_dir(home)
        .args(["-Xms4m", "-Xmx64m", "-XX:+UseSerialGC"])
        .arg(format!("-Dcli.name={tool}"))
        .arg(format!("-Dcli.script={}/bin/elasticsearch", home.display()))
        .arg(format!("-Dcli.libs=lib/tools/{tool}-cli"))
        .arg(format!("-Des.path.home={}", home.display()))
        .arg(format!("-Des.path.conf={}", data.join("config").display()))
        .args(["-Des.distribution.type=tar", "-Des.java.type=JAVA_HOME", "-cp"])
        .arg(format!("{0}/lib/*:{0}/lib/cli-launcher/*", home.display()))
        .arg("org.elasticsearch.launcher.CliToolLauncher")
        .args(arguments);
    command
}

fn elasticsearch_7(home: &Path, data: &Path) -> Command {
    let mut command = java(data);
    command
        .current_dir(home)
        .args([&format!("-Xms{HEAP}"), &format!("-Xmx{HEAP}"), "-Xss1m", "-Dfile.encoding=UTF-8"])
        .args(["-Djna.nosys=true", "-Dlog4j2.disable.jmx=true", "-Djava.locale.providers=SPI,COMPAT"])
        .args(["-Djava.security.manager=allow", "--add-opens=java.base/java.io=ALL-UNNAMED"])
        .arg(format!("-Djava.io.tmpdir={}", data.join("tmp").display()))
        .arg(format!("-Des.path.home={}", home.display()))
        .arg(format!("-Des.path.conf={}", data.join("config").display()))
        .args(["-Des.distribution.flavor=default", "-Des.distribution.type=tar", "-Des.bundled_jdk=false"])
        .args(["-cp", "lib/*", "org.elasticsearch.bootstrap.Elasticsearch"]);
    command
}

fn open_search(home: &Path, data: &Path, port: u16) -> Command {
    let mut command = java(data);
    command
        .current_dir(data)
        .args([&format!("-Xms{HEAP}"), &format!("-Xmx{HEAP}")])
        .arg(format!("-Djava.io.tmpdir={}", data.join("tmp").display()))
        .arg("-cp")
        .arg(format!("{}/lib/*:{}", home.display(), home.display()))
        .arg("OpenSearchServer")
        .arg(port.to_string())
        .arg(data)
        .arg("cluster.routing.allocation.disk.threshold_enabled=false");
    command
}

/// Java, as nobody where we are root, with nothing of our environment.
fn java(data: &Path) -> Command {
    let mut command = if is_root() {
        let mut command = Command::new("setpriv");
        command.args(["--reuid", NOBODY, "--regid", NOBODY, "--clear-groups", "--", "java"]);
        command
    } else {
        Command::new("java")
    };
    let temporary = data.join("tmp");
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", data)
        .env("LC_ALL", "C.UTF-8")
        .env("JAVA_HOME", java_home().unwrap_or_default())
        .env("ES_TMPDIR", &temporary)
        .env("LIBFFI_TMPDIR", &temporary)
        .env("ES_JAVA_OPTS", format!("-Xms{HEAP} -Xmx{HEAP}"));
    command
}

/// The folder of the `java` on the path.
fn java_home() -> Option<PathBuf> {
    let path = output_of("which", &["java"])?;
    fs::canonicalize(path.trim()).ok()?.ancestors().nth(2).map(Path::to_owned)
}

/// Gives a folder to whom the server runs as.
fn give_away(folder: &Path) -> Result<()> {
    if is_root() {
        let status =
            Command::new("chown").args(["-R", &format!("{NOBODY}:{NOBODY}")]).arg(folder).status()?;
        if !status.success() {
            bail!("{} cannot be given to the user {NOBODY}", folder.display());
        }
    }
    Ok(())
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// A folder for a server's data and log, where whoever it runs as may look.
#[must_use]
pub fn data_folder(server: Server) -> PathBuf {
    let folder = format!("tideline-{}-{}", server.name(), std::process::id());
    if is_root() { std::env::temp_dir().join(folder) } else { root().join("target").join(folder) }
}
