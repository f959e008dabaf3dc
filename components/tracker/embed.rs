//! The browser tracker as bytes, for whatever serves it: plain and compressed, so that nobody compresses while
//! visitors wait.
//!
//! The bytes are those that `npm run build` last wrote into `dist`. What the script does is told in `docs/tracker.md`;
//! headers, caching and addresses are left to those that serve it.
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

/// A script in the forms in which it is served; all of them are the same text.
#[derive(Clone, Copy, Debug)]
pub struct Script {
    /// As it is, UTF-8.
    pub identity: &'static [u8],
    /// For clients that accept `gzip`.
    pub gzip: &'static [u8],
    /// For clients that accept `br`.
    pub brotli: &'static [u8],
    /// The first 16 hexadecimal digits of the SHA-256 of `identity`: what an address names by it never changes.
    pub hash: &'static str,
}

/// The tracker.
pub const SCRIPT: Script = Script {
    identity: include_bytes!("dist/tracker.js"),
    gzip: include_bytes!("dist/tracker.js.gz"),
    brotli: include_bytes!("dist/tracker.js.br"),
    hash: include_str!("dist/tracker.hash"),
};

#[cfg(test)]
mod tests {
    use sha2::{Digest as _, Sha256};

    use super::SCRIPT;

    #[test]
    fn the_hash_is_that_of_the_script() {
        let digest: String =
            Sha256::digest(SCRIPT.identity).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(SCRIPT.hash, &digest[..16]);
    }

    #[test]
    fn the_compressed_forms_are_smaller_and_of_this_script() {
        let length = u32::try_from(SCRIPT.identity.len()).unwrap();
        assert_eq!(SCRIPT.gzip[..2], [0x1f, 0x8b]);
        // The trailer is the length of what was compressed (RFC 1952 §2.3.1).
        assert!(SCRIPT.gzip.ends_with(&length.to_le_bytes()));
        assert!(SCRIPT.brotli.len() < SCRIPT.gzip.len() && SCRIPT.gzip.len() < SCRIPT.identity.len());
    }
}
