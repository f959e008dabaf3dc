//! Running the binary.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use reqwest::{Client, RequestBuilder};
use tempfile::TempDir;
use tideline_store::{EmbeddedOptions, EmbeddedStore};

use crate::redis_server::RedisServer;
use crate::until;

pub(crate) const TOKEN: &str = "secret";
const TOKEN_SHA256: &str = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b";

/// An installation: a folder and the settings that lead to it.
pub(crate) struct Installation {
    folder: TempDir,
    settings: BTreeMap<&'static str, String>,
}

/// What a command left behind.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) succeeded: bool,
    pub(crate) output: String,
    pub(crate) log: String,
}

impl Installation {
    /// With this Redis, four lanes and nothing provisioned.
    pub(crate) fn new(redis_url: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = BTreeMap::from([
            ("TIDELINE_REDIS_URL", redis_url.to_owned()),
            ("TIDELINE_API_TOKENS_SHA256", TOKEN_SHA256.to_owned()),
            ("TIDELINE_CONTEXT", "test".to_owned()),
            ("TIDELINE_LANES", "4".to_owned()),
            ("TIDELINE_LISTEN", "127.0.0.1:0".to_owned()),
            ("TIDELINE_DATA_DIR", folder.path().join("store").display().to_string()),
        ]);
        Self { folder, settings }
    }

    /// With the source `shop-web`, and with everything as it must be.
    pub(crate) async fn provisioned(redis: &RedisServer) -> Self {
        let installation = Self::new(&redis.url());
        installation.provision(r#"{"sources":[{"id":"shop-web","name":"Shop"}]}"#).await;
        installation
    }

    /// The same with another setting; none takes it away.
    pub(crate) fn set(&mut self, name: &'static str, value: Option<&str>) -> &mut Self {
        match value {
            Some(value) => self.settings.insert(name, value.to_owned()),
            None => self.settings.remove(name),
        };
        self
    }

    pub(crate) fn store_folder(&self) -> String {
        self.folder.path().join("store").display().to_string()
    }

    pub(crate) fn store(&self) -> EmbeddedStore {
        EmbeddedStore::open(Path::new(&self.store_folder()), EmbeddedOptions::default()).unwrap()
    }

    /// A file in the installation's folder.
    pub(crate) fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, content).unwrap();
        path
    }

    pub(crate) async fn provision(&self, sources: &str) {
        let outcome = self.try_provision(sources).await;
        assert!(outcome.succeeded, "{outcome:?}");
    }

    pub(crate) async fn try_provision(&self, sources: &str) -> Outcome {
        let file = self.file("sources.json", sources);
        self.run(&["provision", "--sources", file.to_str().unwrap()]).await
    }

    /// Runs a command to its end.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Outcome {
        let mut process = self.spawn(arguments);
        until("the command ends", async || process.process.try_wait().unwrap().is_some()).await;
        process.outcome()
    }

    /// Starts `serve`, and leaves it running.
    pub(crate) fn serve(&self, arguments: &[&str]) -> Process {
        self.spawn(&[&["serve"], arguments].concat())
    }

    fn spawn(&self, arguments: &[&str]) -> Process {
        let files = tempfile::tempdir().unwrap();
        let file = |name: &str| File::create(files.path().join(name)).unwrap();
        let process = Command::new(env!("CARGO_BIN_EXE_tideline"))
            .args(arguments)
            .env_clear()
            .envs(&self.settings)
            .stdin(Stdio::null())
            .stdout(file("output"))
            .stderr(file("log"))
            .spawn()
            .unwrap();
        Process { process, files }
    }
}

/// A running command; killed when dropped.
pub(crate) struct Process {
    process: Child,
    files: TempDir,
}

impl Process {
    pub(crate) fn log(&self) -> String {
        self.read("log")
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(Path::new(self.files.path()).join(name)).unwrap()
    }

    fn outcome(&mut self) -> Outcome {
        let status = self.process.wait().unwrap();
        Outcome { succeeded: status.success(), output: self.read("output"), log: self.log() }
    }

    /// Waits until the log says this.
    pub(crate) async fn says(&self, words: &str) {
        until(&format!("the log says {words}"), async || self.log().contains(words)).await;
    }

    /// Waits until it is ready; where it listens.
    pub(crate) async fn ready(&self) -> String {
        self.says("listening").await;
        self.address("listening")
    }

    /// The `address` in the line with this message.
    pub(crate) fn address(&self, message: &str) -> String {
        let log = self.log();
        let line = log.lines().find(|line| line.contains(message)).unwrap_or_default();
        line.rsplit_once("address=").unwrap().1.trim().to_owned()
    }

    /// Asks it to stop with this signal, and waits until it has.
    pub(crate) async fn stop(mut self, signal: &str) -> Outcome {
        let pid = self.process.id().to_string();
        assert!(Command::new("kill").args([&format!("-{signal}"), &pid]).status().unwrap().success());
        until("the process ends", async || self.process.try_wait().unwrap().is_some()).await;
        self.outcome()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What this path answers: the status, and the JSON.
pub(crate) async fn get(address: &str, path: &str) -> (u16, serde_json::Value) {
    answer(client().get(format!("http://{address}{path}")).bearer_auth(TOKEN)).await
}

/// What this path answers to this body.
pub(crate) async fn post(address: &str, path: &str, body: String) -> (u16, serde_json::Value) {
    answer(client().post(format!("http://{address}{path}")).body(body)).await
}

fn client() -> Client {
    // Whatever TLS provider was installed first serves plain HTTP as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().no_proxy().build().unwrap()
}

async fn answer(request: RequestBuilder) -> (u16, serde_json::Value) {
    let mut answer = request.send().await.unwrap();
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.unwrap() {
        body.extend_from_slice(&chunk);
    }
    (answer.status().as_u16(), serde_json::from_slice(&body).unwrap_or_default())
}
