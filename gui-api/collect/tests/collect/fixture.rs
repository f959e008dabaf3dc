//! A collector, the gateway that it writes to, and the Redis behind that.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::json;
use tempfile::TempDir;
use tideline_collect::{Deadlines, Limits, Options, Service};
use tideline_collector::Settings;
use tideline_protocol::{Lane, Lanes};
use tideline_redis_gateway::Handle;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::client::{Connection, Reply, get, post};
use crate::gateway::{self, TOKEN};
use crate::redis_server::RedisServer;

/// How long a condition may take to come true before a test fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

const FUNCTIONS: &str = include_str!("../../../../infra/redis/tideline.lua");

/// The only lane.
pub(crate) fn lane() -> Lane {
    Lanes::new("test", "local", 1).unwrap().of_session("any")
}

/// What a collector is told that writes to the gateway at this address.
pub(crate) fn settings(gateway: SocketAddr) -> Settings {
    let variables = [
        ("UPSTASH_REDIS_REST_URL", format!("http://{gateway}")),
        ("UPSTASH_REDIS_REST_TOKEN", TOKEN.to_owned()),
        ("TIDELINE_PROFILE_ID_KEYS", "00112233445566778899aabbccddeeff".to_owned()),
        ("TIDELINE_CONTEXT", "test".to_owned()),
        ("TIDELINE_LANES", "1".to_owned()),
        ("TIDELINE_CLIENT_ADDRESS_HEADER", "tideline-client-address".to_owned()),
    ];
    Settings::from_variables(&variables.map(|(name, value)| (name.to_owned(), value))).unwrap()
}

/// Options for a collector on a free port that writes to the gateway at this address.
pub(crate) fn options(gateway: SocketAddr) -> Options {
    Options {
        listen: "127.0.0.1:0".parse().unwrap(),
        settings: settings(gateway),
        limits: Limits::DEFAULT,
        // Some tests stop Redis for a while.
        deadlines: Deadlines { connect: PATIENCE, first_byte: PATIENCE },
        drain: PATIENCE,
    }
}

/// A `page-view` in this session, made longer by so many bytes.
pub(crate) fn event(session: &str, padding: usize) -> String {
    let body = json!({ "source": { "id": "shop-web" }, "session": { "id": session }, "events": [{ "type": "page-view" }] });
    body.to_string() + &" ".repeat(padding)
}

/// A collector that runs until it is stopped or dropped.
pub(crate) struct Setup {
    pub(crate) redis: RedisServer,
    pub(crate) address: SocketAddr,
    pub(crate) gateway: Handle,
    stop: oneshot::Sender<()>,
    running: JoinHandle<()>,
    _folder: TempDir,
}

impl Setup {
    pub(crate) async fn start(adjust: impl FnOnce(&mut Options)) -> Self {
        let redis = RedisServer::start().await;
        redis.ask::<String>(&["FUNCTION", "LOAD", FUNCTIONS]).await;
        redis.ask::<()>(&["XGROUP", "CREATE", &lane().events(), "tideline", "0", "MKSTREAM"]).await;
        let source = ["name", "Shop", "types", "rest", "enabled", "1"];
        redis.ask::<u8>(&[&["HSET", &lane().source("shop-web")], &source[..]].concat()).await;

        let folder = tempfile::tempdir().unwrap();
        let gateway = gateway::start(&redis.url(), folder.path()).await;
        until("the gateway is ready", async || get(gateway.address, "/readyz").await.status == 200).await;
        let mut options = options(gateway.address);
        adjust(&mut options);
        let service = Service::bind(options).await.unwrap();
        let address = service.address();
        let (stop, stopped) = oneshot::channel::<()>();
        let running = tokio::spawn(service.run(async { drop(stopped.await) }));
        Self { redis, address, gateway, stop, running, _folder: folder }
    }

    /// Sends this body to `/track`; the answer.
    pub(crate) async fn track(&self, body: &str) -> Reply {
        post(self.address, "/track", body).await
    }

    /// Sends this body to `/track` while Redis takes no writes, and returns when it waits there.
    pub(crate) async fn track_in_vain(&self, body: &str) -> Connection {
        self.redis.ask::<()>(&["CLIENT", "PAUSE", "600000", "WRITE"]).await;
        let mut connection = Connection::open(self.address).await;
        connection.post("/track", body).await;
        const COUNT: &str = "return tonumber(redis.call('INFO','clients'):match('blocked_clients:(%d+)'))";
        until("the write waits", async || self.redis.ask::<u32>(&["EVAL_RO", COUNT, "0"]).await > 0).await;
        connection
    }

    /// Lets Redis take writes again.
    pub(crate) async fn go_on(&self) {
        self.redis.ask::<()>(&["CLIENT", "UNPAUSE"]).await;
    }

    /// The entries of the lane, oldest first, each as its fields and their values.
    pub(crate) async fn entries(&self) -> Vec<Vec<String>> {
        let entries: Vec<(String, Vec<String>)> =
            self.redis.ask(&["XRANGE", &lane().events(), "-", "+"]).await;
        entries.into_iter().map(|(_, fields)| fields).collect()
    }

    /// Asks it to stop; the end of it.
    pub(crate) fn stop(self) -> (RedisServer, Handle, JoinHandle<()>) {
        let _ = self.stop.send(());
        (self.redis, self.gateway, self.running)
    }
}

/// Asks again and again until the condition holds.
pub(crate) async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition().await {
        assert!(Instant::now() < deadline, "in vain: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
