//! Rules that cannot work are refused in words; rules that cannot do their work on an event say so and harm nothing.

use serde_json::{Value, json};
use tideline_model::ConfigurationKind;
use tideline_pipeline::{Rules, Trouble};

use crate::support::{Documents, object, record};

fn refused(kind: ConfigurationKind, id: &str, settings: &Value) -> String {
    Rules::check(&object(kind, id, settings))
        .map_or_else(|problem| problem.to_string(), |()| "accepted".to_owned())
}

fn with(objects: &[(ConfigurationKind, &str, Value)]) -> Documents {
    let objects: Vec<_> = objects.iter().map(|(kind, id, settings)| object(*kind, id, settings)).collect();
    let (rules, problems) = Rules::compile(&objects);
    assert_eq!(problems, []);
    Documents::following(rules)
}

#[test]
fn a_rule_that_cannot_work_is_refused_with_its_place_and_what_mends_it() {
    use ConfigurationKind::{Compliance, ConsentType, EventType, Mapping, Reshaping, Validation};
    let operation = |operation: Value| json!({"operations": [operation]});
    let set = |profile: &str, event: &str| json!({"operation": "equals", "profile": profile, "event": event});
    let when = |when: Value| json!({"when": when, "operations": [set("traits.a", "properties.a")]});
    let deep = (0..20).fold(json!(1), |inner, _| json!({"a": inner}));
    let table = [
        (
            Mapping,
            "x",
            when(json!({"event_type": "Page View"})),
            "`settings.when.event_type`: events have no type `Page View`: they are stored as `page-view`",
        ),
        (Mapping, "x", when(json!({"source": " "})), "`settings.when.source`: it is blank"),
        (Mapping, "x", when(json!({"condition": "properties.a = = 1"})), "`settings.when.condition`: "),
        (Mapping, "x", json!({"operations": []}), "`settings.operations`: it has 0 operations"),
        (
            Mapping,
            "x",
            operation(set("ids", "properties.a")),
            "`settings.operations[0].profile`: `ids` is not changed by mappings",
        ),
        (
            Mapping,
            "x",
            operation(set("stats.counters.events", "properties.a")),
            "`stats.counters.events` is not changed",
        ),
        (Mapping, "x", operation(set("traits.a..b", "properties.a")), "`a..b` is no path"),
        (
            Mapping,
            "x",
            operation(set("traits.a", "metadata.status")),
            "`settings.operations[0].event`: `metadata.status` is not read",
        ),
        (
            Mapping,
            "x",
            operation(json!({"operation": "equals", "profile": "traits.a"})),
            "say which field of the event has the value",
        ),
        (
            Mapping,
            "x",
            operation(
                json!({"operation": "equals", "profile": "traits.a", "event": "properties.a", "value": 1}),
            ),
            "remove one",
        ),
        (
            Mapping,
            "x",
            operation(
                json!({"operation": "equals", "profile": "data.contact.email.main", "value": {"a": 1}}),
            ),
            "`data.contact.email.main` holds a text",
        ),
        (
            Mapping,
            "x",
            operation(
                json!({"operation": "equals", "profile": "data.contact.email.main", "event": "properties.a", "kind": "list"}),
            ),
            "leave the kind out",
        ),
        (
            Mapping,
            "x",
            operation(json!({"operation": "append", "profile": "primary_id", "event": "properties.a"})),
            "`primary_id` is no list",
        ),
        (
            Mapping,
            "x",
            operation(json!({"operation": "increment", "profile": "primary_id"})),
            "`primary_id` is no number",
        ),
        (
            Mapping,
            "x",
            operation(json!({"operation": "increment", "profile": "traits.a", "value": "1"})),
            "is no number",
        ),
        (
            Mapping,
            "x",
            operation(json!({"operation": "delete", "profile": "traits.a", "value": 1})),
            "leave it out",
        ),
        (EventType, "page-view", json!({}), "`id`: the meaning of `page-view` is built in"),
        (EventType, "My Type", json!({}), "they are stored as `my-type`"),
        (EventType, "x", json!({"tags": [""]}), "`settings.tags`: up to 20 tags"),
        (
            EventType,
            "x",
            json!({"traits": [{"property": "", "name": "a", "kind": "text"}]}),
            "`settings.traits[0].property`: `` is no path",
        ),
        (Validation, "x", json!({"schemas": {}}), "`settings.schemas`: it has 0 schemas"),
        (Validation, "x", json!({"schemas": {"traits": {}}}), "`traits` is not what clients send"),
        (
            Validation,
            "x",
            json!({"schemas": {"properties": {"type": "nothing"}}}),
            "this is no JSON Schema that can be used",
        ),
        (
            Validation,
            "x",
            json!({"schemas": {"properties": {"$ref": "https://example.com/schema.json"}}}),
            "put it under $defs",
        ),
        (
            Validation,
            "x",
            json!({"schemas": {"properties": {"$ref": "file:///etc/passwd"}}}),
            "put it under $defs",
        ),
        (
            Validation,
            "x",
            json!({"schemas": {"properties": {"pattern": "(?=a)"}}}),
            "this is no JSON Schema that can be used",
        ),
        (Reshaping, "x", json!({}), "`settings`: it has no template"),
        (
            Reshaping,
            "x",
            json!({"properties": {"a": ["event@"]}}),
            "`settings.properties.a[0]`: `` is no path",
        ),
        (Reshaping, "x", json!({"properties": deep}), "nested up to 16 levels"),
        (ConsentType, "x", json!({"ends_after_days": 0}), "1 to 36500 days"),
        (Compliance, "x", json!({"fields": []}), "it has 0 fields"),
        (
            Compliance,
            "x",
            json!({"fields": [{"field": "data.a", "consents": ["x"], "action": "remove"}]}),
            "`settings.fields[0].field`: `data.a` is not what clients send",
        ),
        (
            Compliance,
            "x",
            json!({"fields": [{"field": "properties", "consents": [], "action": "remove"}]}),
            "name 1 to 20 consents",
        ),
    ];
    for (kind, id, settings, expected) in table {
        let message = refused(kind, id, &settings);
        assert!(message.contains(expected), "{kind} {settings}: {message}");
    }
}

