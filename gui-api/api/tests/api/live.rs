//! Live events, from Redis to a reader.

use reqwest::{Method, Response};
use serde_json::{Value, json};
use tideline_model::{Event, SessionReference};

use crate::service::{CHANNEL, TOKEN, TestService, Wishes, event};
use crate::until;

/// A reader of the stream.
pub(crate) struct Reader {
    response: Response,
    buffer: String,
}

#[derive(Debug, PartialEq)]
struct Message {
    kind: String,
    id: String,
    data: Value,
}

impl Reader {
    pub(crate) async fn connect(service: &TestService, query: &str) -> Self {
        let request = service.request(Method::GET, &format!("/api/v1/events/live{query}")).bearer_auth(TOKEN);
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { response, buffer: String::new() }
    }

    /// The next message; none when the stream has ended.
    async fn next(&mut self) -> Option<Message> {
        loop {
            if let Some((message, rest)) = self.buffer.split_once("\n\n") {
                let (message, rest) = (message.to_owned(), rest.to_owned());
                self.buffer = rest;
                let field = |name: &str| {
                    let value = message.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
                    value.trim().to_owned()
                };
                let data = serde_json::from_str(&field("data:")).unwrap();
                return Some(Message { kind: field("event:"), id: field("id:"), data });
            }
            let chunk = self.response.chunk().await.ok()??;
            self.buffer.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    pub(crate) async fn next_id(&mut self) -> String {
        self.next().await.unwrap().id
    }
}

pub(crate) async fn publish(service: &TestService, events: &[Event]) {
    publish_text(service, &serde_json::to_string(events).unwrap()).await;
}

async fn publish_text(service: &TestService, message: &str) {
    let receivers: u64 = service.redis.ask(&["PUBLISH", CHANNEL, message]).await;
    assert_eq!(receivers, 1, "one subscription, however many readers");
}

#[tokio::test]
async fn readers_get_the_events_that_they_asked_for() {
    let service = TestService::start().await;
    let mut all = Reader::connect(&service, "").await;
    let mut purchases = Reader::connect(&service, "?type=purchase&source=shop&session=x&profile=p").await;
    let mut nothing = Reader::connect(&service, "?session=y").await;
    let events = [event("a", "page-view", 1), event("b", "purchase", 2)];
    publish(&service, &events).await;

    let expected = Message { kind: "event".to_owned(), id: "a".to_owned(), data: json!(events[0]) };
    assert_eq!(all.next().await.unwrap(), expected);
    assert_eq!(all.next_id().await, "b");
    assert_eq!(purchases.next_id().await, "b");
    let mut other = event("c", "page-view", 3);
    other.session = Some(SessionReference::to("y"));
    publish(&service, &[other]).await;
    assert_eq!(nothing.next_id().await, "c");
}

#[tokio::test]
async fn hostile_ids_and_unreadable_messages_do_no_harm() {
    let service = TestService::start().await;
    let mut reader = Reader::connect(&service, "").await;
    publish_text(&service, "nonsense").await;
    assert_eq!(reader.next().await.unwrap().data, json!({"missed": 1}));
    publish(&service, &[event("a\n\nevent: gap\ndata: {}", "page-view", 1), event("b", "page-view", 2)])
        .await;
    let hostile = reader.next().await.unwrap();
    assert_eq!((hostile.kind.as_str(), hostile.id.as_str()), ("event", ""));
    assert_eq!(reader.next_id().await, "b");
}

#[tokio::test]
async fn a_reader_that_is_too_slow_is_told_how_much_passed_it_by() {
    let service = TestService::start().await;
    let mut reader = Reader::connect(&service, "").await;
    const PUBLISHED: u64 = 40;
    for n in 0..PUBLISHED {
        let mut large = event(&n.to_string(), "page-view", 0);
        large.properties.insert("filling".to_owned(), "x".repeat(900_000).into());
        publish(&service, &[large]).await;
    }
    let (mut seen, mut missed) = (0, 0);
    while seen + missed < PUBLISHED {
        let message = reader.next().await.unwrap();
        match message.kind.as_str() {
            "gap" => missed += message.data["missed"].as_u64().unwrap(),
            _ => seen += 1,
        }
    }
    assert_eq!(seen + missed, PUBLISHED);
    assert!(missed > 0, "the buffers between here and there hold {seen} events");
}

#[tokio::test]
async fn when_redis_goes_the_streams_end_and_when_it_comes_back_new_ones_work() {
    let mut service = TestService::start().await;
    let mut reader = Reader::connect(&service, "").await;
    service.redis.kill();
    assert_eq!(reader.next().await, None);
    let refused = service.get("/api/v1/events/live").await;
    assert_eq!((refused.status, refused.header("retry-after")), (503, "5"));
    assert!(refused.detail().contains("redis cannot be reached"), "{}", refused.body);

    service.redis.start_again().await;
    until("a subscription", async || {
        service.redis.ask::<Vec<(String, u64)>>(&["PUBSUB", "NUMSUB", CHANNEL]).await[0].1 == 1
    })
    .await;
    let mut reader = Reader::connect(&service, "").await;
    publish(&service, &[event("a", "page-view", 1)]).await;
    assert_eq!(reader.next_id().await, "a");
}

#[tokio::test]
async fn readers_beyond_the_limit_are_refused_until_another_leaves() {
    let service = TestService::start_with(Wishes { most_live_readers: Some(1), ..Wishes::default() }).await;
    let reader = Reader::connect(&service, "").await;
    let refused = service.get("/api/v1/events/live").await;
    assert_eq!((refused.status, refused.header("retry-after")), (503, "5"));
    assert!(refused.detail().starts_with("1 readers"), "{}", refused.body);
    assert_eq!(service.get("/api/v1/events").await.status, 200, "the rest of the API is not affected");

    drop(reader);
    until("the place is free again", async || {
        let request = service.request(Method::GET, "/api/v1/events/live").bearer_auth(TOKEN);
        request.send().await.unwrap().status() == 200
    })
    .await;
}

#[tokio::test]
async fn a_stop_ends_the_streams_and_frees_the_address() {
    let mut service = TestService::start().await;
    let mut reader = Reader::connect(&service, "").await;
    service.stop().await;
    assert_eq!(reader.next().await, None);
    assert!(service.request(Method::GET, "/healthz").send().await.is_err());
}
