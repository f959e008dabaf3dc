//! The host against real components over real connections: what visitors see when all is well, and when
//! the component, the network or the visitor misbehaves.

mod client;
mod compiled;
mod components;
mod entrance;
mod failures;
mod fixture;
mod isolated;
mod limits;
mod metrics;
mod outbound;
mod outbound_http2;
mod outbound_tls;
mod process;
mod recycling;
mod serving;
mod stopping;
mod swapping;
