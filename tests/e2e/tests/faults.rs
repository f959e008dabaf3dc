//! Processes that die: what was answered is stored, once, and counted once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Value;
use tideline_e2e::{Analyst, Tideline, Visitor, eventually};
use xtask::stack::Part;

/// Sends events in a session, one after the other, until told to stop; returns the ids that were answered with 200.
fn keep_sending(
    visitor: Visitor,
    session: &'static str,
    stop: Arc<AtomicBool>,
) -> tokio::task::JoinHandle<Vec<String>> {
    tokio::spawn(async move {
        let mut answered = Vec::new();
        for number in 0.. {
            if stop.load(Ordering::Relaxed) {
                break;
            }
            let id = format!("{session}-{number}");
            // As the tracker does: the same event, until it is answered.
            while visitor.event(session, &id, "page-view").await.status != 200 {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            answered.push(id);
        }
        answered
    })
}

/// Checks that exactly these events are stored in a session, and counted.
async fn check_exact(analyst: &Analyst, session: &str, mut answered: Vec<String>) {
    let stored = analyst.sent_events(session, answered.len()).await;
    let mut ids: Vec<_> = stored.iter().map(|event| event["id"].as_str().unwrap().to_owned()).collect();
    ids.sort();
    answered.sort();
    assert_eq!(ids, answered);
    let document = analyst.session(session).await;
    assert_eq!(document["stats"]["events"], answered.len());
    let profile = analyst.profile(document["profile"]["id"].as_str().unwrap()).await;
    assert_eq!(profile["stats"]["counters"]["events"], answered.len());
    assert_eq!(profile["stats"]["visits"], 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killing_the_service_again_and_again_loses_nothing_and_counts_nothing_twice() {
    let mut tideline = Tideline::start();
    let analyst = tideline.analyst();
    let stop = Arc::new(AtomicBool::new(false));
    let sending = keep_sending(tideline.visitor(), "service-dies", stop.clone());
    for round in 1..=5 {
        // Each time a little further, so that the kill hits another step of the work.
        tideline.analyst().sent_events("service-dies", round * 10).await;
        tideline.kill(Part::Service).unwrap();
        tideline.start(Part::Service).unwrap();
    }
    stop.store(true, Ordering::Relaxed);
    check_exact(&analyst, "service-dies", sending.await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killing_redis_loses_nothing_that_was_answered() {
    let mut tideline = Tideline::start();
    let analyst = tideline.analyst();
    let stop = Arc::new(AtomicBool::new(false));
    let sending = keep_sending(tideline.visitor(), "redis-dies", stop.clone());
    for round in 1..=3 {
        tideline.analyst().sent_events("redis-dies", round * 20).await;
        tideline.kill(Part::Redis).unwrap();
        tideline.start(Part::Redis).unwrap();
    }
    stop.store(true, Ordering::Relaxed);
    check_exact(&analyst, "redis-dies", sending.await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_redis_visitors_are_asked_to_come_back_and_then_served() {
    let mut tideline = Tideline::start();
    let (visitor, analyst) = (tideline.visitor(), tideline.analyst());
    assert_eq!(visitor.event("outage", "before", "page-view").await.status, 200);

    tideline.kill(Part::Redis).unwrap();
    let answer = visitor.event("outage", "during", "page-view").await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")));
    assert!(answer.body["detail"].is_string());

    tideline.start(Part::Redis).unwrap();
    eventually("the edge to serve again", || async {
        (visitor.event("outage", "during", "page-view").await.status == 200).then_some(())
    })
    .await;
    check_exact(&analyst, "outage", vec!["before".to_owned(), "during".to_owned()]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_was_away_catches_up() {
    let mut tideline = Tideline::start();
    let (visitor, analyst) = (tideline.visitor(), tideline.analyst());
    tideline.stop(Part::Service).unwrap();
    let mut answered = Vec::new();
    for number in 0..50 {
        let id = format!("away-{number}");
        let answer = visitor.event("away", &id, "page-view").await;
        assert_eq!(answer.status, 200);
        answered.push(id);
    }
    tideline.start(Part::Service).unwrap();
    check_exact(&analyst, "away", answered).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_whole_stack_ends_in_order_and_comes_back_with_its_data() {
    let mut tideline = Tideline::start();
    let answer = tideline.visitor().event("restart", "one", "page-view").await;
    tideline.analyst().sent_events("restart", 1).await;
    tideline.stop_all().unwrap();
    for part in [Part::Redis, Part::Gateway, Part::Service, Part::Edge] {
        tideline.start(part).unwrap();
    }
    let again = tideline.visitor().event("restart", "two", "page-view").await;
    assert_eq!(again.profile(), answer.profile());
    check_exact(&tideline.analyst(), "restart", vec!["one".to_owned(), "two".to_owned()]).await;
    assert_eq!(tideline.analyst().get("events/one").await.unwrap_or(Value::Null)["id"], "one");
}
