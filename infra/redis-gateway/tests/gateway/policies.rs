//! What a token can do, seen from Redis: what was refused has not been executed.

use crate::server::{ADMIN, EDGE, Setup};

fn noperm(command: &str) -> String {
    format!(r#"{{"error":"NOPERM this user has no permissions to run the '{command}' command"}}"#)
}

/// What a thief of an edge's token might try.
const ATTACKS: [&[&str]; 20] = [
    &["GET", "victim"],
    &["SET", "victim", "x"],
    &["DEL", "victim"],
    &["KEYS", "*"],
    &["SCAN", "0"],
    &["XADD", "s", "MAXLEN", "0", "*", "d", "x"],
    &["XRANGE", "s", "-", "+"],
    &["EVAL", "return redis.call('GET','victim')", "0"],
    &["EVAL_RO", "return 1", "0"],
    &["EVALSHA", "ffffffffffffffffffffffffffffffffffffffff", "0"],
    &["SCRIPT", "LOAD", "return 1"],
    &["FUNCTION", "FLUSH"],
    &["FCALL", "other", "0"],
    &["FCALL_RO", "other", "0"],
    &["FCALL"],
    &["CONFIG", "GET", "*"],
    &["ACL", "LIST"],
    &["AUTH", "default", ""],
    &["MULTI"],
    &["FLUSHALL"],
];

#[tokio::test]
async fn an_ingest_token_calls_our_functions_and_nothing_else() {
    let setup = Setup::start(&[]).await;
    setup.redis.tell(&["SET", "victim", "secret"]).await;
    let mut client = setup.client(EDGE).await;
    assert_eq!(client.command(&["PING"]).await.parts(), (200, r#"{"result":"PONG"}"#));
    assert_eq!(client.command(&["FCALL", "track_v1", "0", "a"]).await.parts(), (200, r#"{"result":"a"}"#));
    assert_eq!(client.command(&["fcall_ro", "track_read", "0"]).await.parts(), (200, r#"{"result":7}"#));
    for attack in ATTACKS {
        let answer = client.command(attack).await;
        assert_eq!(answer.parts(), (400, noperm(&attack[0].to_lowercase()).as_str()), "{attack:?}");
    }
    assert_eq!(setup.redis.tell(&["DBSIZE"]).await, ":2", "the victim and what track_v1 wrote");
}

#[tokio::test]
async fn nothing_else_gets_through_in_a_pipeline_either() {
    let setup = Setup::start(&[]).await;
    setup.redis.tell(&["SET", "victim", "secret"]).await;
    let mut client = setup.client(EDGE).await;
    let mut commands: Vec<&[&str]> = Vec::new();
    let mut expected = Vec::new();
    for attack in ATTACKS {
        commands.extend([&["FCALL", "track_v1", "0", "a"], attack]);
        expected.extend([r#"{"result":"a"}"#.to_owned(), noperm(&attack[0].to_lowercase())]);
    }
    let answer = client.pipeline(&commands).await;
    assert_eq!(answer.parts(), (200, format!("[{}]", expected.join(",")).as_str()));
    let answer = client.pipeline(&ATTACKS).await;
    assert!(!answer.body.contains("result"), "{}", answer.body);
    assert_eq!(setup.redis.tell(&["DBSIZE"]).await, ":2");
    let forbidden = setup.redis.tell(&["ACL", "LOG"]).await;
    assert_eq!(forbidden, "*0", "nothing of it was even sent");
}

#[tokio::test]
async fn a_full_token_sends_everything_but_what_breaks_the_shared_connection() {
    let setup = Setup::start(&[]).await;
    let mut client = setup.client(ADMIN).await;
    let breaking: [&[&str]; 17] = [
        &["BLPOP", "k", "0"],
        &["BZMPOP", "0", "1", "z", "MIN"],
        &["XREAD", "BLOCK", "0", "STREAMS", "s", "$"],
        &["WAIT", "1", "0"],
        &["SUBSCRIBE", "c"],
        &["PSUBSCRIBE", "*"],
        &["MONITOR"],
        &["MULTI"],
        &["EXEC"],
        &["WATCH", "k"],
        &["AUTH", "default", "x"],
        &["HELLO", "3"],
        &["SELECT", "1"],
        &["RESET"],
        &["QUIT"],
        &["PSYNC", "?", "-1"],
        &["CLIENT", "REPLY", "OFF"],
    ];
    for command in breaking {
        let answer = client.command(command).await;
        assert_eq!(answer.status, 400, "{command:?}: {}", answer.body);
        let expected = format!(
            r#"{{"error":"ERR the '{}' command is not available over HTTP: "#,
            command[0].to_lowercase()
        );
        assert!(answer.body.starts_with(&expected), "{}", answer.body);
        let answer = client.pipeline(&[&["ECHO", "a"], command, &["ECHO", "b"]]).await;
        assert!(answer.body.starts_with(r#"[{"result":"a"},{"error":"ERR the '"#), "{}", answer.body);
        assert!(answer.body.ends_with(r#"},{"result":"b"}]"#), "{}", answer.body);
    }
    assert_eq!(client.command(&["CLIENT", "ID"]).await.status, 200);
    assert_eq!(client.command(&["DBSIZE"]).await.parts(), (200, r#"{"result":0}"#));
}

#[tokio::test]
async fn the_acl_of_redis_has_the_last_word() {
    let setup = Setup::start(&[]).await;
    setup.redis.tell(&["ACL", "SETUSER", "gateway", "-set"]).await;
    let answer = setup.client(ADMIN).await.command(&["SET", "k", "v"]).await;
    assert_eq!(answer.status, 400);
    assert!(answer.body.starts_with(r#"{"error":"NOPERM "#), "{}", answer.body);
}
