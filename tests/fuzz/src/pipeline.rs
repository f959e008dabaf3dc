//! The private service's reading of a stored request.

use serde::Serialize;
use serde_json::Value;
use tideline_pipeline::{Request, Unprocessable};
use tideline_protocol::{EntryId, Lane, Lanes, StreamRecord};

/// A body as it may stand in a stream entry, whoever wrote it.
pub fn stored_body(body: &[u8]) {
    let lane = Lanes::new("production", "local", 1).expect("lanes").of_session("s");
    let mut fields = |name: &str| {
        let value = match name {
            "v" | "at" => "1",
            "id" => "00000000-0000-0000-0000-000000000001",
            "n" | "new" => "3",
            "body" => return Some(String::from_utf8_lossy(body).into_owned()),
            "src" | "ses" | "pro" => "x",
            _ => return None,
        };
        Some(value.to_owned())
    };
    let mut record = StreamRecord::from_fields(&mut fields).expect("a whole entry");
    if let Err(Unprocessable::EventCount { found, .. }) = Request::read(&record, &lane, EntryId::default()) {
        record.events = u32::try_from(found).expect("at most 500");
    }
    // What cannot be processed is a dead letter, which is an outcome as good as any.
    drop(processed(&record, &lane, EntryId::default()));
}

/// Makes documents of a request; each can be read again from what is stored of it, and the same entry changes nothing
/// the next time.
pub(crate) fn processed(record: &StreamRecord, lane: &Lane, entry: EntryId) -> Result<(), Unprocessable> {
    let request = Request::read(record, lane, entry)?;
    let profile_id = request.profile_in(None, None);
    let outcome = request.apply(|_| false, None, profile_id, None);
    outcome.events.iter().for_each(is_read_again);
    outcome.session.iter().for_each(is_read_again);
    outcome.profile.iter().for_each(is_read_again);
    let again = request.apply(|_| false, outcome.session.as_ref(), profile_id, outcome.profile.as_ref());
    assert!(again.session.is_none() && again.profile.is_none(), "the same entry counted twice");
    Ok(())
}

fn is_read_again(document: &impl Serialize) {
    let value = serde_json::to_value(document).expect("a document");
    let text = value.to_string();
    let read: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    assert_eq!(read, value);
}
