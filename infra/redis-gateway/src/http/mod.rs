//! The HTTP side: connections, routes, tokens, bodies, answers.

mod auth;
mod routes;
mod serve;

pub(crate) use routes::Service;
pub(crate) use serve::serve;
