//! What events must be like: JSON Schemas (`docs/configuration.md` §4).

use std::mem;

use jsonschema::{Draft, PatternOptions, Retrieve, Uri, Validator};
use serde_json::Value;
use tideline_model::{Event, Properties, rules};

use super::{RuleName, RuleProblem};
use crate::paths::Path;

/// The most schemas of a rule.
const MAX_SCHEMAS: usize = 10;
/// The most faults that an event tells of itself.
const MAX_ERRORS: usize = 10;
/// The longest sentence about a fault, in bytes.
const MAX_ERROR_BYTES: usize = 300;
/// What a pattern may take when it is compiled, in bytes.
const MAX_PATTERN_BYTES: usize = 1024 * 1024;

/// What an event must be like.
#[derive(Debug)]
pub(super) struct Validation(Vec<Demand>);

/// What a part of an event must be like.
#[derive(Debug)]
struct Demand {
    /// As it is written in the rule.
    written: String,
    root: Root,
    /// Below the root; none for the whole of it.
    path: Option<Path>,
    validator: Validator,
}

#[derive(Clone, Copy, Debug)]
enum Root {
    Properties,
    Context,
}

impl Validation {
    pub(super) fn compile(settings: &rules::Validation) -> Result<Self, RuleProblem> {
        let schemas = &settings.schemas;
        if schemas.is_empty() || schemas.len() > MAX_SCHEMAS {
            let message = format!("it has {} schemas: 1 to {MAX_SCHEMAS} are possible", schemas.len());
            return Err(RuleProblem::new("settings.schemas", message));
        }
        let compile = |(field, schema): (&String, &Value)| {
            demand(field, schema)
                .map_err(|message| RuleProblem::new(format!("settings.schemas.{field}"), message))
        };
        Ok(Self(schemas.iter().map(compile).collect::<Result<_, _>>()?))
    }

    /// Marks the event if it is not what it must be, and says why.
    pub(super) fn follow(&self, event: &mut Event, name: &RuleName) {
        for demand in &self.0 {
            let Demand { written, root, path, validator } = demand;
            let part = match root {
                Root::Properties => &mut event.properties,
                Root::Context => &mut event.context,
            };
            let found = on(part, path.as_ref(), |value| faults(validator, value));
            for fault in found.unwrap_or_else(|| vec!["it is missing".to_owned()]) {
                event.metadata.valid = false;
                if event.metadata.errors.len() < MAX_ERRORS {
                    event.metadata.errors.push(format!("{}: `{written}`: {fault}", name.id));
                }
            }
        }
    }
}

fn demand(field: &str, schema: &Value) -> Result<Demand, String> {
    let (root, below) = field.split_once('.').map_or((field, None), |(root, below)| (root, Some(below)));
    let root = match root {
        "properties" => Root::Properties,
        "context" => Root::Context,
        _ => {
            return Err(format!(
                "`{field}` is not what clients send: use `properties` or `context`, or a field below one of them"
            ));
        }
    };
    let path = below.map(Path::checked).transpose()?;
    let validator = jsonschema::options()
        .with_draft(Draft::Draft202012)
        // An engine that takes no longer for nasty texts.
        .with_pattern_options(
            PatternOptions::regex().size_limit(MAX_PATTERN_BYTES).dfa_size_limit(MAX_PATTERN_BYTES),
        )
        .with_retriever(Nowhere)
        .build(schema)
        .map_err(|error| format!("this is no JSON Schema that can be used: {error}"))?;
    Ok(Demand { written: field.to_owned(), root, path, validator })
}

/// Looks at a part of an object, which stays as it is; none where there is no such part.
fn on<R>(members: &mut Properties, path: Option<&Path>, look: impl FnOnce(&Value) -> R) -> Option<R> {
    let Some(path) = path else {
        let whole = Value::Object(mem::take(members));
        let result = look(&whole);
        if let Value::Object(back) = whole {
            *members = back;
        }
        return Some(result);
    };
    path.get(members).map(look)
}

fn faults(validator: &Validator, value: &Value) -> Vec<String> {
    if validator.is_valid(value) {
        return Vec::new();
    }
    let sentence = |error: jsonschema::ValidationError<'_>| {
        let mut sentence = error.to_string();
        let place = error.instance_path().to_string();
        if !place.is_empty() {
            sentence = format!("{place}: {sentence}");
        }
        sentence.truncate(sentence.floor_char_boundary(MAX_ERROR_BYTES));
        sentence
    };
    validator.iter_errors(value).take(MAX_ERRORS).map(sentence).collect()
}

/// Schemas are whole: nothing is fetched from elsewhere.
struct Nowhere;

impl Retrieve for Nowhere {
    fn retrieve(&self, uri: &Uri<String>) -> Result<Value, Box<dyn std::error::Error + Send + Sync>> {
        Err(format!("`{uri}` is elsewhere, and nothing is fetched: put it under $defs").into())
    }
}
