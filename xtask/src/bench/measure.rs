//! One line of the table: starts what it measures, loads it, and compares what is stored with what was acknowledged.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Error, Result, bail, ensure};

use super::figures::{Line, Process};
use super::generator::{Notice, Outcome};
use super::rows::{Load, Row, Subject};
use super::subject::{Running, Started, start};
use super::usage::{cpu_time, peak_memory};
use super::{Programs, redis};
use crate::probe::http_text;

/// Moments and ids of every run follow from it.
const SEED: u64 = 20_261_122;
const WARM_UP_SECONDS: f64 = 1.0;
/// Requests that tell how fast `redis-benchmark` is, before it is told how many to send.
const TRIAL_REQUESTS: u64 = 30_000;
/// As large as what the generator writes through the gateway.
const VALUE: &str = "0123456789abcdef0123456789abcdef";

/// A line, or why there is none.
pub(super) enum Measured {
    Line(Box<Line>),
    Skipped(String),
}

/// What processes had used and Redis had done at a moment.
struct Sample {
    cpu: Vec<Duration>,
    calls: BTreeMap<String, u64>,
    gateway_requests: Option<u64>,
}

impl Sample {
    fn take(running: &Running) -> Result<Self> {
        let cpu = running.processes.iter().map(|(_, id)| cpu_time(*id)).collect::<Result<_>>()?;
        let calls = match running.redis {
            Some(port) => redis::calls(port, running.redis_user())?,
            None => BTreeMap::new(),
        };
        let gateway_requests =
            running.metrics.map(|port| Ok::<_, Error>(gateway_requests(&http_text(port, "/metrics")?)));
        Ok(Self { cpu, calls, gateway_requests: gateway_requests.transpose()? })
    }

    fn gateway_requests_since(&self, before: &Self) -> Option<u64> {
        self.gateway_requests?.checked_sub(before.gateway_requests?).filter(|requests| *requests > 0)
    }

    fn calls_since(&self, before: &Self, command: &str) -> u64 {
        let of = |sample: &Self| sample.calls.get(command).copied().unwrap_or_default();
        of(self).saturating_sub(of(before))
    }
}

/// HTTP requests that the gateway has answered, whatever their route and status.
fn gateway_requests(metrics: &str) -> u64 {
    let lines = metrics.lines().filter(|line| line.starts_with("gateway_requests_total"));
    lines.filter_map(|line| line.rsplit_once(' ')?.1.parse::<u64>().ok()).sum()
}

/// Measures a row under one of its loads.
///
/// # Errors
/// Something does not start or ends early, or an acknowledged event is not stored exactly once.
pub(super) fn measure(
    row: &Row,
    load: Load,
    programs: &Programs,
    folder: &Path,
    seconds: f64,
    events: u32,
) -> Result<Measured> {
    let running = match start(row.subject, programs, folder)? {
        Started::Running(running) => running,
        Started::Skipped(why) => return Ok(Measured::Skipped(why)),
    };
    let mut line = match row.subject {
        Subject::Redis(pipeline) => by_redis_benchmark(&running, load, pipeline, seconds)?,
        _ => by_generator(row.subject, &running, load, programs, seconds, events)?,
    };
    row.name.clone_into(&mut line.row);
    row.title.clone_into(&mut line.title);
    line.load = load.to_string();
    Ok(Measured::Line(Box::new(line)))
}

fn by_generator(
    subject: Subject,
    running: &Running,
    load: Load,
    programs: &Programs,
    seconds: f64,
    events: u32,
) -> Result<Line> {
    let (work, events) = match subject {
        Subject::Hello => ("get", 1),
        Subject::Gateway(commands) => ("commands", commands),
        _ => ("page-views", events),
    };
    let (connections, rate) = match load {
        Load::Closed(connections) => (connections, None),
        Load::Open(rate, connections) => (connections, Some(rate)),
    };
    let mut arguments = vec![running.address.to_string()];
    let mut option = |name: &str, value: String| arguments.extend([format!("--{name}"), value]);
    option("work", work.to_owned());
    option("events", events.to_string());
    option("connections", connections.to_string());
    option("warm-up", WARM_UP_SECONDS.to_string());
    option("seconds", seconds.to_string());
    option("seed", SEED.to_string());
    if let Some(rate) = rate {
        option("rate", rate.to_string());
    }
    let (mut before, mut after) = (None, None);
    let outcome = programs.generator.run(&arguments, &running.generator_environment(), |notice| {
        match notice {
            Notice::Measuring => before = Some(Sample::take(running)?),
            Notice::Measured => after = Some(Sample::take(running)?),
            Notice::Acknowledged(_) => {}
        }
        Ok(())
    })?;
    let (before, after) = (before.context("no beginning")?, after.context("no end")?);
    check_stored(&outcome)?;
    let report = outcome.report;
    ensure!(report.requests > 0, "no request was acknowledged: {:?}", report.failures);
    let calls = after.calls_since(&before, "fcall");
    let batches = after.gateway_requests_since(&before);
    Ok(Line {
        requests_per_second: report.requests_per_second,
        events_per_second: report.events_per_second,
        p50_ms: Some(report.latency.p50_ms),
        p99_ms: Some(report.latency.p99_ms),
        p999_ms: Some(report.latency.p999_ms),
        processes: processes(running, &before, &after, report.requests)?,
        batch: batches.map(|batches| report.requests as f64 / batches as f64),
        call: (calls > 0).then(|| report.requests as f64 / calls as f64),
        acknowledged: report.acknowledged,
        failed: report.failed,
        unsent: report.unsent,
        lateness_p99_ms: rate.map(|_| report.lateness_p99_ms),
        ..Line::default()
    })
}

