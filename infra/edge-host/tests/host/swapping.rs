//! A new version of a component takes over while requests come.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use futures_util::future::join_all;
use tideline_edge_host::{GuestEnvironment, Handle, Host, Options};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::join;
use tokio::process::{Child, ChildStderr, Command};

use crate::client::{Connection, get};
use crate::fixture::{PATIENCE, guest, guest_p2, options, wait_for};
use crate::process::{edge_of, line};

/// What each of the two components answers to this path.
const WHICH: &str = "/authority";
const OLD: &str = "test";
const NEW: &str = "no such path";

/// Replaces a file as deployments do: at once, by a name.
fn replace(file: &Path, by: impl AsRef<[u8]>) {
    let next = file.with_extension("next");
    std::fs::write(&next, by).unwrap();
    std::fs::rename(next, file).unwrap();
}

fn host(file: &Path, adjust: impl FnOnce(&mut Options)) -> Handle {
    std::fs::copy(guest(), file).unwrap();
    let mut options = options(file);
    options.reload_seconds = 0;
    adjust(&mut options);
    Host::start(options, GuestEnvironment::default()).unwrap()
}

#[tokio::test]
async fn a_new_version_takes_over_under_load_and_no_request_is_lost() {
    for shards in [1, 2] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("component.wasm");
        let host = host(&file, |options| options.shards = shards);
        let swapped = AtomicBool::new(false);
        let visitors = (0..16).map(|_| async {
            let mut connection = Connection::open(host.address()).await;
            let (patience, mut changes, mut before) = (Instant::now() + PATIENCE, 0, OLD.to_owned());
            while before != NEW || !swapped.load(Ordering::Relaxed) {
                let reply = connection.get(WHICH).await;
                assert_eq!(reply.status, 200, "{reply:?}");
                changes += usize::from(reply.body != before);
                before = reply.body;
                assert!(Instant::now() < patience, "the old version still answers");
            }
            changes
        });
        let swap = async {
            assert_eq!(get(host.address(), WHICH).await.body, OLD);
            replace(&file, std::fs::read(guest_p2()).unwrap());
            host.reloading().now();
            wait_for(&host, WHICH, NEW).await;
            swapped.store(true, Ordering::Relaxed);
        };
        let (changes, ()) = join!(join_all(visitors), swap);
        assert_eq!(changes, [1; 16], "once new, never old again");
    }
}

#[tokio::test]
async fn a_request_that_the_old_version_has_begun_is_finished_by_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("component.wasm");
    let host = host(&file, |options| options.request_timeout_ms = 60_000);
    let address = host.address();
    let begun = tokio::spawn(async move { get(address, "/sleep?3000").await });
    wait_for(&host, "/sleeping", "1").await;
    replace(&file, std::fs::read(guest_p2()).unwrap());
    host.reloading().now();
    wait_for(&host, WHICH, NEW).await;
    assert!(!begun.is_finished(), "the change did not wait for it");
    let reply = begun.await.unwrap();
    assert_eq!((reply.status, reply.body.as_str()), (200, "slept"));
}

#[tokio::test]
async fn a_changed_file_is_found_without_being_asked() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("component.wasm");
    let host = host(&file, |options| options.reload_seconds = 1);
    replace(&file, std::fs::read(guest_p2()).unwrap());
    wait_for(&host, WHICH, NEW).await;
}

/// The binary with the old version in `file`, as it was started: its log, its address and its process.
async fn process(file: &Path, arguments: &[&str]) -> (Lines<BufReader<ChildStderr>>, SocketAddr, Child) {
    std::fs::copy(guest(), file).unwrap();
    let mut child = edge_of(file, arguments).args(["--reload-seconds", "0"]).spawn().unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
    let listening = line(&mut log, "listening").await;
    (log, listening["address"].as_str().unwrap().parse().unwrap(), child)
}

async fn hang_up(child: &Child) {
    let pid = child.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-HUP", &pid]).status().await.unwrap().success());
}

const REFUSED: &str = "the component's file cannot be used: the version at work stays";

#[tokio::test]
async fn a_version_that_is_no_good_changes_nothing_and_the_next_good_one_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("component.wasm");
    let (mut log, address, child) = process(&file, &[]).await;
    // The second is a component, but an empty one.
    let table = [("not a component", "wasm32-wasip2"), ("\0asm\r\0\x01\0", "exports neither")];
    for (broken, reason) in table {
        replace(&file, broken);
        hang_up(&child).await;
        let refused = line(&mut log, REFUSED).await;
        assert!(refused["error"].as_str().unwrap().contains(reason), "{refused}");
        assert_eq!(get(address, WHICH).await.body, OLD);
    }
    replace(&file, std::fs::read(guest_p2()).unwrap());
    hang_up(&child).await;
    line(&mut log, "a new version of the component is at work").await;
    assert_eq!(get(address, WHICH).await.body, NEW);
}

#[tokio::test]
async fn a_version_whose_probe_fails_does_not_take_over() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("component.wasm");
    // Both versions trap there, but only a new one is asked.
    let (mut log, address, child) = process(&file, &["--probe", "/trap"]).await;
    replace(&file, std::fs::read(guest_p2()).unwrap());
    hang_up(&child).await;
    let refused = line(&mut log, REFUSED).await;
    assert!(refused["error"].as_str().unwrap().contains("answers /trap with 503"), "{refused}");
    assert_eq!(get(address, WHICH).await.body, OLD);
}
