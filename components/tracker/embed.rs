//! The browser tracker in all forms in which it is served, embedded so that a component needs no files.

/// The script that websites embed.
#[derive(Clone, Copy, Debug)]
pub struct Script {
    /// As it is.
    pub identity: &'static [u8],
    /// Compressed with gzip.
    pub gzip: &'static [u8],
    /// Compressed with brotli.
    pub brotli: &'static [u8],
    /// The first 16 hexadecimal digits of its SHA-256: another script has another.
    pub hash: &'static str,
}

/// The script of this version.
pub const SCRIPT: Script = Script {
    identity: include_bytes!("dist/tracker.js"),
    gzip: include_bytes!("dist/tracker.js.gz"),
    brotli: include_bytes!("dist/tracker.js.br"),
    hash: include_str!("dist/tracker.hash"),
};
