//! The gateway's parsers, for `tests/fuzz` alone: both read bytes without a connection, and no caller of the gateway
//! needs either.

use bytes::{Buf, BytesMut};

use crate::answer::{Answer, Finished};
use crate::command::{CommandLimits, parse_command, parse_pipeline};
use crate::policy::Policy;
use crate::resp::{Decoder, encode_command};

/// What every whole reply in a stream becomes that arrives in pieces of `piece` bytes: status and JSON. The end says
/// why the connection would be given up, if it would.
#[must_use]
pub fn answers(stream: &[u8], piece: usize, limit: usize) -> (Vec<(u16, Vec<u8>)>, Option<String>) {
    let (mut decoder, mut input) = (Decoder::new(limit), BytesMut::new());
    let (mut answer, mut answers) = (Answer::single(limit), Vec::new());
    for arrived in stream.chunks(piece.max(1)) {
        input.extend_from_slice(arrived);
        loop {
            let step = match decoder.next(&input) {
                Ok(step) if step.needs_input() => break,
                Ok(step) => step,
                Err(error) => return (answers, Some(error.to_string())),
            };
            let consumed = step.consumed;
            if let Some(token) = step.token {
                answer.accept(token);
                if decoder.at_boundary() {
                    answer.reply_ended();
                    let whole = std::mem::replace(&mut answer, Answer::single(limit));
                    let Finished { status, json } = whole.finish();
                    answers.push((status.as_u16(), json));
                }
            }
            input.advance(consumed);
        }
    }
    (answers, None)
}

/// The commands of a body as they would be sent to Redis: of `POST /`, or of `POST /pipeline`.
///
/// # Errors
/// The text of the answer to a body that is none.
pub fn commands(body: &[u8], pipeline: bool) -> Result<Vec<Vec<u8>>, String> {
    let limits = CommandLimits { commands: 256, arguments: 10_000 };
    let parsed = if pipeline {
        parse_pipeline(body, limits)
    } else {
        parse_command(body, limits).map(|one| vec![one])
    };
    let commands = parsed.map_err(|error| error.to_string())?;
    for command in &commands {
        for policy in [Policy::Ingest, Policy::Full] {
            // What is refused is as good as what is not: neither may take long or end the process.
            drop(policy.check(command));
        }
    }
    let sent = commands.iter().map(|command| {
        let mut bytes = Vec::new();
        encode_command(&mut bytes, command.words());
        bytes
    });
    Ok(sent.collect())
}
