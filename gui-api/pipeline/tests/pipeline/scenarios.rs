//! Scenarios: what requests make of people, in files that say it in words (`tests/data/scenarios`).
//!
//! Each file names the clauses of `docs/processing.md` and `docs/configuration.md` that it proves. Whatever it expects is part of the documents
//! afterwards; `absent` names what is not. Each is told again from every point on, and changes nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value, json};
use tideline_model::{ConfigurationKind, ConfigurationObject, EventSource};
use tideline_pipeline::{Rules, Settings};
use tideline_protocol::StreamRecord;
use uuid::Uuid;

use crate::support::{Documents, RECEIVED, object, record};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Scenario {
    says: String,
    proves: Vec<String>,
    /// What event sources are for.
    #[serde(default)]
    channel: HashMap<String, String>,
    /// What people have configured.
    #[serde(default)]
    object: Vec<Object>,
    request: Vec<Call>,
    expect: Expectations,
}

/// A configuration object.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Object {
    kind: ConfigurationKind,
    id: String,
    #[serde(default = "yes")]
    enabled: bool,
    settings: Value,
}

/// A request as it was stored: its body, and what the edge said of it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Call {
    /// Seconds after the first.
    #[serde(default)]
    at: u64,
    #[serde(default = "session")]
    session: String,
    #[serde(default = "profile")]
    profile: String,
    #[serde(default = "source")]
    source: String,
    #[serde(default)]
    address: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    transitional: bool,
    /// All other members of the body.
    #[serde(default)]
    body: Map<String, Value>,
    events: Vec<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expectations {
    /// Types of all events, in order of time.
    types: Option<Vec<String>>,
    /// Events by id, or by type where there is one of it.
    #[serde(default)]
    event: BTreeMap<String, Value>,
    #[serde(default)]
    session: BTreeMap<String, Value>,
    #[serde(default)]
    profile: BTreeMap<String, Value>,
    /// Paths where there is nothing: `profile.p.data.loyalty`.
    #[serde(default)]
    absent: Vec<String>,
}

fn yes() -> bool {
    true
}

fn source() -> String {
    "shop-web".to_owned()
}

fn session() -> String {
    "s".to_owned()
}

fn profile() -> String {
    "p".to_owned()
}

fn scenarios() -> BTreeMap<String, Scenario> {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data/scenarios"));
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let read = |file: PathBuf| {
        let name = file.file_stem().unwrap().to_str().unwrap().to_owned();
        let text = fs::read_to_string(&file).unwrap();
        let scenario = toml::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        (name, scenario)
    };
    files.map(read).collect()
}

impl Scenario {
    fn records(&self) -> Vec<StreamRecord> {
        let (mut sessions, mut profiles) = (BTreeSet::new(), BTreeSet::new());
        let record = |(number, call): (usize, &Call)| {
            let mut body = call.body.clone();
            body.insert("events".to_owned(), Value::Array(call.events.clone()));
            let profile = Some(call.profile.clone()).filter(|id| !id.is_empty());
            StreamRecord {
                request_id: Uuid::from_u128(1 + number as u128),
                received_at: RECEIVED + 1000 * call.at,
                session: call.session.clone(),
                source: call.source.clone(),
                new_session: sessions.insert(call.session.clone()),
                new_profile: profile.as_ref().is_some_and(|id| profiles.insert(id.clone())),
                profile,
                transitional: call.transitional,
                client_address: call.address.clone(),
                headers: call.headers.clone().into_iter().collect(),
                ..record(&Value::Object(body))
            }
        };
        self.request.iter().enumerate().map(record).collect()
    }
}

impl Scenario {
    fn settings(&self) -> Settings {
        let objects: Vec<_> = self
            .object
            .iter()
            .map(|Object { kind, id, enabled, settings }| ConfigurationObject {
                enabled: *enabled,
                ..object(*kind, id, settings)
            })
            .collect();
        let (rules, problems) = Rules::compile(&objects);
        assert!(problems.is_empty(), "{}: {problems:?}", self.says);
        let mut settings = Settings { rules: Arc::new(rules), ..Settings::default() };
        let source = |(id, channel): (&String, &String)| EventSource {
            channel: Some(channel.clone()),
            ..EventSource::new(id, id)
        };
        settings.follow(&self.channel.iter().map(source).collect::<Vec<_>>());
        settings
    }
}

