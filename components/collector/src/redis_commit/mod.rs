//! The durable write through Redis over HTTP, of many requests at once.
//!
//! Whatever is asked for a request is answered within 2.3 s of its beginning, or soon after. In both modes requests keep
//! their ids when they are written again: [`function`] has Redis recognise them, [`lean`] the private service.

mod decide;
mod function;
mod lean;
#[cfg(test)]
mod script;
mod sources;
mod wire;

use std::sync::Arc;

use tideline_protocol::{FunctionReplyError, Redirect, TrackCall, Tracked, redirect_command};
use tideline_redis_rest::{Client, Error, Transport};

use self::function::{Encoded, TrackWriter};
use self::lean::Lean;
use self::wire::Wire;
use crate::group::{Group, Unwritten, Waking, Writer};
use crate::{Began, Commit, CommitError, Settings, Timer};

/// How requests share writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Grouping {
    /// Requests that come while a write is under way are written together, and wake each other.
    #[default]
    Waking,
    /// The same on a host where one request cannot wake another: each looks by itself, every millisecond.
    Polling,
    /// Each request is written by itself.
    None,
}

/// What Redis is asked to do for a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RedisMode {
    /// The function `track_v1` decides, for many requests in one call.
    #[default]
    Function,
    /// Requests are appended, each by one command, and no function is called: for databases that bill each command.
    Lean,
}

/// Commits requests together.
pub struct RedisCommit<T: Transport, M: Timer> {
    wire: Arc<Wire<T, M>>,
    mode: Mode<T, M>,
}

enum Mode<T: Transport, M: Timer> {
    Function(Sharing<TrackWriter<T, M>>),
    Lean(Lean<T, M>),
}

impl<T: Transport, M: Timer> RedisCommit<T, M> {
    /// Commits through this client, as the settings say.
    pub fn new(client: Client<T>, timer: M, settings: &Settings) -> Self {
        let wire = Arc::new(Wire::new(client, timer));
        let grouping = settings.grouping;
        let mode = match settings.redis {
            RedisMode::Function => {
                Mode::Function(Sharing::new(TrackWriter::new(Arc::clone(&wire)), grouping))
            }
            RedisMode::Lean => Mode::Lean(Lean::new(&wire, grouping, &settings.lanes)),
        };
        Self { wire, mode }
    }
}

impl<T: Transport, M: Timer> Commit for RedisCommit<T, M> {
    fn begin(&self) -> Began {
        Began(self.wire.timer().now())
    }

    async fn commit(&self, call: TrackCall, began: Began) -> Result<Tracked, CommitError> {
        match &self.mode {
            Mode::Function(sharing) => sharing.submit(Encoded::of(call, began)).await?,
            Mode::Lean(lean) => lean.commit(call, began).await,
        }
    }

    async fn ready(&self, nobodys: TrackCall, began: Began) -> Result<(), CommitError> {
        match &self.mode {
            Mode::Function(_) => crate::ports::refuses_nobodys(&self.commit(nobodys, began).await?),
            Mode::Lean(lean) => lean.ready(began).await,
        }
    }

    async fn redirect(&self, key: String, began: Began) -> Result<Option<Redirect>, CommitError> {
        match &self.mode {
            Mode::Function(_) => {
                Ok(Redirect::parse(&self.wire.command(redirect_command(key), began).await?)?)
            }
            Mode::Lean(lean) => lean.redirect(key, began).await,
        }
    }
}

/// A writer, alone or shared by a group.
struct Sharing<W: Writer> {
    group: Group<W>,
    shares: bool,
}

impl<W: Writer> Sharing<W> {
    fn new(writer: W, grouping: Grouping) -> Self {
        let waking = if grouping == Grouping::Polling { Waking::Polling } else { Waking::Signal };
        Self { group: Group::new(writer, waking), shares: grouping != Grouping::None }
    }

    async fn submit(&self, item: W::Item) -> Result<W::Outcome, CommitError> {
        if self.shares {
            return Ok(self.group.submit(item).await?);
        }
        let outcome = self.group.writer().write(vec![Arc::new(item)]).await.pop();
        outcome.ok_or_else(|| FunctionReplyError.into())
    }
}

impl From<Unwritten> for CommitError {
    fn from(error: Unwritten) -> Self {
        Self(error.to_string())
    }
}

impl From<Error> for CommitError {
    fn from(error: Error) -> Self {
        Self(error.to_string())
    }
}

impl From<FunctionReplyError> for CommitError {
    fn from(error: FunctionReplyError) -> Self {
        Self(error.to_string())
    }
}
