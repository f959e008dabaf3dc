//! `tideline serve`.

use serde_json::json;
use tideline_protocol::{Facts, Lanes, StreamRecord, TrackCall, TrackReply, Tracked};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use uuid::Uuid;

use crate::redis_server::RedisServer;
use crate::run::{Installation, TOKEN, get};
use crate::until;

/// Sends one `page-view` as the edge does.
async fn track(redis: &RedisServer, session: &str) -> TrackReply {
    let call = TrackCall {
        lane: Lanes::new("test", "local", 4).unwrap().of_session(session),
        bridge: "rest",
        fingerprint: session.to_owned(),
        origin: None,
        claim: None,
        facts: Facts::default(),
        record: StreamRecord {
            request_id: Uuid::from_u128(1),
            received_at: 1_769_860_800_000,
            source: "shop-web".to_owned(),
            session: session.to_owned(),
            profile: Some("profile".to_owned()),
            vouched: false,
            unasked: None,
            new_session: false,
            new_profile: true,
            transitional: false,
            events: 1,
            client_address: None,
            headers: Vec::new(),
            body: json!({"events": [{"id": format!("event-of-{session}"), "type": "page-view"}]}).to_string(),
        },
    };
    // Without a claim there is nothing to look up first.
    let command = call.commands().remove(0);
    let reply: Vec<Vec<String>> = redis.ask(&command.iter().map(String::as_str).collect::<Vec<_>>()).await;
    Tracked::parse(&[json!(reply)]).unwrap().reply
}

async fn is_stored(address: &str, session: &str) {
    until("the event is stored", async || {
        get(address, &format!("/api/v1/events/event-of-{session}")).await.0 == 200
    })
    .await;
}

#[tokio::test]
async fn what_the_edge_accepts_is_in_the_api_until_a_signal_ends_it_all_in_order() {
    let redis = RedisServer::start().await;
    let installation = Installation::provisioned(&redis).await;
    for signal in ["TERM", "INT"] {
        let process = installation.serve(&[]);
        let address = process.ready().await;
        // A reader of live events: a request that never ends by itself.
        let mut reader = TcpStream::connect(&address).await.unwrap();
        let request =
            format!("GET /api/v1/events/live HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {TOKEN}\r\n\r\n");
        reader.write_all(request.as_bytes()).await.unwrap();
        let mut status = [0; 12];
        reader.read_exact(&mut status).await.unwrap();
        assert_eq!(&status, b"HTTP/1.1 200");

        assert!(matches!(track(&redis, signal).await, TrackReply::Stored { .. }));
        is_stored(&address, signal).await;
        let id = format!("id: event-of-{signal}\n");
        let mut stream = String::new();
        while !stream.contains(&id) {
            let mut part = [0; 1024];
            let length = reader.read(&mut part).await.unwrap();
            assert!(length > 0, "the stream ended before it brought the event: {stream}");
            stream.push_str(&String::from_utf8_lossy(&part[..length]));
        }
        let stopped = process.stop(signal).await;
        assert!(stopped.succeeded && stopped.log.contains("stopped"), "{}", stopped.log);
        let mut rest = Vec::new();
        reader.read_to_end(&mut rest).await.unwrap();
        assert!(rest.ends_with(b"0\r\n\r\n"), "the stream was brought to its end, not cut off");
        for lane in Lanes::new("test", "local", 4).unwrap().all() {
            assert_eq!(redis.ask::<u8>(&["EXISTS", &lane.lease()]).await, 0, "{lane} was given back");
        }
    }
}

#[tokio::test]
async fn a_redis_that_is_not_there_is_waited_for() {
    let mut redis = RedisServer::start().await;
    let installation = Installation::provisioned(&redis).await;
    redis.kill();
    let process = installation.serve(&[]);
    process.says("waiting for redis").await;
    let address = process.address("answering health");
    assert_eq!(get(&address, "/healthz").await.0, 200);
    let (status, readiness) = get(&address, "/readyz").await;
    let reasons = ["redis does not answer", "redis is not prepared yet: functions, lanes and event sources"];
    assert_eq!((status, &readiness["reasons"]), (503, &json!(reasons)));

    redis.start_again().await;
    assert_eq!(process.ready().await, address);
    until("ready", async || get(&address, "/readyz").await.0 == 200).await;
    assert!(process.stop("TERM").await.succeeded);
}

#[tokio::test]
async fn a_service_whose_intake_stands_still_is_not_ready() {
    let redis = RedisServer::start().await;
    let installation = Installation::provisioned(&redis).await;
    let process = installation.serve(&[]);
    let address = process.ready().await;
    assert_eq!(get(&address, "/readyz").await.0, 200);
    redis.ask::<()>(&["FUNCTION", "DELETE", "tideline_service"]).await;
    until("not ready", async || get(&address, "/readyz").await.0 == 503).await;
    let reason = "the intake stands still: redis or the store refuses its work, and the log says why";
    assert_eq!(get(&address, "/readyz").await.1["reasons"], json!([reason]));
    assert!(process.stop("TERM").await.succeeded);
}

