//! The tokens file: who may send commands, and what.
//!
//! The file holds the SHA-256 of each token, so it tells nobody a token; a presented token is
//! hashed and compared with every entry in constant time. A principal has one or two live tokens, so
//! that one can be replaced while the other serves. The file is read again when it changes: what is no
//! good changes nothing and is logged.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use std::{fmt, io};

use serde::Deserialize;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tideline_http_front::{WatchedFiles, read_small_file};
use tokio::sync::{Semaphore, watch};

use crate::metrics::Reloads;
use crate::policy::Policy;

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
    /// The text is not the JSON of a tokens file.
    #[error(
        "the tokens are not valid: {0}; expected {{\"tokens\":[{{\"name\":\"edge\",\"sha256\":\"<64 hex digits>\",\"policy\":\"ingest\"}}]}} with the policy ingest, readonly, full or {{\"commands\":[..]}}"
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
    /// No hash, or more than two.
    #[error(
        "token {name:?} has {count} sha256: give one, or two while the first is being replaced: [\"<old>\",\"<new>\"]"
    )]
    HashCount {
        /// The entry's name.
        name: String,
        /// How many there are.
        count: usize,
    },
    /// A list of commands that means nothing.
    #[error("the policy of token {name:?} cannot be used: {fault}")]
    BadPolicy {
        /// The entry's name.
        name: String,
        /// What is wrong with it.
        fault: String,
    },
    /// Nothing could be sent.
    #[error("max_in_flight of token {name:?} is 0, which would refuse every request: give at least 1")]
    NoRoom {
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
    sha256: Hashes,
    policy: Policy,
    max_in_flight: Option<usize>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "sha256 is 64 hex digits, or a list of one or two of them")]
enum Hashes {
    One(String),
    Several(Vec<String>),
}

/// One principal: what is known about the sender of a request.
#[derive(Debug)]
pub(crate) struct Principal {
    pub(crate) name: String,
    pub(crate) policy: Policy,
    /// Room for its requests in flight, where it has less than all.
    pub(crate) room: Option<Room>,
}

/// Room for the requests of one principal.
#[derive(Debug, Clone)]
pub(crate) struct Room {
    size: usize,
    pub(crate) places: Arc<Semaphore>,
}

/// The tokens that open the gateway.
pub struct Tokens {
    entries: Vec<([u8; 32], Arc<Principal>)>,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.entries.iter().map(|(_, principal)| &principal.name)).finish()
    }
}

impl Tokens {
    /// Reads a tokens file.
    pub fn from_file(path: &Path) -> Result<Self, TokensError> {
        let unreadable = |source| TokensError::Unreadable { path: path.to_owned(), source };
        Tokens::from_json(&read_small_file(path).map_err(unreadable)?)
    }

    /// Reads the text of a tokens file.
    pub fn from_json(json: &[u8]) -> Result<Self, TokensError> {
        let file: File = serde_json::from_slice(json)?;
        if file.tokens.is_empty() {
            return Err(TokensError::Empty);
        }
        let (mut names, mut known, mut entries) = (HashSet::new(), HashSet::new(), Vec::new());
        for Entry { name, sha256, policy, max_in_flight } in file.tokens {
            let hashes = hashes(&name, sha256)?;
            if !(names.insert(name.clone()) && hashes.iter().all(|hash| known.insert(*hash))) {
                return Err(TokensError::Duplicate { name });
            }
            if let Some(fault) = policy.fault() {
                return Err(TokensError::BadPolicy { name, fault });
            }
            if max_in_flight == Some(0) {
                return Err(TokensError::NoRoom { name });
            }
            let room = max_in_flight.map(Room::new);
            let principal = Arc::new(Principal { name, policy: policy.normal(), room });
            entries.extend(hashes.into_iter().map(|hash| (hash, Arc::clone(&principal))));
        }
        Ok(Tokens { entries })
    }

    /// Whose token this is. Takes the same time whether and wherever it is found.
    pub(crate) fn principal(&self, token: &str) -> Option<&Arc<Principal>> {
        let presented = sha256_of(token);
        let mut found = None;
        for (hash, principal) in &self.entries {
            if bool::from(hash.ct_eq(&presented)) {
                found = Some(principal);
            }
        }
        found
    }

    /// These tokens, with the requests that are in flight already counted for principals that stay.
    fn following(mut self, before: &Tokens) -> Self {
        for (_, principal) in &mut self.entries {
            let same =
                before.entries.iter().map(|(_, known)| known).find(|known| known.name == principal.name);
            let (Some(same), Some(room)) = (same, &principal.room) else { continue };
            let Some(taken) = same.room.clone().filter(|taken| taken.size == room.size) else { continue };
            let Principal { name, policy, .. } = principal.as_ref();
            *principal =
                Arc::new(Principal { name: name.clone(), policy: policy.clone(), room: Some(taken) });
        }
        self
    }
}

impl Room {
    pub(crate) fn new(size: usize) -> Self {
        Room { size, places: Arc::new(Semaphore::new(size.min(Semaphore::MAX_PERMITS))) }
    }
}

