//! Composes a component with the adapter as Spin does: by `wac-graph`, as the manifest says.

use std::path::Path;

use wac_graph::types::Package;
use wac_graph::{CompositionGraph, EncodeOptions, NodeId};
use xtask::artifacts::Artifacts;

use crate::manifest::{Dependency, Manifest};
use crate::world::World;

/// The component, with the adapter in the place of the host's environment.
pub(crate) fn composed(component: &Path) -> Vec<u8> {
    let Dependency { import, export } = Manifest::read().dependency();
    let mut graph = CompositionGraph::new();
    let (adapter, _) = instantiate(&mut graph, "adapter", &Artifacts::existing().unwrap().spin_config);
    let (component, world) = instantiate(&mut graph, "component", component);
    let imports: Vec<_> =
        world.imports.iter().filter(|name| name.starts_with(&format!("{import}@"))).collect();
    for name in imports {
        let environment = graph.alias_instance_export(adapter, &export).unwrap();
        graph.set_instantiation_argument(component, name, environment).unwrap();
    }
    for name in &world.exports {
        let exported = graph.alias_instance_export(component, name).unwrap();
        graph.export(exported, name).unwrap();
    }
    graph.encode(EncodeOptions::default()).unwrap()
}

fn instantiate(graph: &mut CompositionGraph, name: &str, component: &Path) -> (NodeId, World) {
    let package = Package::from_file(name, None, component, graph.types_mut()).unwrap();
    let package = graph.register_package(package).unwrap();
    (graph.instantiate(package), World::of(component))
}