#[tokio::test]
async fn a_stop_while_waiting_for_redis_is_heard() {
    let mut redis = RedisServer::start().await;
    let installation = Installation::provisioned(&redis).await;
    redis.kill();
    let process = installation.serve(&[]);
    process.says("waiting for redis").await;
    assert!(process.stop("TERM").await.succeeded);
}

#[tokio::test]
async fn a_redis_that_lost_everything_is_made_ready_again() {
    let redis = RedisServer::start().await;
    let installation = Installation::provisioned(&redis).await;
    redis.ask::<()>(&["FLUSHALL"]).await;
    redis.ask::<()>(&["FUNCTION", "FLUSH"]).await;
    let process = installation.serve(&[]);
    let address = process.ready().await;
    assert!(process.log().contains("functions that redis did not have"), "{}", process.log());
    assert!(matches!(track(&redis, "after").await, TrackReply::Stored { .. }));
    is_stored(&address, "after").await;
    assert!(process.stop("TERM").await.succeeded);
}

#[tokio::test]
async fn what_cannot_work_ends_with_one_sentence_that_says_what_to_do() {
    let redis = RedisServer::start().await;
    let mut installation = Installation::new(&redis.url());
    let unprovisioned = installation.run(&["serve"]).await;
    assert!(
        !unprovisioned.succeeded
            && unprovisioned.log.contains("run `tideline provision --sources FILE` first"),
        "{}",
        unprovisioned.log
    );
    let unprovisioned = installation.run(&["serve", "--role", "intake"]).await;
    assert!(
        !unprovisioned.succeeded && unprovisioned.log.contains("is not set up: run `tideline provision"),
        "{}",
        unprovisioned.log
    );
    assert_eq!(redis.ask::<u64>(&["DBSIZE"]).await, 0, "what was never provisioned is not made up");

    installation.provision(r#"{"sources":[{"id":"shop-web","name":"Shop"}]}"#).await;
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let in_use = installation.run(&["serve", "--listen", &address]).await;
    assert!(
        !in_use.succeeded && in_use.log.contains(&format!("cannot listen on {address}")),
        "{}",
        in_use.log
    );

    let renumbered = installation.set("TIDELINE_LANES", Some("8")).run(&["serve"]).await;
    assert!(!renumbered.succeeded && renumbered.log.contains("set it to 4"), "{}", renumbered.log);
    let tokenless = installation.set("TIDELINE_API_TOKENS_SHA256", None).run(&["serve"]).await;
    assert!(
        !tokenless.succeeded && tokenless.log.contains("TIDELINE_API_TOKENS_SHA256 is not set"),
        "{}",
        tokenless.log
    );
}

#[tokio::test]
async fn a_process_without_the_api_needs_no_token_and_serves_health_only() {
    let redis = RedisServer::start().await;
    let mut installation = Installation::provisioned(&redis).await;
    installation.set("TIDELINE_API_TOKENS_SHA256", None).set("TIDELINE_ROLES", Some("intake"));
    let process = installation.serve(&[]);
    let address = process.ready().await;
    assert_eq!(get(&address, "/readyz").await.0, 200);
    assert_eq!(get(&address, "/api/v1/events").await.0, 404);
    assert!(process.stop("TERM").await.succeeded);
}

/// No server that old can be had any more, so one is played: all it must say is its version.
#[tokio::test]
async fn a_redis_that_is_too_old_is_refused() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("redis://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4096];
            while let Ok(length @ 1..) = stream.read(&mut request).await {
                let request = String::from_utf8_lossy(&request[..length]).into_owned();
                let info = "redis_version:6.2.14\r\n";
                let mut answer = "-ERR unknown subcommand\r\n".repeat(request.matches("SETINFO").count());
                if request.contains("INFO\r\n$6\r\nserver") {
                    answer += &format!("${}\r\n{info}\r\n", info.len());
                }
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        }
    });
    let mut installation = Installation::new(&url);
    let refused = installation.try_provision(r#"{"sources":[]}"#).await;
    assert!(
        !refused.succeeded && refused.log.contains("is version 6.2.14: use 7.0 or later"),
        "{}",
        refused.log
    );
    let refused = installation.set("TIDELINE_ROLES", Some("intake")).run(&["serve"]).await;
    assert!(!refused.succeeded && refused.log.contains("is version 6.2.14"), "{}", refused.log);
}
