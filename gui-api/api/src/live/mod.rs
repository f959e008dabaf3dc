//! Live events: what the workers have just stored, sent on to everybody who watches.
//!
//! One subscription per process ([`subscription`]) fills one buffer ([`feed`]) that all readers read at
//! their own speed. It is for eyes, not for systems: a reader who is too slow is told how many events
//! passed it by, and the store has them all.

mod feed;
mod subscription;

pub(crate) use feed::{Delivery, Feed, LiveEvent, Reader};
pub(crate) use subscription::follow;