#[test]
fn a_rule_that_does_not_work_is_left_out_and_the_others_work() {
    let mapping =
        |value: &str| json!({"operations": [{"operation": "equals", "profile": "traits.a", "value": value}]});
    let bad = json!({"operations": [{"operation": "equals", "profile": "ids", "value": 1}]});
    let objects = [
        object(ConfigurationKind::Mapping, "bad", &bad),
        object(ConfigurationKind::Mapping, "good", &mapping("x")),
    ];
    let (rules, problems) = Rules::compile(&objects);
    assert_eq!(problems.len(), 1);
    assert_eq!(
        (problems[0].0.id.as_str(), problems[0].1.path.as_str()),
        ("bad", "settings.operations[0].profile")
    );
    let mut documents = Documents::following(rules);
    documents.take(&record(&json!({"events": [{"type": "x"}]})), 1).unwrap();
    assert_eq!(documents.profiles["p"].traits["a"], "x");
}

#[test]
fn a_rule_that_cannot_do_its_work_leaves_the_event_and_says_so() {
    let mut documents = with(&[
        (
            ConfigurationKind::Reshaping,
            "bomb",
            json!({"properties": {"a": vec!["event@properties.text"; 100]}}),
        ),
        (
            ConfigurationKind::Mapping,
            "sum",
            json!({"operations": [{"operation": "increment", "profile": "traits.sum", "event": "properties.text"}]}),
        ),
        (
            ConfigurationKind::EventType,
            "x",
            json!({"traits": [{"property": "text", "name": "n", "kind": "number"}]}),
        ),
    ]);
    let body = json!({"events": [{"id": "e", "type": "x", "properties": {"text": "y".repeat(1000)}}]});
    let outcome = documents.take(&record(&body), 1).unwrap();
    let named = |trouble: &Trouble| (trouble.rule.id.clone(), trouble.event.clone());
    let troubled: Vec<_> = outcome.troubles.iter().map(named).collect();
    assert_eq!(troubled, ["bomb", "x", "sum"].map(|rule| (rule.to_owned(), "e".to_owned())));
    assert!(outcome.troubles[0].reason.contains("more than 65536 bytes"), "{:?}", outcome.troubles[0]);
    assert_eq!(documents.events["e"].properties["text"], "y".repeat(1000));
    assert_eq!(documents.profiles["p"].stats.counters["events"], 1);
    assert!(documents.profiles["p"].traits.is_empty());
}

#[test]
fn an_event_tells_no_more_than_ten_faults_of_itself_and_none_too_long() {
    let schema = json!({"additionalProperties": {"type": "number"}});
    let mut documents =
        with(&[(ConfigurationKind::Validation, "numbers", json!({"schemas": {"properties": schema}}))]);
    let properties: Value = (0..30).map(|number| (format!("p{number}"), json!("x".repeat(5000)))).collect();
    documents
        .take(&record(&json!({"events": [{"id": "e", "type": "x", "properties": properties}]})), 1)
        .unwrap();
    let metadata = &documents.events["e"].metadata;
    assert!(!metadata.valid);
    assert_eq!(metadata.errors.len(), 10);
    assert!(metadata.errors.iter().all(|error| error.len() < 400));
}

#[test]
fn each_step_is_told_with_before_and_after() {
    let mut documents = with(&[
        (ConfigurationKind::Reshaping, "shape", json!({"properties": {"plan": "event@properties.p"}})),
        (
            ConfigurationKind::Mapping,
            "plan",
            json!({"operations": [{"operation": "equals", "profile": "traits.plan", "event": "properties.plan"}]}),
        ),
    ]);
    let (_, steps) =
        documents.explain(&record(&json!({"events": [{"type": "x", "properties": {"p": "gold"}}]})), 1);
    let named: Vec<_> =
        steps.iter().map(|step| (step.name, step.rule.as_ref().map(|rule| rule.id.as_str()))).collect();
    assert_eq!(
        named,
        [
            ("reading", None),
            ("session", None),
            ("reshaping", Some("shape")),
            ("event type", None),
            ("profile", None),
            ("mapping", Some("plan"))
        ]
    );
    assert_eq!((&steps[0].before, &steps[1].before), (&Value::Null, &Value::Null));
    assert_eq!(
        (&steps[2].before["properties"], &steps[2].after["properties"]),
        (&json!({"p": "gold"}), &json!({"plan": "gold"}))
    );
    assert_eq!(
        (&steps[5].before["traits"], &steps[5].after["traits"]),
        (&json!({}), &json!({"plan": "gold"}))
    );
    assert!(documents.events.is_empty(), "nothing is stored");
}
