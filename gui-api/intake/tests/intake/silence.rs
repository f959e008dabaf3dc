//! Visits that fall silent: ended by the scheduler's reminders, once, whoever reminds how often.

use std::time::Duration;

use serde_json::json;
use tideline_model::{Event, Session};
use tideline_services::{Options, Scheduler};
use tideline_store::{EventFilter, Store as _};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::support::requests::{page_views, with_body};
use crate::support::{Ledger, Mood, Stage, until};

/// A scheduler that runs.
struct Running {
    drain: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Running {
    async fn drain(self) {
        self.drain.send(()).unwrap();
        self.task.await.unwrap();
    }
}

fn start(stage: &Stage) -> Running {
    let options = Options {
        interval: Duration::from_millis(20),
        ..Options::new(stage.redis.service_client(), stage.lanes.clone())
    };
    let scheduler = Scheduler::new(options, stage.store.clone()).unwrap();
    let (drain, drained) = oneshot::channel::<()>();
    let task = tokio::spawn(scheduler.run(async {
        let _dropped_or_sent = drained.await;
    }));
    Running { drain, task }
}

/// A session whose one request was received two hours ago; returns when that was, in milliseconds.
async fn silent(stage: &Stage, session: &str) -> u64 {
    let mut request = page_views(&stage.lanes, session, &[&format!("of {session}")]);
    request.record.received_at -= 2 * 60 * 60 * 1000;
    let at = request.record.received_at;
    stage.redis.track(request).await;
    at
}

async fn session(stage: &Stage, id: &str) -> Session {
    stage.store.session(id).await.unwrap().unwrap()
}

async fn ended(stage: &Stage) -> Vec<Event> {
    let r#type = Some("visit-ended".to_owned());
    stage.store.all_events(EventFilter { r#type, ..EventFilter::default() }).await
}

#[tokio::test]
async fn a_visit_that_fell_silent_ends_though_nobody_comes_again() {
    let stage = Stage::with_access_rules(4).await;
    let _intake = stage.start();
    let at = silent(&stage, "silent").await;
    stage.redis.track(page_views(&stage.lanes, "busy", &["now"])).await;
    stage.settled().await;
    let scheduler = start(&stage);
    until("the visit has ended", async || !session(&stage, "silent").await.has_open_visit()).await;
    let ledger = stage.settled().await;
    assert_eq!(ledger, Ledger { accepted: 2, stored: 2, ..Ledger::default() });
    assert!(session(&stage, "busy").await.has_open_visit());

    let events = ended(&stage).await;
    let [event] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!(event.metadata.time.insert.as_millisecond(), i64::try_from(at).unwrap());
    assert_eq!(event.session.as_ref().unwrap().id, "silent");
    assert_eq!(event.profile.as_ref().unwrap().id, "profile-of-silent");
    assert_eq!(event.source.id, "shop-web");
    scheduler.drain().await;

    // Who comes back begins another visit, and the first does not end again.
    stage.redis.track(page_views(&stage.lanes, "silent", &["back"])).await;
    stage.settled().await;
    assert!(session(&stage, "silent").await.has_open_visit());
    assert_eq!(stage.store.profile("profile-of-silent").await.unwrap().unwrap().stats.visits, 2);
    assert_eq!(ended(&stage).await, events);
}

#[tokio::test]
async fn one_replica_reminds_once_and_another_goes_on_when_it_leaves() {
    let stage = Stage::with_access_rules(1).await;
    let intake = stage.start();
    silent(&stage, "a").await;
    stage.settled().await;
    intake.drain().await;

    let reminders = async || stage.redis.in_flight(&stage.lanes).await;
    let first = start(&stage);
    until("the first reminds", async || reminders().await == 1).await;
    let second = start(&stage);
    let turn = format!("{{{}}}:scheduler", stage.lanes.of_session("a"));
    let holder: String = stage.redis.ask(redis::cmd("GET").arg(&turn)).await;
    first.drain().await;
    until("the second has the turn", async || {
        let now: Option<String> = stage.redis.ask(redis::cmd("GET").arg(&turn)).await;
        now.is_some_and(|now| now != holder)
    })
    .await;
    // It does not know what the first did.
    until("the second reminds", async || reminders().await == 2).await;

    let _intake = stage.start();
    stage.settled().await;
    assert!(!session(&stage, "a").await.has_open_visit());
    assert_eq!(ended(&stage).await.len(), 1);
    assert_eq!(reminders().await, 0, "nobody is reminded of what has ended");
    second.drain().await;
}

#[tokio::test]
async fn an_intake_that_dies_while_a_visit_ends_ends_it_once() {
    let stage = Stage::with_lanes(1).await;
    let intake = stage.start();
    silent(&stage, "a").await;
    stage.settled().await;
    stage.store.set(Mood::HangsAfterWriting);
    let scheduler = start(&stage);
    stage.store.hangs().await;
    intake.kill().await;
    scheduler.drain().await;
    stage.store.set(Mood::Works);
    stage.redis.track(page_views(&stage.lanes, "a", &["back"])).await;
    let _intake = stage.start();
    stage.settled().await;
    assert_eq!(ended(&stage).await.len(), 1);
    assert_eq!(stage.store.profile("profile-of-a").await.unwrap().unwrap().stats.visits, 2);
}

#[tokio::test]
async fn what_comes_before_a_reminder_in_its_lane_was_heard() {
    let stage = Stage::with_lanes(1).await;
    let intake = stage.start();
    silent(&stage, "a").await;
    stage.settled().await;
    intake.drain().await;
    // Accepted while nobody reads: the store still thinks that the session is silent.
    let body = json!({"events": [{"id": "back", "type": "page-view"}]}).to_string();
    stage.redis.track(with_body(&stage.lanes, "a", 1, body)).await;
    let scheduler = start(&stage);
    until("it reminds", async || stage.redis.in_flight(&stage.lanes).await == 2).await;
    let _intake = stage.start();
    stage.settled().await;
    scheduler.drain().await;
    assert!(session(&stage, "a").await.has_open_visit());
    let events = ended(&stage).await;
    assert_eq!(events.len(), 1, "the visit before, which the request has ended");
    assert_eq!(events[0].metadata.origin, stage.store.event("back").await.unwrap().unwrap().metadata.origin);
}
