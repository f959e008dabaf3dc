//! The native collector over real connections, with the real gateway and a real Redis behind it.

#[path = "../../../../infra/edge-host/tests/host/client.rs"]
mod client;
mod fixture;
mod gateway;
mod limits;
#[path = "../../../api/tests/support/redis_server.rs"]
mod redis_server;
mod serving;
mod stopping;

use fixture::until;
