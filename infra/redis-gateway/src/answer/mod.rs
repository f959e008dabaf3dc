//! The answer to one request: replies of Redis in the form that was asked for, under a byte limit.
//!
//! JSON is `{"result": ..}` or `{"error": ".."}` for one command, and an array of them in the order of
//! the request for a pipeline or transaction; RESP2 is the replies as they came. An item that would pass
//! the limit is replaced by an error of its own, the others stay. [`format`] says how a piece of a reply
//! looks in each form, [`transaction`] what the replies to `MULTI` and `EXEC` mean.

mod format;
#[cfg(test)]
mod tests;
mod transaction;

use http::StatusCode;

use self::format::Out;
use self::transaction::{Outcome, Transaction};
use crate::failure::status_of_redis_error;
use crate::policy::Refusal;
use crate::resp::Token;

pub(crate) use self::format::Format;

/// What one command of a pipeline waits for.
#[derive(Debug, Clone)]
pub(crate) enum Item {
    /// The next reply of Redis.
    Reply,
    /// Nothing: the policy refused the command and it was not sent.
    Refused(Refusal),
}

/// An answer under construction. Before the first reply, a clone is as good as the answer itself.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    body: Vec<u8>,
    limit: usize,
    format: Format,
    shape: Shape,
    awaited: usize,
    status: StatusCode,
    redirect: Option<Box<str>>,
    item: ItemState,
}

/// What the replies are to.
#[derive(Debug, Clone)]
enum Shape {
    Single,
    /// What the rest of the pipeline waits for.
    Pipeline(std::vec::IntoIter<Item>),
    Transaction(Transaction),
}

/// Where in the current item we stand.
#[derive(Debug, Clone, Default)]
struct ItemState {
    start: usize,
    started: bool,
    depth: usize,
    needs_comma: bool,
    too_large: bool,
}

/// A complete answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Finished {
    pub(crate) status: StatusCode,
    pub(crate) format: Format,
    pub(crate) body: Vec<u8>,
    /// The words of a cluster's node that serves the key no more: nothing was executed.
    pub(crate) redirect: Option<Box<str>>,
}

impl Answer {
    /// The answer to one command, of at most about `limit` bytes.
    pub(crate) fn single(limit: usize, format: Format) -> Self {
        Answer::new(limit, format, Shape::Single, 1)
    }

    /// The answer to a pipeline, of at most about `limit` bytes in all.
    pub(crate) fn pipeline(limit: usize, format: Format, items: Vec<Item>) -> Self {
        let awaited = items.iter().filter(|item| matches!(item, Item::Reply)).count();
        let mut answer = Answer::new(limit, format, Shape::Pipeline(items.into_iter()), awaited);
        answer.body.extend_from_slice(format.list_begin());
        answer.advance();
        answer
    }

    /// The answer to a transaction of so many commands between `MULTI` and `EXEC`, of at most about
    /// `limit` bytes in all.
    pub(crate) fn transaction(limit: usize, format: Format, commands: usize) -> Self {
        let shape = Shape::Transaction(Transaction::of(commands));
        let mut answer = Answer::new(limit, format, shape, commands.saturating_add(2));
        answer.body.extend_from_slice(format.list_begin());
        answer
    }

    fn new(limit: usize, format: Format, shape: Shape, awaited: usize) -> Self {
        let (status, item) = (StatusCode::OK, ItemState::default());
        Answer { body: Vec::with_capacity(64), limit, format, shape, awaited, status, redirect: None, item }
    }

    /// How many replies of Redis are still to come.
    pub(crate) fn awaited(&self) -> usize {
        self.awaited
    }

    /// So many bytes it may have.
    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    /// Whether nothing is executed before Redis has the last byte of the commands.
    pub(crate) fn is_all_or_nothing(&self) -> bool {
        !matches!(self.shape, Shape::Pipeline(_))
    }

    /// Whether `MULTI` and `EXEC` are among the commands.
    pub(crate) fn is_transaction(&self) -> bool {
        matches!(self.shape, Shape::Transaction(_))
    }

    /// Whether Redis refused `MULTI` and executed the commands one by one.
    pub(crate) fn never_began(&self) -> bool {
        matches!(&self.shape, Shape::Transaction(transaction) if transaction.outcome() == Outcome::NeverBegun)
    }

