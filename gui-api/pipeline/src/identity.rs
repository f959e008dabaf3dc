//! Who is the same: what people are known by, and what two profiles of one person become.
//!
//! A profile has [`keys`]: salted hashes of what the person is known by. Two profiles with one key are one person's,
//! and [`merge`] makes one of them, when an [`Identification`] finds it out. All of it is pure; who has a key already, and writing
//! the outcome as one, is `tideline-intake`'s and `tideline-store`'s. What must hold is `docs/processing.md` §8.

mod identification;
mod keys;
mod merge;
mod separate;
mod strategies;

pub use self::identification::Identification;
pub use self::keys::{Key, keys};
pub(crate) use self::keys::{Point, PointField};
pub use self::merge::{Merged, merge};
pub use self::separate::separate;
pub(crate) use self::strategies::{Line, Strategy};
