//! The answer to one request: replies of Redis as compact JSON, under a byte limit.
//!
//! `{"result": ..}` or `{"error": ".."}` for one command, an array of them in the order of the
//! request for a pipeline. RESP2 shapes as they come: nil is null, integers are exact, arrays nest;
//! invalid UTF-8 becomes U+FFFD. An item that would pass the limit is replaced by an error of its
//! own, the others stay. Other formats of the protocol (base64, RESP2 as it is) belong beside this.

use std::io::{self, Write};

use http::StatusCode;

use crate::failure::status_of_redis_error;
use crate::policy::Refusal;
use crate::resp::Token;

/// What one command of the request waits for.
#[derive(Debug)]
pub(crate) enum Item {
    /// The next reply of Redis.
    Reply,
    /// Nothing: the policy refused the command and it was not sent.
    Refused(Refusal),
}

/// An answer under construction.
#[derive(Debug)]
pub(crate) struct Answer {
    json: Vec<u8>,
    limit: usize,
    /// `None`: a single command. Otherwise what the rest of the pipeline waits for.
    pipeline: Option<std::vec::IntoIter<Item>>,
    awaited: usize,
    status: StatusCode,
    item: ItemState,
}

/// Where in the current item we stand.
#[derive(Debug, Default)]
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
    pub(crate) json: Vec<u8>,
}

impl Answer {
    /// The answer to one command, of at most about `limit` bytes.
    pub(crate) fn single(limit: usize) -> Self {
        Answer::new(limit, None, 1)
    }

    /// The answer to a pipeline, of at most about `limit` bytes in all.
    pub(crate) fn pipeline(limit: usize, items: Vec<Item>) -> Self {
        let awaited = items.iter().filter(|item| matches!(item, Item::Reply)).count();
        let mut answer = Answer::new(limit, Some(items.into_iter()), awaited);
        answer.json.push(b'[');
        answer.advance();
        answer
    }

    fn new(limit: usize, pipeline: Option<std::vec::IntoIter<Item>>, awaited: usize) -> Self {
        let (status, item) = (StatusCode::OK, ItemState::default());
        Answer { json: Vec::with_capacity(64), limit, pipeline, awaited, status, item }
    }

    /// How many replies of Redis are still to come.
    pub(crate) fn awaited(&self) -> usize {
        self.awaited
    }