    /// Whether `EXEC` did not end what `MULTI` began: whatever is sent over the connection after it would
    /// wait for ever.
    pub(crate) fn leaves_the_transaction_open(&self) -> bool {
        matches!(&self.shape, Shape::Transaction(transaction) if transaction.outcome() == Outcome::StillOpen)
    }

    /// Takes the next piece of a reply.
    pub(crate) fn accept(&mut self, token: Token<'_>) {
        match &mut self.shape {
            Shape::Single | Shape::Pipeline(_) => self.accept_of_item(token),
            Shape::Transaction(transaction) => {
                if transaction.belongs_to_an_item(&token, self.awaited, self.item.started) {
                    if !self.item.started && self.body.len() > self.format.list_begin().len() {
                        self.body.extend_from_slice(self.format.separator());
                    }
                    self.accept_of_item(token);
                    if self.item.depth == 0 {
                        self.end_item();
                    }
                }
            }
        }
    }

    fn accept_of_item(&mut self, token: Token<'_>) {
        if !self.item.started {
            self.item.started = true;
            self.item.start = self.body.len();
            self.body.extend_from_slice(self.format.item_begin(matches!(token, Token::Error(_))));
        }
        self.write(token);
    }

    /// The reply whose pieces came last is complete.
    pub(crate) fn reply_ended(&mut self) {
        self.awaited = self.awaited.saturating_sub(1);
        if !self.is_transaction() {
            self.end_item();
            self.advance();
        }
    }

    fn end_item(&mut self) {
        if self.item.too_large {
            self.body.truncate(self.item.start);
            self.status = StatusCode::BAD_REQUEST;
            let text = format!("ERR max response size exceeded. Limit: {} bytes", self.limit);
            self.format.push_error(&mut self.body, &text);
        } else {
            self.body.extend_from_slice(self.format.item_end());
        }
        self.item = ItemState::default();
    }

    /// The whole answer.
    pub(crate) fn finish(mut self) -> Finished {
        let status = match &self.shape {
            Shape::Single => self.status,
            // Each item of a list speaks for itself.
            Shape::Pipeline(_) => {
                self.body.extend_from_slice(self.format.list_end());
                StatusCode::OK
            }
            Shape::Transaction(transaction) => match transaction.why_not_executed() {
                None => {
                    self.body.extend_from_slice(self.format.list_end());
                    StatusCode::OK
                }
                Some(why) => {
                    self.redirect = redirect(why.as_bytes());
                    self.body.clear();
                    self.format.push_error(&mut self.body, &why);
                    status_of_redis_error(why.as_bytes())
                }
            },
        };
        Finished { status, format: self.format, body: self.body, redirect: self.redirect }
    }

    /// Writes the refusals that stand before the next awaited reply.
    fn advance(&mut self) {
        let Shape::Pipeline(items) = &mut self.shape else { return };
        for item in items.by_ref() {
            if self.body.len() > self.format.list_begin().len() {
                self.body.extend_from_slice(self.format.separator());
            }
            match item {
                Item::Reply => break,
                Item::Refused(refusal) => self.format.push_error(&mut self.body, &refusal.to_string()),
            }
        }
    }

    fn write(&mut self, token: Token<'_>) {
        let depth = self.item.depth;
        match &token {
            Token::Open(_) => self.item.depth = depth.saturating_add(1),
            Token::Close => self.item.depth = depth.saturating_sub(1),
            Token::Error(text) if depth == 0 => {
                self.status = status_of_redis_error(text);
                self.redirect = redirect(text);
            }
            Token::Oversized => self.item.too_large = true,
            _ => {}
        }
        if self.item.too_large {
            return;
        }
        let follows_another = self.item.needs_comma && token != Token::Close;
        self.item.needs_comma = !matches!(token, Token::Open(_));
        let mut out = Out::new(&mut self.body, self.limit);
        self.item.too_large = self.format.write(&mut out, &token, depth, follows_another).is_err();
    }
}

/// An error that sends the command to another node of a cluster.
fn redirect(text: &[u8]) -> Option<Box<str>> {
    let sends_on = text.starts_with(b"MOVED ") || text.starts_with(b"ASK ");
    if sends_on { Some(String::from_utf8_lossy(text).into()) } else { None }
}
