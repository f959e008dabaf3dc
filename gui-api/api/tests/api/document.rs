//! The document of the API is golden: a change of it is seen in review, not by surprise in production.

use std::collections::HashSet;
use std::{env, fs};

use serde_json::Value;

use crate::service::TestService;

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
/// Set it to make the file anew.
const REGENERATE: &str = "TIDELINE_WRITE_GOLDEN";

#[test]
fn the_document_in_the_repository_is_that_of_the_code() {
    let made = tideline_api::openapi().to_pretty_json().unwrap() + "\n";
    if env::var_os(REGENERATE).is_some() {
        fs::write(GOLDEN, &made).unwrap();
    }
    assert!(
        made == fs::read_to_string(GOLDEN).unwrap(),
        "the API has changed: see how with `{REGENERATE}=1 cargo test -p tideline-api document` and git diff"
    );
}

#[test]
fn every_operation_has_a_name_of_its_own() {
    let document = serde_json::to_value(tideline_api::openapi()).unwrap();
    let mut names = HashSet::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for operation in operations.as_object().unwrap().values() {
            let name = operation["operationId"].as_str().unwrap().to_owned();
            assert!(names.insert(name.clone()), "{name} is used twice, the second time at {path}");
        }
    }
}

#[tokio::test]
async fn the_service_serves_its_document() {
    let service = TestService::start().await;
    let answer = service.get("/openapi.json").await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"));
    assert_eq!(answer.json(), serde_json::from_str::<Value>(&fs::read_to_string(GOLDEN).unwrap()).unwrap());
}
