//! `/subscribe`, `/psubscribe` and `/monitor`: server-sent events, each on a connection of its own.

use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::time::timeout;

use crate::server::{ADMIN, DEADLINE, Setup, until};

/// A client that reads events.
struct Reader {
    body: Incoming,
    text: String,
}

impl Reader {
    async fn open(setup: &Setup, path: &str) -> Reader {
        let mut client = setup.client(ADMIN).await;
        let accept = [("accept", "text/event-stream")];
        let (status, headers, body) =
            client.open("POST", path, &accept, r#"["SUBSCRIBE","x"]"#).await.unwrap();
        assert_eq!(status, 200, "{path}");
        assert_eq!(headers["content-type"], "text/event-stream; charset=utf-8");
        assert!(headers.contains_key("upstash-sync-token"));
        Reader { body, text: String::new() }
    }

    /// Reads until the text has all of this.
    async fn until(&mut self, expected: &str) {
        while !self.text.contains(expected) {
            let frame = timeout(DEADLINE, self.body.frame()).await;
            let frame = frame.unwrap_or_else(|_| panic!("{expected:?} did not come: {:?}", self.text));
            let frame = frame.unwrap_or_else(|| panic!("it ended before {expected:?}: {:?}", self.text));
            self.text.push_str(std::str::from_utf8(&frame.unwrap().into_data().unwrap()).unwrap());
        }
    }

    async fn until_it_ends(&mut self) {
        while let Some(frame) = timeout(DEADLINE, self.body.frame()).await.expect("an end") {
            if frame.is_err() {
                return;
            }
        }
    }
}

async fn subscribers(setup: &Setup) -> usize {
    let list = setup.client(ADMIN).await.command(&["CLIENT", "LIST"]).await.body;
    list.matches("user=gateway").count() - 1
}

#[tokio::test]
async fn what_is_published_reaches_every_subscriber_in_order() {
    let setup = Setup::start(&[]).await;
    let mut one = Reader::open(&setup, "/subscribe/chat").await;
    let mut two = Reader::open(&setup, "/subscribe/chat/other%2Fchannel").await;
    let mut pattern = Reader::open(&setup, "/psubscribe/c*").await;
    one.until("data: subscribe,chat,1\n\n").await;
    two.until("data: subscribe,chat,1\n\ndata: subscribe,other/channel,2\n\n").await;
    pattern.until("data: psubscribe,c*,1\n\n").await;

    let mut client = setup.client(ADMIN).await;
    assert_eq!(client.send("POST", "/publish/chat/hello", "").await.body, r#"{"result":3}"#);
    assert_eq!(client.send("POST", "/publish/chat", "how are, you?").await.body, r#"{"result":3}"#);
    assert_eq!(client.send("POST", "/publish/other%2Fchannel", "a\r\nb").await.body, r#"{"result":1}"#);
    one.until("data: message,chat,hello\n\ndata: message,chat,how are, you?\n\n").await;
    two.until("data: message,chat,how are, you?\n\ndata: message,other/channel,a\ndata: b\n\n").await;
    pattern.until("data: pmessage,c*,chat,hello\n\ndata: pmessage,c*,chat,how are, you?\n\n").await;
    for number in 0..500 {
        client.command(&["PUBLISH", "chat", &number.to_string()]).await;
    }
    one.until("data: message,chat,499\n\n").await;
    let numbers =
        one.text.lines().filter_map(|line| line.strip_prefix("data: message,chat,")?.parse::<u32>().ok());
    assert!(numbers.eq(0..500), "{}", one.text);
}

#[tokio::test]
async fn a_monitor_sees_commands_of_others() {
    let setup = Setup::start(&[]).await;
    let mut monitor = Reader::open(&setup, "/monitor").await;
    monitor.until("data: \"OK\"\n\n").await;
    setup.client(ADMIN).await.command(&["SET", "k", "v w"]).await;
    monitor.until("\"SET\" \"k\" \"v w\"\n\n").await;
}

#[tokio::test]
async fn what_redis_refuses_is_an_answer_and_no_stream() {
    let setup = Setup::start(&[]).await;
    let mut client = setup.client(ADMIN).await;
    let answer = client.send("POST", "/subscribe", "").await;
    let error = r#"{"error":"ERR wrong number of arguments for 'subscribe' command"}"#;
    assert_eq!(answer.parts(), (400, error));
    setup.redis.tell(&["ACL", "SETUSER", "gateway", "resetchannels", "&public:*"]).await;
    let answer = client.send("POST", "/subscribe/private", "").await;
    assert!(answer.body.starts_with(r#"{"error":"NOPERM "#), "{}", answer.body);
    Reader::open(&setup, "/subscribe/public:a").await.until("subscribe,public:a,1").await;
    let answer = client.send("HEAD", "/subscribe/public:a", "").await;
    assert_eq!((answer.status, answer.header("allow")), (405, Some("GET, POST")));
}

#[tokio::test]
async fn there_are_so_many_streams_and_a_place_is_free_again_when_a_client_leaves() {
    let setup = Setup::start(&["--max-streams", "2"]).await;
    let mut first = Reader::open(&setup, "/subscribe/a").await;
    let mut second = Reader::open(&setup, "/subscribe/b").await;
    first.until("subscribe,a,1").await;
    second.until("subscribe,b,1").await;
    let mut client = setup.client(ADMIN).await;
    let answer = client.send("POST", "/subscribe/c", "").await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")), "{}", answer.body);
    assert_eq!(subscribers(&setup).await, 2);
    drop(first);
    until("a free place", async || {
        let mut client = setup.client(ADMIN).await;
        let (status, _, _body) = client.open("POST", "/subscribe/c", &[], "").await.unwrap();
        status == 200
    })
    .await;
    until("an end of both", async || subscribers(&setup).await == 1).await;
}

#[tokio::test]
async fn a_reader_that_is_too_slow_is_cut_off_and_the_others_go_on() {
    let setup = Setup::start(&["--max-stream-buffer-bytes", "200000"]).await;
    let mut slow = Reader::open(&setup, "/subscribe/chat").await;
    let mut fast = Reader::open(&setup, "/subscribe/chat").await;
    let message = "x".repeat(100_000);
    let mut client = setup.client(ADMIN).await;
    let mut number = 0;
    // The kernel takes some megabytes for a client that does not read.
    until("the end of the slow one", async || {
        number += 1;
        client.command(&["PUBLISH", "chat", &message]).await;
        client.command(&["PUBLISH", "chat", &format!("number {number}")]).await;
        fast.until(&format!("number {number}\n")).await;
        fast.text.clear();
        subscribers(&setup).await == 1
    })
    .await;
    slow.until_it_ends().await;
    client.command(&["PUBLISH", "chat", "last"]).await;
    fast.until("message,chat,last").await;
}

#[tokio::test]
async fn a_stream_on_which_nothing_happens_outlives_connections_that_are_idle() {
    let setup = Setup::start(&["--idle-seconds", "1"]).await;
    let mut reader = Reader::open(&setup, "/subscribe/chat").await;
    let mut idle = setup.client(ADMIN).await;
    assert_eq!(idle.command(&["PING"]).await.status, 200);
    timeout(DEADLINE, idle.closed()).await.unwrap();
    setup.client(ADMIN).await.command(&["PUBLISH", "chat", "hello"]).await;
    reader.until("message,chat,hello").await;
}

#[tokio::test]
async fn a_message_that_does_not_fit_ends_the_stream() {
    let setup = Setup::start(&["--max-stream-buffer-bytes", "1000"]).await;
    let mut reader = Reader::open(&setup, "/subscribe/chat").await;
    setup.client(ADMIN).await.command(&["PUBLISH", "chat", &"x".repeat(2000)]).await;
    reader.until_it_ends().await;
    until("a closed connection", async || subscribers(&setup).await == 0).await;
}

#[tokio::test]
async fn streams_end_with_redis_and_with_the_gateway() {
    let mut setup = Setup::start(&["--drain-seconds", "3600"]).await;
    let mut reader = Reader::open(&setup, "/subscribe/chat").await;
    setup.redis.kill();
    reader.until_it_ends().await;
    assert_eq!(setup.client(ADMIN).await.send("POST", "/subscribe/chat", "").await.status, 503);
    setup.redis.restart().await;
    let mut reader = Reader::open(&setup, "/subscribe/chat").await;
    let Setup { gateway, redis: _redis } = setup;
    let (_, ()) = tokio::join!(timeout(DEADLINE, gateway.shutdown()), reader.until_it_ends());
}
