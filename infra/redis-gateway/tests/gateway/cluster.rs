//! A real cluster of three nodes behind the gateway: commands find their nodes, also while slots move and
//! nodes die, and everything is answered in the order of the request.

use std::process::Command;

use serde_json::{Value, json};
use tideline_redis_gateway::{Handle, RedisTls};

use crate::client::Client;
use crate::nodes::Node;
use crate::sentinels::gateway;
use crate::server::{ADMIN, Redis, until};

/// Keys of the first, second and third node: slots 5061, 10750 and 12182.
const KEYS: [&str; 3] = ["bar", "{k9999}", "foo"];

struct Cluster {
    nodes: Vec<Node>,
}

impl Cluster {
    /// Three masters, and so many replicas of each.
    async fn start(replicas: usize) -> Cluster {
        let mut nodes = Vec::new();
        for _ in 0..3 * (1 + replicas) {
            let settings = [
                "cluster-enabled yes",
                "cluster-node-timeout 1000",
                "save \"\"",
                "repl-diskless-sync-delay 0",
            ];
            nodes.push(Node::start(&settings).await);
        }
        let addresses = nodes.iter().map(|node| format!("127.0.0.1:{}", node.port));
        let made = Command::new("redis-cli")
            .args(["--cluster", "create"])
            .args(addresses)
            .args(["--cluster-replicas", &replicas.to_string(), "--cluster-yes"])
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stdout));
        for node in &nodes {
            let well = async || node.tell("cluster info").await.contains("cluster_state:ok");
            until("the cluster", well).await;
        }
        Cluster { nodes }
    }

    /// A gateway that knows one node, and a client of it.
    async fn client(&self) -> (Client, Handle, Redis) {
        let url = format!("redis+cluster://127.0.0.1:{}", self.nodes[0].port);
        let (gateway, other) = gateway(&url, RedisTls::default()).await;
        let mut client = Client::connect(gateway.address, ADMIN).await;
        until("the cluster", async || client.command(&["GET", "any"]).await.status == 200).await;
        (client, gateway, other)
    }

    async fn id(&self, node: usize) -> String {
        self.nodes[node].tell("cluster myid").await
    }

    /// Tells every master whose slot it is.
    async fn set_slot(&self, slot: u16, owner: &str) {
        for node in &self.nodes {
            assert_eq!(node.tell(&format!("cluster setslot {slot} node {owner}")).await, "+OK");
        }
    }
}

async fn each(client: &mut Client, name: &str, value: Option<&str>) -> Value {
    let commands: Vec<Vec<&str>> =
        KEYS.iter().map(|key| [name, key].into_iter().chain(value).collect()).collect();
    let answer = client.send("POST", "/pipeline", json!(commands).to_string()).await;
    serde_json::from_str(&answer.body).unwrap()
}

