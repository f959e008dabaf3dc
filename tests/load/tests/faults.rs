//! Faults in the middle of a run: nothing that was acknowledged is lost, nothing is stored twice.

use xtask::artifacts::Artifacts;
use xtask::bench::{Programs, faults};

/// Some seconds of work, so that each fault falls into the middle of it.
const REQUESTS: u64 = 6_000;

#[test]
fn whatever_dies_in_the_middle_of_a_run_no_acknowledged_event_is_lost_or_stored_twice() {
    let data = tempfile::tempdir().unwrap();
    let generator = env!("CARGO_BIN_EXE_tideline-load").into();
    let programs = Programs::of(Artifacts::existing().unwrap(), generator);
    let survived = faults::survive(&programs, data.path(), REQUESTS).unwrap();
    assert_eq!(survived.acknowledged, REQUESTS);
    assert_eq!(survived.faults, 10);
    assert!(survived.repeated > 0, "{survived:?}");
}
