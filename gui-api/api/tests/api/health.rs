//! Health, as whoever runs the service asks for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::service::{TestService, Wishes};
use crate::until;

#[tokio::test]
async fn ready_follows_redis_and_alive_does_not() {
    let mut service = TestService::start().await;
    let answer = service.get_without_token("/readyz").await;
    assert_eq!((answer.status, answer.body.as_str()), (200, r#"{"ready":true,"reasons":[]}"#));

    service.redis.kill();
    until("not ready without redis", async || {
        let answer = service.get_without_token("/readyz").await;
        answer.status == 503 && answer.body == r#"{"ready":false,"reasons":["redis does not answer"]}"#
    })
    .await;
    assert_eq!(service.get_without_token("/healthz").await.status, 200);
    assert_eq!(service.get("/api/v1/events").await.status, 200, "what is stored can be read");

    service.redis.start_again().await;
    until("ready again", async || service.get_without_token("/readyz").await.status == 200).await;
}

#[tokio::test]
async fn ready_waits_for_whatever_else_the_process_needs() {
    let reason = "the intake stands still";
    let works = Arc::new(AtomicBool::new(true));
    let asked = Arc::clone(&works);
    let obstacle = Some(Arc::new(move || (!asked.load(Ordering::Relaxed)).then_some(reason)) as _);
    let service = TestService::start_with(Wishes { obstacle, ..Wishes::default() }).await;
    assert_eq!(service.get_without_token("/readyz").await.status, 200);
    works.store(false, Ordering::Relaxed);
    let answer = service.get_without_token("/readyz").await;
    assert_eq!((answer.status, &answer.json()["reasons"]), (503, &serde_json::json!([reason])));
    works.store(true, Ordering::Relaxed);
    assert_eq!(service.get_without_token("/readyz").await.status, 200);
}