fn told(settings: &Settings, records: &[StreamRecord]) -> Documents {
    let mut documents = Documents { settings: settings.clone(), ..Documents::default() };
    for (number, record) in (1..).zip(records) {
        documents.take(record, number).unwrap();
    }
    documents
}

/// All documents, as a scenario names them.
fn named(documents: &Documents) -> Value {
    let mut events = Map::new();
    for (id, event) in &documents.events {
        events.insert(id.clone(), json!(event));
        let of_type = documents.events.values().filter(|other| other.r#type == event.r#type);
        if of_type.count() == 1 {
            events.insert(event.r#type.clone(), json!(event));
        }
    }
    json!({"event": events, "session": documents.sessions, "profile": documents.profiles})
}

fn at<'a>(documents: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(documents, |value, step| value.get(step))
}

/// Where the documents say something else.
fn differences(path: &str, expected: &Value, actual: Option<&Value>) -> Vec<String> {
    match (expected, actual) {
        (Value::Object(expected), Some(Value::Object(actual))) => {
            let below = |(key, expected)| differences(&format!("{path}.{key}"), expected, actual.get(key));
            expected.iter().flat_map(below).collect()
        }
        (expected, Some(actual)) if expected == actual => Vec::new(),
        (expected, actual) => vec![format!("{path}: {expected} is expected, there is {}", json!(actual))],
    }
}

#[test]
fn each_scenario_comes_true() {
    let mut wrong = Vec::new();
    for (name, scenario) in scenarios() {
        let documents = told(&scenario.settings(), &scenario.records());
        let all = named(&documents);
        let expect = &scenario.expect;
        let expected = json!({"event": expect.event, "session": expect.session, "profile": expect.profile});
        let mut found = differences("", &expected, Some(&all));
        let surplus = expect.absent.iter().filter_map(|path| Some((path, at(&all, path)?)));
        found.extend(surplus.map(|(path, value)| format!("{path}: nothing is expected, there is {value}")));
        if let Some(expected) = &expect.types {
            let mut events: Vec<_> = documents.events.values().collect();
            events.sort_by_key(|event| (event.metadata.time.insert, &event.id));
            let types: Vec<_> = events.iter().map(|event| event.r#type.clone()).collect();
            found.extend(differences("types", &json!(expected), Some(&json!(types))));
        }
        if !found.is_empty() {
            wrong.push(format!("{name}: {}\n  {}", scenario.says, found.join("\n  ")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn each_scenario_may_be_told_again_from_any_point_on() {
    for (name, scenario) in scenarios() {
        let records = scenario.records();
        let settings = scenario.settings();
        let whole = told(&settings, &records);
        for from in 0..records.len() {
            for to in from..records.len() {
                let mut documents = told(&settings, &records[..=to]);
                for (number, record) in (1..).zip(&records).skip(from) {
                    documents.take(record, number).unwrap();
                }
                assert_eq!(documents.events, whole.events, "{name}");
                assert_eq!(
                    json!(documents.sessions).to_string(),
                    json!(whole.sessions).to_string(),
                    "{name}"
                );
                assert_eq!(
                    json!(documents.profiles).to_string(),
                    json!(whole.profiles).to_string(),
                    "{name}"
                );
            }
        }
    }
}

#[test]
fn each_clause_is_proved_by_a_scenario_or_names_its_test() {
    let text = concat!(
        include_str!("../../../../docs/processing.md"),
        include_str!("../../../../docs/configuration.md")
    );
    let clause = |line: &str| Some(line.strip_prefix("- **")?.split_once("**")?.0.to_owned());
    let clauses: BTreeSet<String> = text.lines().filter_map(clause).collect();
    let told: BTreeSet<String> =
        text.lines().filter(|line| line.contains("*Test:*")).filter_map(clause).collect();
    let proved: BTreeSet<String> = scenarios().into_values().flat_map(|scenario| scenario.proves).collect();
    let unknown: Vec<_> = proved.difference(&clauses).collect();
    assert!(unknown.is_empty(), "no clauses: {unknown:?}");
    let unproved: Vec<_> = clauses.difference(&proved).filter(|clause| !told.contains(*clause)).collect();
    assert!(unproved.is_empty(), "without a scenario: {unproved:?}");
}
