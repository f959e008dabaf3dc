//! Secrets: from an environment variable or a file, never from the command line, where every user of
//! the machine can read them.

use std::path::Path;
use std::{env, fmt, fs};

use anyhow::{Context as _, bail};

/// More than any secret has; a larger file is the wrong file.
const MOST_BYTES: u64 = 64 * 1024;

/// A secret, which only those who say so see.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(String);

impl Secret {
    /// The secret itself.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// The secret `variable`, from the environment or from the file that `<variable>_FILE` names.
pub(crate) fn read(variable: &str, file: Option<&Path>) -> anyhow::Result<Secret> {
    choose(variable, env::var(variable).ok(), file)
}

/// The same of one that need not be set.
pub(crate) fn read_optional(variable: &str, file: Option<&Path>) -> anyhow::Result<Option<Secret>> {
    let is_set = env::var(variable).is_ok_and(|value| !value.trim().is_empty());
    if is_set || file.is_some() { read(variable, file).map(Some) } else { Ok(None) }
}

fn choose(variable: &str, value: Option<String>, file: Option<&Path>) -> anyhow::Result<Secret> {
    let text = match (value.filter(|value| !value.trim().is_empty()), file) {
        (Some(_), Some(_)) => bail!("both {variable} and {variable}_FILE are set: unset one of them"),
        (Some(value), None) => value,
        (None, Some(file)) => from_file(file).with_context(|| format!("{variable}_FILE is not usable"))?,
        (None, None) => {
            bail!("{variable} is not set: set it, or name a file that holds it in {variable}_FILE")
        }
    };
    Ok(Secret(text.trim().to_owned()))
}

fn from_file(file: &Path) -> anyhow::Result<String> {
    let path = file.display();
    let length = fs::metadata(file).with_context(|| format!("cannot read {path}"))?.len();
    if length > MOST_BYTES {
        bail!("{path} has {length} bytes, which is no secret's size: name the right file");
    }
    let text = fs::read_to_string(file).with_context(|| format!("cannot read {path}"))?;
    if text.trim().is_empty() {
        bail!("{path} is empty: write the secret into it");
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_comes_from_one_place_and_is_never_shown() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret");
        fs::write(&file, "hidden\n").unwrap();
        let empty = folder.path().join("empty");
        fs::write(&empty, " \n").unwrap();
        let value = || Some("hidden".to_owned());

        for secret in [
            choose("X", value(), None),
            choose("X", None, Some(&file)),
            choose("X", Some(String::new()), Some(&file)),
        ] {
            let secret = secret.unwrap();
            assert_eq!(secret.reveal(), "hidden");
            assert_eq!(format!("{secret:?}"), "Secret");
        }
        let refused = [
            (choose("X", value(), Some(&file)), "unset one"),
            (choose("X", None, None), "X is not set"),
            (choose("X", None, Some(&empty)), "is empty"),
            (choose("X", None, Some(&folder.path().join("none"))), "cannot read"),
        ];
        for (outcome, expected) in refused {
            let message = format!("{:#}", outcome.unwrap_err());
            assert!(message.contains(expected) && !message.contains("hidden"), "{message}");
        }
    }
}
