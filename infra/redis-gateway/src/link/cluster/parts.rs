//! A request taken apart into its commands, and its replies put in order again.

use bytes::Buf;

use super::slots::slot_of;
use crate::answer::{Answer, Finished};
use crate::catalogue::first_key;
use crate::resp::Decoder;

/// One command of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part<'a> {
    /// The command in RESP2.
    pub(super) bytes: &'a [u8],
    /// The slot of its first key; the node has the word on the others.
    pub(super) slot: Option<u16>,
}

/// The commands of a request, as [`crate::resp::encode_command`] wrote them; `None` if they are not so.
pub(super) fn parts(mut commands: &[u8]) -> Option<Vec<Part<'_>>> {
    let mut parts = Vec::new();
    while !commands.is_empty() {
        let whole = commands;
        let mut words = Vec::new();
        for _ in 0..header(&mut commands, b'*')? {
            let length = header(&mut commands, b'$')?;
            let (word, rest) = commands.split_at_checked(length)?;
            words.push(word);
            commands = rest.strip_prefix(b"\r\n")?;
        }
        let bytes = whole.get(..whole.len() - commands.len())?;
        parts.push(Part { bytes, slot: first_key(&words).map(slot_of) });
    }
    Some(parts)
}

fn header(input: &mut &[u8], kind: u8) -> Option<usize> {
    let end = input.iter().position(|byte| *byte == b'\r')?;
    let (line, rest) = input.split_at_checked(end)?;
    *input = rest.strip_prefix(b"\r\n")?;
    std::str::from_utf8(line.strip_prefix(&[kind])?).ok()?.parse().ok()
}

/// Cuts replies in RESP2 that stand one behind another.
pub(super) fn replies(mut body: &[u8]) -> Option<Vec<Vec<u8>>> {
    let (mut replies, mut decoder, mut whole) = (Vec::new(), Decoder::new(usize::MAX), body);
    while !body.is_empty() || !decoder.at_boundary() {
        let step = decoder.next(body).ok()?;
        if step.needs_input() {
            return None;
        }
        let (consumed, is_token) = (step.consumed, step.token.is_some());
        body.advance(consumed);
        if is_token && decoder.at_boundary() {
            replies.push(whole.get(..whole.len() - body.len())?.to_vec());
            whole = body;
        }
    }
    Some(replies)
}

/// The answer that these replies make, in the order of the request.
pub(super) fn finished(mut answer: Answer, replies: &[Vec<u8>]) -> Option<Finished> {
    for mut reply in replies.iter().map(Vec::as_slice) {
        let mut decoder = Decoder::new(usize::MAX);
        loop {
            let step = decoder.next(reply).ok()?;
            if step.needs_input() {
                return None;
            }
            let consumed = step.consumed;
            if let Some(token) = step.token {
                answer.accept(token);
                if decoder.at_boundary() {
                    break;
                }
            }
            reply.advance(consumed);
        }
        answer.reply_ended();
    }
    (answer.awaited() == 0).then(|| answer.finish())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::{Format, Item};
    use crate::resp::encode_command;

    #[test]
    fn a_request_is_taken_apart_where_its_commands_end() {
        let lines: [&[&str]; 4] =
            [&["PING"], &["SET", "foo", "a\r\n*1\r\n"], &["FCALL", "f", "1", "bar"], &["GET", ""]];
        let mut commands = Vec::new();
        lines.iter().for_each(|words| encode_command(&mut commands, words));
        let found = parts(&commands).unwrap();
        assert_eq!(
            found.iter().map(|part| part.slot).collect::<Vec<_>>(),
            [None, Some(12_182), Some(5_061), Some(0)]
        );
        assert_eq!(found.iter().flat_map(|part| part.bytes).copied().collect::<Vec<_>>(), commands);
        for broken in [&b"*1\r\n"[..], b"*1\r\n$9\r\nPING\r\n", b"PING\r\n", b"*x\r\n"] {
            assert_eq!(parts(broken), None);
        }
    }

    #[test]
    fn replies_are_cut_and_make_the_answer_that_one_server_would_give() {
        let body = b"+OK\r\n*2\r\n$1\r\na\r\n*0\r\n-ERR no\r\n:7\r\n$-1\r\n";
        let cut = replies(body).unwrap();
        assert_eq!(cut.concat(), body);
        assert_eq!(cut.len(), 5);
        let items = (0..5).map(|_| Item::Reply).collect();
        let finished = finished(Answer::pipeline(1000, Format::Json, items), &cut).unwrap();
        let json = r#"[{"result":"OK"},{"result":["a",[]]},{"error":"ERR no"},{"result":7},{"result":null}]"#;
        assert_eq!(String::from_utf8(finished.body).unwrap(), json);
        assert_eq!(replies(b"$5\r\nab"), None);
    }
}
