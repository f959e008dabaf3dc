//! Many sessions, retries and replicas while the service is killed again and again: the end is what one
//! undisturbed pass over the same requests would have made.

use std::collections::BTreeMap;

use tideline_store::Store as _;

use crate::support::requests::page_views;
use crate::support::{Ledger, Mood, Stage};

const SESSIONS: u64 = 12;
const ROUNDS: u64 = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_end_is_the_same_however_often_replicas_are_killed() {
    let stage = Stage::with_lanes(6).await;
    // How many events each session has sent, the first of them numbered 0.
    let mut expected: BTreeMap<String, u64> = BTreeMap::new();
    let (mut accepted, mut duplicate, mut choice) = (0, 0, Choice(20_261_122));
    for round in 0..ROUNDS {
        stage.store.set(match round % 4 {
            0 => Mood::HangsAfterWriting,
            1 => Mood::HangsBeforeWriting,
            2 => Mood::Conflicts(7),
            _ => Mood::Works,
        });
        let replicas = [stage.start(), stage.start()];
        for number in 0..30 {
            let session = format!("session-{}", choice.below(SESSIONS));
            let known = expected.entry(session.clone()).or_default();
            // Some requests are retries of what the session sent before, some in part.
            let first = known.saturating_sub(choice.below(3));
            let ids: Vec<String> =
                (first..=first + choice.below(4)).map(|event| format!("{session}/{event}")).collect();
            stage
                .redis
                .track(page_views(
                    &stage.lanes,
                    &session,
                    &ids.iter().map(String::as_str).collect::<Vec<_>>(),
                ))
                .await;
            let sent = ids.len() as u64;
            let fresh = (first + sent).saturating_sub(*known);
            *known += fresh;
            accepted += sent;
            duplicate += sent - fresh;
            if number == 20 && round % 4 < 2 {
                stage.store.hangs().await;
            }
        }
        let [one, other] = replicas;
        one.kill().await;
        // One that hangs never ends by itself.
        if round % 4 < 2 { other.kill().await } else { other.drain().await }
    }
    stage.store.set(Mood::Works);
    let _last = stage.start();
    let ledger = stage.settled().await;
    let count = |events: u64| i64::try_from(events).unwrap();
    let stored = accepted - duplicate;
    assert_eq!(
        ledger,
        Ledger {
            accepted: count(accepted),
            stored: count(stored),
            duplicate: count(duplicate),
            dead: 0,
            passed: 0
        }
    );
    assert_eq!(stage.store.count("page-view").await as u64, stored);
    assert_eq!(stage.store.count("session-opened").await, expected.len());
    for (session, events) in expected {
        let document = stage.store.session(&session).await.unwrap().unwrap();
        assert_eq!(document.stats.events, events, "{session}");
        let profile = stage.store.profile(&document.profile.unwrap().id).await.unwrap().unwrap();
        assert_eq!((profile.stats.views, profile.stats.visits), (events, 1), "{session}");
    }
}

/// Numbers that look random and are the same in every run (Knuth's MMIX generator).
struct Choice(u64);

impl Choice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}
