//! Tokens to a tree, by recursive descent: OR binds least, then AND, then NOT.

use std::ops::Range;

use crate::ast::{Comparison, Condition, Expression, Field, Literal, Operand, TextRelation};
use crate::error::{FilterError, closest, excerpt};
use crate::filter::Place;
use crate::lexer::{Kind, Token, tokens};
use crate::{MAX_CONDITIONS, MAX_DEPTH, MAX_VALUES, MAX_WORDS, words};

/// Words that are no fields unless a document or brackets stand around them.
const KEYWORDS: [&str; 16] = [
    "AND", "OR", "NOT", "IN", "BETWEEN", "IS", "NULL", "EXISTS", "EMPTY", "CONTAINS", "STARTS", "ENDS",
    "WITH", "MATCHES", "TRUE", "FALSE",
];

/// The tree of a text, and the fields in it.
pub(crate) fn parse(text: &str) -> Result<(Expression, Vec<Place>), FilterError> {
    let mut parser =
        Parser { text, tokens: tokens(text)?, next: 0, depth: 0, conditions: 0, fields: Vec::new() };
    if parser.peek().kind == Kind::End {
        return Err(FilterError::new(text, 0..0, "the filter is empty", None));
    }
    let expression = parser.any()?;
    match parser.peek().kind {
        Kind::End => Ok((expression, parser.fields)),
        _ => Err(parser.left_over()),
    }
}

pub(crate) struct Parser<'a> {
    pub(crate) text: &'a str,
    tokens: Vec<Token>,
    next: usize,
    depth: usize,
    conditions: usize,
    fields: Vec<Place>,
}

impl<'a> Parser<'a> {
    fn any(&mut self) -> Result<Expression, FilterError> {
        let mut parts = vec![self.all()?];
        while self.take_keyword("OR") {
            parts.push(self.all()?);
        }
        Ok(alone(&mut parts).unwrap_or(Expression::Any(parts)))
    }

    fn all(&mut self) -> Result<Expression, FilterError> {
        let mut parts = vec![self.negated()?];
        while self.take_keyword("AND") {
            parts.push(self.negated()?);
        }
        Ok(alone(&mut parts).unwrap_or(Expression::All(parts)))
    }

    fn negated(&mut self) -> Result<Expression, FilterError> {
        if !self.is_keyword("NOT") {
            return self.primary();
        }
        let not = self.take();
        self.deeper(&not)?;
        let inner = self.negated()?;
        self.depth -= 1;
        Ok(not_(inner))
    }

    fn primary(&mut self) -> Result<Expression, FilterError> {
        if self.peek().kind != Kind::Open {
            return self.condition();
        }
        let open = self.take();
        self.deeper(&open)?;
        let inner = self.any()?;
        self.depth -= 1;
        match self.peek().kind {
            Kind::Close => drop(self.take()),
            Kind::End => return Err(self.error(open.bytes, "this bracket is never closed", None)),
            _ => return Err(self.left_over()),
        }
        Ok(inner)
    }

    fn condition(&mut self) -> Result<Expression, FilterError> {
        self.conditions += 1;
        let first = self.peek().clone();
        if self.conditions > MAX_CONDITIONS {
            let message = format!("a filter has {MAX_CONDITIONS} conditions at the most");
            return Err(self.error(first.bytes, message, None));
        }
        match first.kind {
            Kind::Text(text) => self.search(first.bytes, text),
            Kind::Word => match KEYWORDS.iter().find(|keyword| self.is_keyword(keyword)) {
                Some(keyword) => {
                    let message = format!(
                        "a field is missing before {keyword}: a condition is a field and what it must be"
                    );
                    Err(self.error(first.bytes, message, None))
                }
                None => self.about_field(),
            },
            Kind::End => Err(self.error(first.bytes, "the filter ends where a condition is expected", None)),
            _ => {
                let found = excerpt(self.slice(&first));
                let message = format!("a condition begins with a field, not with `{found}`");
                Err(self.error(first.bytes, message, None))
            }
        }
    }

    /// A text that stands alone.
    fn search(&mut self, bytes: Range<usize>, text: String) -> Result<Expression, FilterError> {
        self.take();
        if matches!(self.peek().kind, Kind::Comparison(_) | Kind::Unequal) {
            return Err(self.error(bytes, "fields are written without quotes", Some(text)));
        }
        self.check_words(&text, bytes)?;
        Ok(Expression::Is(Condition::Search(text)))
    }

    fn check_words(&self, text: &str, bytes: Range<usize>) -> Result<(), FilterError> {
        match words::of(text).count() {
            0 => Err(self.error(bytes, "this text has no word to search for", None)),
            count if count > MAX_WORDS => Err(self.error(
                bytes,
                format!("a text to search for has {MAX_WORDS} words at the most"),
                None,
            )),
            _ => Ok(()),
        }
    }

