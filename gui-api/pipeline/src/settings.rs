//! What an installation decides for all its requests.

use jiff::SignedDuration;

/// What an installation decides for all its requests. To be the same wherever requests are processed, so that
/// processing one again gives the same.
#[derive(Clone, Debug)]
pub struct Settings {
    /// A session in which nothing was heard for longer than this goes on with another visit. Default 30 minutes.
    pub silence: SignedDuration,
}

impl Default for Settings {
    fn default() -> Self {
        Self { silence: SignedDuration::from_mins(30) }
    }
}
