//! Builds, runs and tests Tideline.
//!
//! The library half is what the end-to-end tests share with `cargo xtask up`: both run the same
//! processes, started the same way.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command for the terminal")]

pub mod artifacts;
pub mod bench;
pub mod clients;
pub mod lint;
pub mod ports;
pub mod probe;
pub mod process;
pub mod run;
pub mod search;
pub mod secrets;
pub mod stack;
pub mod test;
pub mod tools;
pub mod up;
