//! What an event's type says of the profile: values that are set, joined to lists, added up and taken away.

use serde_json::{Number, Value};
use tideline_model::rules::ValueKind as Kind;
use tideline_model::{Event, Profile, Properties};

use super::kind::{self, MAX_VALUES, Reading};
use super::table::{Amount, Change, Field, Operation, Source};
use crate::paths::Path;
use crate::{changes, event_types, sums};

/// Changes the profile as the event's type says.
pub(crate) fn change(profile: &mut Profile, event: &Event) {
    let Some(known) = event_types::of(&event.r#type) else { return };
    for operation in &known.operations {
        // What cannot be read, the event has said of itself.
        let _ = follow(profile, event, operation);
    }
}

/// What became of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Followed {
    /// The field is changed.
    Changed,
    /// There was nothing to change, or nothing to change it to.
    Not,
    /// The event's value is not what the field holds.
    Wrong,
}

/// Follows one operation, and notes when the field was changed.
pub(crate) fn follow(profile: &mut Profile, event: &Event, operation: &Operation) -> Followed {
    match try_follow(profile, event, operation) {
        Ok(()) => {
            changes::note(&mut profile.metadata, &operation.into, event);
            Followed::Changed
        }
        Err(unchanged) => unchanged,
    }
}

fn try_follow(profile: &mut Profile, event: &Event, operation: &Operation) -> Result<(), Followed> {
    let is_latest = changes::is_latest(&profile.metadata, &operation.into, event);
    let field = &operation.field;
    match &operation.change {
        Change::Set(source, kind) if is_latest => put(profile, field, source.value(event, *kind)?),
        Change::SetIfMissing(source, kind) if is_latest && !has(profile, field) => {
            put(profile, field, source.value(event, *kind)?);
        }
        Change::Append(source) => {
            let Value::Array(new) = source.value(event, Some(Kind::List))? else {
                return Err(Followed::Wrong);
            };
            let (path, members) = field.place(profile).ok_or(Followed::Wrong)?;
            append(members, path, new);
        }
        Change::Add(amount) => add(profile, field, &amount.of(event)?).ok_or(Followed::Wrong)?,
        // Noted also where there is nothing: what comes later from before must not stay.
        Change::Delete if is_latest => match field {
            Field::PrimaryId => profile.primary_id = None,
            Field::Counter(name) => drop(profile.stats.counters.remove(name)),
            Field::Data(path) => drop(path.remove(&mut profile.data)),
            Field::Traits(path) => drop(path.remove(&mut profile.traits)),
        },
        Change::Ratio(dividend, divisor) => {
            let value = |path: &Path| path.get(&profile.data).and_then(Value::as_f64);
            let quotient = || Number::from_f64(value(dividend)? / value(divisor)?);
            let quotient = quotient().ok_or(Followed::Not)?;
            put(profile, field, Value::Number(quotient));
        }
        _ => return Err(Followed::Not),
    }
    Ok(())
}

/// Adds to a number, which is 0 where there is none.
fn add(profile: &mut Profile, field: &Field, amount: &Number) -> Option<()> {
    if let Field::Counter(name) = field {
        let counted = profile.stats.counters.entry(name.clone()).or_default();
        let sum = sums::sum(&Number::from(*counted), amount)?;
        // A counter counts whole things, and never below nothing.
        *counted = sum.as_u64().or_else(|| sum.as_f64().filter(|sum| *sum < 0.0).map(|_| 0))?;
        return Some(());
    }
    let (path, members) = field.place(profile)?;
    let before = path.get(members).and_then(number).unwrap_or_else(|| Number::from(0));
    path.set(members, Value::Number(sums::sum(&before, amount)?));
    Some(())
}

impl Amount {
    fn of(&self, event: &Event) -> Result<Number, Followed> {
        let sent = |source: &Source| match source.value(event, Some(Kind::Number))? {
            Value::Number(number) => Ok(number),
            _ => Err(Followed::Wrong),
        };
        match self {
            Self::Constant(number) => Ok(number.clone()),
            Self::Of(source) => sent(source),
            Self::Minus(source) => sums::negative(&sent(source)?).ok_or(Followed::Wrong),
        }
    }
}

impl Source {
    fn value(&self, event: &Event, kind: Option<Kind>) -> Result<Value, Followed> {
        let sent = match self {
            Self::Constant(value) => Some(value),
            Self::Data(path) => path.get(&event.data),
            Self::Properties(path) => path.get(&event.properties),
            Self::Traits(path) => path.get(&event.traits),
            Self::Context(path) => path.get(&event.context),
        };
        match kind::read(kind, sent.ok_or(Followed::Not)?) {
            Reading::Value(value) => Ok(value),
            Reading::Nothing => Err(Followed::Not),
            Reading::Wrong => Err(Followed::Wrong),
        }
    }
}

impl Field {
    /// Where in the profile it is, if it is among free properties.
    fn place<'a>(&self, profile: &'a mut Profile) -> Option<(&Path, &'a mut Properties)> {
        match self {
            Self::Data(path) => Some((path, &mut profile.data)),
            Self::Traits(path) => Some((path, &mut profile.traits)),
            Self::PrimaryId | Self::Counter(_) => None,
        }
    }
}

fn put(profile: &mut Profile, field: &Field, value: Value) {
    match field {
        Field::PrimaryId => profile.primary_id = value.as_str().map(str::to_owned),
        Field::Counter(name) => {
            profile.stats.counters.extend(value.as_u64().map(|count| (name.clone(), count)));
        }
        Field::Data(path) => path.set(&mut profile.data, value),
        Field::Traits(path) => path.set(&mut profile.traits, value),
    }
}

fn has(profile: &Profile, field: &Field) -> bool {
    match field {
        Field::PrimaryId => profile.primary_id.is_some(),
        Field::Counter(name) => profile.stats.counters.contains_key(name),
        Field::Data(path) => path.get(&profile.data).is_some(),
        Field::Traits(path) => path.get(&profile.traits).is_some(),
    }
}

/// Joins the list with what it does not have yet, as far as there is room.
pub(crate) fn append(members: &mut Properties, path: &Path, new: Vec<Value>) {
    let mut values = match path.get(members) {
        Some(Value::Array(before)) => before.clone(),
        _ => Vec::new(),
    };
    for value in new {
        if values.len() < MAX_VALUES && !values.contains(&value) {
            values.push(value);
        }
    }
    path.set(members, Value::Array(values));
}

fn number(value: &Value) -> Option<Number> {
    match value {
        Value::Number(number) => Some(number.clone()),
        _ => None,
    }
}
