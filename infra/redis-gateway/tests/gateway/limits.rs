//! Everything is bounded: what is over a limit is refused, and what comes after it is served.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::client::Client;
use crate::server::{ADMIN, Setup, until};

#[tokio::test]
async fn a_body_over_the_limit_is_413_and_one_at_the_limit_is_served() {
    let setup = Setup::start(&["--max-body-bytes", "1000"]).await;
    let body = |length: usize| format!(r#"["ECHO","{}"]"#, "x".repeat(length - 11));
    let answer = setup.client(ADMIN).await.send("POST", "/", body(1000)).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let answer = setup.client(ADMIN).await.send("POST", "/", body(1001)).await;
    assert_eq!(answer.parts(), (413, r#"{"error":"ERR max request size exceeded. Limit: 1000 bytes"}"#));

    let mut chunked = TcpStream::connect(setup.gateway.address).await.unwrap();
    let head = format!(
        "POST / HTTP/1.1\r\nhost: g\r\nauthorization: Bearer {ADMIN}\r\ntransfer-encoding: chunked\r\n\r\n"
    );
    chunked.write_all(head.as_bytes()).await.unwrap();
    for _ in 0..3 {
        chunked.write_all(format!("190\r\n{}\r\n", "x".repeat(400)).as_bytes()).await.unwrap();
    }
    let mut answer = [0; 12];
    chunked.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 413");
}

#[tokio::test]
async fn too_many_commands_or_arguments_are_400_and_nothing_is_executed() {
    let setup = Setup::start(&["--max-pipeline-commands", "3", "--max-command-arguments", "4"]).await;
    let mut client = setup.client(ADMIN).await;
    let answer = client.pipeline(&[&["INCR", "k"] as &[&str]; 4]).await;
    assert_eq!(
        answer.parts(),
        (400, r#"{"error":"ERR max pipeline length exceeded. Limit: 3 commands, Actual: 4 commands"}"#)
    );
    let answer = client.pipeline(&[&["INCR", "k"], &["DEL", "a", "b", "c", "d"]]).await;
    assert_eq!(
        answer.parts(),
        (400, r#"{"error":"ERR max argument count exceeded. Limit: 4 arguments, Actual: 5 arguments"}"#)
    );
    let answer = client.pipeline(&[&["INCR", "k"] as &[&str]; 3]).await;
    assert_eq!(answer.body, r#"[{"result":1},{"result":2},{"result":3}]"#);
}

#[tokio::test]
async fn an_answer_over_the_limit_is_an_error_and_its_neighbours_stay() {
    let setup = Setup::start(&["--max-answer-bytes", "10000"]).await;
    let mut client = setup.client(ADMIN).await;
    setup.redis.tell(&["SET", "large", &"x".repeat(5_000_000)]).await;
    setup.redis.tell(&["SET", "fits", &"y".repeat(9_000)]).await;
    let error = r#"{"error":"ERR max response size exceeded. Limit: 10000 bytes"}"#;
    assert_eq!(client.command(&["GET", "large"]).await.parts(), (400, error));
    assert_eq!(client.command(&["MGET", "fits", "fits"]).await.parts(), (400, error));
    assert_eq!(client.command(&["GET", "fits"]).await.status, 200);
    let answer = client.pipeline(&[&["ECHO", "a"], &["GET", "large"], &["ECHO", "b"]]).await;
    assert_eq!(answer.parts(), (200, format!(r#"[{{"result":"a"}},{error},{{"result":"b"}}]"#).as_str()));
}

#[tokio::test]
async fn one_request_too_many_is_503_at_once_and_the_one_in_flight_is_served() {
    let setup = Setup::start(&["--max-in-flight", "1", "--command-timeout-ms", "60000"]).await;
    setup.until_ready(true).await;
    let address = setup.gateway.address;
    setup.redis.pause_writes().await;
    let waiting =
        tokio::spawn(async move { Client::connect(address, ADMIN).await.command(&["INCR", "k"]).await });
    setup.redis.until_a_write_waits().await;
    let mut client = setup.client(ADMIN).await;
    let answer = client.command(&["INCR", "k"]).await;
    assert_eq!(answer.status, 503);
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert!(answer.body.contains("nothing was executed"), "{}", answer.body);
    setup.redis.tell(&["CLIENT", "UNPAUSE"]).await;
    assert_eq!(waiting.await.unwrap().parts(), (200, r#"{"result":1}"#));
    until("room", async || client.command(&["GET", "k"]).await.parts() == (200, r#"{"result":"1"}"#)).await;
}

#[tokio::test]
async fn connections_over_the_limit_wait_until_another_ends() {
    let setup = Setup::start(&["--max-connections", "2"]).await;
    let (mut first, mut second) = (setup.client(ADMIN).await, setup.client(ADMIN).await);
    assert_eq!(first.command(&["PING"]).await.status, 200);
    assert_eq!(second.command(&["PING"]).await.status, 200);
    let mut third = setup.client(ADMIN).await;
    let waiting = tokio::spawn(async move { third.command(&["PING"]).await.status });
    assert_eq!(first.command(&["PING"]).await.status, 200);
    assert!(!waiting.is_finished());
    drop(first);
    assert_eq!(waiting.await.unwrap(), 200);
}

#[tokio::test]
async fn a_client_that_does_not_finish_its_request_is_cut_off() {
    let setup = Setup::start(&["--header-timeout-ms", "100", "--body-timeout-ms", "200"]).await;
    let mut patient = setup.client(ADMIN).await;
    assert_eq!(patient.command(&["PING"]).await.status, 200);

    for begun in ["", "POST / HTTP/1.1\r\nhost: g\r\nauthorization: Be"] {
        let mut stalled = TcpStream::connect(setup.gateway.address).await.unwrap();
        stalled.write_all(begun.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stalled.read_to_end(&mut answer).await.unwrap();
        assert!(answer.is_empty(), "closed without an answer");
    }

    let mut half_a_body = TcpStream::connect(setup.gateway.address).await.unwrap();
    let head =
        format!("POST / HTTP/1.1\r\nhost: g\r\nauthorization: Bearer {ADMIN}\r\ncontent-length: 10\r\n\r\n[");
    half_a_body.write_all(head.as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    half_a_body.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 408");

    assert_eq!(patient.command(&["PING"]).await.status, 200, "an idle connection stays open");
}
