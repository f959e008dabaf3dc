//! What a client asks to be kept, and not.

use serde_json::Value;
use tideline_model::Properties;

/// The options of a request. What is missing, or of another type than it should be, leaves all as it is.
pub(crate) struct Options {
    /// The session is kept.
    pub(crate) session: bool,
    /// Events are kept.
    pub(crate) events: bool,
    /// The events belong to a profile.
    pub(crate) profile: bool,
    /// The client asked for debugging.
    pub(crate) debug: bool,
}

impl Options {
    pub(crate) fn read(options: &Properties) -> Self {
        Self {
            session: !says(options, "saveSession", false),
            events: !says(options, "saveEvents", false),
            profile: !says(options, "saveProfile", false),
            debug: says(options, "debugger", true),
        }
    }
}

/// Whether an event with these options is kept.
pub(crate) fn keeps_event(options: &Properties) -> bool {
    !says(options, "saveEvent", false) && !says(options, "save", false)
}

fn says(options: &Properties, key: &str, value: bool) -> bool {
    options.get(key) == Some(&Value::Bool(value))
}
