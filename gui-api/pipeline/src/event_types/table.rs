//! The event types as tables: paths taken apart, groups of fields spread out.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::{Number, Value};
use tideline_model::rules::ValueKind as Kind;

use crate::paths::Path;

/// What is known of a type of events.
pub(crate) struct EventType {
    /// The stage of the journey that it tells of.
    pub(crate) stage: Option<Stage>,
    pub(crate) tags: Vec<String>,
    pub(crate) copies: Vec<Copy>,
    pub(crate) operations: Vec<Operation>,
}

/// The stage of the journey to buying that an event tells of.
pub(crate) struct Stage {
    pub(crate) first: String,
    /// From the second visit on.
    pub(crate) later: String,
}

/// A field of the event is filled from the first of these properties that has a value.
pub(crate) struct Copy {
    pub(crate) into: String,
    pub(crate) target: Target,
    pub(crate) kind: Kind,
    pub(crate) from: Vec<Path>,
}

/// A field of an event.
pub(crate) enum Target {
    Data(Path),
    HitId,
    HitName,
    HitQuery,
    HitCategory,
    Longitude,
    Latitude,
}

/// A field of the profile is changed.
#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) into: String,
    pub(crate) field: Field,
    pub(crate) change: Change,
}

/// A field of a profile.
#[derive(Debug)]
pub(crate) enum Field {
    PrimaryId,
    Data(Path),
    Traits(Path),
    /// A counter of this name.
    Counter(String),
}

/// How it is changed.
#[derive(Debug)]
pub(crate) enum Change {
    Set(Source, Option<Kind>),
    SetIfMissing(Source, Option<Kind>),
    Append(Source),
    Add(Amount),
    Delete,
    /// The quotient of two other fields.
    Ratio(Path, Path),
}

/// Where a value comes from: what rules say, or a place in the event.
#[derive(Debug)]
pub(crate) enum Source {
    Constant(Value),
    Data(Path),
    Properties(Path),
    Traits(Path),
    Context(Path),
}

/// What is added to a number.
#[derive(Debug)]
pub(crate) enum Amount {
    Constant(Number),
    Of(Source),
    /// It is taken away.
    Minus(Source),
}

/// What is known of this type.
pub(crate) fn of(r#type: &str) -> Option<&'static EventType> {
    TABLES.types.get(r#type)
}

/// What the field of this path holds, of those that the types speak of.
pub(crate) fn kind_of(path: &str) -> Option<Kind> {
    TABLES.fields.0.get(path).copied()
}

// A test reads the whole file.
static TABLES: LazyLock<Tables> =
    LazyLock::new(|| read(include_str!("../../data/event-types.toml")).unwrap_or_default());

/// The file, read.
#[derive(Default)]
struct Tables {
    types: HashMap<String, EventType>,
    fields: Fields,
}

fn read(text: &str) -> Result<Tables, String> {
    let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
    let fields =
        file.fields.into_iter().flat_map(|(kind, paths)| paths.into_iter().map(move |path| (path, kind)));
    let fields = Fields(fields.collect());
    let read = |(id, written)| Ok::<_, String>((id, fields.event_type(written)?));
    let types = file.types.into_iter().map(read).collect::<Result<_, _>>()?;
    Ok(Tables { types, fields })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    fields: HashMap<Kind, Vec<String>>,
    types: BTreeMap<String, Written>,
}

/// A type as it is written down.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(rename = "about")]
    _about: String,
    state: Option<String>,
    state_later: Option<String>,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default)]
    copy: Vec<String>,
    #[serde(default)]
    profile: WrittenOperations,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct WrittenOperations {
    set: Vec<String>,
    set_if_missing: Vec<String>,
    append: Vec<String>,
    add: Vec<String>,
    delete: Vec<String>,
    ratio: Vec<String>,
}

/// All fields and their kinds.
#[derive(Default)]
struct Fields(BTreeMap<String, Kind>);

/// One field that a line fills, and what from.
struct Line {
    into: String,
    kind: Kind,
    from: Vec<String>,
}

impl Fields {
    fn event_type(&self, written: Written) -> Result<EventType, String> {
        let mut copies = Vec::new();
        for line in self.lines(&written.copy)? {
            let from = line.from.iter().map(|from| property(from)).collect::<Result<_, _>>()?;
            copies.push(Copy { target: target(&line.into)?, kind: line.kind, from, into: line.into });
        }
        let stage = written
            .state
            .map(|first| Stage { later: written.state_later.unwrap_or_else(|| first.clone()), first });
        Ok(EventType { stage, tags: written.tags, copies, operations: self.operations(&written.profile)? })
    }

