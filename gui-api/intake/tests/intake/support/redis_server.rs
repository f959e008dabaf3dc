//! A redis-server of the test's own, with the function libraries of `infra/redis`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, FromRedisValue};
use tempfile::TempDir;
use tideline_protocol::{Lane, Lanes, StreamRecord, TrackCall, TrackReply, Tracked, append_command};

use super::until;

pub(crate) struct RedisServer {
    directory: TempDir,
    options: Vec<String>,
    process: Child,
    client: Client,
    service_client: Client,
}

/// Events by outcome, summed over lanes and minutes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ledger {
    pub(crate) accepted: i64,
    pub(crate) stored: i64,
    pub(crate) duplicate: i64,
    pub(crate) dead: i64,
    pub(crate) passed: i64,
}

impl Ledger {
    pub(crate) fn adds_up(&self) -> bool {
        self.accepted == self.stored + self.duplicate + self.dead + self.passed
    }
}

impl RedisServer {
    pub(crate) async fn start() -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), Vec::new(), "").await
    }

    /// Starts it with `users.acl.template`, but for the user `default`, who is the test.
    pub(crate) async fn start_with_access_rules() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let rules = std::fs::read_to_string(ours("users.acl.template")).unwrap();
        // SHA-256 of `secret`.
        let hash = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b";
        let rules = rules
            .replace("user default off", "user default on nopass ~* &* +@all")
            .replace("@EDGE_PASSWORD_SHA256@", hash)
            .replace("@SERVICE_PASSWORD_SHA256@", hash);
        std::fs::write(directory.path().join("users.acl"), rules).unwrap();
        let options = ["--aclfile", "users.acl"].map(str::to_owned).to_vec();
        Self::start_in(directory, options, "?user=service&pass=secret").await
    }

    async fn start_in(directory: TempDir, options: Vec<String>, service: &str) -> Self {
        let process = spawn(directory.path(), &options);
        let url = format!("unix://{}", directory.path().join("s").display());
        let client = Client::open(url.as_str()).unwrap();
        let service_client = Client::open(format!("{url}{service}")).unwrap();
        let server = Self { directory, options, process, client, service_client };
        server.answers().await;
        server.load_functions().await;
        server
    }

    /// Loads our functions, again if need be.
    pub(crate) async fn load_functions(&self) {
        for library in ["tideline.lua", "tideline_service.lua"] {
            let code = std::fs::read_to_string(ours(library)).unwrap();
            let _name: String = self.ask(redis::cmd("FUNCTION").arg("LOAD").arg("REPLACE").arg(code)).await;
        }
    }

    pub(crate) fn client(&self) -> Client {
        self.client.clone()
    }

    /// What the intake connects with.
    pub(crate) fn service_client(&self) -> Client {
        self.service_client.clone()
    }

    pub(crate) async fn connection(&self) -> MultiplexedConnection {
        // Tests that run beside this one must not make it fail.
        let patient = AsyncConnectionConfig::new().set_response_timeout(Some(Duration::from_secs(20)));
        self.client.get_multiplexed_async_connection_with_config(&patient).await.unwrap()
    }

    pub(crate) async fn ask<T: FromRedisValue>(&self, command: &redis::Cmd) -> T {
        command.query_async(&mut self.connection().await).await.unwrap()
    }

    /// Ends the server as SIGKILL does.
    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Starts it again with what is on its disk.
    pub(crate) async fn start_again(&mut self) {
        self.process = spawn(self.directory.path(), &self.options);
        self.answers().await;
    }

    async fn answers(&self) {
        until("redis answers", async || match self.client.get_multiplexed_async_connection().await {
            Ok(mut connection) => redis::cmd("PING").query_async::<()>(&mut connection).await.is_ok(),
            Err(_) => false,
        })
        .await;
    }

    /// Makes the streams, and publishes the source `shop-web`.
    pub(crate) async fn provision(&self, lanes: &Lanes) {
        for lane in lanes.all() {
            let mut create = redis::cmd("XGROUP");
            create.arg("CREATE").arg(lane.events()).arg("tideline").arg(0).arg("MKSTREAM");
            self.ask::<()>(&create).await;
            let mut source = redis::cmd("HSET");
            source.arg(lane.source("shop-web")).arg("enabled").arg(1);
            self.ask::<()>(source.arg("types").arg("rest").arg("name").arg("Shop")).await;
        }
    }

    /// Sends a request as the edge does; returns the profile that it was answered.
    pub(crate) async fn track(&self, call: TrackCall) -> String {
        self.track_anybodys(call).await.expect("it was answered no profile")
    }

    /// The same for a request that may be nobody's.
    pub(crate) async fn track_anybodys(&self, call: TrackCall) -> Option<String> {
        let commands = call.commands();
        // Before it, if a profile was claimed, comes a look-up, which decides nothing here.
        let command = commands.last().unwrap();
        let mut fcall = redis::cmd(&command[0]);
        let reply: Vec<Vec<String>> = self.ask(fcall.arg(&command[1..])).await;
        match Tracked::parse(&[serde_json::to_value(reply).unwrap()]).unwrap().reply {
            TrackReply::Stored { profile, .. } => profile,
            other => panic!("{other:?}"),
        }
    }

    /// Appends a request as an edge in lean mode does.
    pub(crate) async fn append(&self, lanes: &Lanes, record: StreamRecord) {
        let words = append_command(&lanes.of_session(&record.session), &record);
        let mut append = redis::cmd(&words[0]);
        let _entry: String = self.ask(append.arg(&words[1..])).await;
    }

    pub(crate) async fn in_flight(&self, lanes: &Lanes) -> u64 {
        let mut entries = 0;
        for lane in lanes.all() {
            entries += self.ask::<u64>(redis::cmd("XLEN").arg(lane.events())).await;
        }
        entries
    }

    /// The id of the first entry of a lane.
    pub(crate) async fn first_entry(&self, lane: &Lane) -> String {
        let mut command = redis::cmd("XRANGE");
        let entries: Vec<(String, redis::Value)> =
            self.ask(command.arg(lane.events()).arg("-").arg("+").arg("COUNT").arg(1)).await;
        entries.into_iter().next().expect("the lane is empty").0
    }

    /// How many entries of a lane were handed out and not settled.
    pub(crate) async fn pending(&self, lane: &Lane) -> u64 {
        let mut command = redis::cmd("XPENDING");
        let (pending, ..): (u64, redis::Value, redis::Value, redis::Value) =
            self.ask(command.arg(lane.events()).arg("tideline")).await;
        pending
    }

    pub(crate) async fn ledger(&self) -> Ledger {
        let mut ledger = Ledger::default();
        for key in self.ask::<Vec<String>>(redis::cmd("KEYS").arg("*:ledger:*")).await {
            for (field, count) in self.ask::<BTreeMap<String, i64>>(redis::cmd("HGETALL").arg(key)).await {
                match field.rsplit_once('|').unwrap() {
                    (_, "accepted") => ledger.accepted += count,
                    (_, "stored") => ledger.stored += count,
                    (_, "duplicate") => ledger.duplicate += count,
                    (_, "dead") => ledger.dead += count,
                    (_, "passed") => ledger.passed += count,
                    _ => panic!("{field}"),
                }
            }
        }
        ledger
    }

    /// The dead letters of a lane.
    pub(crate) async fn dead_letters(&self, lane: &Lane) -> Vec<BTreeMap<String, String>> {
        let mut command = redis::cmd("XRANGE");
        let entries: Vec<(String, Vec<(String, String)>)> =
            self.ask(command.arg(lane.dead_letters()).arg("-").arg("+")).await;
        entries.into_iter().map(|(_, fields)| fields.into_iter().collect()).collect()
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A file of `infra/redis`.
fn ours(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../infra/redis").join(name)
}

fn spawn(directory: &Path, options: &[String]) -> Child {
    Command::new("redis-server")
        .args([
            "--port",
            "0",
            "--unixsocket",
            "s",
            "--save",
            "",
            "--appendonly",
            "yes",
            "--appendfsync",
            "no",
        ])
        .args(["--maxmemory-policy", "noeviction"])
        .args(options)
        .current_dir(directory)
        .stdout(Stdio::null())
        .spawn()
        .expect("redis-server must be installed")
}
