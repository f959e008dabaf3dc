//! What of events is kept of visitors who have not agreed (`docs/configuration.md` §7).

use serde_json::Value;
use tideline_model::rules::ComplianceAction;
use tideline_model::{Event, Profile, Properties, rules};
use tideline_protocol::IdentitySalt;

use super::RuleProblem;
use super::consent_types::ConsentTypes;
use crate::paths::Path;

/// The most fields of a rule.
const MAX_FIELDS: usize = 100;
/// The most consents that one field needs.
const MAX_CONSENTS: usize = 20;

/// What becomes of fields without consent.
#[derive(Debug)]
pub(super) struct Compliance(Vec<Field>);

#[derive(Debug)]
struct Field {
    root: Root,
    /// Below the root; none for the whole of it.
    path: Option<Path>,
    consents: Vec<String>,
    action: ComplianceAction,
}

#[derive(Clone, Copy, Debug)]
enum Root {
    Properties,
    Context,
}

impl Compliance {
    pub(super) fn compile(settings: &rules::Compliance) -> Result<Self, RuleProblem> {
        if settings.fields.is_empty() || settings.fields.len() > MAX_FIELDS {
            let message = format!("it has {} fields: 1 to {MAX_FIELDS} are possible", settings.fields.len());
            return Err(RuleProblem::new("settings.fields", message));
        }
        let compile = |(index, written): (usize, &rules::CompliantField)| {
            let wrong = |member: &str, message: String| {
                RuleProblem::new(format!("settings.fields[{index}].{member}"), message)
            };
            let (root, below) = match written.field.split_once('.') {
                Some((root, below)) => (root, Some(below)),
                None => (written.field.as_str(), None),
            };
            let root = match root {
                "properties" => Root::Properties,
                "context" => Root::Context,
                _ => {
                    let field = &written.field;
                    let message = format!(
                        "`{field}` is not what clients send: use `properties` or `context`, or a field below one of them"
                    );
                    return Err(wrong("field", message));
                }
            };
            if written.consents.is_empty() || written.consents.len() > MAX_CONSENTS {
                let message = format!("name 1 to {MAX_CONSENTS} consents that the field needs");
                return Err(wrong("consents", message));
            }
            Ok(Field {
                root,
                path: below.map(Path::checked).transpose().map_err(|message| wrong("field", message))?,
                consents: written.consents.clone(),
                action: written.action,
            })
        };
        Ok(Self(settings.fields.iter().enumerate().map(compile).collect::<Result<_, _>>()?))
    }

    /// Takes away, or hashes, what needs a consent that the visitor has not given.
    pub(super) fn follow(
        &self,
        event: &mut Event,
        profile: Option<&Profile>,
        types: &ConsentTypes,
        salt: Option<IdentitySalt>,
    ) {
        let now = event.metadata.time.receive;
        for field in self.0.iter().filter(|field| !types.are_given(&field.consents, profile, now)) {
            let members = match field.root {
                Root::Properties => &mut event.properties,
                Root::Context => &mut event.context,
            };
            match (field.action, salt, &field.path) {
                (ComplianceAction::Hash, Some(salt), Some(path)) => {
                    if let Some(mut value) = path.remove(members) {
                        hash(salt, &mut value);
                        path.set(members, value);
                    }
                }
                (ComplianceAction::Hash, Some(salt), None) => {
                    members.values_mut().for_each(|value| hash(salt, value));
                }
                (_, _, Some(path)) => drop(path.remove(members)),
                (_, _, None) => *members = Properties::new(),
            }
        }
    }
}

/// Replaces all texts and numbers of the value by hashes.
fn hash(salt: IdentitySalt, value: &mut Value) {
    match value {
        Value::String(text) => *text = salt.id("value", text),
        Value::Number(number) => *value = Value::String(salt.id("value", &number.to_string())),
        Value::Array(values) => values.iter_mut().for_each(|value| hash(salt, value)),
        Value::Object(members) => members.values_mut().for_each(|value| hash(salt, value)),
        Value::Null | Value::Bool(_) => {}
    }
}
