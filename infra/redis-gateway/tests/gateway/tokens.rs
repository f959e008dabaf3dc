//! Tokens: what their policies let pass, how they are replaced, and how much room they have.

use serde_json::{Value, json};

use crate::client::Client;
use crate::server::{ADMIN, EDGE, Setup, WRONGPASS, hash, until};

fn noperm(what: &str) -> String {
    format!(r#"{{"error":"NOPERM this user has no permissions to {what}"}}"#)
}

#[tokio::test]
async fn a_list_of_commands_and_keys_is_all_that_its_token_may_send() {
    let policy =
        json!({"commands": ["get", "SET", "client|id", "fcall|track_v1"], "keys": ["cache:*", "one"]});
    let tokens = json!([{"name": "worker", "sha256": hash("worker-token"), "policy": policy}]);
    let setup = Setup::with_tokens(&tokens, &[]).await;
    let mut client = setup.client("worker-token").await;
    assert_eq!(client.command(&["SET", "cache:a", "1"]).await.parts(), (200, r#"{"result":"OK"}"#));
    let key = noperm("access one of the keys used as arguments");
    let run = |name: &str| noperm(&format!("run the '{name}' command"));
    let answer = client
        .pipeline(&[
            &["get", "cache:a"],
            &["GET", "other"],
            &["DEL", "one"],
            &["GET", "one"],
            &["FCALL", "track_v1", "0"],
        ])
        .await;
    let expected = format!(r#"[{{"result":"1"}},{key},{},{{"result":null}},{key}]"#, run("del"));
    assert_eq!(answer.parts(), (200, expected.as_str()));
    assert_eq!(client.command(&["CLIENT", "KILL", "x"]).await.parts(), (400, run("client").as_str()));
    let answer = client.send("POST", "/multi-exec", r#"[["SET","one","1"],["SET","two","2"]]"#).await;
    assert_eq!(answer.parts(), (400, key.as_str()), "a transaction as a whole");
    assert_eq!(setup.redis.tell(&["DBSIZE"]).await, ":1");
}

#[tokio::test]
async fn a_readonly_token_may_subscribe_and_not_watch_the_commands_of_others() {
    let tokens = json!([{"name": "reader", "sha256": hash("reader-token"), "policy": "readonly"}]);
    let setup = Setup::with_tokens(&tokens, &[]).await;
    let mut client = setup.client("reader-token").await;
    assert_eq!(
        client.send("POST", "/monitor", "").await.parts(),
        (400, noperm("run the 'monitor' command").as_str())
    );
    let opened = client.open("GET", "/subscribe/news", &[], "").await.unwrap();
    assert_eq!(opened.0, 200);
}

#[tokio::test]
async fn tokens_are_replaced_without_a_restart_and_a_bad_file_changes_nothing() {
    let file = |tokens: Value| {
        json!({ "tokens": [{"name": "edge", "sha256": tokens, "policy": "full"}] }).to_string()
    };
    let setup = Setup::with_tokens(
        &json!([{"name": "edge", "sha256": hash("old"), "policy": "full"}]),
        &["--reload-ms", "1"],
    )
    .await;
    let path = setup.redis.directory().join("tokens.json");
    let (mut old, mut new) = (setup.client("old").await, setup.client("new").await);
    let served = async |client: &mut Client| client.command(&["PING"]).await.status == 200;
    assert!(served(&mut old).await && !served(&mut new).await);

    std::fs::write(&path, "{").unwrap();
    std::fs::write(&path, file(json!([hash("old"), hash("new")]))).unwrap();
    until("both tokens", async || served(&mut new).await && served(&mut old).await).await;

    std::fs::write(&path, file(json!("no hash"))).unwrap();
    for _ in 0..50 {
        assert!(served(&mut new).await && served(&mut old).await, "the tokens before stay");
    }
    std::fs::write(&path, file(json!(hash("new")))).unwrap();
    until("the old token's end", async || !served(&mut old).await).await;
    assert!(served(&mut new).await);
}

#[tokio::test]
async fn a_token_that_fills_its_own_room_leaves_that_of_others() {
    let tokens = json!([
        {"name": "small", "sha256": [hash("small-1"), hash("small-2")], "policy": "full", "max_in_flight": 1},
        {"name": "other", "sha256": hash(ADMIN), "policy": "full"},
    ]);
    let setup = Setup::with_tokens(&tokens, &["--command-timeout-ms", "60000"]).await;
    setup.until_ready(true).await;
    setup.redis.pause_writes().await;
    let address = setup.gateway.address;
    let waiting =
        tokio::spawn(async move { Client::connect(address, "small-1").await.command(&["INCR", "k"]).await });
    setup.redis.until_a_write_waits().await;
    let refused = setup.client("small-2").await.command(&["PING"]).await;
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("1")));
    assert!(refused.body.contains("nothing was executed"), "{}", refused.body);
    let other =
        tokio::spawn(async move { Client::connect(address, ADMIN).await.command(&["PING"]).await.status });
    setup.redis.tell(&["CLIENT", "UNPAUSE"]).await;
    assert_eq!(other.await.unwrap(), 200);
    assert_eq!(waiting.await.unwrap().parts(), (200, r#"{"result":1}"#));
}

#[tokio::test]
async fn an_address_without_a_good_token_is_told_to_wait_and_one_with_it_is_served() {
    let setup = Setup::start(&["--auth-failures-per-minute", "3"]).await;
    let (mut stranger, mut edge) = (setup.client("guess").await, setup.client(EDGE).await);
    for _ in 0..3 {
        assert_eq!(stranger.command(&["PING"]).await.parts(), (401, WRONGPASS));
    }
    let refused = stranger.command(&["PING"]).await;
    assert_eq!(refused.status, 429, "{}", refused.body);
    let seconds: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=21).contains(&seconds), "{seconds}");
    assert_eq!(edge.command(&["PING"]).await.status, 200, "nobody is locked out by a stranger");
}
