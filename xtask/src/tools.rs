//! Tools that a machine may lack: found, installed after saying so, or named in a sentence.

use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::run::{output_of, run};

const WASM_TARGET: &str = "wasm32-wasip2";
const OLDEST_REDIS: u32 = 7;
const OLDEST_NODE: (u32, u32) = (20, 19);
const OLDEST_JAVA: u32 = 17;
const OLDEST_PYTHON: (u32, u32) = (3, 10);

/// How system packages are installed, and what the packages are called.
struct PackageManager {
    program: &'static str,
    install: &'static [&'static str],
    redis: &'static str,
    chromium: &'static str,
    /// Brings Python as well.
    pip: &'static str,
    maven: &'static str,
    java: &'static str,
    needs_root: bool,
}

const PACKAGE_MANAGERS: [PackageManager; 5] = [
    PackageManager {
        program: "apt-get",
        install: &["install", "--yes", "--no-install-recommends"],
        redis: "redis-server",
        chromium: "chromium",
        pip: "python3-pip",
        maven: "maven",
        java: "openjdk-17-jdk-headless",
        needs_root: true,
    },
    PackageManager {
        program: "dnf",
        install: &["install", "-y"],
        redis: "redis",
        chromium: "chromium",
        pip: "python3-pip",
        maven: "maven",
        java: "java-17-openjdk-devel",
        needs_root: true,
    },
    PackageManager {
        program: "apk",
        install: &["add"],
        redis: "redis",
        chromium: "chromium",
        pip: "py3-pip",
        maven: "maven",
        java: "openjdk17-jdk",
        needs_root: true,
    },
    PackageManager {
        program: "pacman",
        install: &["-S", "--noconfirm"],
        redis: "redis",
        chromium: "chromium",
        pip: "python-pip",
        maven: "maven",
        java: "jdk17-openjdk",
        needs_root: true,
    },
    PackageManager {
        program: "brew",
        install: &["install"],
        redis: "redis",
        chromium: "chromium",
        pip: "python",
        maven: "maven",
        java: "openjdk@17",
        needs_root: false,
    },
];

/// Makes sure that there is a redis-server of a usable version.
///
/// # Errors
/// It is too old, or cannot be installed.
pub fn ensure_redis() -> Result<()> {
    let version = || output_of("redis-server", &["--version"]);
    if version().is_none() {
        install("Redis", |manager| manager.redis)?;
    }
    let text = version().context("redis-server was installed but cannot be run")?;
    match parse_redis_version(&text) {
        Some(major) if major >= OLDEST_REDIS => Ok(()),
        _ => bail!(
            "redis-server on PATH is too old: Tideline needs Redis {OLDEST_REDIS}.0 or newer (functions), this says `{}`",
            text.trim()
        ),
    }
}

/// Makes sure that there are Node and npm.
///
/// # Errors
/// They are missing or too old.
pub fn ensure_node() -> Result<()> {
    let (major, minor) = OLDEST_NODE;
    let text = output_of("node", &["--version"]).with_context(|| {
        format!("Node is missing: install Node {major}.{minor} or newer (https://nodejs.org), the GUI is built with it")
    })?;
    if parse_node_version(&text).is_none_or(|version| version < OLDEST_NODE) {
        bail!("Node {} is too old: the GUI is built with Node {major}.{minor} or newer", text.trim());
    }
    output_of("npm", &["--version"]).context("npm is missing: it comes with Node from https://nodejs.org")?;
    Ok(())
}

/// Makes sure that there are Python and pip, which are installed if there are none.
///
/// # Errors
/// They cannot be installed, or Python is too old.
pub fn ensure_python() -> Result<()> {
    let (major, minor) = OLDEST_PYTHON;
    let pip = || output_of("python3", &["-m", "pip", "--version"]);
    if pip().is_none() {
        install("Python with pip", |manager| manager.pip)?;
        pip().with_context(|| {
            format!("`python3 -m pip` cannot be run: install Python {major}.{minor} or newer with pip")
        })?;
    }
    let text = output_of("python3", &["--version"]).unwrap_or_default();
    if parse_python_version(&text).is_none_or(|version| version < OLDEST_PYTHON) {
        bail!("`{}` is too old: a client is driven with Python {major}.{minor} or newer", text.trim());
    }
    Ok(())
}

