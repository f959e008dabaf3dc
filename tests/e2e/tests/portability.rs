//! The component runs on every host: it imports nothing that one of them lacks.

use wasmparser::{Parser, Payload};
use xtask::artifacts::Artifacts;

/// What our host, Spin and Wasmtime all provide (`docs/architecture.md`).
const PORTABLE: [&str; 5] = ["wasi:cli/", "wasi:clocks/", "wasi:http/", "wasi:io/", "wasi:random/"];

/// The largest component that we ship, in bytes.
const LARGEST: usize = 500_000;

#[test]
fn the_component_is_small_portable_and_exports_one_handler() {
    let component = std::fs::read(Artifacts::existing().unwrap().component).unwrap();
    assert!(component.len() < LARGEST, "{} bytes", component.len());

    let (mut imports, mut exports, mut depth) = (Vec::new(), Vec::new(), 0);
    for payload in Parser::new(0).parse_all(&component) {
        match payload.unwrap() {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth -= 1,
            Payload::ComponentImportSection(section) if depth == 0 => {
                imports.extend(section.into_iter().map(|import| import.unwrap().name.name.to_owned()));
            }
            Payload::ComponentExportSection(section) if depth == 0 => {
                exports.extend(section.into_iter().map(|export| export.unwrap().name.name.to_owned()));
            }
            _ => {}
        }
    }
    assert!(!imports.is_empty());
    for import in &imports {
        assert!(PORTABLE.iter().any(|prefix| import.starts_with(prefix)), "{import} is not on every host");
    }
    let handlers: Vec<_> = exports.iter().filter(|name| name.starts_with("wasi:http/")).collect();
    assert_eq!(handlers.len(), 1, "Spin takes components with one handler: {handlers:?}");
}
