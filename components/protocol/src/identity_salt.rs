//! The salt of an installation, by which people can be told by what they are known by, and nobody else can.

use std::fmt;
use std::hash::Hasher as _;

use siphasher::sip128::{Hasher128 as _, SipHasher24};
use uuid::Builder;

/// 16 secret bytes, for ever the same: whoever computes a hash with another salt knows nobody.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct IdentitySalt([u8; 16]);

/// The text of a salt is not one. It is not shown, as it may be a secret all the same.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("it is not 32 hexadecimal digits: make one with `openssl rand -hex 16`, once and for ever")]
pub struct IdentitySaltError;

impl IdentitySalt {
    /// Reads 32 hexadecimal digits.
    ///
    /// # Errors
    /// Anything else.
    pub fn parse(text: &str) -> Result<Self, IdentitySaltError> {
        let is_hex = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let digits = is_hex.then(|| u128::from_str_radix(text, 16).ok()).flatten();
        digits.map(|digits| Self(digits.to_be_bytes())).ok_or(IdentitySaltError)
    }

    /// The same UUID for the same text of the same kind, which nobody can compute without the salt: SipHash-2-4 of
    /// `kind`, a zero byte, and `text`.
    #[must_use]
    pub fn id(self, kind: &str, text: &str) -> String {
        let mut hasher = SipHasher24::new_with_key(&self.0);
        hasher.write(kind.as_bytes());
        hasher.write_u8(0);
        hasher.write(text.as_bytes());
        Builder::from_custom_bytes(hasher.finish128().as_bytes()).into_uuid().to_string()
    }
}

impl fmt::Debug for IdentitySalt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdentitySalt")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_text_of_the_same_kind_is_the_same_id_under_one_salt() {
        let (one, other) =
            (IdentitySalt::parse(&"07".repeat(16)).unwrap(), IdentitySalt::parse(&"0A".repeat(16)).unwrap());
        assert_eq!(one.id("profile", "a@b.example"), one.id("profile", "a@b.example"));
        assert_ne!(one.id("profile", "a"), one.id("session", "a"));
        assert_ne!(one.id("profile", "a"), other.id("profile", "a"));
        assert_eq!(format!("{one:?}"), "IdentitySalt");
    }

    #[test]
    fn what_is_no_salt_is_refused() {
        for text in ["", "0", &"0".repeat(31), &"0".repeat(33), &"+".repeat(32), &"g".repeat(32)] {
            assert_eq!(IdentitySalt::parse(text), Err(IdentitySaltError), "{text}");
        }
    }
}
