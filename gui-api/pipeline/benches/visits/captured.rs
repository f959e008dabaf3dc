//! What a real browser sent in its visits, as the edge stores it.

use serde_json::Value;
use tideline_protocol::StreamRecord;
use uuid::Uuid;

/// 2026-11-22T18:42:26Z.
const BEGIN: u64 = 1_795_372_946_000;

/// The requests of each visit, in order.
pub(crate) fn visits() -> Vec<Vec<StreamRecord>> {
    let mut visits: Vec<(String, Vec<StreamRecord>)> = Vec::new();
    for line in include_str!("../../../../tests/data/visits.jsonl").lines() {
        let sent: Value = serde_json::from_str(line).unwrap_or_default();
        let text = |key: &str| sent.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        if text("method") != "POST" {
            continue;
        }
        let body: Value = serde_json::from_str(&text("body")).unwrap_or_default();
        let events = body.get("events").and_then(Value::as_array).map_or(0, Vec::len);
        let headers = sent.get("headers").and_then(Value::as_object).into_iter().flatten();
        let kept = ["user-agent", "accept-language", "origin", "referer"];
        let headers = headers.filter(|(name, _)| kept.contains(&name.as_str()));
        let visit = text("visit");
        if visits.last().is_none_or(|(last, _)| *last != visit) {
            visits.push((visit, Vec::new()));
        }
        let Some((_, records)) = visits.last_mut() else { continue };
        records.push(StreamRecord {
            request_id: Uuid::nil(),
            received_at: BEGIN + 1000 * records.len() as u64,
            source: "shop-web".to_owned(),
            session: String::new(),
            profile: None,
            vouched: false,
            unasked: None,
            new_session: records.is_empty(),
            new_profile: records.is_empty(),
            transitional: false,
            events: u32::try_from(events).unwrap_or_default(),
            client_address: Some("203.0.113.7".to_owned()),
            headers: headers
                .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
                .collect(),
            body: text("body"),
        });
    }
    visits.into_iter().map(|(_, records)| records).collect()
}
