//! What visitors get.

use tideline_collect::{Error, Service, ping};
use tokio::net::TcpListener;

use crate::client::{Connection, get};
use crate::fixture::{Setup, event, options, settings, until};

#[tokio::test]
async fn health_is_answered_and_what_is_private_is_not_there() {
    let setup = Setup::start(|_| {}).await;
    let health = get(setup.address, "/healthz").await;
    assert_eq!((health.status, health.body.as_str()), (200, r#"{"status":"ok"}"#));
    for path in ["/", "/index.html", "/api/v1/events", "/events"] {
        assert_eq!(get(setup.address, path).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn an_event_is_in_redis_when_its_visitor_is_answered() {
    let setup = Setup::start(|_| {}).await;
    let body = event("s", 0);
    let reply = setup.track(&body).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    let entries = setup.entries().await;
    assert_eq!(entries.len(), 1);
    assert!(entries[0].contains(&body), "{entries:?}");
}

#[tokio::test]
async fn the_address_is_the_connections_and_not_what_the_visitor_says() {
    let setup = Setup::start(|_| {}).await;
    let body = event("s", 0);
    let mut visitor = Connection::open(setup.address).await;
    let length = body.len();
    visitor
        .write(format!(
            "POST /track HTTP/1.1\r\nhost: test\r\ntideline-client-address: 203.0.113.7\r\ncontent-length: {length}\r\n\r\n{body}"
        ))
        .await;
    assert_eq!(visitor.reply().await.status, 200);
    let entries = setup.entries().await;
    assert!(entries[0].iter().any(|value| value == "127.0.0.1"), "{entries:?}");
    assert!(!entries[0].iter().any(|value| value.contains("203.0.113.7")), "{entries:?}");
}

#[tokio::test]
async fn it_is_ready_while_redis_writes_and_no_longer() {
    let setup = Setup::start(|_| {}).await;
    let readiness = async || get(setup.address, "/readyz").await.status;
    let changes = async || {
        let text: String = setup.redis.ask(&["INFO", "persistence"]).await;
        text.lines().find(|line| line.starts_with("rdb_changes_since_last_save:")).unwrap().to_owned()
    };
    let before = changes().await;
    assert_eq!(readiness().await, 200);
    // Full, or without the replicas that it must have.
    for (setting, wrong, right) in [("maxmemory", "1", "0"), ("min-replicas-to-write", "1", "0")] {
        setup.redis.ask::<()>(&["CONFIG", "SET", setting, wrong]).await;
        assert_eq!(readiness().await, 503, "{setting}");
        assert_eq!(setup.track(&event("s", 0)).await.status, 503, "{setting}");
        setup.redis.ask::<()>(&["CONFIG", "SET", setting, right]).await;
        assert_eq!(readiness().await, 200, "{setting}");
    }
    setup.redis.ask::<()>(&["REPLICAOF", "127.0.0.1", "1"]).await;
    assert_eq!(readiness().await, 503, "a read-only replica");
    setup.redis.ask::<()>(&["REPLICAOF", "NO", "ONE"]).await;
    assert_eq!(readiness().await, 200);
    assert_eq!(changes().await, before, "asking wrote something");
}

#[tokio::test]
async fn what_is_no_text_hides_no_header() {
    let setup = Setup::start(|_| {}).await;
    let body = event("s", 0);
    let mut visitor = Connection::open(setup.address).await;
    let head =
        format!("POST /track HTTP/1.1\r\nhost: test\r\ncontent-length: {}\r\nuser-agent: ", body.len());
    visitor.write([head.as_bytes(), b"UA \xe9\r\n\r\n", body.as_bytes()].concat()).await;
    assert_eq!(visitor.reply().await.status, 200);
    let entries = setup.entries().await;
    assert!(entries[0].iter().any(|value| value.contains("UA \u{fffd}")), "{entries:?}");
}

#[tokio::test]
async fn a_connection_serves_one_request_after_the_other() {
    let setup = Setup::start(|_| {}).await;
    let mut visitor = Connection::open(setup.address).await;
    for number in 0..3 {
        visitor.post("/track", &event(&format!("s{number}"), 0)).await;
        assert_eq!(visitor.reply().await.status, 200);
        assert_eq!(visitor.get("/nowhere").await.status, 404);
    }
    assert_eq!(setup.entries().await.len(), 3);
}

#[tokio::test]
async fn a_request_without_one_valid_host_is_refused() {
    let setup = Setup::start(|_| {}).await;
    for hosts in ["", "host: a\r\nhost: b\r\n", "host: no host\r\n"] {
        let mut visitor = Connection::open(setup.address).await;
        visitor.write(format!("GET /healthz HTTP/1.1\r\n{hosts}\r\n")).await;
        let reply = visitor.reply().await;
        assert_eq!(reply.status, 400, "{hosts:?}");
        assert!(reply.detail().contains("host header"));
    }
}

#[tokio::test]
async fn an_event_that_came_whole_is_written_even_if_its_visitor_leaves() {
    let setup = Setup::start(|options| options.limits.connections = 1).await;
    let visitor = setup.track_in_vain(&event("s", 0)).await;
    drop(visitor);
    // One connection may be open, so this one is served only after the other is gone.
    assert_eq!(get(setup.address, "/healthz").await.status, 200);
    assert_eq!(setup.entries().await.len(), 0);
    setup.go_on().await;
    until("the event is written", async || setup.entries().await.len() == 1).await;
}

#[tokio::test]
async fn while_redis_is_out_of_reach_visitors_are_asked_to_come_back() {
    let mut setup = Setup::start(|_| {}).await;
    let settings = settings(setup.gateway.address);
    ping(&settings.endpoint).await.unwrap();
    setup.redis.kill();
    let reply = setup.track(&event("s", 0)).await;
    assert_eq!((reply.status, reply.headers["retry-after"].as_str()), (503, "1"));
    assert!(ping(&settings.endpoint).await.is_err());
    setup.redis.start_again().await;
    until("events are taken again", async || setup.track(&event("s", 0)).await.status == 200).await;
}

#[tokio::test]
async fn what_cannot_work_is_refused_with_what_to_do() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap();
    let mut options = options(address);
    options.listen = address;
    let refused = Service::bind(options.clone()).await.err().unwrap();
    assert!(matches!(refused, Error::Listen { .. }) && refused.to_string().contains("--collect-listen"));
    options.limits.buffered_bytes = 262_143;
    let refused = Service::bind(options).await.err().unwrap().to_string();
    assert!(refused.contains("give it at least 262144"), "{refused}");
}
