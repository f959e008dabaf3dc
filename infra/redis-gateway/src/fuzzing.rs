//! What tests alone ask of the gateway: its parsers, which read bytes without a connection, and what it believes of
//! the commands of Redis.

use bytes::{Buf, BytesMut};

use crate::answer::{Answer, Format};
use crate::command::{Address, Command, CommandLimits, parse_command, parse_list, parse_path};
use crate::events::EventWriter;
use crate::policy::Policy;
use crate::resp::{Decoder, Token};

const LIMITS: CommandLimits = CommandLimits { commands: 256, arguments: 10_000 };

/// How replies are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Each by itself, as JSON.
    Json,
    /// Each by itself, as JSON with strings in base64.
    Base64,
    /// Each by itself, as it came.
    Resp2,
    /// As those to a transaction of so many commands.
    Transaction(usize),
}

impl Form {
    fn answer(self, limit: usize) -> Answer {
        match self {
            Form::Json => Answer::single(limit, Format::Json),
            Form::Base64 => Answer::single(limit, Format::Base64),
            Form::Resp2 => Answer::single(limit, Format::Resp2),
            Form::Transaction(commands) => Answer::transaction(limit, Format::Json, commands),
        }
    }
}

/// Hands over the pieces of every reply in a stream that arrives in parts of `piece` bytes, with whether it is the
/// last of its reply. The end says why the connection would be given up, if it would.
fn replies(
    stream: &[u8],
    piece: usize,
    limit: usize,
    mut each: impl FnMut(Token<'_>, bool),
) -> Option<String> {
    let (mut decoder, mut input) = (Decoder::new(limit), BytesMut::new());
    for arrived in stream.chunks(piece.max(1)) {
        input.extend_from_slice(arrived);
        loop {
            let step = match decoder.next(&input) {
                Ok(step) if step.needs_input() => break,
                Ok(step) => step,
                Err(error) => return Some(error.to_string()),
            };
            let consumed = step.consumed;
            if let Some(token) = step.token {
                each(token, decoder.at_boundary());
            }
            input.advance(consumed);
        }
    }
    None
}

/// What every whole answer in a stream of replies becomes: status and body. The end as for [`replies`].
#[must_use]
pub fn answers(
    stream: &[u8],
    piece: usize,
    limit: usize,
    form: Form,
) -> (Vec<(u16, Vec<u8>)>, Option<String>) {
    let (mut answer, mut answers) = (form.answer(limit), Vec::new());
    let end = replies(stream, piece, limit, |token, is_last| {
        answer.accept(token);
        if is_last {
            answer.reply_ended();
            if answer.awaited() == 0 {
                let finished = std::mem::replace(&mut answer, form.answer(limit)).finish();
                answers.push((finished.status.as_u16(), finished.body));
            }
        }
    });
    (answers, end)
}

/// What a client that reads server-sent events gets of a stream of pushed replies. The end as for [`replies`].
#[must_use]
pub fn events(stream: &[u8], piece: usize, limit: usize) -> (Vec<u8>, Option<String>) {
    let (mut writer, mut events, mut broken) = (EventWriter::new(limit), Vec::new(), None);
    let end = replies(stream, piece, limit, |token, is_last| {
        if broken.is_none()
            && let Err(error) = writer.accept(&token, is_last, &mut events)
        {
            broken = Some(error.to_string());
        }
    });
    (events, broken.or(end))
}

/// The commands of a body as they would be sent to Redis: of `POST /`, or of `POST /pipeline`.
///
/// # Errors
/// The text of the answer to a body that is none.
pub fn commands(body: &[u8], pipeline: bool) -> Result<Vec<Vec<u8>>, String> {
    let parsed = if pipeline { parse_list(body, LIMITS) } else { parse_command(body, LIMITS) };
    parsed.map(|commands| commands.iter().map(sent).collect()).map_err(|error| error.to_string())
}

/// The command of an address and a body as it would be sent to Redis, and the token in the address.
///
/// # Errors
/// The text of the answer to an address that is none.
pub fn path_command(path: &str, query: &str, body: &[u8]) -> Result<(Vec<u8>, Option<Vec<u8>>), String> {
    let address = Address { path, query: Some(query) };
    let command = parse_path(address, body, LIMITS).map_err(|error| error.to_string())?;
    Ok((command.iter().flat_map(sent).collect(), address.token().map(|token| token.into_owned())))
}

fn sent(command: Command<'_>) -> Vec<u8> {
    for policy in [Policy::Ingest, Policy::Readonly, Policy::Full] {
        // What is refused is as good as what is not: neither may take long or end the process.
        drop(policy.check(command));
    }
    command.encoded().to_vec()
}

/// What the gateway believes of commands: name, whether it changes nothing, and where its keys are.
#[must_use]
pub fn known_commands() -> Vec<(&'static str, bool, (usize, isize, usize))> {
    crate::catalogue::known()
}