    /// Takes the next piece of a reply.
    pub(crate) fn accept(&mut self, token: Token<'_>) {
        if !self.item.started {
            self.item.started = true;
            self.item.start = self.json.len();
            let top_level_error = matches!(token, Token::Error(_));
            self.json.extend_from_slice(if top_level_error { br#"{"error":"# } else { br#"{"result":"# });
        }
        self.write(token);
    }

    /// The reply whose pieces came last is complete.
    pub(crate) fn reply_ended(&mut self) {
        if self.item.too_large {
            self.json.truncate(self.item.start);
            self.status = StatusCode::BAD_REQUEST;
            let text = format!("ERR max response size exceeded. Limit: {} bytes", self.limit);
            self.push_error(&text);
        } else {
            self.json.push(b'}');
        }
        self.item = ItemState::default();
        self.awaited = self.awaited.saturating_sub(1);
        self.advance();
    }

    /// The whole answer.
    pub(crate) fn finish(mut self) -> Finished {
        let status = match self.pipeline {
            // Each item of a pipeline speaks for itself.
            Some(_) => {
                self.json.push(b']');
                StatusCode::OK
            }
            None => self.status,
        };
        Finished { status, json: self.json }
    }

    /// Writes the refusals that stand before the next awaited reply.
    fn advance(&mut self) {
        while let Some(item) = self.pipeline.as_mut().and_then(Iterator::next) {
            if self.json.len() > 1 {
                self.json.push(b',');
            }
            match item {
                Item::Reply => break,
                Item::Refused(refusal) => self.push_error(&refusal.to_string()),
            }
        }
    }

    fn write(&mut self, token: Token<'_>) {
        if self.item.too_large {
            return;
        }
        if self.item.needs_comma && token != Token::Close {
            self.json.push(b',');
        }
        self.item.needs_comma = token != Token::Open;
        match token {
            Token::Open => {
                self.item.depth += 1;
                self.json.push(b'[');
            }
            Token::Close => {
                self.item.depth = self.item.depth.saturating_sub(1);
                self.json.push(b']');
            }
            Token::Integer(value) => {
                self.json.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
            }
            Token::Nil => self.json.extend_from_slice(b"null"),
            Token::Status(bytes) | Token::Bulk(bytes) => self.push_string(bytes),
            Token::Error(bytes) if self.item.depth == 0 => {
                self.status = status_of_redis_error(bytes);
                self.push_string(bytes);
            }
            Token::Error(bytes) => {
                self.json.extend_from_slice(br#"{"error":"#);
                self.push_string(bytes);
                self.json.push(b'}');
            }
            Token::Oversized => self.item.too_large = true,
        }
        self.item.too_large |= self.json.len() > self.limit;
    }

    fn push_error(&mut self, text: &str) {
        self.json.extend_from_slice(br#"{"error":"#);
        // Writing to memory cannot fail, and a string has no part that JSON lacks.
        let _ = serde_json::to_writer(&mut self.json, text);
        self.json.push(b'}');
    }

    fn push_string(&mut self, bytes: &[u8]) {
        let room = self.limit.saturating_sub(self.json.len());
        let capped = Capped { out: &mut self.json, room };
        if serde_json::to_writer(capped, &String::from_utf8_lossy(bytes)).is_err() {
            self.item.too_large = true;
        }
    }
}

/// Ends an escape that would blow a string up past the limit.
struct Capped<'a> {
    out: &'a mut Vec<u8>,
    room: usize,
}

impl Write for Capped<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.room = self.room.checked_sub(bytes.len()).ok_or(io::ErrorKind::StorageFull)?;
        self.out.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resp::Decoder;

    fn render(mut answer: Answer, replies: &[u8]) -> (u16, String) {
        let (mut decoder, mut input) = (Decoder::new(50), replies);
        loop {
            let step = decoder.next(input).unwrap();
            if step.needs_input() {
                break;
            }
            input = &input[step.consumed..];
            if let Some(token) = step.token {
                answer.accept(token);
                if decoder.at_boundary() {
                    answer.reply_ended();
                }
            }
        }
        assert_eq!(answer.awaited(), 0);
        let finished = answer.finish();
        (finished.status.as_u16(), String::from_utf8(finished.json).unwrap())
    }

    #[test]
    fn each_resp2_shape_has_one_json_shape() {
        let table: [(&[u8], u16, &str); 10] = [
            (b"+OK\r\n", 200, r#"{"result":"OK"}"#),
            (b":9007199254740993\r\n", 200, r#"{"result":9007199254740993}"#),
            (b":-9223372036854775808\r\n", 200, r#"{"result":-9223372036854775808}"#),
            (b"$-1\r\n", 200, r#"{"result":null}"#),
            (b"$4\r\na\xff\"\n\r\n", 200, "{\"result\":\"a\u{fffd}\\\"\\n\"}"),
            (b"*0\r\n", 200, r#"{"result":[]}"#),
            (b"*3\r\n$1\r\na\r\n*2\r\n:1\r\n*0\r\n$-1\r\n", 200, r#"{"result":["a",[1,[]],null]}"#),
            (b"*2\r\n-ERR inner\r\n:1\r\n", 200, r#"{"result":[{"error":"ERR inner"},1]}"#),
            (b"-WRONGTYPE no \"such\" thing\r\n", 400, r#"{"error":"WRONGTYPE no \"such\" thing"}"#),
            (b"-OOM not now\r\n", 503, r#"{"error":"OOM not now"}"#),
        ];
        for (reply, status, json) in table {
            assert_eq!(render(Answer::single(1000), reply), (status, json.to_owned()));
        }
    }

    #[test]
    fn a_pipeline_answers_each_item_in_order_with_200() {
        let refused = || Item::Refused(Refusal::new("NOPERM no"));
        let items = vec![refused(), Item::Reply, refused(), refused(), Item::Reply, Item::Reply, refused()];
        let json = r#"[{"error":"NOPERM no"},{"result":1},{"error":"NOPERM no"},{"error":"NOPERM no"},{"error":"OOM x"},{"result":[]},{"error":"NOPERM no"}]"#;
        let answer = Answer::pipeline(1000, items);
        assert_eq!(answer.awaited(), 3);
        assert_eq!(render(answer, b":1\r\n-OOM x\r\n*0\r\n"), (200, json.to_owned()));
        assert_eq!(render(Answer::pipeline(1000, Vec::new()), b""), (200, "[]".to_owned()));
        let all_refused = vec![refused(), refused()];
        assert_eq!(
            render(Answer::pipeline(1000, all_refused), b""),
            (200, r#"[{"error":"NOPERM no"},{"error":"NOPERM no"}]"#.to_owned())
        );
    }

    #[test]
    fn an_item_over_the_limit_is_replaced_and_the_others_stay() {
        let error = r#"{"error":"ERR max response size exceeded. Limit: 40 bytes"}"#;
        let large_string = format!("$45\r\n{}\r\n", "x".repeat(45));
        let passed_over = format!("*2\r\n$60\r\n{}\r\n:1\r\n", "x".repeat(60));
        let escaped = format!("$30\r\n{}\r\n", "\u{1}".repeat(30));
        let many = format!("*30\r\n{}", ":1\r\n".repeat(30));
        for reply in [&large_string, &passed_over, &escaped, &many] {
            assert_eq!(render(Answer::single(40), reply.as_bytes()), (400, error.to_owned()));
        }
        let replies = format!(":1\r\n{many}:2\r\n");
        let (status, json) = render(
            Answer::pipeline(40, vec![Item::Reply, Item::Reply]),
            &replies.as_bytes()[..replies.len() - 4],
        );
        assert_eq!((status, json), (200, format!(r#"[{{"result":1}},{error}]"#)));
    }
}
