//! Requests and answers of the protocol, with real replies.

use crate::client::Client;
use crate::server::{ADMIN, EDGE, Setup, WRONGPASS};

#[tokio::test]
async fn one_command_is_answered_with_its_result_or_error() {
    let setup = Setup::start(&[]).await;
    let mut client = setup.client(ADMIN).await;
    let table = [
        (r#"["PING"]"#, 200, r#"{"result":"PONG"}"#),
        (r#"["SET","k","v\u00e9\n","EX",100]"#, 200, r#"{"result":"OK"}"#),
        (r#"["get","k"]"#, 200, "{\"result\":\"vé\\n\"}"),
        (r#"["GET","absent"]"#, 200, r#"{"result":null}"#),
        (r#"["SET","n",9007199254740992]"#, 200, r#"{"result":"OK"}"#),
        (r#"["INCR","n"]"#, 200, r#"{"result":9007199254740993}"#),
        (r#"["ECHO",12345678901234567890]"#, 200, r#"{"result":"12345678901234567890"}"#),
        (r#"["ECHO",1.50]"#, 200, r#"{"result":"1.50"}"#),
        (r#"["ECHO",true]"#, 200, r#"{"result":"true"}"#),
        (r#"["INCRBY","big",9223372036854775807]"#, 200, r#"{"result":9223372036854775807}"#),
        (r#"["INCRBY","small",-9223372036854775808]"#, 200, r#"{"result":-9223372036854775808}"#),
        (r#"["HSET","h","a","1","b","2"]"#, 200, r#"{"result":2}"#),
        (r#"["HGETALL","h"]"#, 200, r#"{"result":["a","1","b","2"]}"#),
        (r#"["HMGET","h","a","x"]"#, 200, r#"{"result":["1",null]}"#),
        (r#"["ZADD","z",1.5,"m"]"#, 200, r#"{"result":1}"#),
        (r#"["ZRANGE","z",0,-1,"WITHSCORES"]"#, 200, r#"{"result":["m","1.5"]}"#),
        (r#"["XADD","s","1-1","f","v"]"#, 200, r#"{"result":"1-1"}"#),
        (r#"["XREAD","STREAMS","s","0"]"#, 200, r#"{"result":[["s",[["1-1",["f","v"]]]]]}"#),
        (r#"["XREAD","STREAMS","s","9-9"]"#, 200, r#"{"result":null}"#),
        (r#"["KEYS","nothing*"]"#, 200, r#"{"result":[]}"#),
        (r#"["EVAL","return string.char(65,255,66)",0]"#, 200, "{\"result\":\"A\u{fffd}B\"}"),
        (r#"["FCALL","track_v1",0,"{\"a\":1}"]"#, 200, r#"{"result":"{\"a\":1}"}"#),
        (
            r#"["LPUSH","k","x"]"#,
            400,
            r#"{"error":"WRONGTYPE Operation against a key holding the wrong kind of value"}"#,
        ),
        (r#"["INCR","k"]"#, 400, r#"{"error":"ERR value is not an integer or out of range"}"#),
        (r#"["GET"]"#, 400, r#"{"error":"ERR wrong number of arguments for 'get' command"}"#),
        (
            r#"["EVALSHA","ffffffffffffffffffffffffffffffffffffffff",0]"#,
            400,
            r#"{"error":"NOSCRIPT No matching script. Please use EVAL."}"#,
        ),
        ("", 400, r#"{"error":"EOF"}"#),
        ("{}", 400, r#"{"error":"expected JSON array"}"#),
        ("[]", 400, r#"{"error":"ERR empty command"}"#),
        (r#"["GET",null]"#, 400, r#"{"error":"ERR null args are not supported"}"#),
        (r#"["GET",["k"]]"#, 400, r#"{"error":"ERR unsupported arg type: \"[\": json.Delim"}"#),
        (r#"["GET",{}]"#, 400, r#"{"error":"ERR unsupported arg type: \"{\": json.Delim"}"#),
    ];
    for (body, status, expected) in table {
        let answer = client.send("POST", "/", body).await;
        assert_eq!(answer.parts(), (status, expected), "{body}");
        assert_eq!(answer.header("content-type"), Some("application/json; charset=utf-8"), "{body}");
        assert_eq!(answer.header("content-length"), Some(expected.len().to_string().as_str()), "{body}");
        assert_eq!(answer.header("transfer-encoding"), None);
    }
}

#[tokio::test]
async fn a_pipeline_is_answered_with_one_object_for_each_command_in_order() {
    let setup = Setup::start(&[]).await;
    let mut client = setup.client(ADMIN).await;
    let table = [
        ("[]", 200, "[]"),
        (r#"[["PING"]]"#, 200, r#"[{"result":"PONG"}]"#),
        (
            r#"[["SET","k","1"],["INCR","k"],["LPUSH","k","x"],["GET","k"],["NOSUCH"],["GET","absent"]]"#,
            200,
            r#"[{"result":"OK"},{"result":2},{"error":"WRONGTYPE Operation against a key holding the wrong kind of value"},{"result":"2"},{"error":"ERR unknown command 'NOSUCH', with args beginning with: "},{"result":null}]"#,
        ),
        (r#"["PING"]"#, 400, r#"{"error":"expected JSON array"}"#),
        ("", 400, r#"{"error":"EOF"}"#),
        (r#"[["INCR","k"],[]]"#, 400, r#"{"error":"ERR empty command"}"#),
        (r#"[["INCR","k"],["GET",null]]"#, 400, r#"{"error":"ERR null args are not supported"}"#),
        (r#"[["GET","k"]]"#, 200, r#"[{"result":"2"}]"#),
    ];
    for (body, status, expected) in table {
        let answer = client.send("POST", "/pipeline", body).await;
        assert_eq!(answer.parts(), (status, expected), "{body}");
        assert_eq!(answer.header("content-length"), Some(expected.len().to_string().as_str()), "{body}");
    }
}

#[tokio::test]
async fn a_request_without_a_valid_token_is_401_and_reaches_nothing() {
    let setup = Setup::start(&[]).await;
    for token in ["", "wrong", "edge-token2", "EDGE-TOKEN"] {
        for path in ["/", "/pipeline"] {
            let answer = setup.client(token).await.send("POST", path, r#"["SET","k","v"]"#).await;
            assert_eq!(answer.parts(), (401, WRONGPASS), "{token} {path}");
        }
    }
    assert_eq!(setup.client(ADMIN).await.command(&["EXISTS", "k"]).await.body, r#"{"result":0}"#);
}

#[tokio::test]
async fn other_methods_are_405() {
    let setup = Setup::start(&[]).await;
    let mut client = setup.client(ADMIN).await;
    for (method, path, allowed) in [
        ("DELETE", "/pipeline", "GET, HEAD, POST, PUT"),
        ("OPTIONS", "/", "GET, HEAD, POST, PUT"),
        ("PATCH", "/get/k", "GET, HEAD, POST, PUT"),
        ("PUT", "/monitor", "GET, POST"),
        ("POST", "/livez", "GET, HEAD"),
        ("PUT", "/readyz", "GET, HEAD"),
    ] {
        let answer = client.send(method, path, "").await;
        assert_eq!(answer.parts(), (405, ""), "{method} {path}");
        assert_eq!(answer.header("allow"), Some(allowed));
        assert_eq!(answer.header("content-length"), Some("0"));
    }
}

#[tokio::test]
async fn errors_that_pass_by_themselves_are_503_with_their_text() {
    let setup = Setup::start(&[]).await;
    let mut client = setup.client(EDGE).await;
    setup.redis.tell(&["CONFIG", "SET", "maxmemory", "1"]).await;
    let answer = client.command(&["FCALL", "track_v1", "0", "x"]).await;
    assert_eq!(
        answer.parts(),
        (503, r#"{"error":"OOM command not allowed when used memory > 'maxmemory'."}"#)
    );
    assert_eq!(answer.header("retry-after"), Some("1"));
    let answer = client.pipeline(&[&["PING"], &["FCALL", "track_v1", "0", "x"]]).await;
    assert_eq!(answer.status, 200, "items of a pipeline speak for themselves");
    assert!(answer.body.starts_with(r#"[{"result":"PONG"},{"error":"OOM "#), "{}", answer.body);
    setup.redis.tell(&["CONFIG", "SET", "maxmemory", "0"]).await;
    setup.redis.tell(&["REPLICAOF", "127.0.0.1", "1"]).await;
    let answer = client.command(&["FCALL", "track_v1", "0", "x"]).await;
    assert_eq!(answer.status, 503, "{}", answer.body);
    assert!(answer.body.starts_with(r#"{"error":"READONLY "#), "{}", answer.body);
}

#[tokio::test]
async fn two_hundred_parallel_clients_each_get_their_own_answers() {
    let setup = Setup::start(&[]).await;
    let address = setup.gateway.address;
    let clients = (0..200).map(|client| {
        tokio::spawn(async move {
            let mut connection = Client::connect(address, ADMIN).await;
            for round in 0..10 {
                let mark = format!("{client}-{round}");
                let answer = connection.command(&["ECHO", &mark]).await;
                assert_eq!(answer.body, format!(r#"{{"result":"{mark}"}}"#));
                let commands = (0..client % 7).map(|item| vec!["ECHO".to_owned(), format!("{mark}-{item}")]);
                let body = serde_json::to_vec(&commands.collect::<Vec<_>>()).unwrap();
                let expected = (0..client % 7).map(|item| format!(r#"{{"result":"{mark}-{item}"}}"#));
                let expected = format!("[{}]", expected.collect::<Vec<_>>().join(","));
                assert_eq!(connection.send("POST", "/pipeline", body).await.body, expected);
            }
        })
    });
    for client in clients.collect::<Vec<_>>() {
        client.await.unwrap();
    }
    let list = setup.client(ADMIN).await.command(&["CLIENT", "LIST"]).await.body;
    assert_eq!(list.matches("user=gateway").count(), 1, "all of them shared one connection: {list}");
}
