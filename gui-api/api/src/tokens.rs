//! API tokens: who may use the API.
//!
//! Only the SHA-256 of a token is configured, so neither the configuration nor a memory dump tells a
//! token. Several may be valid at once, which is the way to replace one. Where the text comes from,
//! environment or file, is the binary's affair.

use std::fmt;

use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

/// How to make an entry; part of the messages about bad ones.
const HOW_TO_HASH: &str = "make one with: printf %s \"$TOKEN\" | sha256sum";

/// A longer token is none of ours, and hashing it would be work for whoever sends it.
const MOST_TOKEN_BYTES: usize = 1024;

/// The tokens that open the API.
#[derive(Clone)]
pub struct Tokens(Vec<[u8; 32]>);

/// Why a list of tokens cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum TokensError {
    /// Nobody could use the API.
    #[error("no API token is configured, so every request would be refused; {HOW_TO_HASH}")]
    Empty,
    /// Not a SHA-256. The entry itself is not shown: it may be a token put there by mistake.
    #[error("entry {0} of the API tokens is not 64 hex digits; {HOW_TO_HASH}")]
    NotADigest(usize),
    /// Anybody could send this token.
    #[error(
        "entry {0} of the API tokens is the SHA-256 of the empty text: the token was not set when it was made"
    )]
    EmptyToken(usize),
}

impl Tokens {
    /// Reads SHA-256 digests in hex, separated by commas or white space.
    ///
    /// # Errors
    /// No entry at all, an entry that is no digest, or the digest of the empty text.
    pub fn parse(digests: &str) -> Result<Self, TokensError> {
        let entries =
            digests.split(|c: char| c == ',' || c.is_whitespace()).filter(|entry| !entry.is_empty());
        let digests = entries
            .zip(1..)
            .map(|(entry, number)| match from_hex(entry) {
                None => Err(TokensError::NotADigest(number)),
                Some(digest) if digest == sha256(b"") => Err(TokensError::EmptyToken(number)),
                Some(digest) => Ok(digest),
            })
            .collect::<Result<Vec<_>, _>>()?;
        if digests.is_empty() {
            return Err(TokensError::Empty);
        }
        Ok(Self(digests))
    }

    /// How many there are, at least one.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Whether this is one of the tokens. Takes the same time whichever it is, and if none.
    pub(crate) fn admit(&self, token: &[u8]) -> bool {
        if token.len() > MOST_TOKEN_BYTES {
            return false;
        }
        let presented = sha256(token);
        self.0.iter().fold(Choice::from(0), |found, digest| found | digest.ct_eq(&presented)).into()
    }
}

/// What a token is called where it is said who did something: the beginning of its SHA-256, which tells it from others
/// and does not tell the token.
pub(crate) fn name(token: &[u8]) -> String {
    sha256(token).iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tokens({})", self.0.len())
    }
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
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

    #[test]
    fn a_token_is_admitted_by_its_digest_alone() {
        let tokens = Tokens::parse(&format!("{},\n {} ", "AB".repeat(32), SECRET)).unwrap();
        assert!(tokens.admit(b"secret"));
        for other in ["", "Secret", "secret ", SECRET, &"x".repeat(5000)] {
            assert!(!tokens.admit(other.as_bytes()), "{other}");
        }
    }

    #[test]
    fn a_bad_list_is_refused_and_never_shown() {
        let table = [
            ("", TokensError::Empty),
            (" , \n", TokensError::Empty),
            ("my-plain-token", TokensError::NotADigest(1)),
            (&SECRET[1..], TokensError::NotADigest(1)),
            (EMPTY, TokensError::EmptyToken(1)),
        ];
        for (list, expected) in table {
            let error = Tokens::parse(list).unwrap_err();
            assert_eq!(error, expected, "{list}");
            assert!(!error.to_string().contains("my-plain-token"));
        }
        let error = Tokens::parse(&format!("{SECRET},nonsense")).unwrap_err();
        assert_eq!(error, TokensError::NotADigest(2));
    }

    #[test]
    fn debug_shows_how_many_and_no_digest() {
        assert_eq!(format!("{:?}", Tokens::parse(SECRET).unwrap()), "Tokens(1)");
    }
}
