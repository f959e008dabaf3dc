//! What is measured: the rows of the table, and the loads that each gets.

use std::fmt;

/// What a row measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    /// The WASI 0.3 component on our host.
    Component,
    /// The same, each request a write of its own.
    ComponentAlone,
    /// The WASI 0.2 component on our host.
    ComponentP2,
    /// The WASI 0.3 component under `wasmtime serve`.
    Wasmtime,
    /// The collector without WebAssembly.
    Native,
    /// A component that only answers, on our host. No Redis behind it.
    Hello,
    /// The gateway, with so many commands in a request. No edge before it.
    Gateway(u32),
    /// Redis itself, with so many commands in a pipeline.
    Redis(u32),
}

/// How requests come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Load {
    /// So many connections, each of which sends its next request when the last one is answered.
    Closed(u32),
    /// So many requests by second over so many connections, at random moments.
    Open(u32, u32),
}

/// A row: its name for `--only`, its title, what it measures under which loads.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    pub(super) subject: Subject,
    pub(super) loads: &'static [Load],
}

/// The load of the targets: saturation.
pub(super) const SATURATED: Load = Load::Closed(64);

/// Connections of an open loop, where a row says nothing else: more than are ever busy.
pub(super) const CONNECTIONS: u32 = 256;

/// Loads of everything that answers `/track`.
const TRACK: &[Load] = &[
    SATURATED,
    Load::Open(2_000, CONNECTIONS),
    Load::Open(5_000, CONNECTIONS),
    Load::Open(10_000, CONNECTIONS),
];

pub(super) const ROWS: [Row; 11] = [
    Row { name: "p3", title: "`/track`, WASI 0.3, our host", subject: Subject::Component, loads: TRACK },
    Row {
        name: "p3-crowd",
        title: "`/track`, WASI 0.3, our host, many connections",
        subject: Subject::Component,
        loads: &[Load::Open(2_000, 1_000)],
    },
    Row {
        name: "p3-alone",
        title: "`/track`, WASI 0.3, our host, no group commit",
        subject: Subject::ComponentAlone,
        loads: TRACK,
    },
    Row { name: "p2", title: "`/track`, WASI 0.2, our host", subject: Subject::ComponentP2, loads: TRACK },
    Row {
        name: "wasmtime",
        title: "`/track`, WASI 0.3, `wasmtime serve`",
        subject: Subject::Wasmtime,
        loads: TRACK,
    },
    Row { name: "native", title: "`/track`, native collector", subject: Subject::Native, loads: TRACK },
    Row {
        name: "hello",
        title: "bare hello component, our host",
        subject: Subject::Hello,
        loads: &[SATURATED, Load::Open(10_000, CONNECTIONS)],
    },
    Row {
        name: "gateway-1",
        title: "gateway alone, one `XADD` a request",
        subject: Subject::Gateway(1),
        loads: &[SATURATED],
    },
    Row {
        name: "gateway-16",
        title: "gateway alone, pipelines of 16 `XADD`",
        subject: Subject::Gateway(16),
        loads: &[SATURATED],
    },
    Row {
        name: "redis-1",
        title: "`redis-benchmark` `XADD`",
        subject: Subject::Redis(1),
        loads: &[SATURATED],
    },
    Row {
        name: "redis-16",
        title: "`redis-benchmark -P 16` `XADD`",
        subject: Subject::Redis(16),
        loads: &[SATURATED],
    },
];

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed(connections) => write!(f, "{connections} connections"),
            Self::Open(rate, CONNECTIONS) => write!(f, "{rate}/s"),
            Self::Open(rate, connections) => write!(f, "{rate}/s over {connections} connections"),
        }
    }
}
