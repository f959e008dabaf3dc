//! The one form of a filter. Read again, it is the same tree.

use std::fmt::{self, Display, Formatter, Write as _};

use crate::ast::{Comparison, Condition, Expression, Field, Literal, Operand, TextRelation};
use crate::lexer::is_of_word;
use crate::{Anchor, Duration, Moment};

impl Display for Expression {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::All(parts) => joined(f, parts, " AND ", |part| matches!(part, Self::All(_) | Self::Any(_))),
            Self::Any(parts) => joined(f, parts, " OR ", |part| matches!(part, Self::Any(_))),
            Self::Not(inner) => match inner.as_ref() {
                Self::Is(condition) => print(f, condition, true),
                Self::Not(_) => write!(f, "NOT {inner}"),
                Self::All(_) | Self::Any(_) => write!(f, "NOT ({inner})"),
            },
            Self::Is(condition) => print(f, condition, false),
        }
    }
}

/// No more brackets than needed: one that was read must not be too deep when it is read again.
fn joined(
    f: &mut Formatter<'_>,
    parts: &[Expression],
    between: &str,
    needs_brackets: fn(&Expression) -> bool,
) -> fmt::Result {
    for (place, part) in parts.iter().enumerate() {
        if place > 0 {
            f.write_str(between)?;
        }
        if needs_brackets(part) {
            write!(f, "({part})")?;
        } else {
            part.fmt(f)?;
        }
    }
    Ok(())
}

fn print(f: &mut Formatter<'_>, condition: &Condition, is_negated: bool) -> fmt::Result {
    let not = if is_negated { "NOT " } else { "" };
    match condition {
        Condition::Compare { field, comparison: Comparison::Equal, with } => {
            write!(f, "{field} {} {with}", if is_negated { "!=" } else { "=" })
        }
        Condition::Compare { field, comparison, with } => write!(f, "{not}{field} {comparison} {with}"),
        Condition::Between { field, low, high } => write!(f, "{field} {not}BETWEEN {low} AND {high}"),
        Condition::In { field, values } => {
            write!(f, "{field} {not}IN (")?;
            list(f, values)?;
            f.write_char(')')
        }
        Condition::Same { field, values } => {
            write!(f, "{field} {} [", if is_negated { "!=" } else { "=" })?;
            list(f, values)?;
            f.write_char(']')
        }
        Condition::Text { field, relation, text } => {
            write!(f, "{field} {not}{relation} ")?;
            quoted(f, text)
        }
        Condition::Exists(field) => write!(f, "{field} {not}EXISTS"),
        Condition::Empty(field) => write!(f, "{field} {not}EMPTY"),
        Condition::Search(text) => {
            f.write_str(not)?;
            quoted(f, text)
        }
    }
}

fn list(f: &mut Formatter<'_>, values: &[Literal]) -> fmt::Result {
    for (place, value) in values.iter().enumerate() {
        if place > 0 {
            f.write_str(", ")?;
        }
        value.fmt(f)?;
    }
    Ok(())
}

fn quoted(f: &mut Formatter<'_>, text: &str) -> fmt::Result {
    f.write_char('"')?;
    for character in text.chars() {
        match character {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            '\t' => f.write_str("\\t")?,
            _ => f.write_char(character)?,
        }
    }
    f.write_char('"')
}

impl Display for Field {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if let Some(document) = self.document {
            write!(f, "{}@", document.name())?;
        }
        for (place, step) in self.steps.iter().enumerate() {
            let is_plain = !step.is_empty()
                && step.chars().all(|character| is_of_word(character) && !matches!(character, '.' | '@'));
            if is_plain {
                f.write_str(if place > 0 { "." } else { "" })?;
                f.write_str(step)?;
            } else {
                f.write_char('[')?;
                quoted(f, step)?;
                f.write_char(']')?;
            }
        }
        Ok(())
    }
}

impl Display for Comparison {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Equal => "=",
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::Greater => ">",
            Self::AtLeast => ">=",
        })
    }
}

impl Display for TextRelation {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Contains => "CONTAINS",
            Self::StartsWith => "STARTS WITH",
            Self::EndsWith => "ENDS WITH",
            Self::Matches => "MATCHES",
        })
    }
}

impl Display for Operand {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Literal(literal) => literal.fmt(f),
            Self::Field(field) => field.fmt(f),
        }
    }
}

impl Display for Literal {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => quoted(f, text),
            Self::Number(number) => number.fmt(f),
            Self::Boolean(value) => f.write_str(if *value { "TRUE" } else { "FALSE" }),
            Self::Moment(moment) => moment.fmt(f),
            Self::Duration(duration) => duration.fmt(f),
        }
    }
}

impl Display for Moment {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(moment) => write!(f, "datetime(\"{moment}\")"),
            Self::Relative { anchor, is_before, distance } => {
                f.write_str(match anchor {
                    Anchor::Now => "now",
                    Anchor::Today => "today",
                })?;
                match (is_before, *distance == Duration::default()) {
                    (_, true) => Ok(()),
                    (true, false) => write!(f, "-{distance}"),
                    (false, false) => write!(f, "+{distance}"),
                }
            }
        }
    }
}