/// Makes sure that there are a Java development kit and Maven, which are installed if there are none.
///
/// # Errors
/// They cannot be installed, or Java is too old.
pub fn ensure_java() -> Result<()> {
    let version = || output_of("javac", &["-version"]);
    if version().is_none() {
        install("Java", |manager| manager.java)?;
    }
    let text = version().context("Java was installed but `javac` cannot be run")?;
    if parse_java_version(&text).is_none_or(|version| version < OLDEST_JAVA) {
        bail!("`{}` is too old: search servers run on Java {OLDEST_JAVA} or newer", text.trim());
    }
    if output_of("mvn", &["--version"]).is_none() {
        install("Maven", |manager| manager.maven)?;
    }
    Ok(())
}

/// Makes sure that Rust can compile to WebAssembly.
///
/// # Errors
/// The target is missing and rustup cannot add it.
pub fn ensure_wasm_target() -> Result<()> {
    let installed = output_of("rustup", &["target", "list", "--installed"]).with_context(|| {
        format!(
            "rustup is missing: install Rust with https://rustup.rs, it is what adds the target {WASM_TARGET}"
        )
    })?;
    if installed.lines().any(|target| target == WASM_TARGET) {
        return Ok(());
    }
    run(Command::new("rustup").args(["target", "add", WASM_TARGET])).with_context(|| {
        format!("the Rust target {WASM_TARGET} is missing: run `rustup target add {WASM_TARGET}`")
    })
}

/// The path of a Chromium, which is installed if there is none.
///
/// # Errors
/// It cannot be installed.
pub fn ensure_chromium() -> Result<String> {
    if let Some(chromium) = chromium() {
        return Ok(chromium);
    }
    install("Chromium", |manager| manager.chromium)?;
    chromium().context("Chromium was installed but cannot be found: set CHROMIUM to its path")
}

fn chromium() -> Option<String> {
    if let Ok(path) = std::env::var("CHROMIUM") {
        return Some(path);
    }
    let names = ["chromium", "chromium-browser", "google-chrome"];
    names.iter().find_map(|name| output_of("which", &[name])).map(|path| path.trim().to_owned())
}

fn install(what: &str, package: impl Fn(&PackageManager) -> &'static str) -> Result<()> {
    let manager = PACKAGE_MANAGERS
        .iter()
        .find(|manager| output_of("which", &[manager.program]).is_some())
        .with_context(|| {
            format!("{what} is missing and this system's package manager is unknown: install it by hand")
        })?;
    let package = package(manager);
    eprintln!("{what} is missing: installing the package `{package}` with {}", manager.program);
    let is_root = output_of("id", &["-u"]).is_some_and(|id| id.trim() == "0");
    let elevated = |arguments: &[&str]| {
        let mut command = if manager.needs_root && !is_root {
            let mut command = Command::new("sudo");
            command.arg(manager.program);
            command
        } else {
            Command::new(manager.program)
        };
        command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
        command
    };
    if manager.program == "apt-get" {
        run(&mut elevated(&["update", "-qq"]))?;
    }
    run(elevated(manager.install).arg(package)).with_context(|| {
        format!("{what} cannot be installed: install the package `{package}` by hand, then try again")
    })
}

/// The major version in `Redis server v=7.0.15 sha=…`.
fn parse_redis_version(text: &str) -> Option<u32> {
    text.split_once("v=")?.1.split('.').next()?.parse().ok()
}

/// Major and minor version in `v20.19.0`.
fn parse_node_version(text: &str) -> Option<(u32, u32)> {
    parse_version(text.trim().strip_prefix('v')?)
}

/// Major and minor version in `Python 3.11.7`.
fn parse_python_version(text: &str) -> Option<(u32, u32)> {
    parse_version(text.trim().strip_prefix("Python ")?)
}

/// The major version in `javac 17.0.15`.
fn parse_java_version(text: &str) -> Option<u32> {
    text.trim().strip_prefix("javac ")?.split(['.', '-']).next()?.parse().ok()
}

fn parse_version(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read() {
        assert_eq!(
            parse_redis_version("Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0"),
            Some(7)
        );
        assert_eq!(parse_redis_version("something else"), None);
        assert_eq!(parse_node_version("v20.19.4\n"), Some((20, 19)));
        assert_eq!(parse_node_version("20"), None);
        assert_eq!(parse_python_version("Python 3.11.7\n"), Some((3, 11)));
        assert_eq!(parse_python_version("Python 3.15.0rc1\n"), Some((3, 15)));
        assert_eq!(parse_python_version(""), None);
        assert_eq!(parse_java_version("javac 17.0.15\n"), Some(17));
        assert_eq!(parse_java_version("javac 21-ea\n"), Some(21));
        assert_eq!(parse_java_version("javac 1.8.0_402\n"), Some(1));
    }
}
