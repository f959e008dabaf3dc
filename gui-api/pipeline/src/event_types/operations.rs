//! What an event's type says of the profile: values that are set, joined to lists, added up and taken away.

use serde_json::{Number, Value};
use tideline_model::{Event, Profile};

use super::kind::{Kind, MAX_VALUES, Reading};
use super::table::{Amount, Change, Field, Operation, Source};
use crate::paths::Path;
use crate::{changes, event_types, sums};

/// Changes the profile as the event's type says.
pub(crate) fn change(profile: &mut Profile, event: &Event) {
    let Some(known) = event_types::of(&event.r#type) else { return };
    for operation in &known.operations {
        if follow(profile, event, operation).is_some() {
            changes::note(&mut profile.metadata, &operation.into, event);
        }
    }
}

/// Follows one operation; none when there is nothing to change.
fn follow(profile: &mut Profile, event: &Event, operation: &Operation) -> Option<()> {
    let is_latest = changes::is_latest(&profile.metadata, &operation.into, event);
    match (&operation.change, &operation.field) {
        (Change::Set(source, kind), field) if is_latest => put(profile, field, source.value(event, *kind)?),
        (Change::SetIfMissing(source, kind), field) if is_latest && !has(profile, field) => {
            put(profile, field, source.value(event, *kind)?);
        }
        (Change::Append(source), Field::Data(path)) => {
            let Value::Array(new) = source.value(event, Kind::List)? else { return None };
            append(profile, path, new);
        }
        (Change::Add(amount), Field::Data(path)) => {
            let amount = match amount {
                Amount::Constant(number) => number.clone(),
                Amount::Of(source) => number(&source.value(event, Kind::Number)?)?,
            };
            let before = path.get(&profile.data).and_then(number).unwrap_or_else(|| Number::from(0));
            path.set(&mut profile.data, Value::Number(sums::sum(&before, &amount)?));
        }
        // Noted also where there is nothing: what comes later from before must not stay.
        (Change::Delete, Field::Data(path)) if is_latest => drop(path.remove(&mut profile.data)),
        (Change::Ratio(dividend, divisor), Field::Data(path)) => {
            let value = |path: &Path| path.get(&profile.data).and_then(Value::as_f64);
            let quotient = Number::from_f64(value(dividend)? / value(divisor)?)?;
            path.set(&mut profile.data, Value::Number(quotient));
        }
        _ => return None,
    }
    Some(())
}

impl Source {
    fn value(&self, event: &Event, kind: Kind) -> Option<Value> {
        let sent = match self {
            Self::Data(path) => path.get(&event.data)?,
            Self::Properties(path) => path.get(&event.properties)?,
        };
        match kind.read(sent) {
            Reading::Value(value) => Some(value),
            Reading::Nothing | Reading::Wrong => None,
        }
    }
}

fn put(profile: &mut Profile, field: &Field, value: Value) {
    match field {
        Field::PrimaryId => profile.primary_id = value.as_str().map(str::to_owned),
        Field::Data(path) => path.set(&mut profile.data, value),
    }
}

fn has(profile: &Profile, field: &Field) -> bool {
    match field {
        Field::PrimaryId => profile.primary_id.is_some(),
        Field::Data(path) => path.get(&profile.data).is_some(),
    }
}

/// Joins the list with what it does not have yet, as far as there is room.
pub(crate) fn append(profile: &mut Profile, path: &Path, new: Vec<Value>) {
    let mut values = match path.get(&profile.data) {
        Some(Value::Array(before)) => before.clone(),
        _ => Vec::new(),
    };
    for value in new {
        if values.len() < MAX_VALUES && !values.contains(&value) {
            values.push(value);
        }
    }
    path.set(&mut profile.data, Value::Array(values));
}

fn number(value: &Value) -> Option<Number> {
    match value {
        Value::Number(number) => Some(number.clone()),
        _ => None,
    }
}
