//! The file that says which event sources and redirects there are: read, and checked as a whole before anything is
//! changed.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, bail};
use serde::Deserialize;
use tideline_model::{EventSource, Redirect};

use crate::{event_sources, redirects};

/// More than a list of sources has.
const MOST_FILE_BYTES: u64 = 1024 * 1024;
const MOST_ID_BYTES: usize = 128;

/// What the file says.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProvisionFile {
    pub(crate) sources: Vec<EventSource>,
    #[serde(default)]
    pub(crate) redirects: Vec<Redirect>,
}

impl ProvisionFile {
    /// Reads the file.
    ///
    /// # Errors
    /// What makes the file unusable, and what to do.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let name = path.display();
        let length =
            fs::metadata(path).with_context(|| format!("cannot read the sources file {name}"))?.len();
        if length > MOST_FILE_BYTES {
            bail!(
                "the sources file {name} has {length} bytes, and {MOST_FILE_BYTES} are the most: name the right file"
            );
        }
        let text =
            fs::read_to_string(path).with_context(|| format!("cannot read the sources file {name}"))?;
        Self::parse(&text).with_context(|| format!("the sources file {name} is not usable"))
    }

    pub(crate) fn parse(text: &str) -> anyhow::Result<Self> {
        let file: Self = serde_json::from_str(text)?;
        check_ids("source", file.sources.iter().map(|source| source.id.as_str()))?;
        check_ids("redirect", file.redirects.iter().map(|redirect| redirect.id.as_str()))?;
        for source in &file.sources {
            let id = &source.id;
            event_sources::check(source).with_context(|| format!("the source `{id}` is not usable"))?;
        }
        for redirect in &file.redirects {
            let id = &redirect.id;
            redirects::check(redirect, &file.sources)
                .with_context(|| format!("the redirect `{id}` is not usable"))?;
        }
        Ok(file)
    }
}

fn check_ids<'a>(what: &str, ids: impl Iterator<Item = &'a str>) -> anyhow::Result<()> {
    let mut seen = HashSet::new();
    for id in ids {
        if id.is_empty() || id.len() > MOST_ID_BYTES || id.trim() != id || id.starts_with('@') {
            bail!(
                "`{id}` is not usable as the id of a {what}: use 1 to {MOST_ID_BYTES} bytes, no space at either end, no @ in front"
            );
        }
        if !seen.insert(id.to_lowercase()) {
            bail!("the {what} id `{id}` is there twice, and case does not matter: remove one of them");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_before_gives_its_sources_with_defaults_and_no_redirects() {
        let file = ProvisionFile::parse(
            r#"{"sources":[{"id":"a","name":"A"},{"id":"b","name":"B","type":["rest","webhook"],"enabled":false}]}"#,
        )
        .unwrap();
        assert_eq!(file.sources[0], EventSource::new("a", "A"));
        assert!(!file.sources[1].enabled && file.sources[1].r#type.len() == 2);
        assert_eq!(file.redirects, []);
    }

    #[test]
    fn a_bad_file_is_refused_with_what_to_do() {
        let long = "x".repeat(MOST_ID_BYTES + 1);
        let table = [
            ("[]".to_owned(), "expected"),
            (r#"{"redirects":[]}"#.to_owned(), "missing field `sources`"),
            (r#"{"sources":[],"more":1}"#.to_owned(), "unknown field `more`"),
            (r#"{"sources":[{"id":"a","name":"A","colour":"red"}]}"#.to_owned(), "unknown field `colour`"),
            (
                r#"{"sources":[{"id":"a","name":"A","config":{"static":true}}]}"#.to_owned(),
                "unknown field `static`",
            ),
            (r#"{"sources":[{"id":"a","name":"A","type":["mail"]}]}"#.to_owned(), "`rest`"),
            (r#"{"sources":[{"id":"a","name":"A","bots":"maybe"}]}"#.to_owned(), "`refuse` or `accept`"),
            (r#"{"sources":[{"id":"a","name":"A","opt_out":true}]}"#.to_owned(), "expected"),
            (r#"{"sources":[{"id":"a","name":"A","channel":" "}]}"#.to_owned(), "what the source is for"),
            (r#"{"sources":[{"id":"a","name":"A"},{"id":"A","name":"B"}]}"#.to_owned(), "remove one"),
            (r#"{"sources":[{"id":"@internal","name":"A"}]}"#.to_owned(), "no @"),
            (r#"{"sources":[{"id":" a","name":"A"}]}"#.to_owned(), "no space"),
            (format!(r#"{{"sources":[{{"id":"{long}","name":"A"}}]}}"#), "bytes"),
        ];
        for (text, expected) in table {
            let message = format!("{:#}", ProvisionFile::parse(&text).unwrap_err());
            assert!(message.contains(expected), "{text}: {message}");
        }
    }
}
