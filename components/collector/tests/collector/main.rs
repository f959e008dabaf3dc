//! Decisions of the public endpoints, with the ports under the test's control.

mod endpoints;
mod support;
mod track;
mod whose;
