//! A server's front on real sockets: which HTTP, encrypted with what, from whom, and how it ends.

mod client;
mod metrics;
mod opening;
mod server;
mod stalling;
mod tls;
