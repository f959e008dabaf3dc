//! Passwords and tokens of a local Tideline: made once, kept beside its data.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// All secrets of one installation. They protect nothing but a developer's machine.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Secrets {
    /// Redis user `edge`.
    pub edge_password: String,
    /// Redis user `service`.
    pub service_password: String,
    /// The edge's token at the gateway.
    pub ingest_token: String,
    /// A token for the private service's API.
    pub api_token: String,
    /// Signs profile ids.
    pub profile_id_key: String,
    /// Hashes what people are known by.
    pub identity_salt: String,
}

impl Secrets {
    /// Reads the secrets from this file, or makes them.
    ///
    /// # Errors
    /// The file is unreadable or cannot be written.
    pub fn load_or_make(file: &Path) -> Result<Self> {
        if file.exists() {
            let text = fs::read(file)?;
            return serde_json::from_slice(&text)
                .with_context(|| format!("{} is unreadable: start over with --fresh", file.display()));
        }
        let secrets = Self {
            edge_password: random(24)?,
            service_password: random(24)?,
            ingest_token: random(32)?,
            api_token: random(24)?,
            profile_id_key: random(16)?,
            identity_salt: random(16)?,
        };
        write_private(file, &serde_json::to_vec_pretty(&secrets)?)?;
        Ok(secrets)
    }
}

/// Writes a file that only its owner can read.
///
/// # Errors
/// As for any file.
pub fn write_private(file: &Path, content: &[u8]) -> Result<()> {
    let mut file = File::options().create(true).truncate(true).write(true).mode(0o600).open(file)?;
    file.write_all(content)?;
    Ok(())
}

/// The SHA-256 of a secret, in hexadecimal, as configuration files hold it.
#[must_use]
pub fn sha256(secret: &str) -> String {
    hexadecimal(&Sha256::digest(secret))
}

/// So many random bytes, in hexadecimal.
///
/// # Errors
/// The system has no randomness.
pub fn random(bytes: usize) -> Result<String> {
    let mut buffer = vec![0; bytes];
    getrandom::fill(&mut buffer).context("the system has no randomness")?;
    Ok(hexadecimal(&buffer))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
