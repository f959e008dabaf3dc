//! A Redis that sentinels name, and one that is reached with TLS alone.

use tideline_redis_gateway::{Gateway, Handle, RedisAddress, RedisTls};

use crate::client::Client;
use crate::entrance::certificates;
use crate::nodes::{Node, free_port};
use crate::server::{ADMIN, Redis, options, until};

/// A gateway in front of the Redis at a URL.
pub(crate) async fn gateway(url: &str, files: RedisTls) -> (Handle, Redis) {
    // Its own Redis is not used: it holds the tokens file.
    let other = Redis::start().await;
    let mut options = options(&other, &["--command-timeout-ms", "1000"]);
    options.redis = RedisAddress::parse(url).unwrap().with_tls(files).unwrap();
    (Gateway::start(options).await.unwrap(), other)
}

struct Watched {
    master: Node,
    replica: Node,
    sentinels: Vec<Node>,
}

impl Watched {
    async fn start() -> Watched {
        let master = Node::start(&["save \"\""]).await;
        let follows = format!("replicaof 127.0.0.1 {}", master.port);
        let replica = Node::start(&["save \"\"", "repl-diskless-sync-delay 0", &follows]).await;
        let mut sentinels = Vec::new();
        for _ in 0..3 {
            sentinels.push(Node::sentinel(master.port).await);
        }
        let knows = async |sentinel: &Node, what: &str| sentinel.tell("info sentinel").await.contains(what);
        for sentinel in &sentinels {
            until("all to know each other", async || knows(sentinel, "slaves=1,sentinels=3").await).await;
        }
        until("the replica to follow", async || {
            replica.tell("info replication").await.contains("master_link_status:up")
        })
        .await;
        Watched { master, replica, sentinels }
    }

    fn url(&self) -> String {
        let hosts: Vec<_> = self.sentinels.iter().map(|node| format!("127.0.0.1:{}", node.port)).collect();
        format!("redis+sentinel://{}/mymaster", hosts.join(","))
    }
}

/// Writes until one write is answered.
async fn written(client: &mut Client, value: &str) {
    until("a write", async || client.command(&["SET", "k", value]).await.status == 200).await;
}

#[tokio::test]
async fn the_master_that_sentinels_name_is_used_and_its_successor_when_it_dies() {
    let mut watched = Watched::start().await;
    let (gateway, _other) = gateway(&watched.url(), RedisTls::default()).await;
    let mut client = Client::connect(gateway.address, ADMIN).await;
    written(&mut client, "first").await;
    assert_eq!(watched.master.tell("get k").await, "first");
    // One sentinel less: the others suffice.
    watched.sentinels.truncate(2);
    watched.master.kill();
    written(&mut client, "second").await;
    assert_eq!(watched.replica.tell("get k").await, "second");
}

#[tokio::test]
async fn a_master_that_is_told_to_step_down_is_left() {
    let watched = Watched::start().await;
    let (gateway, _other) = gateway(&watched.url(), RedisTls::default()).await;
    let mut client = Client::connect(gateway.address, ADMIN).await;
    written(&mut client, "first").await;
    let began = async || watched.sentinels[0].tell("sentinel failover mymaster").await == "+OK";
    until("the change of masters", began).await;
    let leads = async || watched.replica.tell("info replication").await.contains("role:master");
    until("the new master", leads).await;
    until("a write at the new master", async || {
        client.command(&["SET", "k", "second"]).await.status == 200
            && watched.replica.tell("get k").await == "second"
    })
    .await;
}

#[tokio::test]
async fn without_a_master_the_reason_is_told() {
    let sentinel = Node::sentinel(free_port()).await;
    let url = format!("redis+sentinel://127.0.0.1:{}/other", sentinel.port);
    let (gateway, _other) = gateway(&url, RedisTls::default()).await;
    let mut client = Client::connect(gateway.address, "").await;
    let told =
        async || client.send("GET", "/readyz", "").await.body.contains("they know no master \\\"other\\\"");
    until("the reason", told).await;
}

#[tokio::test]
async fn a_redis_with_tls_is_used_if_its_certificate_is_trusted_and_ours_is_shown() {
    let directory = tempfile::tempdir().unwrap();
    certificates(directory.path(), &["redis", "gateway"]);
    let file = |name: &str| directory.path().join(name);
    let port = free_port();
    let mut settings = vec![format!("tls-port {port}"), "save \"\"".to_owned()];
    for (setting, name) in
        [("tls-cert-file", "redis.pem"), ("tls-key-file", "redis.key"), ("tls-ca-cert-file", "authority.pem")]
    {
        settings.push(format!("{setting} {}", file(name).display()));
    }
    let _redis = Node::start(&settings.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let ours = RedisTls {
        redis_ca_file: Some(file("authority.pem")),
        redis_certificate_file: Some(file("gateway.pem")),
        redis_key_file: Some(file("gateway.key")),
    };
    let url = format!("rediss://127.0.0.1:{port}");
    let (served, _other) = gateway(&url, ours.clone()).await;
    let mut client = Client::connect(served.address, ADMIN).await;
    until("a write", async || client.command(&["SET", "k", "v"]).await.status == 200).await;
    // More than the encryption and the socket hold at once, in both directions.
    let large = "x".repeat(900_000);
    assert_eq!(client.command(&["SET", "large", &large]).await.status, 200);
    assert_eq!(client.command(&["GET", "large"]).await.body.len(), large.len() + 13);
    assert_eq!(client.open("GET", "/subscribe/news", &[], "").await.unwrap().0, 200);

    let foreign = tempfile::tempdir().unwrap();
    certificates(foreign.path(), &["gateway"]);
    for files in [
        RedisTls { redis_ca_file: Some(foreign.path().join("authority.pem")), ..ours.clone() },
        RedisTls { redis_certificate_file: None, redis_key_file: None, ..ours.clone() },
    ] {
        let (refused, _other) = gateway(&url, files).await;
        let mut client = Client::connect(refused.address, "").await;
        let answer = client.send("GET", "/readyz", "").await;
        assert_eq!(answer.status, 503);
        assert!(answer.body.contains("redis is not reachable"), "{}", answer.body);
    }
}
