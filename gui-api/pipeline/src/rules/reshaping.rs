//! What events are turned into: templates with references (`docs/configuration.md` §5).

use serde_json::Value;
use tideline_filter::Document;
use tideline_model::{Event, Properties, rules};

use super::RuleProblem;
use super::view::View;
use crate::json;
use crate::paths::Path;

/// The deepest nesting of a template.
const MAX_DEPTH: usize = 16;
/// The most that a template may make, in bytes of JSON.
const MAX_BYTES: usize = 64 * 1024;

/// What an event is turned into.
#[derive(Debug)]
pub(super) struct Reshaping {
    properties: Option<Template>,
    context: Option<Template>,
    session: Option<Template>,
}

/// What the templates have made.
#[derive(Debug)]
pub(super) struct Reshaped {
    properties: Option<Properties>,
    context: Option<Properties>,
    session: Option<Properties>,
}

#[derive(Debug)]
enum Template {
    Constant(Value),
    Reference(Document, Path),
    Object(Vec<(String, Template)>),
    List(Vec<Template>),
}

impl Reshaping {
    pub(super) fn compile(settings: &rules::Reshaping) -> Result<Self, RuleProblem> {
        let rules::Reshaping { when: _, properties, context, session } = settings;
        if [properties, context, session].iter().all(|template| template.is_none()) {
            let message = "it has no template: give `properties`, `context` or `session`";
            return Err(RuleProblem::new("settings", message));
        }
        let compile = |name: &str, members: &Option<Properties>| {
            let members = members.as_ref();
            members.map(|members| object(members, &format!("settings.{name}"), MAX_DEPTH)).transpose()
        };
        Ok(Self {
            properties: compile("properties", properties)?,
            context: compile("context", context)?,
            session: compile("session", session)?,
        })
    }

    /// What the templates make of these documents; why not, where it would be too much.
    pub(super) fn follow(&self, view: &View<'_>) -> Result<Reshaped, String> {
        let make = |template: &Option<Template>| match template.as_ref().and_then(|made| made.fill(view)) {
            Some(made) if json::bytes(&made) > MAX_BYTES => Err(format!(
                "the event stays as it was: what it would become has more than {MAX_BYTES} bytes"
            )),
            Some(Value::Object(made)) => Ok(Some(made)),
            _ => Ok(None),
        };
        Ok(Reshaped {
            properties: make(&self.properties)?,
            context: make(&self.context)?,
            session: make(&self.session)?,
        })
    }
}

impl Reshaped {
    /// Puts it into the event; what joins the properties of its session.
    pub(super) fn replace(self, event: &mut Event) -> Option<Properties> {
        if let Some(properties) = self.properties {
            event.properties = properties;
        }
        if let Some(context) = self.context {
            event.context = context;
        }
        self.session
    }
}

impl Template {
    fn compile(value: &Value, path: &str, levels: usize) -> Result<Self, RuleProblem> {
        let Some(levels) = levels.checked_sub(1) else {
            return Err(RuleProblem::new(path, format!("templates are nested up to {MAX_DEPTH} levels")));
        };
        match value {
            Value::String(text) => match reference(text) {
                Some((document, below)) => {
                    let below = Path::checked(below).map_err(|wrong| RuleProblem::new(path, wrong))?;
                    Ok(Self::Reference(document, below))
                }
                None => Ok(Self::Constant(value.clone())),
            },
            Value::Object(members) => object(members, path, levels),
            Value::Array(values) => {
                let element = |(index, value)| Self::compile(value, &format!("{path}[{index}]"), levels);
                values.iter().enumerate().map(element).collect::<Result<_, _>>().map(Self::List)
            }
            _ => Ok(Self::Constant(value.clone())),
        }
    }

    /// None where it stands for what is not there.
    fn fill(&self, view: &View<'_>) -> Option<Value> {
        Some(match self {
            Self::Constant(value) => value.clone(),
            Self::Reference(document, path) => {
                let found = view.document(*document)?.as_object().and_then(|members| path.get(members))?;
                found.clone()
            }
            Self::Object(members) => {
                let fill = |(key, template): &(String, Self)| Some((key.clone(), template.fill(view)?));
                Value::Object(members.iter().filter_map(fill).collect())
            }
            Self::List(templates) => {
                Value::Array(templates.iter().filter_map(|template| template.fill(view)).collect())
            }
        })
    }
}

fn object(members: &Properties, path: &str, levels: usize) -> Result<Template, RuleProblem> {
    let member = |(key, value): (&String, &Value)| {
        Ok((key.clone(), Template::compile(value, &format!("{path}.{key}"), levels)?))
    };
    members.iter().map(member).collect::<Result<_, _>>().map(Template::Object)
}

/// The document and the path that the text refers to, if it is a reference.
fn reference(text: &str) -> Option<(Document, &str)> {
    let (name, path) = text.split_once('@')?;
    Document::ALL.into_iter().find(|document| document.name() == name).map(|document| (document, path))
}
