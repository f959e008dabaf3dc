//! A disk without room: writes are refused with a sentence, and go on when there is room again.

use std::process::Command;

use tideline_store::{EmbeddedOptions, EmbeddedStore, Store};

use super::child::{WritingChild, write};
use crate::backend::Embedded;
use crate::fixtures::*;

/// Lets no file of the process grow beyond `bytes`, which fails as a full disk does.
fn limit_files(process: u32, bytes: &str) {
    let limited = Command::new("prlimit")
        .args([&format!("--pid={process}"), &format!("--fsize={bytes}:unlimited")])
        .status();
    assert!(limited.unwrap().success(), "prlimit (util-linux) is needed");
}

#[tokio::test]
async fn a_store_goes_on_when_the_disk_has_room_again() {
    let backend = Embedded::new();
    let mut child = WritingChild::start(backend.directory.path());
    child.tell(1);
    assert_eq!(child.answer(), "written");
    // First not a byte, then some files and not others.
    let mut number = 1;
    for bytes in ["0", "100", "1000", "30000"] {
        limit_files(child.id(), bytes);
        child.tell(number + 1);
        let refused = child.answer();
        if refused != "written" {
            assert!(refused.contains("disk") && refused.contains("room"), "{refused}");
            limit_files(child.id(), "unlimited");
            child.tell(number + 1);
            assert_eq!(child.answer(), "written", "after {bytes}");
        }
        number += 1;
    }
    limit_files(child.id(), "unlimited");
    child.kill();

    let store = EmbeddedStore::open(backend.directory.path(), EmbeddedOptions::default()).unwrap();
    assert_eq!(store.profile("profile-1").await.unwrap().unwrap().stats.visits, number);
    assert_eq!(store.events(all()).await.unwrap().events.len() as u64, number * 3);
    write(&store, number + 1).await.unwrap();
}
