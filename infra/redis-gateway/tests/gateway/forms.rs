//! The forms that a command can come in, and those that its answer can have.

use crate::client::Client;
use crate::server::{ADMIN, EDGE, Setup, WRONGPASS};

const BASE64: (&str, &str) = ("upstash-encoding", "base64");
const RESP2: (&str, &str) = ("upstash-response-format", "resp2");

#[tokio::test]
async fn a_path_is_a_command_whatever_the_method() {
    let setup = Setup::start(&[]).await;
    let mut client = setup.client(ADMIN).await;
    let table = [
        ("POST", "/set/foo/bar/EX/100", 200, r#"{"result":"OK"}"#),
        ("GET", "/get/foo", 200, r#"{"result":"bar"}"#),
        ("PUT", "/GET/foo", 200, r#"{"result":"bar"}"#),
        ("GET", "/persist/foo", 200, r#"{"result":1}"#),
        ("GET", "/set/a%2Fb%20c/%C3%A9+%25", 200, r#"{"result":"OK"}"#),
        ("POST", "/get/a%2fb%20c", 200, r#"{"result":"é+%"}"#),
        ("GET", "/set/empty/", 200, r#"{"result":"OK"}"#),
        ("GET", "/get/empty", 200, r#"{"result":""}"#),
        ("GET", "/mget/foo//none", 200, r#"{"result":["bar",null,null]}"#),
        ("GET", "/set/q/v?EX=50&NX", 200, r#"{"result":"OK"}"#),
        ("GET", "/set/q/v?NX", 200, r#"{"result":null}"#),
        ("GET", "/get", 400, r#"{"error":"ERR wrong number of arguments for 'get' command"}"#),
        ("GET", "/", 400, r#"{"error":"EOF"}"#),
    ];
    for (method, path, status, expected) in table {
        assert_eq!(client.send(method, path, "").await.parts(), (status, expected), "{method} {path}");
    }
}

#[tokio::test]
async fn a_raw_body_is_an_argument_of_any_bytes_before_those_in_the_query() {
    let setup = Setup::start(&[]).await;
    let mut client = setup.client(ADMIN).await;
    let every_byte: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    let answer = client.send("POST", "/set/k?EX=100&GET", every_byte.clone()).await;
    assert_eq!(answer.parts(), (200, r#"{"result":null}"#));
    assert_eq!(client.command(&["PERSIST", "k"]).await.body, r#"{"result":1}"#, "it had a time to live");
    let answer = client.send_with("GET", "/get/k", &[RESP2], "").await;
    let expected = [b"$100000\r\n", &every_byte[..], b"\r\n"].concat();
    assert!(answer.bytes == expected, "the same bytes come back");
    let answer = client.send("PUT", "/append/k", "tail").await;
    assert_eq!(answer.parts(), (200, r#"{"result":100004}"#));
    let entry = client.send("POST", "/xadd/s/*/d", &b"\x28\xb5\x2f\xfd"[..]).await;
    assert_eq!(entry.status, 200, "{}", entry.body);
    let answer = client.send_with("GET", "/xrange/s/-/+", &[BASE64], "").await;
    assert!(answer.body.ends_with(r#"["ZA==","KLUv/Q=="]]]}"#), "{}", answer.body);
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    let setup = Setup::start(&[]).await;
    let mut client = setup.client(ADMIN).await;
    for (path, status, length) in [("/set/k/v", 200, "15"), ("/get/k", 200, "14"), ("/get", 400, "59")] {
        let answer = client.send("HEAD", path, "").await;
        assert_eq!(answer.parts(), (status, ""), "{path}");
        assert_eq!(answer.header("content-length"), Some(length), "{path}");
    }
    assert_eq!(client.command(&["GET", "k"]).await.body, r#"{"result":"v"}"#);
}

#[tokio::test]
async fn base64_and_resp2_are_what_the_headers_ask_for() {
    let setup = Setup::start(&[]).await;
    let mut client = setup.client(ADMIN).await;
    client.command(&["RPUSH", "l", "OK", "é"]).await;
    let list = r#"[["PING"],["LRANGE","l",0,-1],["GET","none"],["INCR","n"],["SET","k","OK"],["GET","k"],["NOSUCH"]]"#;
    let answer = client.send_with("POST", "/pipeline", &[BASE64], list).await;
    let error = "ERR unknown command 'NOSUCH', with args beginning with: ";
    let expected = format!(
        r#"[{{"result":"UE9ORw=="}},{{"result":["T0s=","w6k="]}},{{"result":null}},{{"result":1}},{{"result":"OK"}},{{"result":"T0s="}},{{"error":"{error}"}}]"#
    );
    assert_eq!(answer.parts(), (200, expected.as_str()));
    assert_eq!(answer.header("content-type"), Some("application/json; charset=utf-8"));

    let answer = client.send_with("POST", "/pipeline", &[RESP2], list).await;
    let expected =
        format!("+PONG\r\n*2\r\n$2\r\nOK\r\n$2\r\né\r\n$-1\r\n:2\r\n+OK\r\n$2\r\nOK\r\n-{error}\r\n");
    assert_eq!(answer.parts(), (200, expected.as_str()));
    assert_eq!(answer.header("content-type"), Some("application/octet-stream"));
    let answer = client.send_with("GET", "/incr/l", &[RESP2], "").await;
    let wrong_type = "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n";
    assert_eq!(answer.parts(), (400, wrong_type));

    let json = ("upstash-response-format", "json");
    assert_eq!(client.send_with("GET", "/get/k", &[json, BASE64], "").await.body, r#"{"result":"T0s="}"#);
    let unknown = ("upstash-response-format", "resp3");
    for headers in [&[unknown][..], &[RESP2, BASE64]] {
        let answer = client.send_with("GET", "/incr/n", headers, "").await;
        assert_eq!(answer.status, 400, "{headers:?}");
        assert!(answer.body.starts_with(r#"{"error":"ERR the header Upstash-"#), "{}", answer.body);
    }
    assert_eq!(
        client.command(&["GET", "n"]).await.body,
        r#"{"result":"2"}"#,
        "what is refused is not executed"
    );
}

#[tokio::test]
async fn no_form_gets_past_the_policy() {
    let setup = Setup::start(&[]).await;
    setup.redis.tell(&["SET", "victim", "secret"]).await;
    let mut client = setup.client(EDGE).await;
    let answer = client.send("POST", "/fcall/track_v1/0", "a").await;
    assert_eq!(answer.parts(), (200, r#"{"result":"a"}"#));
    assert_eq!(client.send("GET", "/FCALL/track%5Fv1/0/b", "").await.parts(), (200, r#"{"result":"b"}"#));
    let attacks = [
        ("GET", "/get/victim", ""),
        ("HEAD", "/del/victim", ""),
        ("GET", "/%67et/victim", ""),
        ("GET", "/get%00/victim", ""),
        ("GET", "/fcall%0d%0aget/victim", ""),
        ("GET", "/fcall/%0d%0aget/victim", ""),
        ("POST", "/get", "victim"),
        ("POST", "/get?victim", ""),
        ("POST", "/?get=victim", ""),
        ("GET", "//get/victim", ""),
        ("GET", "/pipeline/get/victim", ""),
        ("GET", "/multi-exec/", ""),
        ("POST", "/fcall", "other"),
        ("POST", "/eval/return%201/0", ""),
        ("PUT", "/set/victim", "x"),
        ("GET", "/subscribe/c", ""),
        ("GET", "/psubscribe/*", ""),
        ("GET", "/monitor", ""),
        ("GET", "/MONITOR", ""),
        ("POST", "/multi-exec", r#"[["PING"],["GET","victim"]]"#),
        ("POST", "/publish/c/m", ""),
    ];
    for (method, path, body) in attacks {
        let answer = client.send(method, path, body).await;
        assert_eq!(answer.status, 400, "{method} {path}: {}", answer.body);
        assert!(!answer.body.contains("secret"), "{path}: {}", answer.body);
    }
    assert_eq!(setup.redis.tell(&["DBSIZE"]).await, ":2", "the victim and what track_v1 wrote");
    assert_eq!(setup.redis.tell(&["ACL", "LOG"]).await, "*0", "nothing of it was even sent");
}

#[tokio::test]
async fn a_token_in_the_query_counts_only_where_it_is_allowed() {
    let closed = Setup::start(&[]).await;
    let open = Setup::start(&["--query-token"]).await;
    let path = format!("/echo/a?_token={ADMIN}");
    assert_eq!(closed.client("").await.send("GET", &path, "").await.parts(), (401, WRONGPASS));
    assert_eq!(open.client("").await.send("GET", &path, "").await.parts(), (200, r#"{"result":"a"}"#));
    // It is never an argument, and where it counts, it counts before the header.
    assert_eq!(closed.client(ADMIN).await.send("GET", &path, "").await.parts(), (200, r#"{"result":"a"}"#));
    let wrong = open.client(ADMIN).await.send("GET", "/echo/a?_token=wrong", "").await;
    assert_eq!(wrong.parts(), (401, WRONGPASS));
    let body = open.client("").await.send("POST", &format!("/?_token={ADMIN}"), r#"["ECHO","b"]"#).await;
    assert_eq!(body.parts(), (200, r#"{"result":"b"}"#));
}

#[tokio::test]
async fn the_sync_token_changes_with_every_answer() {
    let setup = Setup::start(&[]).await;
    let mut client = setup.client(ADMIN).await;
    let mut seen = Vec::new();
    for (path, sent) in [("/set/k/v", ""), ("/get/k", "1"), ("/get", "anything"), ("/set/k/v", "1")] {
        let answer = client.send_with("GET", path, &[("upstash-sync-token", sent)], "").await;
        seen.push(answer.header("upstash-sync-token").unwrap().to_owned());
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 4, "{seen:?}");
}

#[tokio::test]
async fn a_form_keeps_its_limits() {
    let setup = Setup::start(&["--max-command-arguments", "4", "--max-body-bytes", "1000"]).await;
    let mut client: Client = setup.client(ADMIN).await;
    assert_eq!(client.send("POST", "/mset/a/b/c", "d").await.status, 400);
    assert_eq!(client.send("GET", "/mget/a/b/c?d", "").await.status, 400);
    assert_eq!(client.send("POST", "/set/k", vec![b'x'; 1000]).await.status, 200);
    let refused = setup.client(ADMIN).await.send("POST", "/set/k", vec![b'x'; 1001]).await;
    assert_eq!(refused.status, 413, "{}", refused.body);
}
