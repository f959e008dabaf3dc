//! An entry of a lane's stream as it was read, and what the ledger needs of it.

use std::collections::HashMap;

use redis::Value;
use tideline_pipeline::{Recheck, Reminder, Request, Settings};
use tideline_protocol::{EntryId, Lane, StreamRecord};
use tideline_store::Revision;

use crate::leases::Tenure;
use crate::options::SUSPECT_AFTER;

/// One entry as it was read, its request unopened: a round holds many, and an open one takes many times the memory.
pub(crate) struct Entry {
    pub(crate) lane: Lane,
    pub(crate) tenure: Tenure,
    pub(crate) id: EntryId,
    /// How often it was handed out; a thousand times more for each try alone.
    pub(crate) times: u64,
    pub(crate) account: Account,
    fields: Fields,
}

/// Where the ledger counts an entry.
pub(crate) struct Account {
    pub(crate) source: String,
    pub(crate) received_at: u64,
    pub(crate) events: u32,
    /// Nobody has counted it as accepted: an edge in lean mode wrote it.
    pub(crate) is_uncounted: bool,
}

/// What an entry holds.
pub(crate) enum Content {
    Request(Box<Request>),
    /// A session may have gone silent.
    Reminder(Box<Reminder>),
    /// A profile may belong to other segments.
    Recheck(Box<Recheck>),
    /// It cannot be processed, now or later; the reason goes to the dead letters with it.
    Unprocessable(String),
    /// Somebody deleted it from the stream while it was pending.
    Deleted,
}

impl Entry {
    /// Reads an entry `[id, fields, times]` of `read_v1`; none when it is not that.
    pub(crate) fn read(lane: &Lane, tenure: Tenure, value: Value) -> Option<Self> {
        let Value::Array(parts) = value else { return None };
        let [id, fields, times] = <[Value; 3]>::try_from(parts).ok()?;
        let id: EntryId = redis::from_redis_value::<String>(id).ok()?.parse().ok()?;
        let times = redis::from_redis_value(times).ok()?;
        let fields = Fields::read(fields);
        Some(Self { account: fields.account(id), fields, lane: lane.clone(), tenure, id, times })
    }

    /// Whether it was handed out so often that processing it may have ended the service.
    pub(crate) fn is_suspect(&self) -> bool {
        self.times > SUSPECT_AFTER
    }

    /// Bytes of its fields.
    pub(crate) fn bytes(&self) -> usize {
        self.fields.bytes
    }

    /// The rules that must be known to process it.
    pub(crate) fn demands(&self) -> Option<Revision> {
        self.fields.values.as_ref()?.get(Recheck::RULES)?.parse().ok().map(Revision)
    }

    /// Takes its content out.
    pub(crate) fn open(&mut self, settings: &Settings) -> Content {
        std::mem::take(&mut self.fields).content(settings, &self.lane, self.id)
    }
}

/// The fields of an entry; none for one that was deleted.
#[derive(Default)]
struct Fields {
    values: Option<HashMap<String, String>>,
    not_text: bool,
    bytes: usize,
}

impl Fields {
    fn read(value: Value) -> Self {
        let Value::Array(parts) = value else { return Self::default() };
        let (mut values, mut not_text, mut bytes) = (HashMap::new(), false, 0);
        let mut parts = parts.into_iter().map(|part| match part {
            Value::BulkString(bytes) => bytes,
            _ => Vec::new(),
        });
        while let (Some(name), Some(value)) = (parts.next(), parts.next()) {
            bytes += name.len() + value.len();
            match (String::from_utf8(name), String::from_utf8(value)) {
                // The last counts: `track_v1` writes its own fields after the edge's.
                (Ok(name), Ok(value)) => drop(values.insert(name, value)),
                _ => not_text = true,
            }
        }
        Self { values: Some(values), not_text, bytes }
    }

    /// Where the entry counts. What is unreadable was written neither by `track_v1` nor by an edge in lean mode, and counts
    /// nowhere.
    fn account(&self, id: EntryId) -> Account {
        let field = |name: &str| self.values.as_ref().and_then(|values| values.get(name));
        Account {
            source: field("src").cloned().unwrap_or_default(),
            received_at: field("at").and_then(|at| at.parse().ok()).unwrap_or(id.milliseconds),
            events: field("n").and_then(|events| events.parse().ok()).unwrap_or(0),
            is_uncounted: field("lean").is_some_and(|lean| lean == "1"),
        }
    }

    fn content(self, settings: &Settings, lane: &Lane, id: EntryId) -> Content {
        let Some(mut values) = self.values else { return Content::Deleted };
        if self.not_text {
            return Content::Unprocessable("the entry has a field that is not UTF-8".to_owned());
        }
        if let Some(session) = values.remove(Reminder::FIELD) {
            return match Reminder::read(session, lane, id, settings) {
                Ok(reminder) => Content::Reminder(Box::new(reminder)),
                Err(error) => Content::Unprocessable(error.to_string()),
            };
        }
        if let Some(profile) = values.remove(Recheck::FIELD) {
            return match Recheck::read(profile, lane, id, settings) {
                Ok(recheck) => Content::Recheck(Box::new(recheck)),
                Err(error) => Content::Unprocessable(error.to_string()),
            };
        }
        let request = StreamRecord::from_fields(|name| values.remove(name))
            .map_err(|error| error.to_string())
            .and_then(|record| {
                Request::read_with(settings, &record, lane, id).map_err(|error| error.to_string())
            });
        match request {
            Ok(request) => Content::Request(Box::new(request)),
            Err(reason) => Content::Unprocessable(reason),
        }
    }
}
