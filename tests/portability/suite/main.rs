//! The components on hosts that are not ours.
//!
//! What they import is held against what every host has. Spin is not here, so its manifest is held against the
//! components and their settings, and what Spin does with the manifest is done with the library that Spin uses, on an
//! engine that has what Spin gives a component.

mod adapter;
mod composed;
mod composition;
mod host;
mod imports;
mod manifest;
mod world;
