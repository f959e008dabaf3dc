//! Fields: `metadata.time.insert`, `profile@traits["shoe size"].eu`, `datetime(event@metadata.time.insert)`.

use crate::ast::{Document, Field};
use crate::error::{FilterError, closest, excerpt};
use crate::lexer::{Kind, Token};
use crate::parser::Parser;
use crate::{MAX_STEPS, literal_parser};

/// What the workflows of the reference have besides.
const NOT_HERE: [&str; 3] = ["payload", "flow", "memory"];

impl Parser<'_> {
    /// The field that begins here.
    pub(crate) fn field(&mut self) -> Result<Field, FilterError> {
        let word = self.take();
        if self.peek().kind == Kind::Open && literal_parser::is_moment_function(self.slice(&word)) {
            // Dates are compared as such wherever they are dates: what is said so is nothing more.
            self.take();
            let field = self.field()?;
            let close = self.take();
            return match close.kind {
                Kind::Close => Ok(field),
                _ => Err(self.error(close.bytes, "a closing bracket is missing behind the field", None)),
            };
        }
        if word.kind != Kind::Word {
            return Err(self.error(word.bytes, "a field is expected here", None));
        }
        let start = word.bytes.start;
        let text = self.slice(&word);
        let (document, path) = match text.split_once('@') {
            Some((name, path)) => (Some(self.document(name, path, &word)?), path),
            None => (None, text),
        };
        let mut steps = Vec::new();
        if !(path.is_empty() && document.is_some()) {
            self.dotted(path, &word, &mut steps)?;
        }
        let mut end = word.bytes.end;
        while self.peek().kind == Kind::OpenList && self.peek().bytes.start == end {
            end = self.in_brackets(&mut steps)?;
            let behind = self.peek().clone();
            if behind.kind == Kind::Word && behind.bytes.start == end {
                self.take();
                end = behind.bytes.end;
                match self.slice(&behind).strip_prefix('.') {
                    Some(path) => self.dotted(path, &behind, &mut steps)?,
                    None => return Err(self.error(behind.bytes, "a dot is missing behind `]`", None)),
                }
            }
        }
        let whole = start..end;
        if steps.is_empty() {
            return Err(self.error(whole, "the field's name is missing behind `@`", None));
        }
        if steps.len() > MAX_STEPS {
            return Err(self.error(whole, format!("a field has {MAX_STEPS} steps at the most"), None));
        }
        let field = Field { document, steps };
        self.found_field(&field, whole);
        Ok(field)
    }

    fn document(&self, name: &str, path: &str, word: &Token) -> Result<Document, FilterError> {
        let named = |document: &Document| document.name() == name;
        if let Some(document) = Document::ALL.into_iter().find(named) {
            return Ok(document);
        }
        let near = closest(name, Document::ALL.map(Document::name));
        let (message, suggestion) = if NOT_HERE.contains(&name) {
            (
                format!(
                    "`{name}@` belongs to workflows, which there are none of: event@, session@ and profile@ can be asked"
                ),
                None,
            )
        } else if let Some(near) = near {
            (format!("`{}@` is no document", excerpt(name)), Some(format!("{near}@{path}")))
        } else {
            let message = format!(
                "`{}@` is no document: event@, session@ and profile@ are; put a text in quotes",
                excerpt(name)
            );
            (message, Some(format!("\"{}\"", self.slice(word))))
        };
        Err(self.error(word.bytes.clone(), message, suggestion))
    }

    fn dotted(&self, path: &str, word: &Token, steps: &mut Vec<String>) -> Result<(), FilterError> {
        for step in path.split('.') {
            if step.is_empty() || step.contains('@') {
                let message = format!(
                    "`{}` is no field: names are joined by single dots, and odd ones stand in brackets, as in traits[\"a.b\"]",
                    excerpt(self.slice(word))
                );
                return Err(self.error(word.bytes.clone(), message, None));
            }
            steps.push(step.to_owned());
        }
        Ok(())
    }

    /// `["…"]`; where it ends.
    fn in_brackets(&mut self, steps: &mut Vec<String>) -> Result<usize, FilterError> {
        self.take();
        let key = self.take();
        match key.kind {
            Kind::Text(key) => steps.push(key),
            Kind::Number(_) => {
                let message =
                    "elements of arrays are not numbered: a condition holds when one of them fulfils it";
                return Err(self.error(key.bytes, message, None));
            }
            _ => return Err(self.error(key.bytes, "in the brackets of a field is a key in quotes", None)),
        }
        let close = self.take();
        match close.kind {
            Kind::CloseList => Ok(close.bytes.end),
            _ => Err(self.error(close.bytes, "a closing bracket is missing behind the key", None)),
        }
    }
}
