//! The directory for compiled code.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tideline_edge_host::{GuestEnvironment, Host};

use crate::client::get;
use crate::fixture::{guest, options};

/// Every file below `folder`.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}

/// Those with code in them; the others say how often it was used.
fn code(directory: &Path) -> Vec<PathBuf> {
    files(directory).into_iter().filter(|path| path.extension().is_none()).collect()
}

async fn serve_once(directory: &Path) {
    let mut options = options(guest());
    options.cache_dir = Some(directory.to_owned());
    let host = Host::start(options, GuestEnvironment::default()).unwrap();
    assert_eq!(get(host.address(), "/hello").await.body, "hello");
    host.shutdown().await;
}

#[tokio::test]
async fn a_host_is_prepared_without_serving() {
    let folder = tempfile::tempdir().unwrap();
    let directory = folder.path().join("compiled");
    let mut options = options(guest());
    options.cache_dir = Some(directory.clone());
    Host::prepare(options).unwrap();
    let prepared = code(&directory);
    assert_eq!(prepared.len(), 1, "{prepared:?}");
    serve_once(&directory).await;
    assert_eq!(code(&directory), prepared, "nothing was compiled again");
}

#[tokio::test]
async fn damaged_code_is_compiled_anew() {
    let folder = tempfile::tempdir().unwrap();
    let directory = folder.path().join("compiled");
    serve_once(&directory).await;
    let code = code(&directory);
    assert_eq!(code.len(), 1, "{code:?}");
    let good = fs::read(&code[0]).unwrap();
    for damaged in [&good[..good.len() / 2], b"no code at all", b""] {
        fs::write(&code[0], damaged).unwrap();
        serve_once(&directory).await;
        assert!(fs::read(&code[0]).unwrap().len() >= good.len() / 2, "it was written anew");
    }
}

#[tokio::test]
async fn a_directory_that_others_can_write_to_is_not_used() {
    let folder = tempfile::tempdir().unwrap();
    let directory = folder.path().join("compiled");
    fs::create_dir(&directory).unwrap();
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o777)).unwrap();
    serve_once(&directory).await;
    assert_eq!(files(&directory), Vec::<PathBuf>::new());
}
