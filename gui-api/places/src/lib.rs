//! Where addresses are, by a file in MaxMind's format: GeoLite2-City, GeoIP2-City, or another with the same records.
//!
//! What it promises: a look-up is a read in memory and says nothing rather than something wrong; the file may be replaced or
//! written over while the service runs, is read again within a minute, and one that cannot be used changes nothing. It holds the
//! file in memory, [`MAX_BYTES`] at the most.
//!
//! What becomes of a place, and of the address, is `tideline-pipeline`'s.
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod file;
mod record;

pub use file::{MAX_BYTES, PlacesError, PlacesFile};
