//! Profile ids that the edge can check without asking anybody (`docs/adr/0001-profile-ids.md`).

use std::fmt;
use std::hash::Hasher as _;

use siphasher::sip::SipHasher24;
use uuid::{Uuid, Variant, Version};

const KEY_BYTES: usize = 16;

/// The keys with which profile ids are signed: the first signs, all of them verify.
///
/// An id is a UUIDv8: 48 bits of milliseconds, 42 random bits, 32 bits of SipHash-2-4 over the other
/// twelve bytes. An id that was made up fails the check but for one in four thousand million, and
/// what the lucky guess wins is a profile nobody has.
#[derive(Clone)]
pub struct ProfileIdKeys(Vec<[u8; KEY_BYTES]>);

/// Keys that cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ProfileIdKeysError {
    /// No key, or more than two.
    #[error("{0} keys: give one, or two while they are rotated, separated by a comma")]
    Count(usize),
    /// Not 32 hexadecimal digits. The key itself is not shown.
    #[error("key {0} is not 32 hexadecimal digits (16 bytes): make one with `openssl rand -hex 16`")]
    NotHex(usize),
}

impl ProfileIdKeys {
    /// Reads one key, or two separated by a comma; each 32 hexadecimal digits.
    ///
    /// # Errors
    /// No key, more than two, or one of another shape. The message never contains a key.
    pub fn parse(text: &str) -> Result<Self, ProfileIdKeysError> {
        let keys = text
            .split(',')
            .map(str::trim)
            .filter(|key| !key.is_empty())
            .enumerate()
            .map(|(index, key)| parse_key(key).ok_or(ProfileIdKeysError::NotHex(index + 1)))
            .collect::<Result<Vec<_>, _>>()?;
        if (1..=2).contains(&keys.len()) {
            Ok(Self(keys))
        } else {
            Err(ProfileIdKeysError::Count(keys.len()))
        }
    }

    /// Makes a new id. `now` is in milliseconds since 1970; `random` must come from a secure source.
    #[must_use]
    pub fn mint(&self, now: u64, random: [u8; 6]) -> String {
        let [_, _, t0, t1, t2, t3, t4, t5] = now.to_be_bytes();
        let [r0, r1, r2, r3, r4, r5] = random;
        let unsigned = [t0, t1, t2, t3, t4, t5, 0x80 | (r0 & 0x0f), r1, 0x80 | (r2 & 0x3f), r3, r4, r5];
        let signature = self.0.first().map(|key| sign(key, unsigned)).unwrap_or_default();
        let [u0, u1, u2, u3, u4, u5, u6, u7, u8_, u9, u10, u11] = unsigned;
        let [s0, s1, s2, s3] = signature;
        Uuid::from_bytes([u0, u1, u2, u3, u4, u5, u6, u7, u8_, u9, u10, u11, s0, s1, s2, s3]).to_string()
    }

    /// Whether one of these keys signed this id. Only the canonical lower-case form passes, so an id has one spelling.
    #[must_use]
    pub fn verify(&self, id: &str) -> bool {
        let Ok(uuid) = Uuid::try_parse(id) else { return false };
        if uuid.get_version() != Some(Version::Custom) || uuid.get_variant() != Variant::RFC4122 {
            return false;
        }
        let mut buffer = Uuid::encode_buffer();
        if uuid.hyphenated().encode_lower(&mut buffer) != id {
            return false;
        }
        let Some((unsigned, signature)) = uuid.as_bytes().split_first_chunk::<12>() else { return false };
        self.0.iter().any(|key| sign(key, *unsigned) == signature)
    }
}

/// Prints nothing of the keys.
impl fmt::Debug for ProfileIdKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProfileIdKeys({} keys)", self.0.len())
    }
}

fn sign(key: &[u8; KEY_BYTES], unsigned: [u8; 12]) -> [u8; 4] {
    let mut hasher = SipHasher24::new_with_key(key);
    hasher.write(&unsigned);
    let [s0, s1, s2, s3, ..] = hasher.finish().to_be_bytes();
    [s0, s1, s2, s3]
}

fn parse_key(text: &str) -> Option<[u8; KEY_BYTES]> {
    let digits =
        text.is_ascii() && text.len() == 2 * KEY_BYTES && text.bytes().all(|b| b.is_ascii_hexdigit());
    digits.then(|| u128::from_str_radix(text, 16).ok()).flatten().map(u128::to_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "000102030405060708090a0b0c0d0e0f";
    const NEW: &str = "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff";

    fn keys(text: &str) -> ProfileIdKeys {
        ProfileIdKeys::parse(text).unwrap()
    }

    #[test]
    fn a_minted_id_is_a_uuid_v8_that_verifies() {
        let id = keys(OLD).mint(1_795_372_946_098, [0xff; 6]);
        assert_eq!(Uuid::parse_str(&id).unwrap().get_version_num(), 8);
        assert!(keys(OLD).verify(&id), "{id}");
    }

    #[test]
    fn ids_live_through_a_rotation_and_end_with_their_key() {
        let id = keys(OLD).mint(1, [1; 6]);
        assert!(keys(&format!("{NEW},{OLD}")).verify(&id));
        assert!(!keys(NEW).verify(&id));
    }

    #[test]
    fn made_up_and_altered_ids_fail() {
        let id = keys(OLD).mint(1_795_372_946_098, [7; 6]);
        assert!(!keys(OLD).verify(&id.to_uppercase()));
        assert!(!keys(OLD).verify(&id.replace('-', "")));
        for made_up in ["", "forged-0000", "60a05b82-6b0e-4d2e-8c8d-0d6a2f6f7a11", &format!("{id} ")] {
            assert!(!keys(OLD).verify(made_up), "{made_up}");
        }
        for (index, _) in id.char_indices().filter(|(_, c)| *c != '-') {
            let mut altered = id.clone().into_bytes();
            altered[index] = if altered[index] == b'0' { b'1' } else { b'0' };
            assert!(!keys(OLD).verify(std::str::from_utf8(&altered).unwrap()), "digit {index}");
        }
    }

    #[test]
    fn errors_name_the_key_by_number_and_show_nothing_of_it() {
        assert_eq!(ProfileIdKeys::parse("").unwrap_err(), ProfileIdKeysError::Count(0));
        let error = ProfileIdKeys::parse(&format!("{OLD},secret")).unwrap_err();
        assert_eq!(error, ProfileIdKeysError::NotHex(2));
        assert!(!error.to_string().contains("secret"));
        assert_eq!(format!("{:?}", keys(OLD)), "ProfileIdKeys(1 keys)");
    }
}
