//! A filter's text, cut into tokens.

use std::ops::Range;

use crate::error::{FilterError, excerpt};
use crate::moment::{self, Duration, NoDuration};
use crate::{Comparison, Number};
use jiff::Timestamp;

/// A part of the text with a meaning of its own.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) bytes: Range<usize>,
}

/// What a token is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind {
    /// A keyword, or a field or a part of one.
    Word,
    /// In quotes.
    Text(String),
    Number(Number),
    Duration(Duration),
    Moment(Timestamp),
    Comparison(Comparison),
    /// `!=`
    Unequal,
    Plus,
    Minus,
    Comma,
    Open,
    Close,
    OpenList,
    CloseList,
    End,
}

/// The tokens of a text, the last of which is its end.
pub(crate) fn tokens(text: &str) -> Result<Vec<Token>, FilterError> {
    let mut lexer = Lexer { text, at: 0 };
    let mut tokens = Vec::new();
    loop {
        let token = lexer.next()?;
        let is_end = token.kind == Kind::End;
        tokens.push(token);
        if is_end {
            return Ok(tokens);
        }
    }
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn next(&mut self) -> Result<Token, FilterError> {
        self.at += self.rest().len() - self.rest().trim_start().len();
        let start = self.at;
        let kind = self.kind()?;
        Ok(Token { kind, bytes: start..self.at })
    }

    fn kind(&mut self) -> Result<Kind, FilterError> {
        let rest = self.rest();
        let Some(first) = rest.chars().next() else { return Ok(Kind::End) };
        for (symbol, kind) in SYMBOLS {
            if rest.starts_with(symbol) {
                self.at += symbol.len();
                return Ok(kind);
            }
        }
        match first {
            '"' | '\'' => self.quoted(first),
            '-' => Ok(self.minus()),
            _ if first.is_ascii_digit() => self.figures(),
            _ if is_of_word(first) => {
                self.at += rest.find(|c| !is_of_word(c)).unwrap_or(rest.len());
                Ok(Kind::Word)
            }
            _ => Err(self.stranger(first)),
        }
    }

    fn quoted(&mut self, quote: char) -> Result<Kind, FilterError> {
        let start = self.at;
        let mut text = String::new();
        let mut characters = self.rest().char_indices().skip(1);
        while let Some((place, character)) = characters.next() {
            match character {
                _ if character == quote => {
                    self.at += place + 1;
                    return Ok(Kind::Text(text));
                }
                '\\' => match characters.next() {
                    Some((_, 'n')) => text.push('\n'),
                    Some((_, 't')) => text.push('\t'),
                    Some((_, same @ ('"' | '\'' | '\\'))) => text.push(same),
                    other => {
                        let end = place + 1 + other.map_or(0, |(_, other)| other.len_utf8());
                        return Err(self.error(
                            start + place..start + end,
                            "a backslash stands before a quotation mark, `n`, `t` or another backslash",
                            Some("\\\\".to_owned()),
                        ));
                    }
                },
                _ => text.push(character),
            }
        }
        let message = format!("the text that begins with {quote} has no {quote} at its end");
        Err(self.error(start..self.text.len(), message, None))
    }

    fn minus(&mut self) -> Kind {
        let figures = self.figures_at(1);
        if let Some(number) = self.rest().get(..figures).and_then(Number::read) {
            self.at += figures;
            return Kind::Number(number);
        }
        self.at += 1;
        Kind::Minus
    }

    /// Where what looks like a number, a date or a duration ends, if it begins so many bytes from here.
    fn figures_at(&self, skipped: usize) -> usize {
        let rest = self.rest().get(skipped..).unwrap_or_default();
        let is_of_them = |c: char| is_of_word(c) || matches!(c, ':' | '+');
        skipped + rest.find(|c| !is_of_them(c)).unwrap_or(rest.len())
    }

    fn figures(&mut self) -> Result<Kind, FilterError> {
        let start = self.at;
        let end = start + self.figures_at(0);
        let figures = self.text.get(start..end).unwrap_or_default();
        self.at = end;
        if let Some(number) = Number::read(figures) {
            return Ok(Kind::Number(number));
        }
        if let Some(moment) = moment::read(figures) {
            return Ok(Kind::Moment(moment));
        }
        if moment::begins_like_a_date(figures) {
            let message = format!(
                "`{}` is no day or time of the calendar: write it as in 2026-01-31 or 2026-01-31T12:00:00Z",
                excerpt(figures)
            );
            return Err(self.error(start..end, message, None));
        }
        let is_duration = figures.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let (message, suggestion) = match Duration::read(figures) {
            Ok(duration) => return Ok(Kind::Duration(duration)),
            Err(NoDuration::TooLong) if is_duration => {
                ("this duration is longer than the calendar".to_owned(), None)
            }
            Err(NoDuration::Unit(unit)) if is_duration && !unit.is_empty() => (
                format!(
                    "`{}` is no unit of time: s, m, h, d, w, mo (months) and y are; put texts in quotes",
                    excerpt(unit)
                ),
                Some(
                    unit_for(unit)
                        .map_or_else(|| format!("\"{figures}\""), |right| figures.replace(unit, right)),
                ),
            ),
            Err(_) => (
                format!(
                    "`{}` is no number, date or duration: put texts in quotes, and keys that begin with a digit in brackets, as in properties[\"404\"]",
                    excerpt(figures)
                ),
                Some(format!("\"{figures}\"")),
            ),
        };
        Err(self.error(start..end, message, suggestion))
    }

    /// The error for a character that no token begins with.
    fn stranger(&self, first: char) -> FilterError {
        let known = STRANGERS.into_iter().find(|(stranger, ..)| self.rest().starts_with(stranger));
        let (length, message, suggestion) = match known {
            Some((stranger, message, suggestion)) => {
                (stranger.len(), message.to_owned(), Some(suggestion.to_owned()))
            }
            None => (first.len_utf8(), format!("{first:?} means nothing here: texts go in quotes"), None),
        };
        self.error(self.at..self.at + length, message, suggestion)
    }

    fn error(
        &self,
        bytes: Range<usize>,
        message: impl Into<String>,
        suggestion: Option<String>,
    ) -> FilterError {
        FilterError::new(self.text, bytes, message, suggestion)
    }
}

