//! What processes cost: CPU time and memory, as `proc(5)` tells.

use std::fs;
use std::time::Duration;

use anyhow::{Context as _, Result};

/// User and system time of a process and all its threads, those that ended included. What the kernel does in threads
/// of its own, such as writing to the disk, is not in it.
///
/// # Errors
/// The process has ended, or the system has no `/proc`.
pub(super) fn cpu_time(id: u32) -> Result<Duration> {
    let file = format!("/proc/{id}/stat");
    let stat = fs::read_to_string(&file)
        .with_context(|| format!("{file} cannot be read: CPU time is measured on Linux only"))?;
    let ticks = ticks(&stat).with_context(|| format!("{file} is unreadable"))?;
    Ok(Duration::from_secs_f64(ticks as f64 / rustix::param::clock_ticks_per_second() as f64))
}

/// The most memory that a process ever had in RAM, in bytes.
///
/// # Errors
/// As [`cpu_time`].
pub(super) fn peak_memory(id: u32) -> Result<u64> {
    of_status(id, "VmHWM:")
}

/// What a process has in RAM now, in bytes.
///
/// # Errors
/// As [`cpu_time`].
pub(super) fn memory(id: u32) -> Result<u64> {
    of_status(id, "VmRSS:")
}

fn of_status(id: u32, name: &str) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{id}/status"))?;
    kilobytes(&status, name)
        .map(|kilobytes| kilobytes * 1024)
        .with_context(|| format!("process {id} has no {name}"))
}

/// Fields 14 and 15. The name in field 2 is in brackets and may hold anything.
fn ticks(stat: &str) -> Option<u64> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let mut next = || fields.next()?.parse::<u64>().ok();
    Some(next()? + next()?)
}

fn kilobytes(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_of_the_kernel_are_read() {
        let stat = "4242 (a (b) c) S 1 4242 4242 0 -1 4194560 900 0 0 0 120 34 0 0 20 0 5 0 100 1 1 1";
        assert_eq!(ticks(stat), Some(154));
        assert_eq!(ticks("4242"), None);
        assert_eq!(kilobytes("VmPeak:\t  10 kB\nVmHWM:\t    5120 kB\n", "VmHWM:"), Some(5120));
    }

    #[test]
    fn a_process_that_works_uses_cpu_time_and_memory() {
        let id = std::process::id();
        let before = cpu_time(id).unwrap();
        while cpu_time(id).unwrap() == before {}
        assert!(memory(id).unwrap() > 100_000 && peak_memory(id).unwrap() > 100_000);
    }
}
