//! Figures for the tests of what is made from them.

use super::figures::{Figures, Line, Machine, Process, Skipped};

pub(super) fn figures() -> Figures {
    let process = |name: &str, cpu_us| Process { name: name.to_owned(), cpu_us, peak_mb: 30.0 };
    let line = |load: &str, unsent| Line {
        row: "p3".into(),
        title: "the component".into(),
        load: load.into(),
        requests_per_second: 20_000.0,
        events_per_second: 20_000.0,
        p50_ms: Some(3.0),
        p99_ms: Some(5.0),
        p999_ms: Some(8.0),
        processes: vec![process("edge", 40.0), process("gateway", 3.5), process("Redis", 19.0)],
        batch: Some(32.0),
        call: Some(4.0),
        acknowledged: 100_000,
        failed: 0,
        unsent,
        lateness_p99_ms: Some(0.1),
    };
    Figures {
        machine: Machine {
            day: "2026-01-02".into(),
            revision: "abc".into(),
            processor: "A < B & C".into(),
            cores: 2,
            kernel: "6.1".into(),
            redis: "7.0.15".into(),
            rust: "1.95.0".into(),
            sync_p50_ms: 0.5,
            sync_p99_ms: 2.0,
            unoptimised: false,
        },
        seconds: 5.0,
        events: 1,
        lines: vec![line("64 connections", 0), line("2000/s", 17)],
        skipped: vec![Skipped { row: "wasmtime".into(), why: "not installed".into() }],
    }
}