fn hashes(name: &str, written: Hashes) -> Result<Vec<[u8; 32]>, TokensError> {
    let texts = match written {
        Hashes::One(text) => vec![text],
        Hashes::Several(texts) => texts,
    };
    if !(1..=2).contains(&texts.len()) {
        return Err(TokensError::HashCount { name: name.to_owned(), count: texts.len() });
    }
    let hash = |text: &String| match from_hex(text) {
        None => Err(TokensError::BadHash { name: name.to_owned() }),
        Some(hash) if hash == sha256_of("") => Err(TokensError::EmptyToken { name: name.to_owned() }),
        Some(hash) => Ok(hash),
    };
    texts.iter().map(hash).collect()
}

/// A tokens file, and the tokens in it.
#[derive(Debug)]
pub struct TokensFile {
    path: PathBuf,
    watched: WatchedFiles,
    tokens: Tokens,
}

impl TokensFile {
    /// Reads a tokens file for the first time.
    pub fn open(path: PathBuf) -> Result<Self, TokensError> {
        let watched = WatchedFiles::new(vec![path.clone()]);
        let tokens = Tokens::from_file(&path)?;
        Ok(TokensFile { path, watched, tokens })
    }

    /// The tokens as they are at any time, while the future is polled that keeps them so.
    pub(crate) fn follow(
        self,
        every: Duration,
        reloads: Reloads,
    ) -> (LiveTokens, impl Future<Output = ()> + Send) {
        let TokensFile { path, watched, tokens } = self;
        let (sender, current) = watch::channel(Arc::new(tokens));
        let reload = move || match Tokens::from_file(&path) {
            Ok(tokens) => {
                let following = tokens.following(&sender.borrow());
                sender.send_replace(Arc::new(following));
                reloads.taken.inc();
                tracing::info!("the tokens were replaced");
            }
            Err(error) => {
                reloads.refused.inc();
                tracing::warn!(%error, "the new tokens cannot be used: the old ones stay");
            }
        };
        (LiveTokens { current }, watched.watch(every, reload))
    }
}

/// The tokens that open the gateway now.
#[derive(Debug)]
pub(crate) struct LiveTokens {
    current: watch::Receiver<Arc<Tokens>>,
}

impl LiveTokens {
    /// Whose token this is.
    pub(crate) fn principal(&self, token: &str) -> Option<Arc<Principal>> {
        let tokens = Arc::clone(&self.current.borrow());
        tokens.principal(token).cloned()
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
        read(&serde_json::json!({"tokens": entries.collect::<Vec<_>>()}))
    }

    fn read(json: &serde_json::Value) -> Result<Tokens, String> {
        Tokens::from_json(json.to_string().as_bytes()).map_err(|error| error.to_string())
    }

    fn one(mut entry: serde_json::Value) -> Result<Tokens, String> {
        entry["name"] = "edge".into();
        read(&serde_json::json!({ "tokens": [entry] }))
    }

    #[test]
    fn a_token_is_found_by_its_hash_alone() {
        let tokens = load(&[("edge", SECRET, "ingest"), ("admin", &"AB".repeat(32), "full")]).unwrap();
        let principal = tokens.principal("secret").unwrap();
        assert_eq!((principal.name.as_str(), &principal.policy), ("edge", &Policy::Ingest));
        for other in ["", "Secret", "secret ", SECRET] {
            assert!(tokens.principal(other).is_none(), "{other}");
        }
    }

    #[test]
    fn a_principal_may_have_two_tokens() {
        let other = sha256_of("other").iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let tokens = one(serde_json::json!({"sha256": [SECRET, other], "policy": "ingest"})).unwrap();
        let principals = ["secret", "other"].map(|token| tokens.principal(token).unwrap());
        assert!(Arc::ptr_eq(principals[0], principals[1]));
    }

    #[test]
    fn debug_shows_no_hash() {
        assert_eq!(format!("{:?}", load(&[("edge", SECRET, "ingest")]).unwrap()), r#"["edge"]"#);
    }

    #[test]
    fn requests_in_flight_count_on_when_tokens_are_replaced() {
        let tokens = |room: usize, sha256: &str| {
            one(serde_json::json!({"sha256": sha256, "policy": "full", "max_in_flight": room})).unwrap()
        };
        let free = |tokens: &Tokens| tokens.entries[0].1.room.as_ref().unwrap().places.available_permits();
        let before = tokens(2, SECRET);
        let _in_flight = before.entries[0].1.room.as_ref().unwrap().places.try_acquire().unwrap();
        assert_eq!(
            free(&tokens(2, &"ab".repeat(32)).following(&before)),
            1,
            "a new token of the same principal"
        );
        assert_eq!(free(&tokens(3, SECRET).following(&before)), 3, "another limit begins anew");
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
            (load(&[("edge", SECRET, "reader")]), "policy ingest, readonly, full or"),
            (one(serde_json::json!({"sha256": [], "policy": "full"})), "has 0 sha256"),
            (one(serde_json::json!({"sha256": [SECRET, SECRET, SECRET], "policy": "full"})), "has 3 sha256"),
            (one(serde_json::json!({"sha256": [SECRET, SECRET], "policy": "full"})), "remove one"),
            (one(serde_json::json!({"sha256": SECRET, "policy": "full", "max_in_flight": 0})), "at least 1"),
            (
                one(serde_json::json!({"sha256": SECRET, "policy": {"commands": []}})),
                "list of commands is empty",
            ),
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
