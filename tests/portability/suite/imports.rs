//! The components import nothing that a host lacks.

use std::path::Path;

use xtask::artifacts::Artifacts;

use crate::world::World;

/// What our host, Spin and Wasmtime all provide (`docs/architecture.md`).
const PORTABLE: [&str; 5] = ["wasi:cli/", "wasi:clocks/", "wasi:http/", "wasi:io/", "wasi:random/"];

/// The largest component that we ship, in bytes.
const LARGEST: u64 = 850_000;

#[test]
fn the_components_are_small_portable_and_export_one_handler() {
    let artifacts = Artifacts::existing().unwrap();
    check(&artifacts.component, "wasi:http/handler@0.3.");
    check(&artifacts.component_p2, "wasi:http/incoming-handler@0.2.");
}

fn check(component: &Path, handler: &str) {
    let size = component.metadata().unwrap().len();
    assert!(size < LARGEST, "{}: {size} bytes", component.display());
    let World { imports, exports } = World::of(component);
    for import in &imports {
        assert!(PORTABLE.iter().any(|prefix| import.starts_with(prefix)), "{import} is not on every host");
    }
    let handlers: Vec<_> = exports.iter().filter(|name| name.starts_with("wasi:http/")).collect();
    assert_eq!(handlers.len(), 1, "Spin takes components with one handler: {handlers:?}");
    assert!(handlers[0].starts_with(handler), "{handlers:?}");
}

#[test]
fn the_component_for_older_hosts_asks_for_nothing_new() {
    let World { imports, .. } = World::of(&Artifacts::existing().unwrap().component_p2);
    for import in imports {
        assert!(import.contains("@0.2."), "{import} is not of WASI 0.2");
    }
}