    fn about_field(&mut self) -> Result<Expression, FilterError> {
        let first = self.fields.len();
        let expression = self.condition_on_field()?;
        let is_compared = !asks_for_presence(&expression);
        for place in self.fields.iter_mut().skip(first) {
            place.is_compared = is_compared;
        }
        Ok(expression)
    }

    fn condition_on_field(&mut self) -> Result<Expression, FilterError> {
        let start = self.peek().bytes.start;
        let field = self.field()?;
        let is_negated = self.take_keyword("NOT");
        let condition = match self.peek().kind.clone() {
            Kind::Comparison(comparison) if !is_negated => {
                self.take();
                return self.comparison(field, comparison);
            }
            Kind::Unequal if !is_negated => {
                self.take();
                return Ok(match self.comparison(field, Comparison::Equal)? {
                    // `!= NULL`
                    Expression::Not(opposite) => *opposite,
                    equal => not_(equal),
                });
            }
            _ if self.take_keyword("EXISTS") => Condition::Exists(field),
            _ if self.take_keyword("EMPTY") => Condition::Empty(field),
            _ if self.take_keyword("BETWEEN") => self.between(field)?,
            _ if self.take_keyword("IN") => Condition::In { field, values: self.values()? },
            _ if self.take_keyword("CONTAINS") => self.text_relation(field, TextRelation::Contains)?,
            _ if self.take_keyword("MATCHES") => self.text_relation(field, TextRelation::Matches)?,
            _ if self.take_keyword("STARTS") => {
                self.expect_keyword("WITH", "STARTS")?;
                self.text_relation(field, TextRelation::StartsWith)?
            }
            _ if self.take_keyword("ENDS") => {
                self.expect_keyword("WITH", "ENDS")?;
                self.text_relation(field, TextRelation::EndsWith)?
            }
            _ if !is_negated && self.take_keyword("IS") => return self.is(field),
            _ => return Err(self.no_operator(start, is_negated)),
        };
        let condition = Expression::Is(condition);
        Ok(if is_negated { not_(condition) } else { condition })
    }

    fn is(&mut self, field: Field) -> Result<Expression, FilterError> {
        let is_negated = self.take_keyword("NOT");
        // Null is the absence of a value, so each of the two has its opposite.
        let (condition, is_negated) = if self.take_keyword("NULL") {
            (Condition::Exists(field), !is_negated)
        } else if self.take_keyword("EMPTY") {
            (Condition::Empty(field), is_negated)
        } else {
            let found = self.peek().clone();
            let message = "behind IS stands NULL, NOT NULL, EMPTY or NOT EMPTY; a value follows =";
            return Err(self.error(found.bytes, message, None));
        };
        let condition = Expression::Is(condition);
        Ok(if is_negated { not_(condition) } else { condition })
    }

    fn comparison(&mut self, field: Field, comparison: Comparison) -> Result<Expression, FilterError> {
        let is_equality = comparison == Comparison::Equal;
        let value = self.peek().clone();
        if self.is_keyword("NULL") {
            if !is_equality {
                return Err(self.error(value.bytes, "nothing is more or less than NULL: use IS NULL", None));
            }
            self.take();
            return Ok(not_(Expression::Is(Condition::Exists(field))));
        }
        if value.kind == Kind::OpenList {
            if !is_equality {
                return Err(self.error(value.bytes, "nothing is more or less than a list", None));
            }
            return Ok(Expression::Is(Condition::Same { field, values: self.values()? }));
        }
        if value.kind == Kind::Open {
            return Err(self.error(value.bytes, "a list of values follows IN", None));
        }
        let with = self.operand()?;
        if !is_equality && matches!(with, Operand::Literal(Literal::Boolean(_))) {
            return Err(self.error(
                value.bytes,
                "nothing is more or less than TRUE or FALSE: use = or !=",
                None,
            ));
        }
        Ok(Expression::Is(Condition::Compare { field, comparison, with }))
    }

    fn between(&mut self, field: Field) -> Result<Condition, FilterError> {
        let low = self.bound()?;
        self.expect_keyword("AND", "the first value of BETWEEN")?;
        let high = self.bound()?;
        Ok(Condition::Between { field, low, high })
    }

    fn bound(&mut self) -> Result<Operand, FilterError> {
        let bytes = self.peek().bytes.clone();
        match self.operand()? {
            Operand::Literal(Literal::Boolean(_)) => {
                Err(self.error(bytes, "nothing is between TRUE and FALSE", None))
            }
            operand => Ok(operand),
        }
    }

