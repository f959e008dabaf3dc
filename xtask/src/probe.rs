//! Waiting for a part to answer.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::ports::at;
use crate::process::Process;

/// How long a part may take to start.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(5);
/// How long it may take to accept a connection.
const ACCEPT: Duration = Duration::from_millis(30);

/// Waits until `path` on `port` answers with 200.
///
/// # Errors
/// The process ended, or does not answer in a minute; says where its log is.
pub fn wait_for_http(process: &mut Process, port: u16, path: &str) -> Result<()> {
    wait(process, || matches!(http_status(port, path), Some(200)))
}

/// Waits until something accepts connections on `port`.
///
/// # Errors
/// As [`wait_for_http`].
pub fn wait_for_port(process: &mut Process, port: u16) -> Result<()> {
    wait(process, || TcpStream::connect_timeout(&at(port), ACCEPT).is_ok())
}

/// The status with which `path` on `port` answers; none if it does not.
#[must_use]
pub fn http_status(port: u16, path: &str) -> Option<u16> {
    let mut stream = TcpStream::connect_timeout(&at(port), Duration::from_secs(1)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    write!(stream, "GET {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nconnection: close\r\n\r\n").ok()?;
    let mut start = [0; 12];
    stream.read_exact(&mut start).ok()?;
    std::str::from_utf8(start.get(9..)?).ok()?.parse().ok()
}

/// The body of the answer to `path` on `port`, cut at a megabyte.
///
/// # Errors
/// It does not answer with 200.
pub fn http_text(port: u16, path: &str) -> Result<String> {
    let mut stream = TcpStream::connect_timeout(&at(port), Duration::from_secs(1))?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    write!(stream, "GET {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nconnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.take(1 << 20).read_to_string(&mut answer)?;
    match answer.split_once("\r\n\r\n") {
        Some((head, body)) if head.starts_with("HTTP/1.1 200") => Ok(body.to_owned()),
        _ => bail!("{path} on port {port} answers `{}`", answer.lines().next().unwrap_or_default()),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "polls another process, which cannot notify us, up to a deadline"
)]
fn wait(process: &mut Process, mut ready: impl FnMut() -> bool) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    while !ready() {
        if let Some(status) = process.ended()? {
            bail!("{} ended ({status}) instead of starting:\n{}", process.name(), process.last_lines());
        }
        if Instant::now() > deadline {
            bail!("{} does not answer after {PATIENCE:?}:\n{}", process.name(), process.last_lines());
        }
        std::thread::sleep(PAUSE);
    }
    Ok(())
}
