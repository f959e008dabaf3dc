//! The load generator as a child process: what it says on the way, and its report.
//!
//! A process of its own, because it has to be optimised while xtask need not be, and so that it can be left out where
//! CPU time is added up.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result};
use serde::Deserialize;

/// A built load generator.
#[derive(Clone, Debug)]
pub(super) struct Generator {
    /// The program `tideline-load`.
    pub(super) program: PathBuf,
}

/// What a run says on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Notice {
    /// The warm-up is over.
    Measuring,
    /// The last answer is there.
    Measured,
    /// So many requests were acknowledged.
    Acknowledged(u64),
}

/// What a run found.
#[derive(Debug, Deserialize)]
pub(super) struct Outcome {
    pub(super) report: Report,
    /// None if the run was not told where to look.
    pub(super) stored: Option<Stored>,
}

/// The part of the report that is shown.
#[derive(Debug, Deserialize)]
pub(super) struct Report {
    pub(super) requests: u64,
    pub(super) requests_per_second: f64,
    pub(super) events_per_second: f64,
    pub(super) acknowledged: u64,
    pub(super) latency: Latency,
    pub(super) lateness_p99_ms: f64,
    pub(super) unsent: u64,
    pub(super) repeated: u64,
    pub(super) failed: u64,
    pub(super) failures: BTreeMap<String, u64>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Latency {
    pub(super) p50_ms: f64,
    pub(super) p99_ms: f64,
    pub(super) p999_ms: f64,
}

/// Acknowledged events against those in the streams.
#[derive(Debug, Deserialize)]
pub(super) struct Stored {
    pub(super) acknowledged: u64,
    pub(super) lost: u64,
    pub(super) doubled: u64,
    pub(super) foreign: u64,
    pub(super) unacknowledged: u64,
    pub(super) examples: Vec<String>,
}

impl Stored {
    /// Every acknowledged event is there, once, and no other.
    pub(super) fn is_exact(&self) -> bool {
        (self.lost, self.doubled, self.foreign) == (0, 0, 0)
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    Phase { phase: Phase },
    Acknowledged { acknowledged: u64 },
    Outcome(Box<Outcome>),
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Phase {
    Measuring,
    Measured,
}

/// Killed when dropped, so that an error does not leave it behind.
struct Running(Child);

impl Generator {
    /// Runs to the end; `heard` is told what happens when it happens.
    ///
    /// # Errors
    /// It cannot be started or fails, or `heard` does.
    pub(super) fn run(
        &self,
        arguments: &[String],
        environment: &[(&str, String)],
        mut heard: impl FnMut(Notice) -> Result<()>,
    ) -> Result<Outcome> {
        let mut command = Command::new(&self.program);
        command.args(arguments).envs(environment.iter().map(|(name, value)| (name, value)));
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
        let mut running =
            Running(child.with_context(|| format!("{} cannot be started", self.program.display()))?);
        let output = running.0.stdout.take().context("a pipe")?;
        let mut outcome = None;
        for line in BufReader::new(output).lines() {
            let line = line?;
            match serde_json::from_str(&line).with_context(|| format!("the generator says `{line}`"))? {
                Line::Phase { phase: Phase::Measuring } => heard(Notice::Measuring)?,
                Line::Phase { phase: Phase::Measured } => heard(Notice::Measured)?,
                Line::Acknowledged { acknowledged } => heard(Notice::Acknowledged(acknowledged))?,
                Line::Outcome(found) => outcome = Some(*found),
            }
        }
        let status = running.0.wait()?;
        outcome.with_context(|| format!("the generator ended without a report ({status})"))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_generator_is_understood() {
        let line = |text: &str| serde_json::from_str::<Line>(text).unwrap();
        assert!(matches!(line(r#"{"phase":"measuring"}"#), Line::Phase { phase: Phase::Measuring }));
        assert!(matches!(line(r#"{"acknowledged":250}"#), Line::Acknowledged { acknowledged: 250 }));
        let report = r#"{"report":{"seconds":1.0,"requests":2,"requests_per_second":2.0,"events_per_second":2.0,
            "acknowledged":3,"latency":{"p50_ms":1.0,"p99_ms":2.0,"p999_ms":3.0,"max_ms":4.0},"lateness_p99_ms":0.1,
            "unsent":0,"repeated":0,"failed":1,"failures":{"status 503":1}},
            "stored":{"acknowledged":3,"lost":0,"doubled":0,"foreign":0,"unacknowledged":1,"examples":[]}}"#;
        let Line::Outcome(outcome) = line(report) else { panic!("no outcome") };
        assert_eq!((outcome.report.requests, outcome.report.failures["status 503"]), (2, 1));
        assert!(outcome.stored.unwrap().is_exact());
    }
}
