//! `tideline provision`.

use std::collections::BTreeMap;

use tideline_protocol::Lanes;
use tideline_store::Store as _;

use crate::redis_server::RedisServer;
use crate::run::Installation;

const TWO_SOURCES: &str = r#"{"sources":[
    {"id":"shop-web","name":"Shop","type":["rest","webhook"],"origins":["https://Shop.example"]},
    {"id":"App","name":"The app","enabled":false}]}"#;

const WITH_REDIRECTS: &str = r#"{
    "sources":[{"id":"Links","name":"Links","type":["redirect"]}],
    "redirects":[
        {"id":"Autumn","name":"Autumn","source":"links","event_type":"link-opened","url":"https://shop.example/coats","props":{"campaign":"a"}},
        {"id":"spring","name":"Spring","source":"links","event_type":"link-opened","url":"https://shop.example/hats","enabled":false}]}"#;

fn lanes(number: u16) -> Lanes {
    Lanes::new("test", "local", number).unwrap()
}

async fn keys(redis: &RedisServer) -> Vec<String> {
    let mut keys: Vec<String> = redis.ask(&["KEYS", "*"]).await;
    keys.sort();
    keys
}

#[tokio::test]
async fn redis_and_store_hold_what_the_file_says_however_often_it_is_run() {
    let redis = RedisServer::start().await;
    let installation = Installation::new(&redis.url());
    installation.provision(TWO_SOURCES).await;
    let first = keys(&redis).await;
    installation.provision(TWO_SOURCES).await;
    assert_eq!(keys(&redis).await, first);
    assert_eq!(
        first.len(),
        4 * 3 + 2,
        "a stream and two sources a lane, their number and the list of sources"
    );

    for lane in lanes(4).all() {
        let shop: BTreeMap<String, String> = redis.ask(&["HGETALL", &lane.source("shop-web")]).await;
        let expected = [
            ("name", "Shop"),
            ("types", "rest,webhook"),
            ("enabled", "1"),
            ("transitional", "0"),
            ("origins", "https://shop.example"),
            ("bots", "refuse"),
            ("opt_out", "ignore"),
            ("rate_burst", ""),
            ("rate_gap", ""),
            ("static", "0"),
            ("replace_profile_id", ""),
            ("generate_profile", ""),
            ("sticky_session", "1"),
            ("returns", "0"),
        ];
        assert_eq!(shop, BTreeMap::from(expected.map(|(name, value)| (name.to_owned(), value.to_owned()))));
        let enabled: String = redis.ask(&["HGET", &lane.source("app"), "enabled"]).await;
        assert_eq!(enabled, "0");
        let group: Vec<BTreeMap<String, redis::Value>> =
            redis.ask(&["XINFO", "GROUPS", &lane.events()]).await;
        assert_eq!(group.len(), 1);
        assert_eq!(group[0]["name"], redis::Value::BulkString(b"tideline".to_vec()));
        assert_eq!(
            group[0]["last-delivered-id"],
            redis::Value::BulkString(b"0-0".to_vec()),
            "from the first entry on"
        );
    }
    let mut stored: Vec<_> =
        installation.store().sources().await.unwrap().into_iter().map(|source| source.id).collect();
    stored.sort();
    assert_eq!(stored, ["App", "shop-web"]);
    for library in ["tideline", "tideline_service"] {
        let found: Vec<redis::Value> = redis.ask(&["FUNCTION", "LIST", "LIBRARYNAME", library]).await;
        assert_eq!(found.len(), 1, "{library}");
    }
}

