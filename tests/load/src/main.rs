//! `tideline-load`: one run, as `cargo xtask bench` starts it.
//!
//! Prints a JSON object on each line: what happens while the run goes on, then its report. Afterwards it compares the
//! streams with what was acknowledged, if it is told where Redis is. The token and the address of Redis are secrets,
//! so they come from the environment.
#![expect(clippy::print_stdout, reason = "a command for a terminal or a program that reads it")]

use std::io::Write as _;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::{Parser, ValueEnum};
use serde_json::json;
use tideline_load::{Load, Notice, Plan, Work, stored};

/// Loads a running collector, and proves that what it acknowledged is stored.
#[derive(Parser)]
#[command(
    name = "tideline-load",
    after_help = "Environment:\n  TIDELINE_LOAD_REDIS_URL  where to look for what was acknowledged: a user that may read streams\n  TIDELINE_LOAD_TOKEN      the gateway's token, for --work commands"
)]
struct Arguments {
    /// Address and port to send to
    address: SocketAddr,

    /// What to send
    #[arg(long, default_value = "page-views")]
    work: WorkName,

    /// Events or commands in a request
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=256))]
    events: u32,

    /// The whole answer that `--work get` expects
    #[arg(long, default_value = "hello")]
    answer: String,

    /// Requests by second, at the moments of a Poisson process; without it, as fast as they are answered
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    rate: Option<u32>,

    /// Keep-alive connections
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    connections: u32,

    /// Seconds before it is measured
    #[arg(long, default_value_t = 1.0)]
    warm_up: f64,

    /// Seconds to measure
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,

    /// Ends after so many requests
    #[arg(long, default_value_t = 10_000_000)]
    most_requests: u64,

    /// Sends a request again until it is acknowledged
    #[arg(long)]
    repeat: bool,

    /// Of so many requests, one is broken off by a visitor who leaves; 0: none
    #[arg(long, default_value_t = 0)]
    impatient_one_in: u64,

    /// Moments and ids follow from it: another one for each run against the same Redis
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[derive(Clone, Copy, ValueEnum)]
enum WorkName {
    /// `POST /track` as a browser sends it
    PageViews,
    /// `GET /`
    Get,
    /// Redis commands over HTTP
    Commands,
}

fn main() -> Result<ExitCode> {
    let plan = Arguments::parse().into_plan()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let outcome = runtime.block_on(tideline_load::run(&plan, &mut tell))?;
    let stored = match std::env::var("TIDELINE_LOAD_REDIS_URL") {
        Ok(url) => Some(stored::compare(&url, outcome.ids, &outcome.acknowledged)?),
        Err(_) => None,
    };
    println!("{}", json!({ "report": outcome.report, "stored": stored }));
    let exact = stored.is_none_or(|stored| stored.is_exact());
    Ok(if exact { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn tell(notice: Notice) {
    let line = match notice {
        Notice::Measuring => json!({ "phase": "measuring" }),
        Notice::Acknowledged(count) => json!({ "acknowledged": count }),
        Notice::Measured => json!({ "phase": "measured" }),
    };
    let mut output = std::io::stdout().lock();
    // A reader who went away ends the run at its end, when the report cannot be printed.
    let _ = writeln!(output, "{line}").and_then(|()| output.flush());
}

impl Arguments {
    fn into_plan(self) -> Result<Plan> {
        let seconds = |seconds| Duration::try_from_secs_f64(seconds).context("seconds must not be negative");
        let work = match self.work {
            WorkName::PageViews => Work::PageViews { events: self.events },
            WorkName::Get => Work::Get { answer: self.answer },
            WorkName::Commands => {
                let token = std::env::var("TIDELINE_LOAD_TOKEN").context("TIDELINE_LOAD_TOKEN is not set")?;
                Work::Commands { token, commands: self.events }
            }
        };
        Ok(Plan {
            address: self.address,
            work,
            load: self.rate.map_or(Load::Closed, Load::Open),
            connections: self.connections,
            warm_up: seconds(self.warm_up)?,
            duration: seconds(self.seconds)?,
            most_requests: self.most_requests,
            repeat: self.repeat,
            impatient_one_in: self.impatient_one_in,
            seed: self.seed,
        })
    }
}
