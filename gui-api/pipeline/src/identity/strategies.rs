//! What a field of two profiles becomes when they are merged: `data/merging.toml`, read into a table.

use std::sync::LazyLock;

use serde::Deserialize;
use tideline_model::rules::MergeStrategy;

use crate::paths::Path;

/// What the fields of some paths become.
#[derive(Debug)]
pub(crate) struct Line {
    /// Keys, `*` for any.
    steps: Vec<String>,
    pub(crate) strategy: Strategy,
}

/// What a field becomes.
#[derive(Clone, Debug)]
pub(crate) enum Strategy {
    Of(MergeStrategy),
    /// The quotient of two other fields below `data`, once these are merged.
    Ratio(Path, Path),
}

impl Line {
    pub(crate) fn new(path: &str, strategy: Strategy) -> Self {
        Self { steps: path.split('.').map(str::to_owned).collect(), strategy }
    }

    fn fits(&self, path: &[&str]) -> bool {
        self.steps.len() == path.len()
            && self.steps.iter().zip(path).all(|(step, key)| step == "*" || step == key)
    }
}

/// What the field of this path becomes: as people say, else as the file says, else what was changed last.
pub(crate) fn of<'a>(said: &'a [Line], path: &[&str]) -> &'a Strategy {
    const LAST: Strategy = Strategy::Of(MergeStrategy::LastUpdate);
    let line = said.iter().chain(BUILT_IN.iter()).find(|line| line.fits(path));
    line.map_or(&LAST, |line| &line.strategy)
}

// A test reads the whole file.
static BUILT_IN: LazyLock<Vec<Line>> =
    LazyLock::new(|| read(include_str!("../../data/merging.toml")).unwrap_or_default());

fn read(text: &str) -> Result<Vec<Line>, String> {
    let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
    let lines = file.field.iter().flat_map(|written| written.paths.iter().map(move |path| (written, path)));
    lines.map(|(written, path)| Ok(Line::new(path, strategy(written)?))).collect()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    field: Vec<Written>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    paths: Vec<String>,
    strategy: String,
    #[serde(default)]
    of: Vec<String>,
}

fn strategy(written: &Written) -> Result<Strategy, String> {
    if let [dividend, divisor] = written.of.as_slice()
        && written.strategy == "ratio"
    {
        let data = |path: &String| path.strip_prefix("data.").map(Path::new).ok_or("a ratio is of `data`");
        return Ok(Strategy::Ratio(data(dividend)?, data(divisor)?));
    }
    let name = toml::Value::String(written.strategy.clone());
    name.try_into().map(Strategy::Of).map_err(|error: toml::de::Error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_read_to_the_last_line() {
        let lines = read(include_str!("../../data/merging.toml")).unwrap();
        assert_eq!(lines.len(), 12);
        assert!(read("[[field]]\npaths = [\"a\"]\nstrategy = \"guess\"").is_err());
        assert!(read("[[field]]\npaths = [\"a\"]\nstrategy = \"ratio\"").is_err());
    }

    #[test]
    fn what_people_say_counts_first_and_a_star_stands_for_one_key() {
        let said = [Line::new("data.preferences.colors", Strategy::Of(MergeStrategy::FirstUpdate))];
        let of = |path: &[&str]| match of(&said, path) {
            Strategy::Of(strategy) => Some(*strategy),
            Strategy::Ratio(..) => None,
        };
        assert_eq!(of(&["data", "preferences", "colors"]), Some(MergeStrategy::FirstUpdate));
        assert_eq!(of(&["data", "preferences", "sizes"]), Some(MergeStrategy::Union));
        assert_eq!(of(&["data", "preferences", "sizes", "eu"]), Some(MergeStrategy::LastUpdate));
        assert_eq!(of(&["data", "metrics", "ltcop"]), None);
        assert_eq!(of(&["traits", "plan"]), Some(MergeStrategy::LastUpdate));
    }
}
