//! When the fields of a profile were changed, and by which event.
//!
//! A profile's lanes are read at their own pace: of two requests that set a field the later one counts, whichever is
//! read first, so what was replaced or taken back does not return with an older request.

use tideline_model::{Event, ProfileMetadata};

/// Whether the event may replace what this field says: nothing received later has.
pub(crate) fn is_latest(profile: &ProfileMetadata, path: &str, event: &Event) -> bool {
    profile.fields.get(path).is_none_or(|(last, _)| *last <= event.metadata.time.receive)
}

/// Notes that the event has changed this field.
pub(crate) fn note(profile: &mut ProfileMetadata, path: &str, event: &Event) {
    if is_latest(profile, path, event) {
        profile.fields.insert(path.to_owned(), (event.metadata.time.receive, event.id.clone()));
    }
}
