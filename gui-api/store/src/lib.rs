//! Where documents live: the store port and its back-ends.
//!
//! Every back-end passes the same contract suite (`tests/contract`). The rules that it holds:
//! an event is written once and never changed; sessions and profiles are written only over the
//! version that was read; what `write` has returned for survives a crash and is found by queries.

mod elasticsearch;
mod embedded;
mod port;

pub use elasticsearch::{Credentials, ElasticsearchOptions, ElasticsearchStore, OpenError, OptionsError};
pub use embedded::{EmbeddedOptions, EmbeddedStore, Found};
pub use port::{
    Batch, Configuration, EventFilter, EventKey, EventPage, EventQuery, MAX_MERGES, MAX_PAGE, MAX_PAGE_BYTES,
    MAX_VERSIONS, Merge, ProfileKey, ProfilePage, ProfileQuery, Revision, SessionKey, SilentQuery, States,
    Store, StoreError, Version, Versioned,
};