#[tokio::test]
async fn a_source_that_is_gone_from_the_file_is_gone_from_the_edge_and_switched_off_in_the_store() {
    let redis = RedisServer::start().await;
    let installation = Installation::new(&redis.url());
    installation.provision(TWO_SOURCES).await;
    installation.provision(r#"{"sources":[{"id":"app","name":"Renamed"}]}"#).await;
    for lane in lanes(4).all() {
        let shop: u8 = redis.ask(&["EXISTS", &lane.source("shop-web")]).await;
        assert_eq!(shop, 0);
        let app: Vec<String> = redis.ask(&["HMGET", &lane.source("app"), "name", "enabled"]).await;
        assert_eq!(app, ["Renamed", "1"]);
    }
    let stored = installation.store().sources().await.unwrap();
    let stored: Vec<_> = stored.iter().map(|source| (source.name.as_str(), source.enabled)).collect();
    assert_eq!(stored, [("Renamed", true), ("Shop", false)]);
}

#[tokio::test]
async fn redirects_are_in_every_lane_while_they_are_in_the_file() {
    let redis = RedisServer::start().await;
    let mut installation = Installation::new(&redis.url());
    installation.provision(WITH_REDIRECTS).await;
    for lane in lanes(4).all() {
        let autumn: BTreeMap<String, String> = redis.ask(&["HGETALL", &lane.redirect("autumn")]).await;
        let expected = [
            ("url", "https://shop.example/coats"),
            ("source", "links"),
            ("type", "link-opened"),
            ("props", r#"{"campaign":"a"}"#),
            ("enabled", "1"),
        ];
        assert_eq!(autumn, BTreeMap::from(expected.map(|(name, value)| (name.to_owned(), value.to_owned()))));
        let spring: String = redis.ask(&["HGET", &lane.redirect("spring"), "enabled"]).await;
        assert_eq!(spring, "0");
    }
    let ids = async |installation: &Installation| -> Vec<String> {
        let redirects = installation.store().redirects().await.unwrap();
        redirects.into_iter().map(|redirect| redirect.id).collect()
    };
    assert_eq!(ids(&installation).await, ["Autumn", "spring"]);
    assert!(installation.run(&["check"]).await.succeeded);

    // Gone from the file, gone everywhere; lanes that are no more keep nothing.
    let without_spring = WITH_REDIRECTS.replace("\"spring\"", "\"AUTUMN 2\"");
    let refused = installation.try_provision(&without_spring).await;
    assert!(!refused.succeeded && refused.log.contains("leave out spaces"), "{}", refused.log);
    assert_eq!(ids(&installation).await, ["Autumn", "spring"], "a file that cannot be used changes nothing");
    let only_summer = WITH_REDIRECTS.replace("Autumn", "summer").replace("spring", "Winter");
    installation.set("TIDELINE_LANES", Some("2")).provision(&only_summer).await;
    assert_eq!(ids(&installation).await, ["summer", "Winter"]);
    let mut left = keys(&redis).await;
    left.retain(|key| key.contains(":redirect:"));
    let expected: Vec<String> =
        lanes(2).all().flat_map(|lane| [lane.redirect("summer"), lane.redirect("winter")]).collect();
    assert_eq!(left, expected);
    installation.provision(TWO_SOURCES).await;
    assert!(!keys(&redis).await.iter().any(|key| key.contains("redirect")));
    assert_eq!(ids(&installation).await, [""; 0]);
}

#[tokio::test]
async fn a_redis_that_was_replaced_gets_redirects_and_settings_back_when_the_service_starts() {
    let (before, redis) = (RedisServer::start().await, RedisServer::start().await);
    let mut installation = Installation::new(&before.url());
    installation.provision(WITH_REDIRECTS).await;
    installation.set("TIDELINE_REDIS_URL", Some(&redis.url()));
    let process = installation.serve(&[]);
    process.ready().await;
    for lane in lanes(4).all() {
        let url: String = redis.ask(&["HGET", &lane.redirect("autumn"), "url"]).await;
        assert_eq!(url, "https://shop.example/coats");
        let types: String = redis.ask(&["HGET", &lane.source("links"), "types"]).await;
        assert_eq!(types, "redirect");
    }
    assert!(process.stop("TERM").await.succeeded);
}

#[tokio::test]
async fn the_number_of_lanes_is_fixed_once_there_is_data_and_free_before() {
    let redis = RedisServer::start().await;
    let mut installation = Installation::provisioned(&redis).await;
    let sources = r#"{"sources":[{"id":"shop-web","name":"Shop"}]}"#;
    installation.set("TIDELINE_LANES", Some("2")).provision(sources).await;
    let keys = keys(&redis).await;
    assert_eq!(keys.len(), 2 * 2 + 2, "nothing is left of the other lanes: {keys:?}");

    let stream = lanes(2).all().next().unwrap().events();
    let entry: String = redis.ask(&["XADD", &stream, "*", "field", "value"]).await;
    // Also when it is settled and trimmed: its session may go on.
    redis.ask::<u8>(&["XDEL", &stream, &entry]).await;
    let refused = installation.set("TIDELINE_LANES", Some("8")).try_provision(sources).await;
    assert!(!refused.succeeded);
    assert!(
        refused.log.contains("has data in 2 lanes, and TIDELINE_LANES is 8: set it to 2"),
        "{}",
        refused.log
    );
    installation.set("TIDELINE_LANES", Some("2")).provision(sources).await;
}

#[tokio::test]
async fn the_service_user_of_the_acl_file_suffices() {
    let template = include_str!("../../../../infra/redis/users.acl.template");
    let sha256_of_secret = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b";
    let acl = template
        .replace("@EDGE_PASSWORD_SHA256@", sha256_of_secret)
        .replace("@SERVICE_PASSWORD_SHA256@", sha256_of_secret);
    let redis = RedisServer::start().await;
    // `default` stays as it is, for the test itself.
    for user in acl.lines().filter(|line| line.starts_with("user ") && !line.starts_with("user default")) {
        let words: Vec<&str> = ["ACL", "SETUSER"].into_iter().chain(acl_rules(user)).collect();
        redis.ask::<()>(&words).await;
    }
    let mut installation = Installation::new(&format!("{}?user=service&pass=secret", redis.url()));
    installation.provision(TWO_SOURCES).await;
    let checked = installation.run(&["check"]).await;
    assert!(checked.succeeded, "{}", checked.output);
    let process = installation.serve(&[]);
    process.ready().await;
    assert!(process.stop("TERM").await.succeeded);

    installation.set("TIDELINE_REDIS_URL", Some(&format!("{}?user=service&pass=wrong", redis.url())));
    let refused = installation.run(&["serve"]).await;
    assert!(!refused.succeeded);
    assert!(refused.log.contains("refuses the user or the password"), "{}", refused.log);
    assert!(!refused.log.contains("wrong"), "{}", refused.log);
}

/// The words of an ACL line after `user`; a rule in parentheses is one word.
fn acl_rules(line: &str) -> Vec<&str> {
    let mut rules = Vec::new();
    let mut rest = line.trim_start_matches("user ");
    while !rest.is_empty() {
        let end = if rest.starts_with('(') {
            rest.find(')').unwrap() + 1
        } else {
            rest.find(' ').unwrap_or(rest.len())
        };
        rules.push(&rest[..end]);
        rest = rest[end..].trim_start();
    }
    rules
}

#[tokio::test]
async fn a_file_that_cannot_be_used_changes_nothing() {
    let redis = RedisServer::start().await;
    let installation = Installation::new(&redis.url());
    for (file, expected) in [
        ("", "EOF"),
        (r#"{"sources":[{"id":"a","name":"A","colour":1}]}"#, "unknown field `colour`"),
        (
            r#"{"sources":[{"id":"a","name":"A","origins":["*"]}]}"#,
            "the source `a` is not usable: `*` is no web origin",
        ),
        (
            r#"{"sources":[],"redirects":[{"id":"b","name":"B","source":"a","event_type":"c","url":"https://d.example"}]}"#,
            "the redirect `b` is not usable: its source `a` is not in the file",
        ),
    ] {
        let refused = installation.try_provision(file).await;
        assert!(!refused.succeeded && refused.log.contains(expected), "{}", refused.log);
    }
    let refused = installation.run(&["provision", "--sources", "none.json"]).await;
    assert!(
        !refused.succeeded && refused.log.contains("cannot read the sources file none.json"),
        "{}",
        refused.log
    );
    assert_eq!(keys(&redis).await, [""; 0]);
}