    /// `(1, 2)` or `[1, 2]`.
    fn values(&mut self) -> Result<Vec<Literal>, FilterError> {
        let open = self.take();
        let close = match open.kind {
            Kind::Open => Kind::Close,
            Kind::OpenList => Kind::CloseList,
            _ => {
                let message = "IN is followed by values in brackets, as in IN (\"a\", \"b\")";
                return Err(self.error(open.bytes, message, None));
            }
        };
        let mut values = Vec::new();
        loop {
            let bytes = self.peek().bytes.clone();
            if values.len() == MAX_VALUES {
                return Err(self.error(bytes, format!("a list has {MAX_VALUES} values at the most"), None));
            }
            match self.operand()? {
                Operand::Literal(value) => values.push(value),
                Operand::Field(_) => {
                    return Err(self.error(bytes, "a list has values in it, and no fields", None));
                }
            }
            let next = self.take();
            match next.kind {
                Kind::Comma => {}
                kind if kind == close => return Ok(values),
                Kind::End => return Err(self.error(open.bytes, "this list is never closed", None)),
                _ => return Err(self.error(next.bytes, "a comma is missing between values", None)),
            }
        }
    }

    fn text_relation(&mut self, field: Field, relation: TextRelation) -> Result<Condition, FilterError> {
        let token = self.take();
        match token.kind {
            Kind::Text(text) => {
                if relation == TextRelation::Matches {
                    self.check_words(&text, token.bytes)?;
                } else if text.is_empty() {
                    return Err(self.error(
                        token.bytes,
                        "every text has an empty one in it: use EXISTS",
                        None,
                    ));
                }
                Ok(Condition::Text { field, relation, text })
            }
            _ => {
                let found = self.slice(&token);
                let suggestion = (token.kind != Kind::End).then(|| format!("\"{found}\""));
                Err(self.error(token.bytes, "a text in quotes is expected here", suggestion))
            }
        }
    }

    fn deeper(&mut self, token: &Token) -> Result<(), FilterError> {
        self.depth += 1;
        if self.depth <= MAX_DEPTH {
            return Ok(());
        }
        let message = format!("brackets and NOTs go {MAX_DEPTH} deep at the most");
        Err(self.error(token.bytes.clone(), message, None))
    }

    fn expect_keyword(&mut self, keyword: &'static str, before: &str) -> Result<(), FilterError> {
        if self.take_keyword(keyword) {
            return Ok(());
        }
        let found = self.peek();
        let near = closest(self.slice(found), [keyword]).map(str::to_owned);
        Err(self.error(found.bytes.clone(), format!("{keyword} is missing behind {before}"), near))
    }

    pub(crate) fn take_keyword(&mut self, keyword: &str) -> bool {
        let is_it = self.is_keyword(keyword);
        self.next += usize::from(is_it);
        is_it
    }

    fn is_keyword(&self, keyword: &str) -> bool {
        self.peek().kind == Kind::Word && self.slice(self.peek()).eq_ignore_ascii_case(keyword)
    }

    pub(crate) fn peek(&self) -> &Token {
        const END: &Token = &Token { kind: Kind::End, bytes: 0..0 };
        // The last token is the end, which is never passed.
        self.tokens.get(self.next).unwrap_or(END)
    }

    pub(crate) fn take(&mut self) -> Token {
        let token = self.peek().clone();
        self.next += usize::from(token.kind != Kind::End);
        token
    }

    pub(crate) fn previous_end(&self) -> usize {
        self.next
            .checked_sub(1)
            .and_then(|previous| self.tokens.get(previous))
            .map_or(0, |token| token.bytes.end)
    }

    pub(crate) fn slice(&self, token: &Token) -> &'a str {
        self.text.get(token.bytes.clone()).unwrap_or_default()
    }

    pub(crate) fn found_field(&mut self, field: &Field, bytes: Range<usize>) {
        self.fields.push(Place { field: field.clone(), bytes, is_compared: false });
    }

    pub(crate) fn error(
        &self,
        bytes: Range<usize>,
        message: impl Into<String>,
        suggestion: Option<String>,
    ) -> FilterError {
        FilterError::new(self.text, bytes, message, suggestion)
    }
}

/// The only part, if there is one only.
fn alone(parts: &mut Vec<Expression>) -> Option<Expression> {
    if parts.len() == 1 { parts.pop() } else { None }
}

fn asks_for_presence(expression: &Expression) -> bool {
    match expression {
        Expression::Not(inner) => asks_for_presence(inner),
        expression => matches!(expression, Expression::Is(Condition::Exists(_) | Condition::Empty(_))),
    }
}

fn not_(expression: Expression) -> Expression {
    Expression::Not(Box::new(expression))
}