/// No figure counts if an acknowledged event is lost.
pub(super) fn check_stored(outcome: &Outcome) -> Result<()> {
    match &outcome.stored {
        Some(stored) if !stored.is_exact() => bail!(
            "of {} acknowledged events {} are lost and {} stored twice, and {} are of nobody: {}",
            stored.acknowledged,
            stored.lost,
            stored.doubled,
            stored.foreign,
            stored.examples.join(", ")
        ),
        _ => Ok(()),
    }
}

fn processes(running: &Running, before: &Sample, after: &Sample, requests: u64) -> Result<Vec<Process>> {
    let used = before.cpu.iter().zip(&after.cpu).map(|(before, after)| after.saturating_sub(*before));
    let each = running.processes.iter().zip(used).map(|((name, id), used)| {
        Ok(Process {
            name: (*name).to_owned(),
            cpu_us: used.as_secs_f64() * 1_000_000.0 / requests as f64,
            peak_mb: peak_memory(*id)? as f64 / f64::from(1 << 20),
        })
    });
    each.collect()
}

fn by_redis_benchmark(running: &Running, load: Load, pipeline: u32, seconds: f64) -> Result<Line> {
    let Load::Closed(connections) = load else { bail!("redis-benchmark knows closed loops only") };
    let trial = redis_benchmark(running, connections, pipeline, TRIAL_REQUESTS)?;
    let commands = (trial.commands_per_second * seconds) as u64;
    let before = Sample::take(running)?;
    let figures = redis_benchmark(running, connections, pipeline, commands)?;
    let after = Sample::take(running)?;
    // A pipeline is what a request is elsewhere.
    let requests = commands / u64::from(pipeline);
    Ok(Line {
        requests_per_second: figures.commands_per_second / f64::from(pipeline),
        events_per_second: figures.commands_per_second,
        p50_ms: Some(figures.p50_ms),
        p99_ms: Some(figures.p99_ms),
        processes: processes(running, &before, &after, requests)?,
        acknowledged: requests,
        ..Line::default()
    })
}

/// What `redis-benchmark --csv` says.
#[derive(Debug, PartialEq)]
struct RedisBenchmark {
    commands_per_second: f64,
    p50_ms: f64,
    p99_ms: f64,
}

fn redis_benchmark(
    running: &Running,
    connections: u32,
    pipeline: u32,
    commands: u64,
) -> Result<RedisBenchmark> {
    let port = running.redis.context("no Redis")?;
    let numbers = ["-p", "-c", "-P", "-n"].into_iter().zip([
        port.to_string(),
        connections.to_string(),
        pipeline.to_string(),
        commands.to_string(),
    ]);
    let mut command = Command::new("redis-benchmark");
    command.arg("--csv").args(numbers.flat_map(|(name, value)| [name.to_owned(), value]));
    command.args(["XADD", "load", "*", "v", VALUE]);
    let output = command.output().context("redis-benchmark cannot be started: it comes with Redis")?;
    let text = String::from_utf8_lossy(&output.stdout);
    parse_csv(&text).with_context(|| format!("redis-benchmark says `{}`", text.trim()))
}

/// The last line: `"<test>","<rps>","<average>","<min>","<p50>","<p95>","<p99>","<max>"`.
fn parse_csv(text: &str) -> Option<RedisBenchmark> {
    let fields: Vec<_> =
        text.lines().last()?.rsplit(',').map(|field| field.trim().trim_matches('"')).collect();
    let [_, p99, _, p50, _, _, rate, ..] = fields[..] else { return None };
    Some(RedisBenchmark {
        commands_per_second: rate.parse().ok()?,
        p50_ms: p50.parse().ok()?,
        p99_ms: p99.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_of_all_routes_are_counted() {
        let metrics = "# TYPE gateway_requests counter\n\
                       gateway_requests_total{route=\"command\",status=\"2xx\"} 3\n\
                       gateway_requests_total{route=\"pipeline\",status=\"2xx\"} 4\n\
                       gateway_requests_in_flight 9\n# EOF\n";
        assert_eq!(gateway_requests(metrics), 7);
    }

    #[test]
    fn the_figures_of_redis_benchmark_are_read() {
        let text = "\"test\",\"rps\",\"avg_latency_ms\",\"min_latency_ms\",\"p50_latency_ms\",\"p95_latency_ms\",\"p99_latency_ms\",\"max_latency_ms\"\n\
                    \"XADD load * v 01, 23\",\"25380.71\",\"2.451\",\"0.512\",\"2.303\",\"3.807\",\"4.207\",\"9.023\"\n";
        let read = RedisBenchmark { commands_per_second: 25_380.71, p50_ms: 2.303, p99_ms: 4.207 };
        assert_eq!(parse_csv(text), Some(read));
        assert_eq!(parse_csv("Could not connect"), None);
    }
}
