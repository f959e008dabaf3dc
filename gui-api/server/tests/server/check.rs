//! `tideline check`: one broken thing after the other.

use tideline_protocol::Lanes;

use crate::redis_server::RedisServer;
use crate::run::Installation;

/// The line about one thing.
fn line<'a>(output: &'a str, what: &str) -> &'a str {
    output.lines().find(|line| line.split_whitespace().nth(1) == Some(what)).unwrap_or_default()
}

async fn check(installation: &Installation) -> (bool, String) {
    let outcome = installation.run(&["check"]).await;
    (outcome.succeeded, outcome.output)
}

/// Only this is wrong, and the line says this.
async fn only_wrong(installation: &Installation, what: &str, expected: &str) {
    let (succeeded, output) = check(installation).await;
    let wrong: Vec<_> = output.lines().filter(|line| line.starts_with("wrong")).collect();
    assert_eq!(wrong, [line(&output, what)], "{output}");
    assert!(!succeeded && wrong[0].contains(expected), "{output}");
}

#[tokio::test]
async fn an_installation_that_is_in_order_passes() {
    let redis = RedisServer::start().await;
    let installation = Installation::provisioned(&redis).await;
    let (succeeded, output) = check(&installation).await;
    assert!(succeeded, "{output}");
    assert_eq!(output.lines().count(), 11, "{output}");
    assert!(output.lines().all(|line| line.starts_with("ok ")), "{output}");
}

#[tokio::test]
async fn a_file_of_places_that_is_none_is_named() {
    let redis = RedisServer::start().await;
    let mut installation = Installation::provisioned(&redis).await;
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    only_wrong(
        installation.set("TIDELINE_PLACES_FILE", Some(manifest)),
        "places",
        "not one of MaxMind's format",
    )
    .await;
}

#[tokio::test]
async fn what_was_never_provisioned_is_told_and_not_made() {
    let redis = RedisServer::start().await;
    let installation = Installation::new(&redis.url());
    let (succeeded, output) = check(&installation).await;
    assert!(!succeeded);
    for what in ["store", "functions", "streams"] {
        assert!(
            line(&output, what).starts_with("wrong") && output.contains("tideline provision"),
            "{output}"
        );
    }
    assert_eq!(redis.ask::<u64>(&["DBSIZE"]).await, 0);
    assert!(line(&output, "store").contains("no store"), "{output}");
}

#[tokio::test]
async fn wrong_settings_are_told_with_their_names() {
    let redis = RedisServer::start().await;
    let mut installation = Installation::provisioned(&redis).await;
    let table = [
        ("TIDELINE_API_TOKENS_SHA256", None, "tokens", "TIDELINE_API_TOKENS_SHA256 is not set"),
        ("TIDELINE_API_TOKENS_SHA256", Some("secret"), "tokens", "sha256sum"),
        ("TIDELINE_GUI_DIR", Some("/nowhere"), "gui", "npm run build"),
        ("TIDELINE_DATA_DIR", Some("/nowhere"), "store", "TIDELINE_DATA_DIR"),
        ("TIDELINE_LANES", Some("0"), "lanes", "use 1 to 256"),
        ("TIDELINE_LANES", Some("8"), "streams", "has 4 lanes, and TIDELINE_LANES is 8: set it to 4"),
        ("TIDELINE_REDIS_URL", None, "redis", "TIDELINE_REDIS_URL is not set"),
        ("TIDELINE_REDIS_URL", Some("redis://:hidden@"), "redis", "write redis://"),
        ("TIDELINE_REDIS_URL", Some("rediss://:hidden@host"), "redis", "tunnel"),
        ("TIDELINE_REDIS_URL", Some("redis://:hidden@127.0.0.1:1"), "redis", "127.0.0.1:1 cannot be reached"),
    ];
    for (setting, value, what, expected) in table {
        let usual = match setting {
            "TIDELINE_API_TOKENS_SHA256" => Some("ab".repeat(32)),
            "TIDELINE_REDIS_URL" => Some(redis.url()),
            "TIDELINE_LANES" => Some("4".to_owned()),
            "TIDELINE_DATA_DIR" => Some(installation.store_folder()),
            _ => None,
        };
        let (succeeded, output) = check(installation.set(setting, value)).await;
        let told = line(&output, what);
        assert!(
            !succeeded && told.starts_with("wrong") && told.contains(expected),
            "{setting}={value:?}: {output}"
        );
        assert!(!output.contains("hidden"), "{output}");
        installation.set(setting, usual.as_deref());
    }
    assert!(check(&installation).await.0);
}

