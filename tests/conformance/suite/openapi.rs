//! `docs/openapi-public.json`: it names every endpoint, method and status, and its examples are taken.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use reqwest::Method;
use serde_json::Value;

use crate::Test;
use crate::edge::Edge;

pub(crate) const TESTS: &[Test] = &[
    (&["1.1", "1.2"], "the_openapi_document_has_every_endpoint_and_method", endpoints),
    (&[], "the_openapi_document_holds_together", whole),
    (&[], "the_examples_of_the_openapi_document_are_taken", examples),
];

static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(&read("docs/openapi-public.json")).unwrap());

/// What a path item has beside its methods.
const NO_METHODS: [&str; 1] = ["parameters"];

fn read(path: &str) -> String {
    std::fs::read_to_string(xtask::run::root().join(path)).unwrap()
}

fn paths() -> impl Iterator<Item = (&'static str, &'static Value)> {
    DOCUMENT["paths"].as_object().unwrap().iter().map(|(path, item)| (path.as_str(), item))
}

/// The methods of a path, in capitals.
fn operations(item: &'static Value) -> BTreeMap<String, &'static Value> {
    let members = item.as_object().unwrap().iter().filter(|(key, _)| !NO_METHODS.contains(&key.as_str()));
    members.map(|(method, operation)| (method.to_uppercase(), operation)).collect()
}

/// Every answer of this suite has a status that the document lists for its path and method.
pub(crate) fn is_documented(method: &Method, target: &str, status: u16) {
    let path = target.split('?').next().unwrap_or_default();
    let path = path.strip_suffix('/').unwrap_or(path);
    let mut found = paths().filter(|(template, _)| fits(template, path));
    // The one without parameters is found first: nothing comes before a letter but a brace comes behind.
    let documented = match (found.next().map(|(_, item)| operations(item)), method) {
        (None, _) => status == 404,
        (Some(_), &Method::OPTIONS) => [200, 405].contains(&status),
        (Some(operations), method) => match operations.get(method.as_str()) {
            Some(operation) => operation["responses"].get(status.to_string()).is_some(),
            None => status == 405,
        },
    };
    assert!(documented, "docs/openapi-public.json has no {status} for {method} {target}");
}

fn fits(template: &str, path: &str) -> bool {
    let (template, path) = (template.split('/'), path.split('/'));
    let fits = |(template, segment): (&str, &str)| match template.split_once('{') {
        Some((start, rest)) => {
            let end = rest.split_once('}').expect("a parameter that ends").1;
            let inner = segment.strip_prefix(start).and_then(|segment| segment.strip_suffix(end));
            inner.is_some_and(|inner| !inner.is_empty())
        }
        None => template == segment,
    };
    template.clone().count() == path.clone().count() && template.zip(path).all(fits)
}

/// The endpoints of `docs/protocol.md` §1 with `*` for what varies, and their methods.
fn of_the_protocol() -> BTreeMap<String, String> {
    let protocol = read("docs/protocol.md");
    let rows = protocol.lines().filter_map(|line| line.strip_prefix("| `/"));
    let mut endpoints = BTreeMap::new();
    for row in rows {
        let mut cells = row.split('|').map(str::trim);
        let (named, methods) = (cells.next().unwrap(), cells.next().unwrap());
        for path in named.split(", ").map(|path| path.trim_matches('`')) {
            let path = format!("/{}", path.trim_start_matches('/'));
            match path.split_once('[') {
                Some((short, optional)) => endpoints.extend([
                    (starred(short), methods.to_owned()),
                    (starred(&format!("{short}{}", optional.trim_end_matches(']'))), methods.to_owned()),
                ]),
                None => drop(endpoints.insert(starred(&path), methods.to_owned())),
            }
        }
    }
    endpoints
}

/// A path with `*` for each parameter, whatever it is called.
fn starred(path: &str) -> String {
    let mut parts = path.split(['{', '<']);
    let first = parts.next().unwrap_or_default().to_owned();
    let behind =
        |part: &str| part.split_once(['}', '>']).map_or(String::new(), |(_, rest)| format!("*{rest}"));
    parts.fold(first, |path, part| path + &behind(part))
}

fn endpoints(edge: &Edge<'_>) {
    let in_order = |methods: Vec<&str>| {
        let known = ["GET", "HEAD", "POST", "PUT", "DELETE"];
        known.into_iter().filter(|method| methods.contains(method)).collect::<Vec<_>>().join(", ")
    };
    let documented: BTreeMap<_, _> = paths()
        .map(|(path, item)| (starred(path), in_order(operations(item).keys().map(String::as_str).collect())))
        .collect();
    assert_eq!(documented, of_the_protocol());
    for (path, methods) in documented {
        let answer = edge.send(Method::PATCH, &path.replace('*', "a"), &[], "");
        assert_eq!((answer.status, answer.header("allow")), (405, Some(methods.as_str())), "{path}");
    }
}

fn whole(_: &Edge<'_>) {
    assert!(DOCUMENT["openapi"].as_str().unwrap().starts_with("3.1."));
    assert!(DOCUMENT["info"]["title"].is_string() && DOCUMENT["info"]["version"].is_string());
    let mut used = BTreeSet::new();
    references(&DOCUMENT, &mut used);
    let mut defined = BTreeSet::new();
    for (kind, components) in DOCUMENT["components"].as_object().unwrap() {
        defined
            .extend(components.as_object().unwrap().keys().map(|name| format!("#/components/{kind}/{name}")));
    }
    assert_eq!(used, defined, "what is referred to, and what there is");
    let mut ids = BTreeSet::new();
    for (path, item) in paths() {
        for (method, operation) in operations(item) {
            let what = format!("{method} {path}");
            assert!(ids.insert(operation["operationId"].as_str().expect(&what)), "{what}");
            assert!(operation["summary"].is_string(), "{what}");
            for (status, response) in operation["responses"].as_object().expect(&what) {
                assert!(status.parse::<u16>().is_ok(), "{what}");
                assert!(resolved(response)["description"].is_string(), "{what}: {status}");
            }
            let parameters = [item, operation].into_iter().flat_map(|at| at["parameters"].as_array());
            let parameters: Vec<_> = parameters.flatten().map(resolved).collect();
            let in_path = parameters.iter().filter(|parameter| parameter["in"] == "path");
            let named: Vec<_> =
                in_path.map(|parameter| format!("{{{}}}", parameter["name"].as_str().unwrap())).collect();
            assert!(named.iter().all(|name| path.contains(name)), "{what}: {named:?}");
            assert_eq!(named.len(), path.matches('{').count(), "{what}: {named:?}");
        }
    }
}

fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get("$ref").and_then(Value::as_str).map(str::to_owned));
            members.values().for_each(|value| references(value, found));
        }
        Value::Array(values) => values.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

