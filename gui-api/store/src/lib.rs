//! Where documents live: the store port and its back-ends.
//!
//! Every back-end passes the same contract suite (`tests/contract`). The rules that it holds:
//! an event is written once and never changed; sessions and profiles are written only over the
//! version that was read; what `write` has returned for survives a crash and is found by queries.

mod embedded;
mod port;

pub use embedded::{EmbeddedOptions, EmbeddedStore, Found};
pub use port::{
    Batch, EventFilter, EventKey, EventPage, EventQuery, MAX_PAGE, MAX_PAGE_BYTES, ProfileKey, ProfilePage,
    ProfileQuery, SessionKey, SilentQuery, States, Store, StoreError, Version, Versioned,
};
