//! What the replies to `MULTI`, to the commands behind it, and to `EXEC` mean together.
//!
//! Only the elements of `EXEC`'s array are the client's: they are the replies to its commands. When
//! Redis discards the transaction, the first error before `EXEC` says why; `EXEC` itself may only say
//! that there was one.

use crate::resp::Token;

/// Longer error texts of Redis are cut: they may hold what was sent.
const MAX_WHY_BYTES: usize = 4096;

/// What became of the transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Nothing is known yet.
    Waiting,
    /// `MULTI` was refused, so the commands behind it were executed one by one.
    NeverBegun,
    /// `EXEC` was answered with the commands' replies.
    Executed,
    /// Redis executed nothing.
    Discarded,
    /// `EXEC` was refused, and the transaction is not over.
    StillOpen,
}

/// A transaction whose replies are coming in.
#[derive(Debug, Clone)]
pub(super) struct Transaction {
    /// Commands whose replies have not begun.
    expected: usize,
    began: bool,
    outcome: Outcome,
    why: Option<String>,
}

impl Transaction {
    /// A transaction of so many commands between `MULTI` and `EXEC`.
    pub(super) fn of(commands: usize) -> Self {
        Transaction { expected: commands, began: false, outcome: Outcome::Waiting, why: None }
    }

    pub(super) fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// Whether this piece is part of the reply to one of the client's commands. `awaited` replies are
    /// to come, with the one that the piece is from; `in_item` says that an item has begun.
    pub(super) fn belongs_to_an_item(&mut self, token: &Token<'_>, awaited: usize, in_item: bool) -> bool {
        if self.outcome == Outcome::Executed {
            if in_item {
                return true;
            }
            // What is more than was asked for is not kept: nothing would bound it.
            let begins_one = *token != Token::Close && self.expected > 0;
            self.expected = self.expected.saturating_sub(usize::from(begins_one));
            return begins_one;
        }
        if self.outcome == Outcome::NeverBegun {
            return false;
        }
        if let Token::Error(text) = token
            && self.why.is_none()
        {
            let text = text.get(..MAX_WHY_BYTES).unwrap_or(text);
            self.why = Some(String::from_utf8_lossy(text).into_owned());
        }
        if !self.began {
            self.began = true;
            if *token != Token::Status(b"OK") {
                self.outcome = Outcome::NeverBegun;
            }
        } else if awaited == 1 && self.outcome == Outcome::Waiting {
            self.outcome = match token {
                Token::Open(_) => Outcome::Executed,
                Token::NilArray => Outcome::Discarded,
                Token::Error(text) if text.starts_with(b"EXECABORT") => Outcome::Discarded,
                _ => Outcome::StillOpen,
            };
        }
        false
    }

    /// Why the client's commands have no replies, in the words of the answer.
    pub(super) fn why_not_executed(&self) -> Option<String> {
        let why = self.why.as_deref().unwrap_or("no reason was given");
        match self.outcome {
            Outcome::Executed => None,
            Outcome::Discarded => Some(why.to_owned()),
            Outcome::NeverBegun => Some(format!(
                "ERR redis refused MULTI, the commands were executed one by one and their replies dropped: {why}"
            )),
            Outcome::Waiting | Outcome::StillOpen => {
                Some(format!("ERR redis refused EXEC, nothing was executed: {why}"))
            }
        }
    }
}
