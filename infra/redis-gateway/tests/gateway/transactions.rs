//! `/multi-exec`: all or nothing, on the connection that everybody shares.

use crate::client::Client;
use crate::server::{ADMIN, EDGE, Setup};

const PATH: &str = "/multi-exec";

#[tokio::test]
async fn each_command_is_answered_in_its_place_also_with_an_error() {
    let setup = Setup::start(&[]).await;
    let mut client = setup.client(ADMIN).await;
    let table = [
        (
            r#"[["SET","k","v"],["INCR","k"],["LRANGE","none",0,-1],["GET","k"],["INCR","n"]]"#,
            200,
            r#"[{"result":"OK"},{"error":"ERR value is not an integer or out of range"},{"result":[]},{"result":"v"},{"result":1}]"#,
        ),
        ("[]", 200, "[]"),
        (r#"[["GET"],["INCR","n"]]"#, 400, r#"{"error":"ERR wrong number of arguments for 'get' command"}"#),
        (
            r#"[["INCR","n"],["NOSUCH"]]"#,
            400,
            r#"{"error":"ERR unknown command 'NOSUCH', with args beginning with: "}"#,
        ),
        (r#"[["INCR","n"],[]]"#, 400, r#"{"error":"ERR empty command"}"#),
        (r#"["INCR","n"]"#, 400, r#"{"error":"expected JSON array"}"#),
        (
            r#"[["INCR","n"],["EXEC"]]"#,
            400,
            r#"{"error":"ERR the 'exec' command is not available over HTTP: it would change the connection that all requests share"}"#,
        ),
        (r#"[["GET","n"]]"#, 200, r#"[{"result":"1"}]"#),
    ];
    for (body, status, expected) in table {
        assert_eq!(client.send("POST", PATH, body).await.parts(), (status, expected), "{body}");
    }
    let headers = [("upstash-encoding", "base64")];
    let answer = client.send_with("POST", PATH, &headers, r#"[["SET","k","OK"],["MGET","k"]]"#).await;
    assert_eq!(answer.parts(), (200, r#"[{"result":"OK"},{"result":["T0s="]}]"#));
    let headers = [("upstash-response-format", "resp2")];
    let answer = client.send_with("POST", PATH, &headers, r#"[["GET","n"]]"#).await;
    assert_eq!(answer.parts(), (200, r#"[{"result":"1"}]"#), "transactions are answered in JSON alone");
}

#[tokio::test]
async fn a_transaction_that_redis_refuses_leaves_nothing_behind() {
    let setup = Setup::start(&[]).await;
    let mut client = setup.client(ADMIN).await;
    setup.redis.tell(&["CONFIG", "SET", "maxmemory", "1"]).await;
    let answer = client.send("POST", PATH, r#"[["SET","k","v"],["PING"]]"#).await;
    let oom = r#"{"error":"OOM command not allowed when used memory > 'maxmemory'."}"#;
    assert_eq!(answer.parts(), (503, oom));
    setup.redis.tell(&["CONFIG", "SET", "maxmemory", "0"]).await;
    assert_eq!(client.command(&["EXISTS", "k"]).await.body, r#"{"result":0}"#);
}

#[tokio::test]
async fn a_transaction_waiting_when_redis_is_killed_learns_that_its_outcome_is_unknown() {
    let mut setup = Setup::start(&["--command-timeout-ms", "60000"]).await;
    let mut client = setup.client(ADMIN).await;
    assert_eq!(client.send("POST", PATH, r#"[["INCR","n"]]"#).await.status, 200);
    setup.redis.pause_writes().await;
    let waiting = tokio::spawn(async move { client.send("POST", PATH, r#"[["INCR","n"]]"#).await });
    setup.redis.until_a_write_waits().await;
    setup.redis.kill();
    let answer = waiting.await.unwrap();
    assert_eq!(answer.status, 503);
    assert!(answer.body.contains("it is unknown whether the command was executed"), "{}", answer.body);
}

#[tokio::test]
async fn one_refused_command_refuses_them_all() {
    let setup = Setup::start(&[]).await;
    let mut client = setup.client(EDGE).await;
    let body = r#"[["FCALL","track_v1",0,"a"],["SET","k","v"]]"#;
    let noperm = r#"{"error":"NOPERM this user has no permissions to run the 'set' command"}"#;
    assert_eq!(client.send("POST", PATH, body).await.parts(), (400, noperm));
    assert_eq!(setup.redis.tell(&["DBSIZE"]).await, ":0");
    let body = r#"[["FCALL","track_v1",0,"a"],["PING"]]"#;
    assert_eq!(client.send("POST", PATH, body).await.parts(), (200, r#"[{"result":"a"},{"result":"PONG"}]"#));
}

#[tokio::test]
async fn parallel_transactions_and_commands_on_one_connection_stay_apart() {
    let setup = Setup::start(&[]).await;
    let address = setup.gateway.address;
    let clients = (0..50).map(|number| {
        tokio::spawn(async move {
            let mut client = Client::connect(address, ADMIN).await;
            for round in 0..20 {
                if number % 2 == 0 {
                    // Whoever sees the counter between the two would see it odd.
                    let answer = client.send("POST", PATH, r#"[["INCR","n"],["INCR","n"]]"#).await;
                    let count = |result: &str| result.parse::<u64>().unwrap();
                    let results: Vec<_> = answer.body.split(|c: char| !c.is_ascii_digit()).collect();
                    let results: Vec<_> =
                        results.into_iter().filter(|part| !part.is_empty()).map(count).collect();
                    assert_eq!((results.len(), results[0] % 2, results[1]), (2, 1, results[0] + 1));
                } else {
                    let answer =
                        client.command(&["EVAL", "return (redis.call('GET','n') or 0) % 2", "0"]).await;
                    assert_eq!(answer.parts(), (200, r#"{"result":0}"#), "{round}");
                }
            }
        })
    });
    for client in clients.collect::<Vec<_>>() {
        client.await.unwrap();
    }
    assert_eq!(setup.client(ADMIN).await.command(&["GET", "n"]).await.body, r#"{"result":"1000"}"#);
    let list = setup.client(ADMIN).await.command(&["CLIENT", "LIST"]).await.body;
    assert_eq!(list.matches("user=gateway").count(), 1, "all of them shared one connection: {list}");
}

#[tokio::test]
async fn a_redis_user_without_multi_or_exec_is_found_out_before_anything_is_executed() {
    let setup = Setup::start(&[]).await;
    let mut client = setup.client(ADMIN).await;
    let body = r#"[["INCR","n"],["INCR","n"]]"#;
    for missing in ["multi", "exec"] {
        setup.redis.tell(&["ACL", "SETUSER", "gateway", &format!("-{missing}")]).await;
        let answer = client.send("POST", PATH, body).await;
        assert_eq!(answer.status, 400, "{missing}");
        assert!(answer.body.contains("may not use MULTI and EXEC; nothing was executed"), "{}", answer.body);
        assert_eq!(client.command(&["EXISTS", "n"]).await.body, r#"{"result":0}"#, "{missing}");
        setup.redis.tell(&["ACL", "SETUSER", "gateway", &format!("+{missing}")]).await;
    }
    assert_eq!(client.send("POST", PATH, body).await.parts(), (200, r#"[{"result":1},{"result":2}]"#));
}

#[tokio::test]
async fn permissions_that_are_taken_away_later_are_said_as_they_are() {
    let setup = Setup::start(&[]).await;
    let mut client = setup.client(ADMIN).await;
    let body = r#"[["INCR","n"]]"#;
    assert_eq!(client.send("POST", PATH, body).await.status, 200);
    setup.redis.tell(&["ACL", "SETUSER", "gateway", "-exec"]).await;
    let answer = client.send("POST", PATH, body).await;
    assert_eq!(answer.status, 400, "{}", answer.body);
    assert_eq!(client.command(&["GET", "n"]).await.parts(), (200, r#"{"result":"1"}"#), "nothing is stuck");
    setup.redis.tell(&["ACL", "SETUSER", "gateway", "+exec", "-multi"]).await;
    let answer = client.send("POST", PATH, body).await;
    assert!(answer.body.contains("executed one by one"), "{}", answer.body);
    assert_eq!(client.command(&["GET", "n"]).await.parts(), (200, r#"{"result":"2"}"#));
    let answer = client.send("POST", PATH, body).await;
    assert!(answer.body.contains("nothing was executed"), "asked again: {}", answer.body);
}
