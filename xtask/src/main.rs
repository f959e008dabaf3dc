//! `cargo xtask …`: see `USAGE`.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command for the terminal")]

use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use lexopt::prelude::*;
use xtask::bench::Bench;
use xtask::search::Server;
use xtask::test::Suites;
use xtask::up::Up;
use xtask::{lint, test};

const USAGE: &str = "\
cargo xtask up     build everything and run it on this machine, until Ctrl-C
    --port-base N  ports N to N+4 instead of 8585 (edge), 8686 (service and GUI), 8787 (demo site),
                   8079 (gateway) and 8078 (Redis)
    --fresh        forget the data of earlier runs first
    --release      build optimised binaries (slower to build)
    --store NAME   keep documents on a search server, empty each time: es8, es7 or os2
cargo xtask test   every suite; installs what it lacks where it can
    --only NAME    one suite: rust, web, tracker, browser, clients or stores
    --store NAME   what every store promises, on one search server: es8, es7 or os2
cargo xtask bench  measures the way of a request, in one table (docs/performance.md)
    --only ROW     one row; repeat it for several
    --seconds N    how long each line is measured, 5 unless said
    --events N     events in a request, 1 unless said
    --faults       kill things in the middle of a run instead, and look for what was acknowledged
    --soak N       watch memory for N minutes instead, with a thousand connections
    --pipeline     measure how fast one core makes documents of what browsers sent instead
    --write-docs   write the table into docs/performance.md
    --unoptimised  without optimised binaries: to try the command, not to measure
cargo xtask lint   formatting, clippy, types, dependencies
";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // A sentence for whoever typed the command, and no stack trace.
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let mut parser = lexopt::Parser::from_env();
    let command = match parser.next()? {
        Some(Value(command)) => command.string()?,
        Some(Long("help") | Short('h')) | None => {
            print!("{USAGE}");
            return Ok(());
        }
        Some(other) => return Err(other.unexpected().into()),
    };
    match command.as_str() {
        "up" => up(&mut parser),
        "test" => test(&mut parser),
        "bench" => bench(&mut parser),
        "lint" => {
            no_more(&mut parser)?;
            lint::lint()
        }
        other => bail!("`{other}` is no command of xtask\n\n{USAGE}"),
    }
}

fn up(parser: &mut lexopt::Parser) -> Result<()> {
    let mut up = Up::default();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("port-base") => {
                up.port_base = Some(parser.value()?.parse().context("--port-base takes a port number")?)
            }
            Long("fresh") => up.fresh = true,
            Long("release") => up.release = true,
            Long("store") => up.store = Some(Server::parse(&parser.value()?.string()?)?),
            other => return Err(other.unexpected().into()),
        }
    }
    up.run()
}

fn test(parser: &mut lexopt::Parser) -> Result<()> {
    let mut suites = Suites::All;
    while let Some(argument) = parser.next()? {
        match argument {
            Long("only") => suites = Suites::One(parser.value()?.string()?),
            Long("store") => suites = Suites::Store(Server::parse(&parser.value()?.string()?)?),
            other => return Err(other.unexpected().into()),
        }
    }
    test::test(&suites)
}

fn bench(parser: &mut lexopt::Parser) -> Result<()> {
    let mut bench = Bench::default();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("only") => bench.only.push(parser.value()?.string()?),
            Long("seconds") => {
                bench.seconds = parser.value()?.parse().context("--seconds takes a number of seconds")?
            }
            Long("events") => bench.events = parser.value()?.parse().context("--events takes a number")?,
            Long("faults") => bench.faults = true,
            Long("soak") => {
                bench.soak = Some(parser.value()?.parse().context("--soak takes a number of minutes")?);
            }
            Long("pipeline") => bench.pipeline = true,
            Long("write-docs") => bench.write_docs = true,
            Long("unoptimised") => bench.unoptimised = true,
            other => return Err(other.unexpected().into()),
        }
    }
    bench.run()
}

fn no_more(parser: &mut lexopt::Parser) -> Result<()> {
    match parser.next()? {
        None => Ok(()),
        Some(other) => Err(other.unexpected().into()),
    }
}
