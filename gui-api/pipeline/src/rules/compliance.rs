//! What of events is kept of visitors who have not agreed (`docs/configuration.md` §7).

use tideline_model::rules::ComplianceAction;
use tideline_model::{Event, Profile, Properties, rules};

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

    /// Takes away what needs a consent that the visitor has not given.
    pub(super) fn follow(&self, event: &mut Event, profile: Option<&Profile>, types: &ConsentTypes) {
        let now = event.metadata.time.receive;
        for field in self.0.iter().filter(|field| !types.are_given(&field.consents, profile, now)) {
            let members = match field.root {
                Root::Properties => &mut event.properties,
                Root::Context => &mut event.context,
            };
            match (field.action, &field.path) {
                (ComplianceAction::Remove, Some(path)) => drop(path.remove(members)),
                (ComplianceAction::Remove, None) => *members = Properties::new(),
            }
        }
    }
}
