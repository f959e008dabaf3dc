//! All is well.

use std::time::Instant;

use crate::client::{Connection, get, post};
use crate::fixture::{PATIENCE, host, host_with};

#[tokio::test]
async fn requests_are_answered_with_their_length_on_one_connection() {
    let host = host(|_| {});
    let mut connection = Connection::open(host.address()).await;
    for _ in 0..3 {
        let reply = connection.get("/hello").await;
        assert_eq!((reply.status, reply.body.as_str()), (200, "hello"));
    }
    let reply = connection.get("/big?0").await;
    assert_eq!((reply.status, reply.body.as_str()), (200, ""));
}

#[tokio::test]
async fn a_body_arrives_unchanged_whether_announced_or_chunked() {
    let host = host(|_| {});
    let body = "0123456789".repeat(20_000);
    let mut options = Connection::open(host.address()).await;
    assert_eq!(post(host.address(), "/echo", "small").await.body, "small");
    options
        .write("POST /echo HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n5\r\nin pi\r\n4\r\neces\r\n0\r\n\r\n")
        .await;
    assert_eq!(options.reply().await.body, "in pieces");
    let long = body.chars().take(60_000).collect::<String>();
    assert_eq!(post(host.address(), "/echo", &long).await.body, long);
}

#[tokio::test]
async fn all_requests_share_one_instance() {
    let host = host(|_| {});
    for heard in 1..=20 {
        assert_eq!(get(host.address(), "/heard").await.body, heard.to_string());
    }
}

#[tokio::test]
async fn every_shard_answers_on_the_same_port() {
    let host = host(|options| options.shards = 3);
    // The system spreads connections over the shards, each of which has an instance of its own.
    let patience = Instant::now() + PATIENCE;
    let mut first_of_an_instance = 0;
    while first_of_an_instance < 3 {
        assert!(Instant::now() < patience, "{first_of_an_instance} of 3 shards answered");
        if get(host.address(), "/heard").await.body == "1" {
            first_of_an_instance += 1;
        }
    }
}

#[tokio::test]
async fn the_client_address_is_the_hosts_word_only() {
    let host = host(|_| {});
    let mut connection = Connection::open(host.address()).await;
    connection
        .write("GET /headers HTTP/1.1\r\nhost: test\r\ntideline-client-address: 9.9.9.9\r\nTideline-Client-Address: 8.8.8.8\r\nx-forwarded-for: 7.7.7.7\r\n\r\n")
        .await;
    let headers = connection.reply().await.body;
    let addresses: Vec<_> =
        headers.lines().filter(|line| line.starts_with("tideline-client-address")).collect();
    assert_eq!(addresses, ["tideline-client-address=127.0.0.1"]);
    assert!(headers.contains("x-forwarded-for=7.7.7.7"));
}

#[tokio::test]
async fn the_component_hears_which_host_was_asked() {
    let host = host(|_| {});
    assert_eq!(get(host.address(), "/authority").await.body, "test");
    let mut connection = Connection::open(host.address()).await;
    connection.write("GET /hello HTTP/1.1\r\n\r\n").await;
    let reply = connection.reply().await;
    assert_eq!(reply.status, 400);
    assert!(reply.detail().contains("host header"));
}

#[tokio::test]
async fn the_component_sees_its_own_variables_and_no_others() {
    let variables = [
        ("UPSTASH_REDIS_REST_URL", "http://127.0.0.1:8079"),
        ("UPSTASH_REDIS_REST_TOKEN", "token"),
        ("TIDELINE_REGION", "eu"),
        ("EDGE_LISTEN", "127.0.0.1:1"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("PATH", "/bin"),
    ];
    let host = host_with(|_| {}, &variables);
    let environment = get(host.address(), "/environment").await.body;
    assert_eq!(
        environment,
        "TIDELINE_REGION=eu\nUPSTASH_REDIS_REST_TOKEN=token\nUPSTASH_REDIS_REST_URL=http://127.0.0.1:8079\n"
    );
}
