//! `track_v1` where Redis is a cluster, and beside its next version.

use std::process::Command;
use std::time::{Duration, Instant};

use redis::Client;
use redis::aio::MultiplexedConnection;
use tempfile::TempDir;
use tideline_protocol::{Claim, Facts, Lanes, StreamRecord, TrackCall, alias_command};
use uuid::Uuid;
use xtask::ports::Ports;
use xtask::process::Process;

const LIBRARY: &str = include_str!("../../../infra/redis/tideline.lua");

/// A cluster of one node: it refuses whatever touches two slots, or keys that were not named.
struct Cluster {
    redis: MultiplexedConnection,
    _process: Process,
    _folder: TempDir,
}

impl Cluster {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = Ports::free().unwrap().redis;
        let cluster_port = Ports::free().unwrap().redis;
        let mut command = Command::new("redis-server");
        command.args(["--bind", "127.0.0.1", "--save", "", "--cluster-enabled", "yes"]);
        command.args(["--port", &port.to_string(), "--cluster-port", &cluster_port.to_string()]);
        let process =
            Process::start("redis", command.current_dir(folder.path()), &[], folder.path()).unwrap();
        let client = Client::open(format!("redis://127.0.0.1:{port}")).unwrap();
        let deadline = Instant::now() + Duration::from_secs(30);
        let mut redis = loop {
            match client.get_multiplexed_async_connection().await {
                Ok(redis) => break redis,
                Err(error) => assert!(Instant::now() < deadline, "{error}"),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        let all = ["ADDSLOTSRANGE", "0", "16383"];
        let () = redis::cmd("CLUSTER").arg(&all).query_async(&mut redis).await.unwrap();
        loop {
            let info: String = redis::cmd("CLUSTER").arg("INFO").query_async(&mut redis).await.unwrap();
            if info.contains("cluster_state:ok") {
                break;
            }
            assert!(Instant::now() < deadline, "{info}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Self { redis, _process: process, _folder: folder }
    }

    async fn load(&mut self, code: &str) {
        let mut load = redis::cmd("FUNCTION");
        let _name: String =
            load.arg("LOAD").arg("REPLACE").arg(code).query_async(&mut self.redis).await.unwrap();
    }

    /// Sends a call: what the claim stands for, if there is one, and the first word of the reply.
    async fn run(&mut self, call: TrackCall) -> (Option<String>, String) {
        let mut commands = call.commands();
        let command = words(&commands.pop().unwrap());
        let reply: Vec<Vec<String>> = command.query_async(&mut self.redis).await.unwrap();
        let mut survivor = None;
        for look_up in commands {
            let [found]: [Option<String>; 1] = words(&look_up).query_async(&mut self.redis).await.unwrap();
            survivor = found;
        }
        (survivor, reply[0][0].clone())
    }
}

fn words(words: &[String]) -> redis::Cmd {
    let mut command = redis::cmd(&words[0]);
    command.arg(&words[1..]);
    command
}

fn call(lanes: &Lanes, session: &str, claim: Option<&str>) -> TrackCall {
    TrackCall {
        lane: lanes.of_session(session),
        bridge: "rest",
        fingerprint: session.to_owned(),
        origin: None,
        claim: claim.map(|id| Claim {
            id: id.to_owned(),
            alias_key: lanes.of_profile(id).alias(id),
            doubtful: false,
        }),
        facts: Facts::default(),
        record: StreamRecord {
            request_id: Uuid::from_u128(7),
            received_at: 1_795_372_946_098,
            source: "shop-web".to_owned(),
            session: session.to_owned(),
            profile: Some("p".to_owned()),
            new_session: false,
            new_profile: true,
            vouched: false,
            unasked: None,
            transitional: false,
            events: 1,
            client_address: None,
            headers: Vec::new(),
            body: "{}".to_owned(),
        },
    }
}

async fn provision(cluster: &mut Cluster, lanes: &Lanes) {
    for lane in lanes.all() {
        let settings = [("enabled", "1"), ("types", "rest"), ("rate_gap", "1"), ("rate_burst", "1000")];
        let mut source = redis::cmd("HSET");
        let () =
            source.arg(lane.source("shop-web")).arg(&settings).query_async(&mut cluster.redis).await.unwrap();
        let mut stream = redis::cmd("XGROUP");
        stream.arg("CREATE").arg(lane.events()).arg("tideline").arg(0).arg("MKSTREAM");
        let () = stream.query_async(&mut cluster.redis).await.unwrap();
    }
}

#[tokio::test]
async fn a_call_touches_one_slot_and_no_key_that_it_does_not_name() {
    let lanes = Lanes::new("production", "eu", 4).unwrap();
    let mut cluster = Cluster::start().await;
    cluster.load(LIBRARY).await;
    provision(&mut cluster, &lanes).await;
    for number in 0..20 {
        // The alias is in the lane of the id, which is looked up by a command of its own.
        let call = call(&lanes, &format!("s{number}"), Some(&format!("imported-{number}")));
        assert_eq!(cluster.run(call).await, (None, "accepted".to_owned()));
    }
}

#[tokio::test]
async fn a_call_of_two_lanes_is_refused_in_the_words_that_the_edge_waits_for() {
    let lanes = Lanes::new("production", "eu", 4).unwrap();
    let mut cluster = Cluster::start().await;
    cluster.load(LIBRARY).await;
    let aliases = lanes.all().map(|lane| lane.alias("p"));
    let command: Vec<String> = alias_command(4).into_iter().chain(aliases).collect();
    let error = words(&command).query_async::<redis::Value>(&mut cluster.redis).await.unwrap_err();
    assert_eq!(error.code(), Some("CROSSSLOT"), "{error}");
}

#[tokio::test]
async fn the_next_version_of_the_function_lives_beside_this_one() {
    let lanes = Lanes::new("production", "eu", 1).unwrap();
    let mut cluster = Cluster::start().await;
    cluster.load(LIBRARY).await;
    provision(&mut cluster, &lanes).await;
    let next = "#!lua name=tideline_next\nredis.register_function('track_v2', function() return 'two' end)";
    cluster.load(next).await;
    assert_eq!(cluster.run(call(&lanes, "s", None)).await, (None, "accepted".to_owned()));
    let stream = lanes.of_session("s").events();
    let two: String =
        redis::cmd("FCALL").arg("track_v2").arg(1).arg(stream).query_async(&mut cluster.redis).await.unwrap();
    assert_eq!(two, "two");
    // Edges of this version go on while those of the next are rolled out.
    cluster.load(next).await;
    assert_eq!(cluster.run(call(&lanes, "another", None)).await, (None, "accepted".to_owned()));
}
