//! What events change in profiles, as people say (`docs/configuration.md` §3).

use serde_json::{Number, Value};
use tideline_model::rules::{MappingOperation, ProfileOperation};
use tideline_model::{Event, Profile, rules};

use super::trace::Troubles;
use super::{RuleName, RuleProblem};
use crate::event_types::{self, Amount, Change, Field, Followed, Operation, Reading, Source};
use crate::paths::Path;
use crate::sums;

/// The most operations of a mapping.
const MAX_OPERATIONS: usize = 100;

/// What an event changes in its profile.
#[derive(Debug)]
pub(super) struct Mapping(Vec<Operation>);

impl Mapping {
    pub(super) fn compile(settings: &rules::Mapping) -> Result<Self, RuleProblem> {
        let operations = &settings.operations;
        if operations.is_empty() || operations.len() > MAX_OPERATIONS {
            let message =
                format!("it has {} operations: 1 to {MAX_OPERATIONS} are possible", operations.len());
            return Err(RuleProblem::new("settings.operations", message));
        }
        let compile = |(index, each)| {
            operation(each).map_err(|(field, message)| {
                RuleProblem::new(format!("settings.operations[{index}].{field}"), message)
            })
        };
        Ok(Self(operations.iter().enumerate().map(compile).collect::<Result<_, _>>()?))
    }

    pub(super) fn follow(
        &self,
        profile: &mut Profile,
        event: &Event,
        name: &RuleName,
        troubles: &mut Troubles,
    ) {
        for operation in &self.0 {
            if event_types::follow(profile, event, operation) == Followed::Wrong {
                let reason =
                    format!("`{}` stays as it is: what was sent is not what it holds", operation.into);
                troubles.note(name, event, reason);
            }
        }
    }
}

/// What is wrong with a member of an operation.
type Wrong = (&'static str, String);

fn operation(written: &MappingOperation) -> Result<Operation, Wrong> {
    let field = field(&written.profile).map_err(|wrong| ("profile", wrong))?;
    let kind = match (&field, written.kind) {
        (Field::PrimaryId, None) => Some(rules::ValueKind::Text),
        (Field::Counter(_), None) => Some(rules::ValueKind::Number),
        (_, said) => {
            let known = event_types::kind_of(&written.profile);
            if let (Some(said), Some(known)) = (said, known)
                && said != known
            {
                let holds = event_types::name_of_kind(known);
                return Err(("kind", format!("`{}` holds {holds}: leave the kind out", written.profile)));
            }
            said.or(known)
        }
    };
    let change = match written.operation {
        ProfileOperation::Equals => Change::Set(wanted(written, kind)?, kind),
        ProfileOperation::EqualsIfNotExists => Change::SetIfMissing(wanted(written, kind)?, kind),
        ProfileOperation::Append => {
            if !matches!(field, Field::Data(_) | Field::Traits(_)) {
                return Err(("profile", format!("`{}` is no list", written.profile)));
            }
            Change::Append(wanted(written, Some(rules::ValueKind::List))?)
        }
        ProfileOperation::Delete if source(written)?.is_some() => {
            return Err(("event", "what is deleted needs no value: leave it out".to_owned()));
        }
        ProfileOperation::Delete => Change::Delete,
        ProfileOperation::Increment | ProfileOperation::Decrement if matches!(field, Field::PrimaryId) => {
            return Err(("profile", "`primary_id` is no number".to_owned()));
        }
        ProfileOperation::Increment => Change::Add(amount(written, false)?),
        ProfileOperation::Decrement => Change::Add(amount(written, true)?),
    };
    Ok(Operation { into: written.profile.clone(), field, change })
}

fn field(path: &str) -> Result<Field, String> {
    let known = [("data.", Field::Data as fn(Path) -> Field), ("traits.", Field::Traits)];
    for (root, field) in known {
        if let Some(below) = path.strip_prefix(root) {
            return Path::checked(below).map(field);
        }
    }
    match path.strip_prefix("stats.counters.") {
        // How many events there are is counted already.
        Some(name) if name != "events" => Path::checked(name).map(|_| Field::Counter(name.to_owned())),
        _ if path == "primary_id" => Ok(Field::PrimaryId),
        _ => Err(format!(
            "`{path}` is not changed by mappings: use `primary_id`, or a field below `data`, `traits` or `stats.counters`"
        )),
    }
}

fn wanted(written: &MappingOperation, kind: Option<rules::ValueKind>) -> Result<Source, Wrong> {
    match source(written)? {
        Some(Source::Constant(value)) => match event_types::read(kind, &value) {
            Reading::Value(value) => Ok(Source::Constant(value)),
            Reading::Nothing | Reading::Wrong => {
                let holds = kind.map_or("a value of up to 4 kB", event_types::name_of_kind);
                Err(("value", format!("`{}` holds {holds}, which `{value}` is not", written.profile)))
            }
        },
        Some(source) => Ok(source),
        None => Err(("event", "say which field of the event has the value, or give a `value`".to_owned())),
    }
}

fn amount(written: &MappingOperation, is_taken: bool) -> Result<Amount, Wrong> {
    let constant = match source(written)? {
        None => Number::from(1),
        Some(Source::Constant(Value::Number(number))) => number,
        Some(Source::Constant(value)) => return Err(("value", format!("`{value}` is no number"))),
        Some(source) => return Ok(if is_taken { Amount::Minus(source) } else { Amount::Of(source) }),
    };
    let amount = if is_taken { sums::negative(&constant) } else { Some(constant) };
    amount.map(Amount::Constant).ok_or_else(|| ("value", "it is too large a number".to_owned()))
}

fn source(written: &MappingOperation) -> Result<Option<Source>, Wrong> {
    let path = match (&written.event, &written.value) {
        (Some(_), Some(_)) => {
            return Err(("value", "there is an `event` field as well: remove one".to_owned()));
        }
        (None, value) => return Ok(value.clone().map(Source::Constant)),
        (Some(path), None) => path,
    };
    type Make = fn(Path) -> Source;
    let roots: [(&str, Make); 4] = [
        ("properties.", Source::Properties),
        ("traits.", Source::Traits),
        ("data.", Source::Data),
        ("context.", Source::Context),
    ];
    for (root, source) in roots {
        if let Some(below) = path.strip_prefix(root) {
            return Path::checked(below).map(|path| Some(source(path))).map_err(|wrong| ("event", wrong));
        }
    }
    Err((
        "event",
        format!(
            "`{path}` is not read by mappings: use a field below `properties`, `traits`, `data` or `context`"
        ),
    ))
}
