//! The role collect, and `EXPOSE_GUI_API=no`.

use serde_json::json;
use tempfile::TempDir;
use tideline_protocol::Lanes;
use tideline_redis_gateway::Handle;
use tokio::net::TcpListener;

use crate::gateway;
use crate::redis_server::RedisServer;
use crate::run::{Installation, get, post};
use crate::until;

const KEY: &str = "00112233445566778899aabbccddeeff";

/// What only the private service needs.
const PRIVATE: [&str; 3] = ["TIDELINE_REDIS_URL", "TIDELINE_API_TOKENS_SHA256", "TIDELINE_DATA_DIR"];

/// An installation with a gateway, and with the settings that a collector needs beside all others.
struct Setup {
    redis: RedisServer,
    gateway: Handle,
    installation: Installation,
    _folder: TempDir,
}

impl Setup {
    async fn start() -> Self {
        let redis = RedisServer::start().await;
        let mut installation = Installation::provisioned(&redis).await;
        let folder = tempfile::tempdir().unwrap();
        let gateway = gateway::start(&redis.url(), folder.path()).await;
        let address = gateway.address.to_string();
        until("the gateway is ready", async || get(&address, "/readyz").await.0 == 200).await;
        installation
            .set("UPSTASH_REDIS_REST_URL", Some(&format!("http://{address}")))
            .set("UPSTASH_REDIS_REST_TOKEN", Some(gateway::TOKEN))
            .set("TIDELINE_PROFILE_ID_KEYS", Some(KEY))
            .set("TIDELINE_COLLECT_LISTEN", Some("127.0.0.1:0"));
        Self { redis, gateway, installation, _folder: folder }
    }

    /// Without what only the private service needs.
    async fn without_private_settings() -> Self {
        let mut setup = Self::start().await;
        for name in PRIVATE {
            setup.installation.set(name, None);
        }
        setup
    }

    /// Entries in the stream of this session.
    async fn entries_of(&self, session: &str) -> u32 {
        let lane = Lanes::new("test", "local", 4).unwrap().of_session(session);
        self.redis.ask(&["XLEN", &lane.events()]).await
    }
}

fn page_view(session: &str) -> String {
    let event = json!({ "id": format!("event-of-{session}"), "type": "page-view" });
    json!({ "source": { "id": "shop-web" }, "session": { "id": session }, "events": [event] }).to_string()
}

#[tokio::test]
async fn a_collector_and_nothing_else_needs_and_serves_nothing_private() {
    let mut setup = Setup::without_private_settings().await;
    // Somebody listens there, so a private service could not.
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    setup.installation.set("TIDELINE_LISTEN", Some(&taken.local_addr().unwrap().to_string()));
    setup.installation.set("EXPOSE_GUI_API", Some("no")).set("TIDELINE_GUI_DIR", Some("/nowhere"));
    let process = setup.installation.serve(&[]);
    process.says("collecting").await;
    let address = process.address("collecting");

    assert_eq!(get(&address, "/healthz").await, (200, json!({ "status": "ok" })));
    for path in ["/", "/index.html", "/assets/", "/api/v1/events", "/api/v1/openapi.json", "/openapi.json"] {
        assert_eq!(get(&address, path).await.0, 404, "{path}");
    }
    let (status, answer) = post(&address, "/track", page_view("s")).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(setup.entries_of("s").await, 1);

    let stopped = process.stop("TERM").await;
    assert!(stopped.succeeded && stopped.log.contains("stopped"), "{}", stopped.log);
    assert!(!stopped.log.contains("listening") && !stopped.log.contains("redis is there"), "{}", stopped.log);
}

#[tokio::test]
async fn what_one_process_collects_it_also_stores_and_shows_if_it_has_all_roles() {
    let setup = Setup::start().await;
    let process = setup.installation.serve(&["--role", "api,intake,collect"]);
    let address = process.ready().await;
    let public = process.address("collecting");
    assert_eq!(post(&public, "/track", page_view("s")).await.0, 200);
    until("the event is stored", async || get(&address, "/api/v1/events/event-of-s").await.0 == 200).await;
    assert_eq!(get(&public, "/api/v1/events/event-of-s").await.0, 404);
    assert_eq!(post(&address, "/track", page_view("s")).await.0, 404);
    let stopped = process.stop("INT").await;
    assert!(stopped.succeeded, "{}", stopped.log);
}

#[tokio::test]
async fn what_the_installation_has_options_for_is_the_same_for_the_collector() {
    let mut setup = Setup::without_private_settings().await;
    setup.installation.set("TIDELINE_LANES", None).set("TIDELINE_CONTEXT", None);
    let process = setup.installation.serve(&["--role", "collect", "--lanes", "4", "--context", "test"]);
    process.says("collecting").await;
    let address = process.address("collecting");
    for session in ["a", "b", "c", "d", "e", "f", "g", "h"] {
        assert_eq!(post(&address, "/track", page_view(session)).await.0, 200, "{session}");
    }
    assert!(process.stop("TERM").await.succeeded);
}