#[tokio::test]
async fn secrets_may_come_from_files() {
    let redis = RedisServer::start().await;
    let mut installation = Installation::provisioned(&redis).await;
    let url = installation.file("url", &format!("{}\n", redis.url()));
    let tokens = installation.file("tokens", &format!("{}\n{}\n", "ab".repeat(32), "cd".repeat(32)));
    installation.set("TIDELINE_REDIS_URL", None).set("TIDELINE_REDIS_URL_FILE", url.to_str());
    installation
        .set("TIDELINE_API_TOKENS_SHA256", None)
        .set("TIDELINE_API_TOKENS_SHA256_FILE", tokens.to_str());
    let (succeeded, output) = check(&installation).await;
    assert!(succeeded && line(&output, "tokens").contains("2 may use the API"), "{output}");
}

#[tokio::test]
async fn what_redis_lacks_is_told() {
    let redis = RedisServer::start().await;
    let installation = Installation::provisioned(&redis).await;
    let lane = Lanes::new("test", "local", 4).unwrap().all().nth(2).unwrap();
    let sources = r#"{"sources":[{"id":"shop-web","name":"Shop"}]}"#;

    redis.ask::<()>(&["FUNCTION", "DELETE", "tideline"]).await;
    only_wrong(&installation, "functions", "no library tideline").await;
    let other = "#!lua name=tideline\nredis.register_function('track_v1', function() return 1 end)";
    redis.ask::<String>(&["FUNCTION", "LOAD", other]).await;
    only_wrong(&installation, "functions", "another version of the library tideline").await;
    installation.provision(sources).await;

    redis.ask::<u8>(&["XGROUP", "DESTROY", &lane.events(), "tideline"]).await;
    only_wrong(&installation, "streams", "tl:test:local:02").await;
    redis.ask::<u8>(&["DEL", &lane.events()]).await;
    only_wrong(&installation, "streams", "1 of 4 lanes lack").await;
    installation.provision(sources).await;

    redis.ask::<u8>(&["DEL", &lane.source("shop-web")]).await;
    only_wrong(&installation, "sources", "`shop-web` is not in lane tl:test:local:02").await;
    installation.provision(sources).await;
    redis.ask::<u8>(&["HSET", &lane.source("shop-web"), "bots", "accept"]).await;
    only_wrong(&installation, "sources", "`shop-web` is not in lane tl:test:local:02 as it is in the store")
        .await;
    installation.provision(sources).await;

    redis.ask::<u8>(&["SADD", "{tl:test:local}:redirects", "gone"]).await;
    only_wrong(&installation, "sources", "the redirect `gone` is still in the lanes").await;
    installation.provision(sources).await;

    redis.ask::<()>(&["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"]).await;
    only_wrong(&installation, "durability", "set maxmemory-policy noeviction").await;
    redis.ask::<()>(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]).await;
    redis.ask::<()>(&["CONFIG", "SET", "appendonly", "no"]).await;
    only_wrong(&installation, "durability", "set appendonly yes").await;
}

#[tokio::test]
async fn a_store_of_an_older_version_is_left_as_it_is() {
    let redis = RedisServer::start().await;
    let installation = Installation::provisioned(&redis).await;
    let database = std::path::Path::new(&installation.store_folder()).join("tideline.db");
    let database = rusqlite::Connection::open(database).unwrap();
    database.pragma_update(None, "user_version", 1).unwrap();
    let (succeeded, output) = check(&installation).await;
    assert!(succeeded && line(&output, "store").contains("older version"), "{output}");
    let version: i64 = database.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    assert_eq!(version, 1);
}
