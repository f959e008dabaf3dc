//! Whose the events of a webhook are, by the rules of its event source (`docs/protocol.md` §6.9).

use tideline_protocol::{Identification, IdentitySalt, TrackCall};

use crate::collector::Collector;
use crate::envelope::{Envelope, events_of};
use crate::json::{Document, Kind};
use crate::payload::MAX_ID_BYTES;
use crate::settings::SALT;
use crate::{Clock, Commit, CommitError, Entropy};

/// Follows the rules. Where none of the properties is there, the events stay nobody's.
pub(crate) fn identify<C: Clock, E: Entropy, K: Commit>(
    collector: &Collector<C, E, K>,
    call: &mut TrackCall,
    rules: &Identification,
) -> Result<(), CommitError> {
    call.facts.identified = true;
    let Some((profile, session)) = person(collector.settings.identity_salt, call, rules)? else {
        return Ok(());
    };
    let named = (!call.facts.session_less).then(|| call.record.session.clone());
    let session = named.or(session).unwrap_or_else(|| call.record.session.clone());
    call.lane = collector.settings.lanes.of_session(&session);
    // The source vouches for the id: it needs no signature, but it may have been merged into another.
    let mut claim = collector.claim(profile.clone());
    claim.doubtful = false;
    call.claim = Some(claim);
    call.facts.session_less = false;
    let record = &mut call.record;
    record.body = Envelope {
        source: &record.source,
        session: Some(&session),
        save_session: true,
        save_events: true,
        events: events_of(&record.body),
    }
    .write();
    record.profile = Some(profile);
    record.new_profile = false;
    record.session = session;
    Ok(())
}

/// The profile's id, and the session that goes with it where the path names none.
fn person(
    salt: Option<IdentitySalt>,
    call: &TrackCall,
    rules: &Identification,
) -> Result<Option<(String, Option<String>)>, CommitError> {
    let generates = !rules.generate_profile.is_empty();
    let paths =
        if generates { rules.generate_profile.as_slice() } else { rules.replace_profile_id.as_slice() };
    let Some(told) = paths.iter().find_map(|path| property(&call.record.body, path)) else { return Ok(None) };
    let names_session = !call.facts.session_less;
    if !generates && names_session {
        return Ok(Some((told, None)));
    }
    let Some(salt) = salt else {
        return Err(CommitError(format!(
            "{SALT} is not set, and the event source `{}` tells by properties whose its events are",
            call.record.source
        )));
    };
    let profile = if generates { salt.id("profile", &told.to_lowercase()) } else { told };
    // Not the property itself: who guesses that could be in the session before its owner, or after.
    let is_one = rules.sticky_session || !generates;
    let session = is_one.then(|| salt.id("session", &profile));
    Ok(Some((profile, session)))
}

/// The property of the first event at this path, a string or a number that can be an id.
fn property(body: &str, path: &str) -> Option<String> {
    let document = Document::read(body.as_bytes()).ok()?;
    let first = document.members()?.get("events")?.elements()?.next()?;
    let properties = first.members()?.get("properties")?;
    let value = path.split('.').try_fold(properties, |value, key| value.members()?.get(key))?;
    let id = match value.kind() {
        Kind::String => value.text()?.trim().to_owned(),
        Kind::Other if value.json().starts_with(|first: char| first == '-' || first.is_ascii_digit()) => {
            value.json().to_owned()
        }
        _ => return None,
    };
    (1..=MAX_ID_BYTES).contains(&id.len()).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_property_is_found_by_its_path() {
        let body =
            r#"{"events":[{"properties":{"a":{"b":" x "},"n":12345678901234567890,"t":true,"e":""}}]}"#;
        let table =
            [("a.b", Some("x")), ("n", Some("12345678901234567890")), ("t", None), ("e", None), ("a", None)];
        for (path, expected) in table {
            assert_eq!(property(body, path).as_deref(), expected, "{path}");
        }
        assert_eq!(property("{}", "a"), None);
    }
}
