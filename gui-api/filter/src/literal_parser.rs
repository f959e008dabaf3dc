//! Values: what stands behind an operator.

use crate::ast::{Literal, Operand};
use crate::error::{FilterError, excerpt};
use crate::lexer::Kind;
use crate::moment::{self, Anchor, Duration, Moment, NoDuration};
use crate::parser::Parser;

/// Whether this is what moments are written with: `datetime("2026-01-31 12:00")`.
pub(crate) fn is_moment_function(word: &str) -> bool {
    ["datetime", "date"].iter().any(|name| word.eq_ignore_ascii_case(name))
}

impl Parser<'_> {
    /// A value, or a field that is written with its document.
    pub(crate) fn operand(&mut self) -> Result<Operand, FilterError> {
        let token = self.peek().clone();
        let literal = match token.kind {
            Kind::Word => return self.word_as_operand(),
            Kind::Text(text) => Literal::Text(text),
            Kind::Number(number) => Literal::Number(number),
            Kind::Moment(moment) => Literal::Moment(Moment::At(moment)),
            Kind::Duration(duration) if duration.months == 0 => Literal::Duration(duration),
            Kind::Duration(_) => {
                let message = "months and years are not all of one length: say it in days, as in 30d";
                return Err(self.error(token.bytes, message, None));
            }
            Kind::End => {
                return Err(self.error(token.bytes, "the filter ends where a value is expected", None));
            }
            _ => {
                let message = format!("a value is expected here, not `{}`", excerpt(self.slice(&token)));
                return Err(self.error(token.bytes, message, None));
            }
        };
        self.take();
        Ok(Operand::Literal(literal))
    }

    fn word_as_operand(&mut self) -> Result<Operand, FilterError> {
        let token = self.peek().clone();
        let word = self.slice(&token);
        for (keyword, value) in [("TRUE", true), ("FALSE", false)] {
            if self.take_keyword(keyword) {
                return Ok(Operand::Literal(Literal::Boolean(value)));
            }
        }
        if word.eq_ignore_ascii_case("NULL") {
            return Err(self.error(token.bytes, "NULL stands behind =, != or IS only", None));
        }
        if is_moment_function(word) {
            return self.moment_function();
        }
        if word.contains('@') {
            return self.field().map(Operand::Field);
        }
        if let Some((anchor, behind)) = anchored(word) {
            return Ok(Operand::Literal(Literal::Moment(self.relative(anchor, behind)?)));
        }
        let message = format!(
            "`{}` is no value: texts go in quotes, and a field behind an operator is written with its document, as in event@type",
            excerpt(word)
        );
        Err(self.error(token.bytes, message, Some(format!("\"{word}\""))))
    }

    fn moment_function(&mut self) -> Result<Operand, FilterError> {
        let name = self.take();
        let open = self.take();
        if open.kind != Kind::Open {
            let message =
                format!("behind {0} stands a date in brackets, as in {0}(\"2026-01-31\")", self.slice(&name));
            return Err(self.error(open.bytes, message, None));
        }
        let date = self.peek().clone();
        let operand = match date.kind {
            Kind::Word => Operand::Field(self.field()?),
            Kind::Text(text) => {
                self.take();
                match moment::read(text.trim()) {
                    Some(moment) => Operand::Literal(Literal::Moment(Moment::At(moment))),
                    None => {
                        let message = format!(
                            "`{}` is no date: write it as in 2026-01-31 or 2026-01-31T12:00:00Z",
                            excerpt(&text)
                        );
                        return Err(self.error(date.bytes, message, None));
                    }
                }
            }
            Kind::Moment(moment) => {
                self.take();
                Operand::Literal(Literal::Moment(Moment::At(moment)))
            }
            _ => return Err(self.error(date.bytes, "a date in quotes is expected here", None)),
        };
        let close = self.take();
        match close.kind {
            Kind::Close => Ok(operand),
            _ => Err(self.error(close.bytes, "a closing bracket is missing behind the date", None)),
        }
    }

    /// `now`, `now-30d`, `today - 1d`; `behind` is what the word has behind the anchor.
    fn relative(&mut self, anchor: Word, behind: &str) -> Result<Moment, FilterError> {
        let word = self.take();
        let (is_before, distance) = if let Some(text) = behind.strip_prefix('-') {
            let bytes = word.bytes.end - text.len()..word.bytes.end;
            let distance = match Duration::read(text) {
                Ok(distance) if !text.is_empty() => distance,
                Err(NoDuration::TooLong) => {
                    return Err(self.error(bytes, TOO_LONG, None));
                }
                _ => return Err(self.error(bytes, NO_DURATION, None)),
            };
            (true, distance)
        } else {
            let sign = self.peek().kind.clone();
            match sign {
                Kind::Plus | Kind::Minus => {
                    self.take();
                    let token = self.take();
                    let Kind::Duration(distance) = token.kind else {
                        return Err(self.error(token.bytes, NO_DURATION, None));
                    };
                    (sign == Kind::Minus, distance)
                }
                _ => (false, Duration::default()),
            }
        };
        let (anchor, is_before, distance) = match anchor {
            Word::Now => (Anchor::Now, is_before, distance),
            Word::Today => (Anchor::Today, is_before, distance),
            Word::Yesterday if is_before || distance == Duration::default() => {
                let longer = distance.and_a_day();
                (Anchor::Today, true, longer.ok_or_else(|| self.error(word.bytes, TOO_LONG, None))?)
            }
            Word::Yesterday => {
                let message = "nothing is added to yesterday: count from today or now";
                return Err(self.error(word.bytes, message, None));
            }
        };
        // No distance goes neither way.
        let is_before = is_before && distance != Duration::default();
        Ok(Moment::Relative { anchor, is_before, distance })
    }
}

const TOO_LONG: &str = "this duration is longer than the calendar";
const NO_DURATION: &str = "a duration is expected here, such as 30d: s, m, h, d, w, mo and y are its units";

/// What relative moments begin with.
enum Word {
    Now,
    Today,
    Yesterday,
}

/// The anchor that a word begins with, and the rest of the word.
fn anchored(word: &str) -> Option<(Word, &str)> {
    let (name, behind) = word.split_at(word.find('-').unwrap_or(word.len()));
    let anchor = match name.to_ascii_lowercase().as_str() {
        "now" => Word::Now,
        "today" => Word::Today,
        "yesterday" => Word::Yesterday,
        _ => return None,
    };
    Some((anchor, behind))
}