#[tokio::test]
async fn a_refused_token_is_told_to_the_operator_and_no_secret_is_logged() {
    let mut setup = Setup::without_private_settings().await;
    let token = "not-the-token-of-the-gateway";
    setup.installation.set("UPSTASH_REDIS_REST_TOKEN", Some(token)).set("TIDELINE_LOG", Some("trace"));
    let process = setup.installation.serve(&["--role", "collect"]);
    process.says("collecting").await;
    let (status, answer) = post(&process.address("collecting"), "/track", page_view("s")).await;
    assert_eq!(status, 503, "{answer}");
    process.says("check the token and its policy").await;
    let log = process.stop("TERM").await.log;
    for secret in [token, KEY, "event-of-s"] {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
    assert_eq!(setup.entries_of("s").await, 0);
}

#[tokio::test]
async fn what_cannot_work_is_refused_at_the_start_with_the_sentence_that_mends_it() {
    let mut setup = Setup::without_private_settings().await;
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let gateway = format!("http://{}", setup.gateway.address);
    setup.installation.set("EXPOSE_GUI_API", Some("no"));
    let table = [
        ("UPSTASH_REDIS_REST_URL", None, Some(gateway.as_str()), "UPSTASH_REDIS_REST_URL is not set"),
        ("UPSTASH_REDIS_REST_URL", Some("/redis"), Some(&gateway), "UPSTASH_REDIS_REST_URL"),
        ("UPSTASH_REDIS_REST_TOKEN", None, Some(gateway::TOKEN), "UPSTASH_REDIS_REST_TOKEN is not set"),
        ("TIDELINE_PROFILE_ID_KEYS", Some("hidden"), Some(KEY), "TIDELINE_PROFILE_ID_KEYS"),
        ("TIDELINE_MAX_BODY_BYTES", Some("12"), None, "use 1024 to"),
        ("TIDELINE_IP_MODE", Some("drop"), None, "TIDELINE_IP_MODE is not a setting"),
        ("TIDELINE_LANES", Some("0"), Some("4"), "use 1 to 256"),
        ("TIDELINE_COLLECT_MAX_BUFFERED_BYTES", Some("1000"), None, "give it at least 262144"),
        ("TIDELINE_COLLECT_LISTEN", Some(&taken), Some("127.0.0.1:0"), "choose another --collect-listen"),
        ("TIDELINE_ROLES", Some("api,intake"), None, "leave the role out, or set EXPOSE_GUI_API=yes"),
        ("EXPOSE_GUI_API", Some("maybe"), Some("no"), "possible values: yes, no"),
        ("EXPOSE_GUI_API", Some("yes"), Some("no"), "TIDELINE_REDIS_URL is not set"),
    ];
    for (setting, value, usual, expected) in table {
        let refused = setup.installation.set(setting, value).run(&["serve"]).await;
        assert!(!refused.succeeded && refused.log.contains(expected), "{setting}={value:?}: {}", refused.log);
        assert!(!refused.log.contains("hidden"), "{}", refused.log);
        setup.installation.set(setting, usual);
    }
}

#[tokio::test]
async fn check_says_whether_the_collector_reaches_redis() {
    let mut setup = Setup::without_private_settings().await;
    setup.installation.set("EXPOSE_GUI_API", Some("no"));
    let fine = setup.installation.run(&["check"]).await;
    assert!(fine.succeeded && fine.output.lines().count() == 2, "{}", fine.output);
    assert!(fine.output.contains("takes in events for 4 lanes of tl:test:local"), "{}", fine.output);

    let gateway = format!("http://{}", setup.gateway.address);
    let table = [
        ("UPSTASH_REDIS_REST_TOKEN", Some("hidden"), gateway::TOKEN, "check the token and its policy"),
        (
            "UPSTASH_REDIS_REST_URL",
            Some("http://127.0.0.1:1"),
            &gateway,
            "cannot be used over http://127.0.0.1:1",
        ),
        ("TIDELINE_PROFILE_ID_KEYS", None, KEY, "TIDELINE_PROFILE_ID_KEYS is not set"),
        ("TIDELINE_COLLECT_MAX_BUFFERED_BYTES", Some("1000"), "33554432", "give it at least 262144"),
    ];
    for (setting, value, usual, expected) in table {
        let wrong = setup.installation.set(setting, value).run(&["check"]).await;
        assert!(!wrong.succeeded && wrong.output.contains(expected), "{}", wrong.output);
        assert!(!wrong.output.contains("hidden"), "{}", wrong.output);
        setup.installation.set(setting, Some(usual));
    }
}
