//! The gateway against a real redis-server: what a client of the Upstash protocol sees, what a token
//! can do, and what happens when something is too large, too many, too slow or gone.

mod binary;
mod client;
mod cluster;
mod commands;
mod entrance;
mod forms;
mod limits;
mod nodes;
mod outages;
mod policies;
mod protocol;
mod sentinels;
mod server;
mod streams;
mod tokens;
mod transactions;
