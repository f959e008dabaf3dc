//! Loads a running collector as browsers do, and proves that what was acknowledged is stored.
//!
//! [`run`] sends requests over keep-alive connections, as fast as they are answered or at the moments of a Poisson
//! process; latency counts from the moment at which a request was due, so a server that stalls cannot hide it. Every
//! answer is checked, every acknowledged event remembered, and [`stored::compare`] finds each in the streams, once.
//! Processes, their CPU and their deaths are left to `cargo xtask bench`.

mod acknowledged;
mod arrivals;
mod caller;
mod connection;
mod event_ids;
mod jobs;
mod page_view;
mod report;
mod run;
pub mod stored;
mod tally;
mod work;

pub use acknowledged::Acknowledged;
pub use arrivals::Arrivals;
pub use event_ids::EventIds;
pub use report::{Latency, Report};
pub use run::{Load, Notice, Outcome, Plan, run};
pub use work::Work;
