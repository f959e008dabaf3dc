//! What the figures should be, and what they are: ratios of lines of one run, and costs.

use super::figures::{Figures, Line};
use super::rows::{Load, SATURATED};

/// A figure, and the bound that it should keep.
struct Target {
    what: &'static str,
    figure: fn(&Figures) -> Option<f64>,
    bound: Bound,
}

#[derive(Clone, Copy)]
enum Bound {
    AtLeast(f64),
    AtMost(f64),
}

use Bound::{AtLeast, AtMost};

const TARGETS: [Target; 19] = [
    Target {
        what: "`/track` at saturation, CPU µs",
        figure: |f| p3(f, SATURATED).map(Line::cpu_us),
        bound: AtMost(50.0),
    },
    Target {
        what: "requests/s for each core of the edge",
        figure: |f| by_core(p3(f, SATURATED)?, "edge"),
        bound: AtLeast(30_000.0),
    },
    Target { what: "p99 at saturation, ms", figure: |f| p3(f, SATURATED)?.p99_ms, bound: AtMost(15.0) },
    Target {
        what: "at 10,000/s, CPU µs",
        figure: |f| p3(f, open(10_000)).map(Line::cpu_us),
        bound: AtMost(80.0),
    },
    Target {
        what: "at 5,000/s, CPU µs",
        figure: |f| p3(f, open(5_000)).map(Line::cpu_us),
        bound: AtMost(110.0),
    },
    Target {
        what: "at 2,000/s, CPU µs",
        figure: |f| p3(f, open(2_000)).map(Line::cpu_us),
        bound: AtMost(160.0),
    },
    Target { what: "p99 at 10,000/s, ms", figure: |f| p3(f, open(10_000))?.p99_ms, bound: AtMost(10.0) },
    Target { what: "p99 at 5,000/s, ms", figure: |f| p3(f, open(5_000))?.p99_ms, bound: AtMost(10.0) },
    Target { what: "p99 at 2,000/s, ms", figure: |f| p3(f, open(2_000))?.p99_ms, bound: AtMost(10.0) },
    Target {
        what: "throughput against the native collector",
        figure: |f| throughput(f, "native"),
        bound: AtLeast(0.7),
    },
    Target {
        what: "CPU of the native collector against it",
        figure: |f| cpu(f, "native"),
        bound: AtLeast(0.7),
    },
    Target {
        what: "throughput against the bare hello component",
        figure: |f| throughput(f, "hello"),
        bound: AtLeast(0.5),
    },
    Target {
        what: "throughput against no group commit",
        figure: |f| throughput(f, "p3-alone"),
        bound: AtLeast(2.0),
    },
    Target {
        what: "CPU without group commit against it",
        figure: |f| cpu(f, "p3-alone"),
        bound: AtLeast(2.0),
    },
    Target {
        what: "`wasmtime serve` at saturation, CPU µs",
        figure: |f| f.line("wasmtime", SATURATED).map(Line::cpu_us),
        bound: AtMost(130.0),
    },
    Target {
        what: "gateway, pipelines of 16, commands by CPU second of Redis, against `redis-benchmark -P 16`",
        figure: pipelines,
        bound: AtLeast(0.7),
    },
    Target {
        what: "gateway, single commands/s for each core of it",
        figure: |f| by_core(f.line("gateway-1", SATURATED)?, "gateway"),
        bound: AtLeast(40_000.0),
    },
    Target {
        what: "memory of the edge with 1,000 connections, MB",
        figure: |f| memory(f.line("p3-crowd", Load::Open(2_000, 1_000))?, "edge"),
        bound: AtMost(64.0),
    },
    Target {
        what: "memory of the gateway at saturation, MB",
        figure: |f| memory(p3(f, SATURATED)?, "gateway"),
        bound: AtMost(32.0),
    },
];

/// A table of those that could be computed.
pub(super) fn write(figures: &Figures) -> String {
    let mut text = "| | figure | target | |\n|---|--:|--:|---|\n".to_owned();
    for target in TARGETS {
        let Some(figure) = (target.figure)(figures) else { continue };
        let (bound, kept) = match target.bound {
            AtLeast(bound) => (format!("≥ {bound}"), figure >= bound),
            AtMost(bound) => (format!("≤ {bound}"), figure <= bound),
        };
        let figure = if figure >= 1_000.0 { format!("{figure:.0}") } else { format!("{figure:.2}") };
        let verdict = if kept { "reached" } else { "missed" };
        text.push_str(&format!("| {} | {figure} | {bound} | {verdict} |\n", target.what));
    }
    text
}

fn p3(figures: &Figures, load: Load) -> Option<&Line> {
    figures.line("p3", load)
}

fn open(rate: u32) -> Load {
    Load::Open(rate, super::rows::CONNECTIONS)
}

/// Requests in a second of the CPU of one process.
fn by_core(line: &Line, process: &str) -> Option<f64> {
    Some(1_000_000.0 / line.process(process)?.cpu_us)
}

fn memory(line: &Line, process: &str) -> Option<f64> {
    line.process(process).map(|process| process.peak_mb)
}

/// Throughput of the component, by that of another row.
fn throughput(figures: &Figures, other: &str) -> Option<f64> {
    Some(p3(figures, SATURATED)?.requests_per_second / figures.line(other, SATURATED)?.requests_per_second)
}

/// CPU of another row, by that of the component.
fn cpu(figures: &Figures, other: &str) -> Option<f64> {
    Some(figures.line(other, SATURATED)?.cpu_us() / p3(figures, SATURATED)?.cpu_us())
}

fn pipelines(figures: &Figures) -> Option<f64> {
    let by_redis_second = |row| {
        let line = figures.line(row, SATURATED)?;
        let commands = line.events_per_second / line.requests_per_second;
        Some(commands * 1_000_000.0 / line.process("Redis")?.cpu_us)
    };
    Some(by_redis_second("gateway-16")? / by_redis_second("redis-16")?)
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn what_was_measured_is_compared_and_the_rest_left_out() {
        let text = write(&sample::figures());
        assert!(text.contains("| `/track` at saturation, CPU µs | 62.50 | ≤ 50 | missed |"), "{text}");
        assert!(
            text.contains("| requests/s for each core of the edge | 25000 | ≥ 30000 | missed |"),
            "{text}"
        );
        assert!(text.contains("| p99 at 2,000/s, ms | 5.00 | ≤ 10 | reached |"), "{text}");
        assert!(!text.contains("native"), "{text}");
    }
}
