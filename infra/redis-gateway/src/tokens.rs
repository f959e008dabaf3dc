//! The tokens file: who may send commands, and what.
//!
//! The file holds the SHA-256 of each token, so it tells nobody a token; a presented token is
//! hashed and compared with every entry in constant time. Two live entries of one principal are the
//! way to rotate. The file is read at start: a change takes effect with the next start.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::{fmt, fs, io};

use serde::Deserialize;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::policy::Policy;

/// A file larger than this is not a tokens file.
const MAX_FILE_BYTES: u64 = 1024 * 1024;

/// How to make an entry; part of the messages about a bad file.
const HOW_TO_HASH: &str = "make it with: printf %s \"$TOKEN\" | sha256sum";

/// Why a tokens file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TokensError {
    /// The file is not there or may not be read.
    #[error("cannot read the tokens file {path}: {source}; set GATEWAY_TOKENS_FILE to a readable JSON file")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file is larger than a tokens file can be.
    #[error("the tokens file {path} has more than {MAX_FILE_BYTES} bytes: name the right file")]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// The text is not the JSON of a tokens file.
    #[error(
        "the tokens are not valid: {0}; expected {{\"tokens\":[{{\"name\":\"edge\",\"sha256\":\"<64 hex digits>\",\"policy\":\"ingest\"}}]}} with the policy ingest or full"
    )]
    Syntax(#[from] serde_json::Error),
    /// Nobody could use the gateway.
    #[error("the list of tokens is empty, so every request would be refused: add at least one token")]
    Empty,
    /// The hash of an entry is none.
    #[error("the sha256 of token {name:?} is not 64 hex digits; {HOW_TO_HASH}")]
    BadHash {
        /// The entry's name.
        name: String,
    },
    /// Anybody could send this token.
    #[error("the sha256 of token {name:?} is that of the empty text: the token was not set when it was made")]
    EmptyToken {
        /// The entry's name.
        name: String,
    },
    /// Two entries with one name or one hash.
    #[error("the token {name:?} has the name or the sha256 of an entry before it: remove one of them")]
    Duplicate {
        /// The entry's name.
        name: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    tokens: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    sha256: String,
    policy: Policy,
}

/// One principal: what is known about the sender of a request.
#[derive(Debug, Clone)]
pub(crate) struct Principal {
    pub(crate) name: String,
    pub(crate) policy: Policy,
}

/// The tokens that open the gateway.
pub struct Tokens {
    entries: Vec<([u8; 32], Principal)>,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.entries.iter().map(|(_, principal)| principal)).finish()
    }
}

impl Tokens {
    /// Reads a tokens file.
    pub fn from_file(path: &Path) -> Result<Self, TokensError> {
        let unreadable = |source| TokensError::Unreadable { path: path.to_owned(), source };
        if fs::metadata(path).map_err(unreadable)?.len() > MAX_FILE_BYTES {
            return Err(TokensError::TooLarge { path: path.to_owned() });
        }
        Tokens::from_json(&fs::read(path).map_err(unreadable)?)
    }

    /// Reads the text of a tokens file.
    pub fn from_json(json: &[u8]) -> Result<Self, TokensError> {
        let file: File = serde_json::from_slice(json)?;
        if file.tokens.is_empty() {
            return Err(TokensError::Empty);
        }
        let (mut names, mut hashes) = (HashSet::new(), HashSet::new());
        let entries = file.tokens.into_iter().map(|Entry { name, sha256, policy }| {
            let Some(hash) = from_hex(&sha256) else { return Err(TokensError::BadHash { name }) };
            if hash == sha256_of("") {
                return Err(TokensError::EmptyToken { name });
            }
            if !(names.insert(name.clone()) && hashes.insert(hash)) {
                return Err(TokensError::Duplicate { name });
            }
            Ok((hash, Principal { name, policy }))
        });
        Ok(Tokens { entries: entries.collect::<Result<_, _>>()? })
    }

    /// Whose token this is. Takes the same time whether and wherever it is found.
    pub(crate) fn principal(&self, token: &str) -> Option<&Principal> {
        let presented = sha256_of(token);
        let mut found = None;
        for (hash, principal) in &self.entries {
            if bool::from(hash.ct_eq(&presented)) {
                found = Some(principal);
            }
        }
        found
    }
}

fn sha256_of(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

fn from_hex(text: &str) -> Option<[u8; 32]> {
    let digits = text.chars().map(|digit| digit.to_digit(16)).collect::<Option<Vec<_>>>()?;
    let bytes = digits.chunks(2).map(|pair| match pair {
        [high, low] => u8::try_from(high * 16 + low).ok(),
        _ => None,
    });
    bytes.collect::<Option<Vec<u8>>>()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    // SHA-256 of "secret" and of the empty text.
    const SECRET: &str = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b";
    const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn load(entries: &[(&str, &str, &str)]) -> Result<Tokens, String> {
        let entries = entries.iter().map(
            |(name, sha256, policy)| serde_json::json!({"name": name, "sha256": sha256, "policy": policy}),
        );
        let json = serde_json::json!({"tokens": entries.collect::<Vec<_>>()});
        Tokens::from_json(json.to_string().as_bytes()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_token_is_found_by_its_hash_alone() {
        let tokens = load(&[("edge", SECRET, "ingest"), ("admin", &"AB".repeat(32), "full")]).unwrap();
        let principal = tokens.principal("secret").unwrap();
        assert_eq!((principal.name.as_str(), principal.policy), ("edge", Policy::Ingest));
        for other in ["", "Secret", "secret ", SECRET] {
            assert!(tokens.principal(other).is_none(), "{other}");
        }
    }

    #[test]
    fn debug_shows_no_hash() {
        let tokens = load(&[("edge", SECRET, "ingest")]).unwrap();
        assert_eq!(format!("{tokens:?}"), r#"[Principal { name: "edge", policy: Ingest }]"#);
    }

    #[test]
    fn a_bad_file_is_refused_with_what_to_do() {
        let table = [
            (load(&[]), "add at least one token"),
            (load(&[("edge", "abc", "ingest")]), "sha256sum"),
            (load(&[("edge", &"zz".repeat(32), "ingest")]), "sha256sum"),
            (load(&[("edge", EMPTY, "ingest")]), "the token was not set"),
            (load(&[("edge", SECRET, "ingest"), ("edge", &"ab".repeat(32), "full")]), "remove one"),
            (load(&[("edge", SECRET, "ingest"), ("two", SECRET, "full")]), "remove one"),
            (load(&[("edge", SECRET, "reader")]), "policy ingest or full"),
        ];
        for (result, expected) in table {
            let error = result.unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
        let unknown_key =
            format!(r#"{{"tokens":[{{"name":"a","sha256":"{SECRET}","policy":"full","extra":1}}]}}"#);
        for json in [unknown_key.as_str(), r#"{"tokens":[],"x":1}"#, "[]", ""] {
            assert!(matches!(Tokens::from_json(json.as_bytes()), Err(TokensError::Syntax(_))), "{json}");
        }
        let missing = Tokens::from_file(Path::new("/nonexistent/tokens.json")).unwrap_err();
        assert!(missing.to_string().contains("GATEWAY_TOKENS_FILE"), "{missing}");
    }
}