    fn operations(&self, written: &WrittenOperations) -> Result<Vec<Operation>, String> {
        type Make = fn(&Line) -> Result<Change, String>;
        let kinds: [(&[String], Make); 6] = [
            (&written.set, |line| Ok(Change::Set(source(&line.from)?, Some(line.kind)))),
            (&written.set_if_missing, |line| Ok(Change::SetIfMissing(source(&line.from)?, Some(line.kind)))),
            (&written.append, |line| Ok(Change::Append(source(&line.from)?))),
            (&written.add, |line| Ok(Change::Add(amount(&line.from)?))),
            (&written.delete, |_| Ok(Change::Delete)),
            (&written.ratio, |line| ratio(&line.from)),
        ];
        let mut operations = Vec::new();
        for (lines, make) in kinds {
            for line in self.lines(lines)? {
                let change = make(&line)?;
                operations.push(Operation { field: field(&line.into)?, change, into: line.into });
            }
        }
        Ok(operations)
    }

    /// The lines, groups of fields spread out.
    fn lines(&self, written: &[String]) -> Result<Vec<Line>, String> {
        let mut lines = Vec::new();
        for line in written {
            let (into, from) = line.split_once(" = ").unwrap_or((line, line));
            let group = format!("{into}.");
            let fields: Vec<_> =
                self.0.iter().filter(|(path, _)| *path == into || path.starts_with(&group)).collect();
            if fields.is_empty() {
                return Err(format!("`{into}` is no field"));
            }
            for (path, kind) in fields {
                let below = path.strip_prefix(into).unwrap_or_default();
                let from = from.split(", ").map(|from| format!("{from}{below}")).collect();
                lines.push(Line { into: path.clone(), kind: *kind, from });
            }
        }
        Ok(lines)
    }
}

fn target(path: &str) -> Result<Target, String> {
    Ok(match path {
        "hit.id" => Target::HitId,
        "hit.name" => Target::HitName,
        "hit.query" => Target::HitQuery,
        "hit.category" => Target::HitCategory,
        "device.geo.longitude" => Target::Longitude,
        "device.geo.latitude" => Target::Latitude,
        _ => Target::Data(data(path)?),
    })
}

fn field(path: &str) -> Result<Field, String> {
    if path == "primary_id" { Ok(Field::PrimaryId) } else { data(path).map(Field::Data) }
}

fn source(from: &[String]) -> Result<Source, String> {
    match from {
        [from] => data(from).map(Source::Data).or_else(|_| property(from).map(Source::Properties)),
        _ => Err(format!("`{}` is more than one field", from.join(", "))),
    }
}

fn amount(from: &[String]) -> Result<Amount, String> {
    let constant = from.first().and_then(|from| from.parse().ok());
    constant.map_or_else(|| source(from).map(Amount::Of), |constant| Ok(Amount::Constant(constant)))
}

fn ratio(from: &[String]) -> Result<Change, String> {
    let fields = from.first().and_then(|from| from.split_once(" / "));
    let (dividend, divisor) = fields.ok_or("a ratio is `field / field`")?;
    Ok(Change::Ratio(data(dividend)?, data(divisor)?))
}

fn data(path: &str) -> Result<Path, String> {
    below("data.", path)
}

fn property(path: &str) -> Result<Path, String> {
    below("properties.", path)
}

fn below(root: &str, path: &str) -> Result<Path, String> {
    path.strip_prefix(root).map(Path::new).ok_or_else(|| format!("`{path}` does not begin with `{root}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_read_to_the_last_line() {
        let types = read(include_str!("../../data/event-types.toml")).unwrap().types;
        assert_eq!(types.len(), 65);
        let states = ["awareness", "consideration", "purchase", "retention", "advocacy"];
        for (id, known) in types {
            let stages = known.stage.iter().flat_map(|stage| [&stage.first, &stage.later]);
            assert!(stages.clone().all(|stage| states.contains(&stage.as_str())), "{id}");
        }
    }

    #[test]
    fn a_line_that_says_nothing_is_an_error() {
        let of = |line: &str| {
            read(&format!("[fields]\ntext = [\"data.a.b\", \"data.a.c\"]\n[types.x]\nabout = \"x\"\n{line}"))
        };
        let types = of("copy = [\"data.a = properties\"]\nprofile.set = [\"data.a.c\"]").unwrap().types;
        assert_eq!((types["x"].copies.len(), types["x"].operations.len()), (2, 1));
        for wrong in [
            "copy = [\"data.x = properties.x\"]",
            "copy = [\"data.a.b = context.x\"]",
            "copies = []",
            "profile.put = []",
            "profile.set = [\"data.a.b = x\"]",
            "profile.ratio = [\"data.a.b = data.a.c\"]",
        ] {
            assert!(of(wrong).is_err(), "{wrong}");
        }
    }
}