/// The value itself, or what it refers to.
fn resolved(value: &'static Value) -> &'static Value {
    match value["$ref"].as_str() {
        Some(reference) => DOCUMENT.pointer(reference.trim_start_matches('#')).expect(reference),
        None => value,
    }
}

fn examples(edge: &Edge<'_>) {
    // The others go on with the session that `/track` makes.
    let (track, others): (Vec<_>, Vec<_>) = paths().partition(|(path, _)| *path == "/track");
    let mut taken = 0;
    for (path, item) in track.into_iter().chain(others) {
        let path = with_examples(path, item);
        for (method, operation) in operations(item) {
            let bodies = operation["requestBody"]["content"].as_object().into_iter().flatten();
            for (media_type, content) in bodies {
                for (name, example) in content["examples"].as_object().into_iter().flatten() {
                    let body = match &example["value"] {
                        Value::String(text) => text.clone(),
                        value => value.to_string(),
                    };
                    let what = format!("{method} {path}: {name}");
                    let method: Method = method.parse().unwrap();
                    let answer = edge.on_the_side(method, &path, &[("content-type", media_type)], body);
                    assert!(answer.status < 300, "{what}: {answer:?}");
                    let documented = resolved(&operation["responses"][answer.status.to_string()]);
                    let expected = &documented["content"]["application/json"]["example"];
                    assert_eq!(keys(&answer.body), keys(expected), "{what}: {answer:?}");
                    taken += 1;
                }
            }
        }
    }
    assert!(taken > 6, "{taken} examples");
}

/// The path with the examples of its parameters in their place.
fn with_examples(path: &str, item: &'static Value) -> String {
    let parameters = item["parameters"].as_array().into_iter().flatten().map(resolved);
    parameters.fold(path.to_owned(), |path, parameter| {
        let name = format!("{{{}}}", parameter["name"].as_str().unwrap());
        path.replace(&name, parameter["example"].as_str().unwrap_or("none"))
    })
}

fn keys(body: &Value) -> Vec<&String> {
    body.as_object().map(|members| members.keys().collect()).unwrap_or_default()
}
