//! Commands in a JSON body: arrays in, arguments as they were written out.
//!
//! Numbers keep their literal text (`12345678901234567890` stays itself), booleans become `true` and
//! `false`, strings are unescaped. What Redis has no word for (null, nested arrays, objects) is refused
//! before anything is sent, with the error texts of the Upstash protocol ([`refusal`]).

use super::text::unescape;
use super::{CommandError, CommandLimits, Commands, refusal};

/// The body of `POST /`: one command.
pub(crate) fn parse_command(body: &[u8], limits: CommandLimits) -> Result<Commands, CommandError> {
    read(body, limits, Reader::command).ok_or_else(|| refusal::of_command(body, limits))
}

/// The body of `POST /pipeline` and `POST /multi-exec`: any number of commands, also none.
pub(crate) fn parse_list(body: &[u8], limits: CommandLimits) -> Result<Commands, CommandError> {
    read(body, limits, Reader::list).ok_or_else(|| refusal::of_list(body, limits))
}

/// The commands of a body that is what `reading` reads, and nothing else.
fn read<'a>(
    body: &'a [u8],
    limits: CommandLimits,
    reading: impl FnOnce(&mut Reader<'a>) -> Option<()>,
) -> Option<Commands> {
    std::str::from_utf8(body).ok()?;
    let commands = Commands::of_request(body.len());
    let mut reader = Reader { input: body, limits, commands, word: Vec::new() };
    reading(&mut reader)?;
    reader.skip_blanks();
    reader.input.is_empty().then_some(reader.commands)
}

/// Reads a body in one pass. What is `None` is refused, whatever the reason.
struct Reader<'a> {
    /// What is not read yet.
    input: &'a [u8],
    limits: CommandLimits,
    commands: Commands,
    /// Room for a string without its escapes.
    word: Vec<u8>,
}

impl Reader<'_> {
    fn list(&mut self) -> Option<()> {
        self.array(|reader| {
            if reader.commands.len() == reader.limits.commands {
                return None;
            }
            reader.command()
        })
    }

    fn command(&mut self) -> Option<()> {
        self.array(|reader| {
            if reader.commands.words_so_far() == reader.limits.arguments {
                return None;
            }
            reader.word()
        })?;
        if self.commands.words_so_far() == 0 {
            return None;
        }
        self.commands.end();
        Some(())
    }

    /// `[`, elements with commas in between, `]`.
    fn array(&mut self, element: impl Fn(&mut Self) -> Option<()>) -> Option<()> {
        self.skip_blanks();
        self.input = self.input.strip_prefix(b"[")?;
        self.skip_blanks();
        if let Some(rest) = self.input.strip_prefix(b"]") {
            self.input = rest;
            return Some(());
        }
        loop {
            element(self)?;
            self.skip_blanks();
            let (next, rest) = self.input.split_first()?;
            self.input = rest;
            match next {
                b',' => {}
                b']' => return Some(()),
                _ => return None,
            }
        }
    }

    fn word(&mut self) -> Option<()> {
        self.skip_blanks();
        if let Some(input) = self.input.strip_prefix(b"\"") {
            self.word.clear();
            self.input = unescape(input, &mut self.word)?;
            self.commands.push(&self.word);
            return Some(());
        }
        let words: [&[u8]; 2] = [b"true", b"false"];
        let length = match words.into_iter().find(|word| self.input.starts_with(word)) {
            Some(word) => word.len(),
            None => number(self.input)?,
        };
        let (literal, rest) = self.input.split_at_checked(length)?;
        self.commands.push(literal);
        self.input = rest;
        Some(())
    }

    fn skip_blanks(&mut self) {
        while let [b' ' | b'\t' | b'\r' | b'\n', rest @ ..] = self.input {
            self.input = rest;
        }
    }
}

/// The length of the number that `input` begins with.
fn number(input: &[u8]) -> Option<usize> {
    let rest = input.strip_prefix(b"-").unwrap_or(input);
    let mut rest = match rest {
        [b'0', rest @ ..] => rest,
        _ => digits(rest)?,
    };
    if let [b'.', fraction @ ..] = rest {
        rest = digits(fraction)?;
    }
    if let [b'e' | b'E', exponent @ ..] = rest {
        rest = match exponent {
            [b'+' | b'-', exponent @ ..] => digits(exponent)?,
            exponent => digits(exponent)?,
        };
    }
    Some(input.len() - rest.len())
}

