//! The figures of one run of the benchmark: what `target/bench/figures.json` holds.

use serde::{Deserialize, Serialize};

use super::rows::Load;

/// Everything that one run found.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Figures {
    pub(super) machine: Machine,
    /// How long each line was measured.
    pub(super) seconds: f64,
    /// Events in a request to `/track`.
    pub(super) events: u32,
    pub(super) lines: Vec<Line>,
    pub(super) skipped: Vec<Skipped>,
}

/// Where it ran, as far as figures depend on it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Machine {
    pub(super) day: String,
    pub(super) revision: String,
    pub(super) processor: String,
    pub(super) cores: usize,
    pub(super) kernel: String,
    pub(super) redis: String,
    pub(super) rust: String,
    /// Median and 99th percentile of a 4 kB write and `fdatasync`, in milliseconds.
    pub(super) sync_p50_ms: f64,
    pub(super) sync_p99_ms: f64,
    /// Programs were built without optimisation, to try the command.
    pub(super) unoptimised: bool,
}

/// One line of the table: a row under a load.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Line {
    pub(super) row: String,
    pub(super) title: String,
    pub(super) load: String,
    pub(super) requests_per_second: f64,
    /// Events or commands.
    pub(super) events_per_second: f64,
    pub(super) p50_ms: Option<f64>,
    pub(super) p99_ms: Option<f64>,
    pub(super) p999_ms: Option<f64>,
    /// Each process, in the order in which a request passes them.
    pub(super) processes: Vec<Process>,
    /// Acknowledged requests in an HTTP request to the gateway, where something counts those.
    pub(super) batch: Option<f64>,
    /// Acknowledged requests in a call of `track_v1`.
    pub(super) call: Option<f64>,
    pub(super) acknowledged: u64,
    pub(super) failed: u64,
    pub(super) unsent: u64,
    pub(super) lateness_p99_ms: Option<f64>,
}

/// What one process cost.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Process {
    pub(super) name: String,
    /// CPU microseconds for each acknowledged request.
    pub(super) cpu_us: f64,
    pub(super) peak_mb: f64,
}

/// A row that could not be measured here.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Skipped {
    pub(super) row: String,
    pub(super) why: String,
}

impl Figures {
    /// The line of a row under a load.
    pub(super) fn line(&self, row: &str, load: Load) -> Option<&Line> {
        self.lines.iter().find(|line| line.row == row && line.load == load.to_string())
    }
}

impl Line {
    /// CPU microseconds for each acknowledged request, over all processes.
    pub(super) fn cpu_us(&self) -> f64 {
        self.processes.iter().map(|process| process.cpu_us).sum()
    }

    pub(super) fn process(&self, name: &str) -> Option<&Process> {
        self.processes.iter().find(|process| process.name == name)
    }

    /// Why the line says less than it seems to, if it does.
    pub(super) fn warning(&self) -> Option<String> {
        let mut parts = Vec::new();
        if self.unsent > 0 {
            parts.push(format!("overloaded: {} requests were due and never sent", self.unsent));
        }
        if self.failed > 0 {
            parts.push(format!("{} requests failed", self.failed));
        }
        if let (Some(late), Some(median)) = (self.lateness_p99_ms, self.p50_ms)
            && late > median.max(1.0)
        {
            parts.push(format!(
                "the generator itself was up to {late:.1} ms late (p99): the machine was busy"
            ));
        }
        (!parts.is_empty()).then(|| parts.join("; "))
    }
}
