//! What a component asks of its host, and offers to it.

use std::path::Path;

use wasmparser::{Parser, Payload};

/// The names at a component's outer edge.
#[derive(Debug, Default)]
pub(crate) struct World {
    pub(crate) imports: Vec<String>,
    pub(crate) exports: Vec<String>,
}

impl World {
    pub(crate) fn of(component: &Path) -> Self {
        let component = std::fs::read(component).unwrap();
        let (mut world, mut depth) = (Self::default(), 0);
        for payload in Parser::new(0).parse_all(&component) {
            match payload.unwrap() {
                Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
                Payload::End(_) => depth -= 1,
                Payload::ComponentImportSection(section) if depth == 0 => {
                    world
                        .imports
                        .extend(section.into_iter().map(|import| import.unwrap().name.name.to_owned()));
                }
                Payload::ComponentExportSection(section) if depth == 0 => {
                    world
                        .exports
                        .extend(section.into_iter().map(|export| export.unwrap().name.name.to_owned()));
                }
                _ => {}
            }
        }
        assert!(!world.imports.is_empty());
        world
    }
}