/// What follows at least one digit.
fn digits(input: &[u8]) -> Option<&[u8]> {
    let end = input.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(input.len());
    if end == 0 { None } else { input.get(end..) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: CommandLimits = CommandLimits { commands: 2, arguments: 4 };

    fn words(body: &str) -> Result<Vec<String>, String> {
        parse_command(body.as_bytes(), LIMITS)
            .map(|commands| {
                assert_eq!(commands.len(), 1);
                let words = commands.iter().flat_map(|command| command.words());
                words.map(|word| String::from_utf8(word.to_vec()).unwrap()).collect()
            })
            .map_err(|error| error.to_string())
    }

    #[test]
    fn arguments_keep_their_literal_text() {
        let table: [(&str, &[&str]); 6] = [
            (r#" [ "SET" , "k" , "v" ] "#, &["SET", "k", "v"]),
            ("[\"SET\",\"k\",12345678901234567890]", &["SET", "k", "12345678901234567890"]),
            ("[\"X\",1.0,-0,1e5]", &["X", "1.0", "-0", "1e5"]),
            ("[\"X\",true,false]", &["X", "true", "false"]),
            (r#"["X","a\"\\\n\u00e9\ud83d\ude00","é",""]"#, &["X", "a\"\\\né😀", "é", ""]),
            (r#"["\u0047ET","k"]"#, &["GET", "k"]),
        ];
        for (body, expected) in table {
            assert_eq!(words(body), Ok(expected.iter().map(ToString::to_string).collect()), "{body}");
        }
    }

    #[test]
    fn what_is_no_command_is_refused_in_the_words_of_the_protocol() {
        let table = [
            ("", "EOF"),
            (" \n", "EOF"),
            ("{}", "expected JSON array"),
            ("\"GET\"", "expected JSON array"),
            ("null", "expected JSON array"),
            ("[]", "ERR empty command"),
            ("[null]", "ERR null args are not supported"),
            (r#"["GET",null]"#, "ERR null args are not supported"),
            (r#"["GET",["a"]]"#, r#"ERR unsupported arg type: "[": json.Delim"#),
            (r#"["GET",{"a":1}]"#, r#"ERR unsupported arg type: "{": json.Delim"#),
            ("[1,2,3,4,5]", "ERR max argument count exceeded. Limit: 4 arguments, Actual: 5 arguments"),
        ];
        for (body, expected) in table {
            assert_eq!(words(body), Err(expected.to_owned()), "{body}");
        }
        for broken in [r#"["GET","#, r#"["GET"] x"#, "[01]", r#"["\ud800"]"#, "[\"\u{1}\"]", "nul"] {
            let error = words(broken).unwrap_err();
            assert!(error.starts_with("ERR failed to parse the body as JSON: "), "{broken}: {error}");
        }
        assert!(parse_command(b"[\"\xff\"]", LIMITS).is_err());
        let deep = format!(r#"["GET",{}{}]"#, "[".repeat(200_000), "]".repeat(200_000));
        assert_eq!(words(&deep), Err(CommandError::Nested('[').to_string()), "no recursion");
    }

    #[test]
    fn a_pipeline_is_refused_as_a_whole_before_anything_is_sent() {
        let error = |body: &str| parse_list(body.as_bytes(), LIMITS).unwrap_err().to_string();
        assert_eq!(error(r#"["PING"]"#), "expected JSON array");
        assert_eq!(error(r#"[["PING"],[]]"#), "ERR empty command");
        assert_eq!(error(r#"[["PING"],["GET",null]]"#), "ERR null args are not supported");
        assert_eq!(
            error("[[1],[2],[3]]"),
            "ERR max pipeline length exceeded. Limit: 2 commands, Actual: 3 commands"
        );
        assert_eq!(parse_list(b"[]", LIMITS).unwrap().len(), 0);
    }
}
