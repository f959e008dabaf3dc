//! The documents that the private service keeps: events, sessions, profiles, event sources, redirects, and the objects
//! that configure what becomes of them.
//!
//! Field names are those that reports and integrations of the Tracardi protocol know. No I/O: what
//! becomes of a request is `tideline-pipeline`'s, where documents live is `tideline-store`'s.
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod applied;
mod configuration;
mod event;
mod merge_record;
mod profile;
mod redirect;
mod reference;
pub mod rules;
mod session;
mod source;
mod surroundings;

pub use applied::Applied;
pub use configuration::{ConfigurationKind, ConfigurationObject, ConfigurationSettings, UnknownKind};
pub use event::{Event, EventMetadata, EventTime, Hit, Journey, Origin, RequestFacts, Tags};
pub use merge_record::MergeRecord;
pub use profile::{
    Consent, ConsentState, Profile, ProfileAux, ProfileEmail, ProfileGeo, ProfileMetadata, ProfileStats,
    ProfileTime, Visit,
};
pub use redirect::Redirect;
pub use reference::{ProfileReference, Reference, SessionReference};
pub use session::{Session, SessionMetadata, SessionStats, SessionTime};
pub use source::{BotPolicy, Bridge, EventSource, OptOutPolicy, RateLimit, SourceConfig};
pub use surroundings::{App, Country, Device, Geo, Os, Referral, Utm};

/// Free properties: whatever JSON object a site sends.
pub type Properties = serde_json::Map<String, serde_json::Value>;

/// Whether a part of a document says nothing, and is left out.
fn is_default<T: Default + PartialEq>(part: &T) -> bool {
    *part == T::default()
}
