//! A real redis-server in a directory of its own, and a gateway in front of it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use clap::Parser;
use serde_json::json;
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use tideline_redis_gateway::{Arguments, Gateway, Handle, Options, TokensFile};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;

use crate::client::Client;

pub(crate) const EDGE: &str = "edge-token";
pub(crate) const ADMIN: &str = "admin-token";

/// The answer to a request without a token that opens the gateway.
pub(crate) const WRONGPASS: &str = r#"{"error":"WRONGPASS invalid or missing auth token. See https://docs.upstash.com/redis/troubleshooting/http_unauthorized for details."}"#;

const USER: &str = "gateway";
const PASSWORD: &str = "p@ss/w:rd";

/// Long enough for a loaded machine; nothing waits that long when all is well.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

/// Our functions, as far as the gateway is concerned.
const LIBRARY: &str = "#!lua name=track\n\
    redis.register_function('track_v1', function(keys, args) redis.call('SET', 'tracked', args[1]) return args[1] end)\n\
    redis.register_function{function_name='track_read', callback=function() return 7 end, flags={'no-writes'}}\n\
    redis.register_function('other', function() return 1 end)";

pub(crate) struct Redis {
    directory: TempDir,
    process: Option<Child>,
}

impl Redis {
    pub(crate) async fn start() -> Redis {
        let directory = TempDir::new().unwrap();
        let mut redis = Redis { directory, process: None };
        redis.restart().await;
        redis
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.directory.path().join("redis.sock")
    }

    pub(crate) fn url(&self) -> String {
        format!("unix://{}?user={USER}&pass=p%40ss%2Fw%3Ard", self.socket().display())
    }

    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Starts the server, with an empty database, a user for the gateway, and our functions.
    pub(crate) async fn restart(&mut self) {
        let child = Command::new("redis-server")
            .args(["--port", "0", "--save", "", "--appendonly", "no", "--enable-debug-command", "yes"])
            .args(["--unixsocket", self.socket().to_str().unwrap(), "--dir"])
            .arg(self.directory.path())
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server is installed");
        self.process = Some(child);
        let started = Instant::now();
        while UnixStream::connect(self.socket()).await.is_err() {
            assert!(started.elapsed() < DEADLINE, "redis-server did not start");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        self.tell(&["ACL", "SETUSER", USER, "on", &format!(">{PASSWORD}"), "~*", "&*", "+@all"]).await;
        self.tell(&["FUNCTION", "LOAD", LIBRARY]).await;
    }

    /// Sends one command as the default user, past the gateway; the first line of the reply.
    pub(crate) async fn tell(&self, words: &[&str]) -> String {
        let mut stream = UnixStream::connect(self.socket()).await.unwrap();
        let mut command = format!("*{}\r\n", words.len());
        words.iter().for_each(|word| command.push_str(&format!("${}\r\n{word}\r\n", word.len())));
        stream.write_all(command.as_bytes()).await.unwrap();
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).await.unwrap();
        assert!(!line.starts_with('-'), "{words:?}: {line}");
        line.trim_end().to_owned()
    }

    /// Lets writes wait until `CLIENT UNPAUSE`.
    pub(crate) async fn pause_writes(&self) {
        self.tell(&["CLIENT", "PAUSE", "600000", "WRITE"]).await;
    }

    pub(crate) async fn until_a_write_waits(&self) {
        const COUNT: &str = "return tonumber(redis.call('INFO','clients'):match('blocked_clients:(%d+)'))";
        until("a waiting write", async || self.tell(&["EVAL_RO", COUNT, "0"]).await != ":0").await;
    }

    pub(crate) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    /// Sends a signal by name, as `kill` does.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.process.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &pid]).status().unwrap().success());
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The SHA-256 of a token, as a tokens file has it.
pub(crate) fn hash(token: &str) -> String {
    Sha256::digest(token).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The text of a tokens file with [`EDGE`] and [`ADMIN`].
pub(crate) fn tokens_json() -> String {
    json!({"tokens": [
        {"name": "edge", "sha256": hash(EDGE), "policy": "ingest"},
        {"name": "admin", "sha256": hash(ADMIN), "policy": "full"},
    ]})
    .to_string()
}

/// Options for a gateway on a free port in front of `redis`, with further arguments.
pub(crate) fn options(redis: &Redis, arguments: &[&str]) -> Options {
    let tokens = redis.directory().join("tokens.json");
    std::fs::write(&tokens, tokens_json()).unwrap();
    let fixed = ["gateway", "--listen", "127.0.0.1:0", "--tokens-file", tokens.to_str().unwrap()];
    let arguments = Arguments::try_parse_from([&fixed, arguments].concat()).unwrap();
    arguments.into_options(Some(redis.url())).unwrap()
}

/// A gateway in front of a Redis of its own.
pub(crate) struct Setup {
    pub(crate) gateway: Handle,
    pub(crate) redis: Redis,
}

impl Setup {
    /// A gateway for these tokens.
    pub(crate) async fn with_tokens(tokens: &serde_json::Value, arguments: &[&str]) -> Setup {
        let redis = Redis::start().await;
        let mut options = options(&redis, arguments);
        let file = redis.directory().join("tokens.json");
        std::fs::write(&file, json!({ "tokens": tokens }).to_string()).unwrap();
        options.tokens = TokensFile::open(file).unwrap();
        let gateway = Gateway::start(options).await.unwrap();
        Setup { gateway, redis }
    }

    pub(crate) async fn start(arguments: &[&str]) -> Setup {
        let redis = Redis::start().await;
        let gateway = Gateway::start(options(&redis, arguments)).await.unwrap();
        Setup { gateway, redis }
    }

    pub(crate) async fn client(&self, token: &str) -> Client {
        Client::connect(self.gateway.address, token).await
    }

    pub(crate) async fn until_ready(&self, ready: bool) {
        let mut client = self.client("").await;
        let expected = if ready { 200 } else { 503 };
        until("readiness", async || client.send("GET", "/readyz", "").await.status == expected).await;
    }
}

/// Asks again and again until the condition holds.
pub(crate) async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let started = Instant::now();
    while !condition().await {
        assert!(started.elapsed() < DEADLINE, "{what} did not come");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
