//! Redis away, stalled and back; the gateway going away with grace.

use std::path::Path;
use std::time::Duration;

use tideline_redis_gateway::{Gateway, RedisAddress};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::time::timeout;

use crate::client::Client;
use crate::server::{ADMIN, DEADLINE, EDGE, Redis, Setup, options, until};

#[tokio::test]
async fn without_redis_the_gateway_starts_answers_503_and_serves_when_redis_comes() {
    let mut redis = Redis::start().await;
    redis.kill();
    let gateway = Gateway::start(options(&redis, &[])).await.unwrap();
    let setup = Setup { gateway, redis };
    let mut client = setup.client(EDGE).await;
    assert_eq!(client.send("GET", "/livez", "").await.status, 200);
    let ready = client.send("GET", "/readyz", "").await;
    assert_eq!(ready.status, 503);
    assert!(ready.body.contains("redis is not reachable"), "{}", ready.body);
    assert!(!ready.body.contains("p@ss") && !ready.body.contains("sock"), "{}", ready.body);
    for path in ["/", "/pipeline"] {
        let body = if path == "/" { r#"["PING"]"# } else { r#"[["PING"]]"# };
        let answer = client.send("POST", path, body).await;
        assert_eq!(answer.status, 503);
        assert_eq!(answer.header("retry-after"), Some("1"));
        assert!(answer.body.contains("nothing was executed"), "{}", answer.body);
    }
    let mut setup = setup;
    setup.redis.restart().await;
    setup.until_ready(true).await;
    assert_eq!(client.command(&["PING"]).await.status, 200);
}

#[tokio::test]
async fn a_redis_that_is_killed_and_restarted_is_used_again() {
    let mut setup = Setup::start(&[]).await;
    let mut client = setup.client(ADMIN).await;
    for round in 0..3 {
        assert_eq!(client.command(&["SET", "k", "v"]).await.status, 200, "round {round}");
        setup.redis.kill();
        let answer = client.command(&["SET", "k", "v"]).await;
        assert_eq!(answer.status, 503, "{}", answer.body);
        assert_eq!(answer.header("retry-after"), Some("1"));
        setup.until_ready(false).await;
        setup.redis.restart().await;
        setup.until_ready(true).await;
    }
    assert_eq!(client.command(&["GET", "k"]).await.parts(), (200, r#"{"result":null}"#));
}

#[tokio::test]
async fn a_request_waiting_when_redis_is_killed_learns_that_its_outcome_is_unknown() {
    let mut setup = Setup::start(&["--command-timeout-ms", "60000"]).await;
    setup.until_ready(true).await;
    let address = setup.gateway.address;
    setup.redis.tell(&["CONFIG", "SET", "busy-reply-threshold", "60000"]).await;
    let waiting = tokio::spawn(async move {
        let mut client = Client::connect(address, ADMIN).await;
        client.command(&["EVAL", "redis.call('SET','begun','1') while true do end", "0"]).await
    });
    // The script blocks Redis: it has begun when Redis does not answer any more.
    let socket = setup.redis.socket();
    until("the script", async || {
        let answered = timeout(Duration::from_millis(100), ping(&socket)).await;
        answered.is_err()
    })
    .await;
    setup.redis.kill();
    let answer = waiting.await.unwrap();
    assert_eq!(answer.status, 503);
    assert!(answer.body.contains("it is unknown whether the command was executed"), "{}", answer.body);
}

async fn ping(socket: &Path) {
    let mut stream = UnixStream::connect(socket).await.unwrap();
    stream.write_all(b"PING\r\n").await.unwrap();
    stream.read_u8().await.unwrap();
}

#[tokio::test]
async fn a_command_that_redis_does_not_answer_is_503_at_the_deadline_with_its_outcome_unknown() {
    let setup = Setup::start(&["--command-timeout-ms", "400", "--connect-timeout-ms", "300"]).await;
    setup.until_ready(true).await;
    setup.redis.pause_writes().await;
    let mut client = setup.client(ADMIN).await;
    let answer = client.command(&["INCR", "k"]).await;
    assert_eq!(answer.status, 503);
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert!(answer.body.contains("it is unknown whether the command was executed"), "{}", answer.body);
    setup.redis.tell(&["CLIENT", "UNPAUSE"]).await;
    setup.until_ready(true).await;
    assert_eq!(client.command(&["ECHO", "back"]).await.parts(), (200, r#"{"result":"back"}"#));
}

#[tokio::test]
async fn a_redis_that_is_stopped_is_known_to_be_away_and_served_again_when_it_goes_on() {
    let setup = Setup::start(&["--command-timeout-ms", "400", "--connect-timeout-ms", "300"]).await;
    setup.until_ready(true).await;
    let mut client = setup.client(ADMIN).await;
    setup.redis.signal("STOP");
    assert_eq!(client.command(&["INCR", "k"]).await.status, 503);
    until("the gateway to know", async || {
        client.command(&["INCR", "k"]).await.body.contains("nothing was executed")
    })
    .await;
    assert_eq!(client.send("GET", "/readyz", "").await.status, 503);
    setup.redis.signal("CONT");
    setup.until_ready(true).await;
    assert_eq!(client.command(&["ECHO", "back"]).await.parts(), (200, r#"{"result":"back"}"#));
}

#[tokio::test]
async fn many_clients_of_a_stalled_redis_are_all_answered_and_none_gets_the_reply_of_another() {
    let setup = Setup::start(&["--command-timeout-ms", "400", "--connect-timeout-ms", "300"]).await;
    setup.until_ready(true).await;
    let address = setup.gateway.address;
    setup.redis.signal("STOP");
    let clients = (0..50).map(|client| {
        tokio::spawn(async move {
            let mut connection = Client::connect(address, ADMIN).await;
            let mut served = 0;
            while served < 20 {
                let answer = connection.command(&["ECHO", &client.to_string()]).await;
                let own = format!(r#"{{"result":"{client}"}}"#);
                assert!(answer.status == 503 || answer.body == own, "{}", answer.body);
                served += usize::from(answer.status == 200);
            }
        })
    });
    let clients: Vec<_> = clients.collect();
    setup.until_ready(false).await;
    setup.redis.signal("CONT");
    for client in clients {
        timeout(DEADLINE, client).await.expect("redis is back").unwrap();
    }
}

#[tokio::test]
async fn wrong_credentials_are_named_and_not_shown() {
    let setup = Setup::start(&[]).await;
    setup.redis.tell(&["ACL", "SETUSER", "gateway", "resetpass", ">changed"]).await;
    setup.redis.tell(&["CLIENT", "KILL", "USER", "gateway"]).await;
    setup.until_ready(false).await;
    let mut client = setup.client(EDGE).await;
    let ready = client.send("GET", "/readyz", "").await;
    assert!(ready.body.contains("redis refused the user or password of the gateway"), "{}", ready.body);
    assert!(!ready.body.contains("p@ss"), "{}", ready.body);
}

#[tokio::test]
async fn a_shutdown_lets_requests_in_flight_finish_and_accepts_no_more() {
    let setup = Setup::start(&["--command-timeout-ms", "60000"]).await;
    setup.until_ready(true).await;
    let Setup { gateway, redis } = setup;
    let address = gateway.address;
    redis.pause_writes().await;
    let waiting =
        tokio::spawn(async move { Client::connect(address, ADMIN).await.command(&["SET", "k", "v"]).await });
    redis.until_a_write_waits().await;
    let stopping = tokio::spawn(gateway.shutdown());
    until("the listener to close", async || TcpStream::connect(address).await.is_err()).await;
    assert!(!waiting.is_finished() && !stopping.is_finished());
    redis.tell(&["CLIENT", "UNPAUSE"]).await;
    assert_eq!(waiting.await.unwrap().parts(), (200, r#"{"result":"OK"}"#));
    stopping.await.unwrap();
}

#[tokio::test]
async fn a_shutdown_ends_after_the_drain_time_whatever_redis_does() {
    let setup = Setup::start(&["--command-timeout-ms", "60000", "--drain-seconds", "1"]).await;
    setup.until_ready(true).await;
    let Setup { gateway, redis } = setup;
    let address = gateway.address;
    redis.pause_writes().await;
    let waiting = tokio::spawn(async move {
        Client::connect(address, ADMIN).await.try_send("POST", "/", r#"["SET","k","v"]"#).await
    });
    redis.until_a_write_waits().await;
    gateway.shutdown().await;
    assert!(waiting.await.unwrap().is_err(), "closed without an answer");
}

#[tokio::test]
async fn redis_is_reached_over_tcp_with_user_password_and_database() {
    let redis = Redis::start().await;
    let (listener, socket) = (TcpListener::bind("127.0.0.1:0").await.unwrap(), redis.socket());
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let mut tcp = listener.accept().await.unwrap().0;
        copy_bidirectional(&mut tcp, &mut UnixStream::connect(socket).await.unwrap()).await
    });
    let mut options = options(&redis, &[]);
    options.redis =
        RedisAddress::parse(&format!("redis://gateway:p%40ss%2Fw%3Ard@127.0.0.1:{port}/3")).unwrap();
    let gateway = Gateway::start(options).await.unwrap();
    let answer = Client::connect(gateway.address, ADMIN).await.command(&["CLIENT", "INFO"]).await;
    assert!(answer.body.contains(" db=3 ") && answer.body.contains("user=gateway "), "{}", answer.body);
}
