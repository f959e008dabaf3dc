//! Interests: how much a visitor cares for something, as events tell (`docs/processing.md` §6.6).

use serde_json::{Number, Value};
use tideline_model::{Event, Profile};

use crate::{changes, event_types, sums};

/// The most interests of a profile.
const MAX_INTERESTS: usize = 100;
/// The longest name of an interest, in bytes.
const MAX_INTEREST_BYTES: usize = 128;

/// Raises, lowers or resets the interest that the event names. What is beyond a bound changes nothing.
pub(crate) fn note(profile: &mut Profile, event: &Event) {
    let value = match event.properties.get("value") {
        Some(Value::Number(number)) => Some(number.clone()),
        None | Some(Value::Null) => None,
        Some(_) => return,
    };
    let one = || Number::from(1);
    let (change, resets) = match event.r#type.as_str() {
        "increase-interest" => (value.or_else(|| Some(one())), false),
        "decrease-interest" => (sums::negative(&value.unwrap_or_else(one)), false),
        "reset-interest" => (value.or_else(|| Some(Number::from(0))), true),
        _ => return,
    };
    let Some(name) = event.properties.get("interest").and_then(event_types::text) else { return };
    let known = profile.interests.get(&name);
    if name.len() > MAX_INTEREST_BYTES || (known.is_none() && profile.interests.len() >= MAX_INTERESTS) {
        return;
    }
    let path = format!("interests.{name}");
    let value = match (change, resets) {
        (value, true) if changes::is_latest(&profile.metadata, &path, event) => value,
        (Some(change), false) => sums::sum(known.unwrap_or(&Number::from(0)), &change),
        _ => None,
    };
    let Some(value) = value else { return };
    profile.interests.insert(name, value);
    changes::note(&mut profile.metadata, &path, event);
}
