//! What the collector needs from the world.

use std::time::Duration;

use tideline_protocol::{Redirect, TrackCall, TrackReply, Tracked};

/// The time of day.
pub trait Clock {
    /// Milliseconds since 1970, UTC.
    fn now(&self) -> u64;
}

/// Time that only goes forward, and waiting for it.
pub trait Timer {
    /// The time since some moment in the past.
    fn now(&self) -> Duration;

    /// Ends after this time.
    fn sleep(&self, time: Duration) -> impl Future<Output = ()>;
}

/// Chance that nobody can guess.
pub trait Entropy {
    /// Sixteen random bytes.
    fn bytes(&self) -> [u8; 16];
}

/// When a request began, for a [`Commit`]: all that it takes for the request has one deadline.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Began(pub(crate) Duration);

/// The durable write, and the little that must be read for it.
pub trait Commit {
    /// A request begins.
    fn begin(&self) -> Began;

    /// Writes one request. When this returns [`TrackReply::Stored`](tideline_protocol::TrackReply::Stored), the request
    /// is on disk.
    ///
    /// # Errors
    /// The request may or may not have been written: the visitor is asked to send it again, and the
    /// same event ids make that safe.
    fn commit(&self, call: TrackCall, began: Began) -> impl Future<Output = Result<Tracked, CommitError>>;

    /// Whether a request would be written now. `nobodys` is one without events, of an event source that cannot be: it is
    /// refused before anything is written.
    ///
    /// # Errors
    /// Why not.
    fn ready(&self, nobodys: TrackCall, began: Began) -> impl Future<Output = Result<(), CommitError>> {
        async move { refuses_nobodys(&self.commit(nobodys, began).await?) }
    }

    /// The redirect at this key, if there is one.
    ///
    /// # Errors
    /// Nobody can say now.
    fn redirect(
        &self,
        key: String,
        began: Began,
    ) -> impl Future<Output = Result<Option<Redirect>, CommitError>>;
}

/// A call that was not confirmed. The text is for the operator, visitors do not see it.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0}")]
pub struct CommitError(pub String);

/// Whether a request that nobody sent was refused as it should be.
pub(crate) fn refuses_nobodys(tracked: &Tracked) -> Result<(), CommitError> {
    match &tracked.reply {
        TrackReply::UnknownSource => Ok(()),
        reply => Err(CommitError(format!("redis replied {reply:?} to a request that nobody sent"))),
    }
}
