//! Memory over a long time, with every connection open that an edge is meant for; and how soon a new edge answers.

use std::fmt;
use std::fs;
use std::path::Path;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

use super::Programs;
use super::measure::check_stored;
use super::rows::Subject;
use super::subject::{Edge, installation};
use super::usage::memory;
use crate::ports::at;
use crate::probe::wait_for_http;
use crate::process::Process;
use crate::stack::Part;

/// More would fill the Redis of a run, which nobody empties.
pub(super) const MOST_MINUTES: u32 = 40;

const CONNECTIONS: u32 = 1_000;
/// Requests by second: each connection is used every few seconds.
const RATE: u32 = 200;
const WARM_UP_SECONDS: u32 = 30;
const LOOK: Duration = Duration::from_secs(1);
/// What a part may grow from the first third of a run to the last, of what it had.
const GROWTH: f64 = 0.05;

/// What came of it.
#[derive(Debug)]
pub(super) struct Soaked {
    /// From the start of the edge's process to its first answer, with the compiled component in its cache.
    first_answer: Duration,
    acknowledged: u64,
    parts: Vec<Memory>,
}

/// What a process had in RAM, in megabytes.
#[derive(Debug)]
struct Memory {
    name: &'static str,
    /// Medians of the first third of the run and the last.
    first: f64,
    last: f64,
    most: f64,
}

/// Loads an edge for so many minutes.
///
/// # Errors
/// An acknowledged event is lost or stored twice, edge or gateway grow, or something does not start.
pub(super) fn soak(programs: &Programs, folder: &Path, minutes: u32) -> Result<Soaked> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder)?;
    let stack = installation(programs, folder, |_| Ok(()))?;
    let mut edge = Edge::new(Subject::Component, programs, folder, stack.collector_environment().to_vec())?;
    // Once to have the component in the cache.
    first_answer(&mut edge)?;
    let (process, first_answer) = first_answer(&mut edge)?;

    let gateway = stack.id(Part::Gateway).context("the gateway has ended")?;
    let processes = [("edge", process.id()), ("gateway", gateway)];
    let (end, over) = mpsc::channel();
    let arguments = [
        at(edge.port()).to_string(),
        format!("--connections={CONNECTIONS}"),
        format!("--rate={RATE}"),
        format!("--warm-up={WARM_UP_SECONDS}"),
        format!("--seconds={}", minutes * 60),
    ];
    let (outcome, looks) = thread::scope(|scope| {
        let looks = scope.spawn(move || watch(processes, &over));
        let environment = [("TIDELINE_LOAD_REDIS_URL", stack.redis_url())];
        let outcome = programs.generator.run(&arguments, &environment, |_| Ok(()));
        drop(end);
        (outcome, looks.join())
    });
    let outcome = outcome?;
    check_stored(&outcome)?;
    let looks = looks.map_err(|_| anyhow::anyhow!("nobody looked at the memory"))??;
    let warm = looks.get(WARM_UP_SECONDS as usize..).context("the run was too short to tell")?;
    let parts = processes.iter().enumerate().map(|(part, (name, _))| {
        Memory::of(name, warm.iter().map(|look| look[part] as f64 / f64::from(1 << 20)).collect())
    });
    let soaked = Soaked { first_answer, acknowledged: outcome.report.acknowledged, parts: parts.collect() };
    let grown = soaked.parts.iter().find(|part| part.last > part.first * (1.0 + GROWTH));
    ensure!(grown.is_none(), "the {} grows: {soaked}", grown.map_or("", |part| part.name));
    Ok(soaked)
}

/// Starts the edge and waits until it has answered a request.
fn first_answer(edge: &mut Edge) -> Result<(Process, Duration)> {
    let begun = Instant::now();
    let mut process = edge.run()?;
    wait_for_http(&mut process, edge.port(), "/healthz")?;
    Ok((process, begun.elapsed()))
}

/// What each process has in RAM, look by look, in bytes, until the run is over.
fn watch(processes: [(&str, u32); 2], over: &mpsc::Receiver<()>) -> Result<Vec<[u64; 2]>> {
    let mut looks = Vec::new();
    while over.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
        let [edge, gateway] = processes.map(|(_, id)| memory(id));
        looks.push([edge?, gateway?]);
    }
    Ok(looks)
}

impl Memory {
    fn of(name: &'static str, looks: Vec<f64>) -> Self {
        let third = looks.len() / 3;
        Self {
            name,
            first: median(&looks[..third.max(1)]),
            last: median(&looks[looks.len() - third.max(1)..]),
            most: looks.iter().copied().fold(0.0, f64::max),
        }
    }
}

fn median(looks: &[f64]) -> f64 {
    let mut sorted = looks.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

impl fmt::Display for Soaked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} requests over {CONNECTIONS} connections, each stored once; first answer of a new edge after {} ms",
            self.acknowledged,
            self.first_answer.as_millis()
        )?;
        for Memory { name, first, last, most } in &self.parts {
            write!(f, "; {name} {first:.1} MB in the first third, {last:.1} in the last, {most:.1} at most")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_shows_between_the_thirds_of_a_run() {
        let memory = Memory::of("edge", (0..90).map(f64::from).collect());
        assert_eq!((memory.first, memory.last, memory.most), (15.0, 75.0, 89.0));
        let short = Memory::of("edge", vec![7.0]);
        assert_eq!((short.first, short.last, short.most), (7.0, 7.0, 7.0));
    }
}
