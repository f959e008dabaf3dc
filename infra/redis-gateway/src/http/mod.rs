//! The HTTP side: connections, routes, tokens, bodies, answers.

mod auth;
mod forms;
mod plan;
mod routes;
mod serve;

use bytes::Bytes;
use http_body_util::{Either, Full};

use crate::events::EventBody;

pub(crate) use routes::Service;
pub(crate) use serve::{Entry, serve};

/// What is answered: a whole body, or one that goes on.
pub(crate) type Body = Either<Full<Bytes>, EventBody>;