/// The longer ones first.
const SYMBOLS: [(&str, Kind); 16] = [
    ("!=", Kind::Unequal),
    ("==", Kind::Comparison(Comparison::Equal)),
    (">=", Kind::Comparison(Comparison::AtLeast)),
    ("=>", Kind::Comparison(Comparison::AtLeast)),
    ("<=", Kind::Comparison(Comparison::AtMost)),
    ("=<", Kind::Comparison(Comparison::AtMost)),
    ("<>", Kind::Unequal),
    ("=", Kind::Comparison(Comparison::Equal)),
    (">", Kind::Comparison(Comparison::Greater)),
    ("<", Kind::Comparison(Comparison::Less)),
    ("+", Kind::Plus),
    (",", Kind::Comma),
    ("(", Kind::Open),
    (")", Kind::Close),
    ("[", Kind::OpenList),
    ("]", Kind::CloseList),
];

/// What other languages write, and what it is called here.
const STRANGERS: [(&str, &str, &str); 13] = [
    ("&&", "`&&` is written AND here", "AND"),
    ("&", "`&` is written AND here", "AND"),
    ("||", "`||` is written OR here", "OR"),
    ("|", "`|` is written OR here", "OR"),
    ("!", "`!` is written NOT here", "NOT"),
    (":", "a value follows its field with =", "="),
    ("~", "`~` is written MATCHES here, or CONTAINS", "MATCHES"),
    ("“", "this is a typographic quotation mark", "\""),
    ("”", "this is a typographic quotation mark", "\""),
    ("„", "this is a typographic quotation mark", "\""),
    ("«", "this is a typographic quotation mark", "\""),
    ("‘", "this is a typographic quotation mark", "'"),
    ("’", "this is a typographic quotation mark", "'"),
];

/// Whether fields and keywords may have this character.
pub(crate) fn is_of_word(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '_' | '-' | '.' | '@' | '$')
}

fn unit_for(unit: &str) -> Option<&'static str> {
    Some(match unit.to_lowercase().as_str() {
        "sec" | "secs" | "second" | "seconds" => "s",
        "min" | "mins" | "minute" | "minutes" => "m",
        "hour" | "hours" => "h",
        "day" | "days" => "d",
        "week" | "weeks" => "w",
        // A capital one is a month elsewhere, where `m` is a minute.
        "m" | "mon" | "month" | "months" => "mo",
        "year" | "years" => "y",
        _ => return None,
    })
}
