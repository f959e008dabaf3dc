//! The machine that figures were taken on.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::figures::Machine;
use crate::run::output_of;

/// How often a write to the disk is timed.
const SYNCS: usize = 200;
const BLOCK: [u8; 4096] = [0; 4096];

/// Describes this machine; times its disk in `folder`.
///
/// # Errors
/// The folder cannot be written to.
pub(super) fn describe(folder: &Path, unoptimised: bool) -> Result<Machine> {
    let say = |program: &str, arguments: &[&str]| {
        output_of(program, arguments).map_or_else(|| "unknown".to_owned(), |text| text.trim().to_owned())
    };
    let processor = fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| model(&text));
    let syncs = time_syncs(folder)?;
    let at = |quantile: f64| {
        let place = (syncs.len().saturating_sub(1) as f64 * quantile) as usize;
        syncs.get(place).map_or(0.0, |time| time.as_secs_f64() * 1_000.0)
    };
    Ok(Machine {
        day: say("date", &["+%F"]),
        revision: say("git", &["describe", "--always", "--dirty"]),
        processor: processor.unwrap_or_else(|| "unknown".to_owned()),
        cores: available_parallelism().map_or(1, Into::into),
        kernel: say("uname", &["-sr"]),
        redis: version(&say("redis-server", &["--version"])),
        rust: say("rustc", &["--version"]),
        sync_p50_ms: at(0.5),
        sync_p99_ms: at(0.99),
        unoptimised,
    })
}

/// What Redis does before it answers: appends to a file and waits for the disk. In ascending order.
fn time_syncs(folder: &Path) -> Result<Vec<Duration>> {
    let path = folder.join("sync");
    let mut file = File::create(&path)?;
    let mut times = Vec::with_capacity(SYNCS);
    for _ in 0..SYNCS {
        let began = Instant::now();
        file.write_all(&BLOCK)?;
        file.sync_data()?;
        times.push(began.elapsed());
    }
    fs::remove_file(path)?;
    times.sort();
    Ok(times)
}

fn model(cpuinfo: &str) -> Option<String> {
    let line = cpuinfo.lines().find_map(|line| line.strip_prefix("model name"))?;
    Some(line.trim_start_matches([' ', '\t', ':']).to_owned())
}

/// `7.0.15` in `Redis server v=7.0.15 sha=…`.
fn version(text: &str) -> String {
    let version = text.split_once("v=").and_then(|(_, rest)| rest.split_whitespace().next());
    version.unwrap_or(text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_versions_are_read() {
        assert_eq!(
            model("processor\t: 0\nmodel name\t: Some CPU @ 2 GHz\n").as_deref(),
            Some("Some CPU @ 2 GHz")
        );
        assert_eq!(version("Redis server v=7.0.15 sha=0:0"), "7.0.15");
    }
}
