//! Whatever part of a stream is read again, once or twice, in batches of whatever size: the documents are the same, byte for
//! byte.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;

use serde_json::{Value, json};
use tideline_model::{ConfigurationKind, ConfigurationObject};
use tideline_pipeline::Reminder;
use tideline_protocol::{EntryId, IdentitySalt, Lane, StreamRecord};
use tideline_store::{EventFilter, Store as _};
use uuid::Uuid;

use crate::support::{Stage, UnrulyStore, until};

const STREAMS: u64 = 20;
const ENTRIES: u64 = 24;
/// 2026-11-22T18:42:26Z.
const BEGIN: u64 = 1_795_372_946_000;

/// Numbers that are the same in every run (xorshift64*, Vigna 2014).
struct Numbers(u64);

impl Numbers {
    fn of_stream(stream: u64) -> Self {
        Self(0x7265_706c_6179 ^ (stream + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    /// Less than `end`.
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % end
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[usize::try_from(self.below(from.len() as u64)).unwrap()].clone()
    }
}

/// An entry of a lane: its id and fields.
struct Sent {
    lane: Lane,
    id: EntryId,
    fields: Vec<(String, String)>,
}

/// Visits of a few people in a few sessions, with all that may come between: silences, reminders, events sent again, events
/// that are not kept, bodies that nobody can read.
fn stream(stage: &Stage, number: u64) -> Vec<Sent> {
    let mut numbers = Numbers::of_stream(number);
    let mut now = BEGIN;
    let mut known = Vec::new();
    let entry = |count: u64| {
        now += 1000 * numbers.pick(&[1, 5, 60, 600, 600, 2_400, 200_000]);
        let session = numbers.pick(&["a", "b", "c", "d"]);
        let lane = stage.lanes.of_session(session);
        let fields = if numbers.below(6) == 0 {
            vec![(Reminder::FIELD.to_owned(), session.to_owned())]
        } else {
            let is_new = !known.contains(&session);
            known.push(session);
            request(stage, &mut numbers, count, now, session, &lane, is_new)
        };
        Sent { lane, id: EntryId { milliseconds: now, sequence: 0 }, fields }
    };
    (0..ENTRIES).map(entry).collect()
}

/// The profile of a session. Of profiles whose lanes are read at their own pace, things are told in an order that nobody
/// knows beforehand: where there are several lanes, each has one profile.
fn owner(stage: &Stage, session: &str) -> String {
    if stage.lanes.count() == 1 {
        format!("of {session}")
    } else {
        format!("of {}", stage.lanes.of_session(session))
    }
}

fn request(
    stage: &Stage,
    numbers: &mut Numbers,
    count: u64,
    now: u64,
    session: &str,
    lane: &Lane,
    is_new: bool,
) -> Vec<(String, String)> {
    let events: Vec<Value> =
        (0..1 + numbers.below(3)).map(|place| event(numbers, lane, count, place)).collect();
    let options = json!({"saveSession": numbers.below(8) > 0, "saveEvents": numbers.below(8) > 0});
    let tz = numbers.pick(&["Europe/Oslo", "Asia/Tokyo"]);
    let body = json!({"context": {"time": {"tz": tz}}, "options": options, "events": events}).to_string();
    let cut = if numbers.below(15) == 0 { body.len() / 2 } else { body.len() };
    let profile = owner(stage, session);
    let record = StreamRecord {
        request_id: Uuid::from_u128(1 + u128::from(count)),
        received_at: now,
        source: "shop-web".to_owned(),
        session: session.to_owned(),
        profile: Some(profile).filter(|_| numbers.below(8) > 0),
        vouched: false,
        unasked: None,
        new_session: is_new,
        new_profile: false,
        transitional: numbers.below(12) == 0,
        events: u32::try_from(events.len()).unwrap(),
        client_address: Some("203.0.113.7".to_owned()),
        headers: vec![("user-agent".to_owned(), "Mozilla/5.0".to_owned())],
        body: body.get(..cut).unwrap_or_default().to_owned(),
    };
    let fields = record.fields();
    fields.into_iter().map(|(name, value)| (name.to_owned(), value.into_owned())).collect()
}

fn event(numbers: &mut Numbers, lane: &Lane, count: u64, place: u64) -> Value {
    let value = numbers.below(1000);
    let (r#type, properties) = numbers.pick(&[
        ("page-view", json!({"id": value})),
        ("sign-in", json!({"email": {"main": format!("{}@shop.example", value % 2)}, "login": value})),
        ("increase-interest", json!({"interest": "rain", "value": 0.1})),
        ("checkout-completed", json!({"id": "c", "value": 19.99})),
        ("consent-update", json!({"consents": {"news": value < 500}})),
        ("add-color-preference", json!({"color": format!("colour {}", value % 5)})),
        ("visit-ended", json!({})),
        ("a type of the site's own", json!({"a.b": [value]})),
    ]);
    // Sometimes the id of an event that another request of the lane has brought.
    let id = if numbers.below(5) == 0 { numbers.below(3) } else { 100 * (count + 1) + place };
    json!({"id": format!("{id} of {lane}"), "type": r#type, "properties": properties, "options": {"saveEvent": numbers.below(8) > 0}})
}

/// Has the intake read these entries, so many at a time, as if they came for the first time.
async fn read(stage: &Stage, store: &Arc<UnrulyStore>, entries: &[Sent], at_once: usize) {
    stage.redis.ask::<()>(&redis::cmd("FLUSHALL")).await;
    for lane in stage.lanes.all() {
        let mut group = redis::cmd("XGROUP");
        stage
            .redis
            .ask::<()>(group.arg("CREATE").arg(lane.events()).arg("tideline").arg("0").arg("MKSTREAM"))
            .await;
    }
    let intake = stage.start_on(Arc::clone(store));
    for batch in entries.chunks(at_once) {
        for entry in batch {
            let mut append = redis::cmd("XADD");
            append.arg(entry.lane.events()).arg(entry.id.to_string());
            for (name, value) in &entry.fields {
                append.arg(name).arg(value);
            }
            stage.redis.ask::<()>(&append).await;
        }
        until("the batch is settled", async || stage.redis.in_flight(&stage.lanes).await == 0).await;
    }
    intake.drain().await;
}

/// All documents as they are stored, one a line.
async fn documents(stage: &Stage, store: &UnrulyStore) -> String {
    let mut all = String::new();
    let mut events = store.all_events(EventFilter::default()).await;
    events.sort_by(|one, other| one.id.cmp(&other.id));
    for event in events {
        writeln!(all, "{}", json!(event)).unwrap();
    }
    for session in ["a", "b", "c", "d"] {
        writeln!(all, "{}", json!(store.session(session).await.unwrap())).unwrap();
    }
    let owners: BTreeSet<String> = ["a", "b", "c", "d"].map(|session| owner(stage, session)).into();
    for id in owners {
        writeln!(all, "{}", json!(store.profile(&id).await.unwrap())).unwrap();
        writeln!(all, "{}", json!(store.merges(&id).await.unwrap())).unwrap();
    }
    all
}

fn assert_same(expected: &str, found: &str, what: &str) {
    let differs = expected.lines().zip(found.lines()).find(|(expected, found)| expected != found);
    assert!(differs.is_none(), "{what}: {differs:#?}");
    assert_eq!(expected.lines().count(), found.lines().count(), "{what}: another number of documents");
}

#[tokio::test]
async fn any_prefix_read_twice_in_batches_of_any_size_gives_the_same_documents() {
    let merges = read_again_and_again(&Stage::with_lanes(2).await, 0..STREAMS, &[]).await;
    assert_eq!(merges, 0);
}

#[tokio::test]
async fn the_same_holds_where_people_are_merged_and_rules_are_followed() {
    let mut stage = Stage::with_lanes(1).await;
    stage.settings.salt = Some(IdentitySalt::parse("000102030405060708090a0b0c0d0e0f").unwrap());
    let rules = [
        (
            ConfigurationKind::Mapping,
            json!({
                "when": {"event_type": "page-view", "condition": "profile@stats.views > 1"},
                "operations": [{"operation": "equals", "profile": "traits.page", "event": "properties.id"},
                    {"operation": "increment", "profile": "traits.sum", "event": "properties.id"}],
            }),
        ),
        (
            ConfigurationKind::Validation,
            json!({
                "when": {"event_type": "page-view"}, "schemas": {"properties": {"properties": {"id": {"maximum": 800}}}},
            }),
        ),
        (
            ConfigurationKind::Reshaping,
            json!({
                "when": {"event_type": "checkout-completed"},
                "properties": {"id": "event@properties.id", "value": "event@properties.value", "colours": "profile@data.preferences"},
                "session": {"bought": "event@properties.id"},
            }),
        ),
        (
            ConfigurationKind::Compliance,
            json!({
                "fields": [{"field": "properties.color", "consents": ["news"], "action": "hash"}],
            }),
        ),
        (
            ConfigurationKind::Segment,
            json!({
                "condition": "stats.views > 0", "counts": [{"when": {"event_type": "page-view"}, "days": 2, "at_least": 2}],
            }),
        ),
    ];
    let rules = rules.map(|(kind, settings)| crate::rules::object(kind, "rule", 1, &settings));
    let merges = read_again_and_again(&stage, 100..100 + STREAMS, &rules).await;
    assert!(merges > 10, "merges are to be seen: {merges}");
}

/// Reads streams in many ways, and compares; how many merges there were.
async fn read_again_and_again(
    stage: &Stage,
    numbers: std::ops::Range<u64>,
    rules: &[ConfigurationObject],
) -> usize {
    let mut merges = 0;
    for number in numbers {
        let mut numbers = Numbers::of_stream(1000 + number);
        let entries = stream(stage, number);
        let store = with_rules(rules).await;
        read(stage, &store, &entries, entries.len()).await;
        let expected = documents(stage, &store).await;
        let documents_read = expected.lines().count();
        assert!(documents_read > 15, "stream {number} is not worth reading: {documents_read} documents");

        let prefix = 1 + usize::try_from(numbers.below(ENTRIES)).unwrap();
        let at_once = numbers.pick(&[1, 2, 3, 7]);
        let what = format!("stream {number}, its first {prefix} entries again, {at_once} at once");
        read(stage, &store, &entries[..prefix], at_once).await;
        assert_same(&expected, &documents(stage, &store).await, &what);

        let store = with_rules(rules).await;
        for _ in 0..2 {
            read(stage, &store, &entries[..prefix], at_once).await;
        }
        read(stage, &store, &entries, at_once + 2).await;
        assert_same(&expected, &documents(stage, &store).await, &format!("{what}, then all of it"));
        for session in ["a", "b", "c", "d"] {
            merges += store.merges(&owner(stage, session)).await.unwrap().len();
        }
    }
    merges
}

async fn with_rules(rules: &[ConfigurationObject]) -> Arc<UnrulyStore> {
    let store = UnrulyStore::new();
    for rule in rules {
        store.put_configuration(rule.clone()).await.unwrap();
    }
    store
}
