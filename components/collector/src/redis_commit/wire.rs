//! The client with its deadlines, and the one retry of a write whose connection broke.

use std::time::Duration;

use serde_json::Value;
use tideline_redis_rest::{Client, Error, Transport};

use crate::json::write_string;
use crate::{Began, Timer};

/// A visitor is answered within three seconds, with some time to spare for hosts.
const ANSWER_WITHIN: Duration = Duration::from_millis(2300);

/// What a call gets at least, however late it is.
const AT_LEAST: Duration = Duration::from_millis(200);

/// A client, and the time that its calls may take.
pub(super) struct Wire<T, M> {
    client: Client<T>,
    timer: M,
}

impl<T: Transport, M: Timer> Wire<T, M> {
    pub(super) fn new(client: Client<T>, timer: M) -> Self {
        Self { client, timer }
    }

    pub(super) fn timer(&self) -> &M {
        &self.timer
    }

    /// Runs one command for a request that began then.
    pub(super) async fn command(&self, command: Vec<String>, began: Began) -> Result<Value, Error> {
        self.client.command(command, self.left(began)).await
    }

    /// Runs commands in one HTTP request, which must do no harm when they are run again: where the connection broke,
    /// they are, in what is left of the time. `body` gives them, and how many they are; the oldest request that they
    /// are for began then.
    pub(super) async fn pipeline(
        &self,
        body: impl Fn() -> (Vec<u8>, usize),
        oldest: Began,
    ) -> Result<Vec<Result<Value, Error>>, Error> {
        let once = async || {
            let (body, commands) = body();
            self.client.pipeline(body, commands, self.left(oldest)).await
        };
        match once().await {
            Err(Error::Transport(error)) if error.is_of_connection() => once().await,
            replies => replies,
        }
    }

    /// How long a call may take that is for a request which began then.
    fn left(&self, Began(began): Began) -> Duration {
        (began + ANSWER_WITHIN).saturating_sub(self.timer.now()).max(AT_LEAST)
    }
}

/// When the oldest of these began.
pub(super) fn oldest(began: impl Iterator<Item = Began>) -> Began {
    began.min_by_key(|began| began.0).unwrap_or_default()
}

/// Adds a command, whose words are written by `words`.
pub(super) fn write_command(json: &mut Vec<u8>, words: impl FnOnce(&mut Vec<u8>)) {
    json.push(b'[');
    words(json);
    json.push(b']');
}

/// Adds strings with commas in between.
pub(super) fn write_strings(json: &mut Vec<u8>, strings: &[impl AsRef<str>]) {
    for (index, string) in strings.iter().enumerate() {
        if index > 0 {
            json.push(b',');
        }
        write_string(json, string.as_ref());
    }
}

/// These strings with commas in between.
pub(super) fn strings(strings: &[impl AsRef<str>]) -> Vec<u8> {
    let mut json = Vec::with_capacity(room(strings));
    write_strings(&mut json, strings);
    json
}

/// A whole command.
pub(super) fn command(words: &[impl AsRef<str>]) -> Vec<u8> {
    let mut command = Vec::with_capacity(room(words) + 2);
    write_command(&mut command, |command| write_strings(command, words));
    command
}

/// About as many bytes as these strings take: quotation marks make up a tenth of a body.
fn room(strings: &[impl AsRef<str>]) -> usize {
    strings.iter().map(|string| string.as_ref().len()).map(|length| length + length / 8 + 3).sum()
}
