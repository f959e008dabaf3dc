//! The document of the API is golden: a change of it is seen in review, not by surprise in production.

use std::{env, fs};

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
/// Set it to make the file anew.
const REGENERATE: &str = "TIDELINE_WRITE_GOLDEN";

#[test]
fn the_document_in_the_repository_is_that_of_the_code() {
    let made = tideline_api::openapi().to_pretty_json().unwrap() + "\n";
    if env::var_os(REGENERATE).is_some() {
        fs::write(GOLDEN, &made).unwrap();
    }
    let kept = fs::read_to_string(GOLDEN).unwrap();
    assert!(
        made == kept,
        "the API has changed: see what it means with `{REGENERATE}=1 cargo test -p tideline-api --test openapi` and git diff"
    );
}