#[tokio::test]
async fn commands_find_their_nodes_and_pipelines_come_back_in_order() {
    let cluster = Cluster::start(0).await;
    let (mut client, _gateway, _other) = cluster.client().await;
    for key in KEYS {
        assert_eq!(client.command(&["SET", key, key]).await.parts(), (200, r#"{"result":"OK"}"#));
    }
    let (mut commands, mut expected) = (Vec::new(), Vec::new());
    for round in 0..60 {
        let key = KEYS[round * 7 % 3];
        commands.push(json!(["GET", key]));
        expected.push(json!({ "result": key }));
        commands.push(json!(["MGET", "foo", "bar"]));
        expected.push(json!({"error": "CROSSSLOT Keys in request don't hash to the same slot"}));
        commands.push(json!(["ECHO", round]));
        expected.push(json!({ "result": round.to_string() }));
        commands.push(json!(["FCALL", "none", 1, key]));
        expected.push(json!({"error": "ERR Function not found"}));
        commands.push(json!(["BLPOP", key, 0]));
        expected.push(json!({"error": "ERR the 'blpop' command is not available over HTTP: it would hold up every other request"}));
    }
    let answer = client.send("POST", "/pipeline", json!(commands).to_string()).await;
    assert_eq!(serde_json::from_str::<Value>(&answer.body).unwrap(), json!(expected));
    let mut counted = 0;
    for node in &cluster.nodes {
        let size = node.tell("dbsize").await;
        assert_eq!(size, ":1", "a key at each node");
        counted += 1;
    }
    assert_eq!(counted, 3);
    let answer = client
        .send_with(
            "POST",
            "/pipeline",
            &[("upstash-encoding", "base64")],
            json!([["GET", "foo"], ["GET", "bar"]]).to_string(),
        )
        .await;
    assert_eq!(answer.body, r#"[{"result":"Zm9v"},{"result":"YmFy"}]"#);
    assert_eq!(client.send("GET", "/readyz", "").await.status, 200);
}

#[tokio::test]
async fn a_transaction_is_atomic_in_one_slot_and_refused_in_several() {
    let cluster = Cluster::start(0).await;
    let (mut client, _gateway, _other) = cluster.client().await;
    let one = r#"[["INCR","{foo}a"],["INCR","{foo}b"],["GET","foo"]]"#;
    let answer = client.send("POST", "/multi-exec", one).await;
    assert_eq!(answer.parts(), (200, r#"[{"result":1},{"result":1},{"result":null}]"#));
    let answer = client.send("POST", "/multi-exec", r#"[["INCR","foo"],["INCR","bar"]]"#).await;
    assert_eq!(answer.status, 400);
    assert!(
        answer.body.contains("several slots") && answer.body.contains("nothing was executed"),
        "{}",
        answer.body
    );
    assert_eq!(
        client.pipeline(&[&["GET", "foo"], &["GET", "bar"]]).await.body,
        r#"[{"result":null},{"result":null}]"#
    );
}

#[tokio::test]
async fn a_slot_that_moved_or_is_moving_is_followed() {
    let cluster = Cluster::start(0).await;
    let (mut client, _gateway, _other) = cluster.client().await;
    each(&mut client, "SET", Some("before")).await;
    let (from, to) = (&cluster.nodes[2], &cluster.nodes[0]);
    let (from_id, to_id) = (cluster.id(2).await, cluster.id(0).await);

    // On its way: what is there no more is asked for at the new node.
    assert_eq!(to.tell(&format!("cluster setslot 12182 importing {from_id}")).await, "+OK");
    assert_eq!(from.tell(&format!("cluster setslot 12182 migrating {to_id}")).await, "+OK");
    assert_eq!(client.command(&["GET", "foo"]).await.body, r#"{"result":"before"}"#);
    let moved = from.tell(&format!("migrate 127.0.0.1 {} foo 0 5000", to.port)).await;
    assert_eq!(moved, "+OK");
    assert_eq!(client.command(&["GET", "foo"]).await.body, r#"{"result":"before"}"#, "asked");
    let all = json!([{"result": "before"}, {"result": "before"}, {"result": "before"}]);
    assert_eq!(each(&mut client, "GET", None).await, all, "asked among others");
    assert_eq!(
        each(&mut client, "APPEND", Some("!")).await,
        json!([{"result": 7}, {"result": 7}, {"result": 7}])
    );
    let answer = client.send("POST", "/multi-exec", r#"[["GET","foo"]]"#).await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")), "{}", answer.body);
    assert!(answer.body.contains("nothing was executed"), "{}", answer.body);

    // There: the old node says so.
    cluster.set_slot(12_182, &to_id).await;
    let all = json!([{"result": "before!"}, {"result": "before!"}, {"result": "before!"}]);
    assert_eq!(each(&mut client, "GET", None).await, all);
    assert_eq!(client.send("POST", "/multi-exec", r#"[["INCR","{foo}n"]]"#).await.body, r#"[{"result":1}]"#);
    assert_eq!(client.command(&["DEL", "foo", "{foo}n"]).await.body, r#"{"result":2}"#);
    cluster.set_slot(12_182, &from_id).await;
    let answer = client.send("POST", "/multi-exec", r#"[["GET","{foo}n"]]"#).await;
    assert_eq!(answer.parts(), (200, r#"[{"result":null}]"#), "moved back");
}

#[tokio::test]
async fn a_node_that_dies_is_replaced_by_its_replica_and_the_others_serve_meanwhile() {
    let mut cluster = Cluster::start(1).await;
    let (mut client, _gateway, _other) = cluster.client().await;
    assert_eq!(
        each(&mut client, "SET", Some("v")).await,
        json!([{"result": "OK"}, {"result": "OK"}, {"result": "OK"}])
    );
    let has_it = async |node: &Node| node.tell("dbsize").await == ":1";
    for node in &cluster.nodes {
        until("the replicas", async || has_it(node).await).await;
    }
    cluster.nodes[2].kill();
    let failed = client.command(&["GET", "foo"]).await;
    assert_eq!((failed.status, failed.header("retry-after")), (503, Some("1")), "{}", failed.body);
    assert_eq!(client.command(&["GET", "bar"]).await.body, r#"{"result":"v"}"#);
    let answer = client.pipeline(&[&["APPEND", "bar", "!"], &["APPEND", "foo", "!"]]).await;
    assert_eq!(answer.status, 503, "what was executed in part is unknown: {}", answer.body);
    until("the replica to take over", async || client.command(&["SET", "foo", "w"]).await.status == 200)
        .await;
    let all = each(&mut client, "GET", None).await;
    assert_eq!((&all[1], &all[2]), (&json!({"result": "v"}), &json!({"result": "w"})));
}

#[tokio::test]
async fn a_server_that_is_no_cluster_is_named_as_the_reason() {
    let node = Node::start(&["save \"\""]).await;
    let (gateway, _other) =
        gateway(&format!("redis+cluster://127.0.0.1:{}", node.port), RedisTls::default()).await;
    let mut client = Client::connect(gateway.address, ADMIN).await;
    let answer = client.command(&["GET", "k"]).await;
    assert_eq!(answer.status, 503);
    assert!(
        answer.body.contains("no node of a cluster") && answer.body.contains("nothing was executed"),
        "{}",
        answer.body
    );
}
