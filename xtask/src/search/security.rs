//! Certificates and a password for a server of the tests.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

use crate::secrets::random;

/// What a client needs to be let in.
#[derive(Debug)]
pub(super) struct Security {
    /// The file with the certificate that the server's is signed by.
    pub(super) authority: PathBuf,
    /// Of the user `elastic`.
    pub(super) password: String,
}

impl Security {
    /// What the server is to be told.
    pub(super) const SETTINGS: &'static str = "xpack.security.enabled: true\n\
        xpack.security.http.ssl.enabled: true\n\
        xpack.security.http.ssl.key: node.key\n\
        xpack.security.http.ssl.certificate: node.crt\n\
        xpack.security.http.ssl.certificate_authorities: ca.crt\n";

    /// Makes certificates in the folder of the server's settings, and a password.
    pub(super) fn make(config: &Path) -> Result<Self> {
        let mut authority = CertificateParams::new(Vec::new())?;
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate()?;
        let certificate = authority.self_signed(&key)?;
        let path = config.join("ca.crt");
        fs::write(&path, certificate.pem())?;
        let issuer = Issuer::new(authority, key);
        let node_key = KeyPair::generate()?;
        let node = CertificateParams::new(vec!["localhost".to_owned(), "127.0.0.1".to_owned()])?;
        fs::write(config.join("node.crt"), node.signed_by(&node_key, &issuer)?.pem())?;
        fs::write(config.join("node.key"), node_key.serialize_pem())?;
        // The server's folder is its own; whoever tests reads this one.
        let public = std::env::temp_dir().join(format!("tideline-search-{}.crt", std::process::id()));
        fs::copy(&path, &public)?;
        Ok(Self { authority: public, password: random(24)? })
    }

    /// Puts the password where the server finds it when it starts; `keystore` is the tool for that.
    pub(super) fn set_password(&self, keystore: impl Fn(&[&str]) -> Command) -> Result<()> {
        for (arguments, input) in
            [(&["create"][..], ""), (&["add", "--stdin", "bootstrap.password"], self.password.as_str())]
        {
            let mut command = keystore(arguments);
            let mut child = command
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .context("java cannot be started")?;
            child.stdin.take().context("a pipe")?.write_all(input.as_bytes())?;
            let output = child.wait_with_output()?;
            if !output.status.success() {
                bail!("the server's keystore cannot be written: {}", String::from_utf8_lossy(&output.stderr));
            }
        }
        Ok(())
    }
}
