//! Whether transactions may be sent over a connection, which is asked once, before the first.
//!
//! Where the ACL of Redis refuses `MULTI`, the commands behind it would be executed one by one, and nothing
//! could take that back. So before the first transaction an empty one is sent, and what comes meanwhile is
//! held: it is a harmless way to learn whether both commands are allowed. Only a yes is remembered; after a
//! no, the next transaction asks again, for the administrator may have mended the rules.

use super::Batch;
use crate::resp::encode_command;

/// What is known.
#[derive(Debug, Default)]
pub(super) enum Transactions {
    #[default]
    Unknown,
    /// Redis has been asked; these wait for the reply.
    Asked(Vec<Batch>),
    Allowed,
}

/// What to do with a transaction.
#[derive(Debug)]
pub(super) enum Next {
    /// Send it.
    Send(Box<Batch>),
    /// Send [`question`] first.
    Ask,
    /// Nothing: the reply is on its way.
    Wait,
}

impl Transactions {
    /// A transaction is to be sent.
    pub(super) fn arrived(&mut self, batch: Batch) -> Next {
        match self {
            Transactions::Allowed => Next::Send(Box::new(batch)),
            Transactions::Asked(waiting) => {
                waiting.push(batch);
                Next::Wait
            }
            Transactions::Unknown => {
                *self = Transactions::Asked(vec![batch]);
                Next::Ask
            }
        }
    }

    /// What was known is true no more.
    pub(super) fn forget(&mut self) {
        if matches!(self, Transactions::Allowed) {
            *self = Transactions::Unknown;
        }
    }

    /// Redis has answered the question. Those that waited for it.
    pub(super) fn answered(&mut self, allowed: bool) -> Vec<Batch> {
        let now = if allowed { Transactions::Allowed } else { Transactions::Unknown };
        match std::mem::replace(self, now) {
            Transactions::Asked(waiting) => waiting,
            Transactions::Unknown | Transactions::Allowed => Vec::new(),
        }
    }
}

/// An empty transaction, in RESP2.
pub(super) fn question() -> Vec<u8> {
    let mut commands = Vec::new();
    encode_command(&mut commands, &["MULTI"]);
    encode_command(&mut commands, &["EXEC"]);
    commands
}
