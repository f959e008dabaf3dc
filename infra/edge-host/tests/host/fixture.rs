//! Components that are built here, hosts that run them, and conditions to wait for.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use clap::Parser;
use tideline_edge_host::{Error, GuestEnvironment, Handle, Host, Options};

use crate::client::get;

/// How long a condition may take to come true before a test fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The misbehaving WASI 0.3 component.
pub(crate) fn guest() -> &'static Path {
    static GUEST: OnceLock<PathBuf> = OnceLock::new();
    GUEST.get_or_init(|| build("guest", "tideline_edge_test_guest.wasm"))
}

/// The misbehaving WASI 0.2 component.
pub(crate) fn guest_p2() -> &'static Path {
    static GUEST: OnceLock<PathBuf> = OnceLock::new();
    GUEST.get_or_init(|| build("guest-p2", "tideline_edge_test_guest_p2.wasm"))
}

fn build(folder: &str, file: &str) -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join(folder);
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(folder).join("Cargo.toml");
    let status = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--locked", "--target", "wasm32-wasip2", "--manifest-path"])
        .arg(manifest)
        .arg("--target-dir")
        .arg(&target)
        .status()
        .unwrap();
    assert!(
        status.success(),
        "cannot build {folder}; is the target installed? rustup target add wasm32-wasip2"
    );
    target.join("wasm32-wasip2").join("debug").join(file)
}

/// Options for a component on a free port, with compiled code kept between tests.
pub(crate) fn options(component: &Path) -> Options {
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled");
    let mut options = Options::parse_from(["tideline-edge", "--listen", "127.0.0.1:0", "--component", "x"]);
    options.component = Some(component.to_owned());
    options.cache_dir = Some(cache);
    options
}

/// A host of the WASI 0.3 component.
pub(crate) fn host(adjust: impl FnOnce(&mut Options)) -> Handle {
    host_with(adjust, &[])
}

/// A host of the WASI 0.3 component, with these variables in its environment.
pub(crate) fn host_with(adjust: impl FnOnce(&mut Options), variables: &[(&str, &str)]) -> Handle {
    let mut options = options(guest());
    adjust(&mut options);
    let environment = variables.iter().copied().collect::<GuestEnvironment>();
    Host::start(options, environment).unwrap()
}

/// A host of the WASI 0.3 component, if it starts.
pub(crate) fn try_host(adjust: impl FnOnce(&mut Options)) -> Result<Handle, Error> {
    let mut options = options(guest());
    adjust(&mut options);
    Host::start(options, GuestEnvironment::default())
}

/// Asks `path` until it answers `wanted`.
pub(crate) async fn wait_for(host: &Handle, path: &str, wanted: &str) {
    let patience = Instant::now() + PATIENCE;
    loop {
        let reply = get(host.address(), path).await;
        if reply.body == wanted {
            return;
        }
        assert!(Instant::now() < patience, "{path} still answers {reply:?}");
        tokio::task::yield_now().await;
    }
}
