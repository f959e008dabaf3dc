//! `cargo xtask bench`: one table from one run, of real processes on loopback.
//!
//! Each line of the table gets new processes and an empty Redis, so none bears on the next. Costs are the CPU time of
//! all processes that work for a request, without the generator. After each line what was acknowledged is compared with
//! what is stored, and a line with a lost event is an error, not a figure.

mod document;
pub mod faults;
mod figures;
mod generator;
mod machine;
mod measure;
mod picture;
mod redis;
mod relay;
mod rows;
#[cfg(test)]
mod sample;
mod soak;
mod subject;
mod table;
mod targets;
mod usage;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};

use self::figures::{Figures, Skipped};
use self::generator::Generator;
use self::measure::Measured;
use self::rows::{ROWS, Row};
use crate::artifacts::{
    Artifacts, BENCH_COMPONENT, Build, COMPONENTS, build_components, build_native, build_tracker,
};
use crate::run::{command, run, target};
use crate::tools;

/// Requests of `--faults`.
const FAULT_REQUESTS: u64 = 20_000;

/// What `bench` was asked for.
#[derive(Debug)]
pub struct Bench {
    /// Names of the rows to measure; all, if there are none.
    pub only: Vec<String>,
    /// How long each line is measured.
    pub seconds: f64,
    /// Events in each request to `/track`.
    pub events: u32,
    /// Unoptimised programs: to try the command, not to measure.
    pub unoptimised: bool,
    /// Write the figures into `docs/performance.md`.
    pub write_docs: bool,
    /// Kill things in the middle of a run instead of measuring it.
    pub faults: bool,
    /// Watch memory for so many minutes instead.
    pub soak: Option<u32>,
    /// Measure the pipeline alone instead.
    pub pipeline: bool,
}

/// All that is run.
#[derive(Clone, Debug)]
pub struct Programs {
    /// Edge, gateway, service and components.
    pub artifacts: Artifacts,
    /// The component that only answers.
    pub hello: PathBuf,
    /// The load generator.
    generator: Generator,
    /// Where the edge keeps compiled components.
    pub cache: PathBuf,
}

impl Default for Bench {
    fn default() -> Self {
        Self {
            only: Vec::new(),
            seconds: 5.0,
            events: 1,
            unoptimised: false,
            write_docs: false,
            faults: false,
            soak: None,
            pipeline: false,
        }
    }
}

impl Bench {
    /// Builds, measures, prints the table, and writes it to `target/bench`.
    ///
    /// # Errors
    /// In a sentence: an option contradicts another, a build is broken, or an acknowledged event was lost.
    pub fn run(&self) -> Result<()> {
        if self.pipeline {
            tools::ensure_redis()?;
            for (package, bench) in [("tideline-pipeline", "visits"), ("tideline-intake", "intake")] {
                run(&mut command(".", "cargo", &["bench", "-p", package, "--bench", bench]))?;
            }
            return Ok(());
        }
        let rows = self.rows()?;
        tools::ensure_redis()?;
        let programs = Programs::build(!self.unoptimised)?;
        let folder = target().join("bench");
        fs::create_dir_all(&folder)?;
        let data = folder.join("data");
        if self.faults {
            let survived = faults::survive(&programs, &data, FAULT_REQUESTS)?;
            println!(
                "{} faults: {} acknowledged events, each stored once; requests were sent again {} times",
                survived.faults, survived.acknowledged, survived.repeated
            );
            return Ok(());
        }
        if let Some(minutes) = self.soak {
            println!("{}", soak::soak(&programs, &data, minutes)?);
            return Ok(());
        }
        let figures = self.measure(&rows, &programs, &folder)?;
        fs::write(folder.join("figures.json"), serde_json::to_vec_pretty(&figures)?)?;
        fs::write(folder.join("figures.svg"), picture::draw(&figures))?;
        println!("\n{}", document::section(&figures));
        println!("{}: figures.json, figures.svg", folder.display());
        if self.write_docs {
            document::write(&figures)?;
        }
        Ok(())
    }

    fn rows(&self) -> Result<Vec<&'static Row>> {
        ensure!(self.seconds > 0.0 && self.seconds <= 600.0, "--seconds {}: use 1 to 600", self.seconds);
        ensure!((1..=64).contains(&self.events), "--events {}: use 1 to 64", self.events);
        if let Some(minutes) = self.soak {
            let most = soak::MOST_MINUTES;
            ensure!((1..=most).contains(&minutes), "--soak {minutes}: use 1 to {most}");
        }
        if self.write_docs && (!self.only.is_empty() || self.unoptimised || self.faults) {
            bail!("--write-docs writes the figures of one whole run: leave the other options out");
        }
        if let Some(unknown) = self.only.iter().find(|name| ROWS.iter().all(|row| row.name != **name)) {
            bail!("no row is called `{unknown}`: there are {}", ROWS.map(|row| row.name).join(", "));
        }
        let chosen = |row: &&Row| self.only.is_empty() || self.only.iter().any(|name| name == row.name);
        Ok(ROWS.iter().filter(chosen).collect())
    }

    fn measure(&self, rows: &[&Row], programs: &Programs, folder: &Path) -> Result<Figures> {
        let data = folder.join("data");
        let machine = machine::describe(folder, self.unoptimised)?;
        let (mut lines, mut skipped) = (Vec::new(), Vec::new());
        for row in rows {
            for load in row.loads {
                eprintln!("• {}: {load}", row.title);
                let measured = measure::measure(row, *load, programs, &data, self.seconds, self.events);
                match measured.with_context(|| format!("{}, {load}", row.title))? {
                    Measured::Line(line) => lines.push(*line),
                    Measured::Skipped(why) => {
                        eprintln!("  skipped: {why}");
                        skipped.push(Skipped { row: row.title.to_owned(), why });
                        break;
                    }
                }
            }
        }
        if data.exists() {
            fs::remove_dir_all(data)?;
        }
        Ok(Figures { machine, seconds: self.seconds, events: self.events, lines, skipped })
    }
}

impl Programs {
    /// Builds what is measured, as it is shipped.
    ///
    /// # Errors
    /// A tool is missing, or a build fails.
    pub fn build(release: bool) -> Result<Self> {
        tools::ensure_wasm_target()?;
        tools::ensure_node()?;
        build_tracker()?;
        build_native(if release { Build::Optimised } else { Build::Programs })?;
        build_components(&COMPONENTS)?;
        build_components(&[BENCH_COMPONENT])?;
        let artifacts = Artifacts::locate(release);
        let program = artifacts.edge.with_file_name("tideline-load");
        Ok(Self::of(artifacts, program))
    }

    /// Programs that are built already, with this load generator.
    #[must_use]
    pub fn of(artifacts: Artifacts, generator: PathBuf) -> Self {
        Self {
            hello: artifacts.component.with_file_name("tideline_hello.wasm"),
            generator: Generator { program: generator },
            cache: target().join("bench").join("edge-cache"),
            artifacts,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_that_cannot_be_meant_are_refused() {
        let refused = |bench: Bench| bench.rows().unwrap_err().to_string();
        let only = |name: &str| Bench { only: vec![name.to_owned()], ..Bench::default() };
        assert!(refused(only("p4")).contains("there are p3, "));
        assert!(refused(Bench { write_docs: true, ..only("p3") }).contains("--write-docs"));
        assert!(refused(Bench { seconds: 0.0, ..Bench::default() }).contains("--seconds 0"));
        assert!(refused(Bench { events: 0, ..Bench::default() }).contains("--events 0"));
        assert_eq!(only("p2").rows().unwrap().len(), 1);
        assert_eq!(Bench::default().rows().unwrap().len(), ROWS.len());
    }

    #[test]
    fn the_document_names_every_row() {
        let document = fs::read_to_string(crate::run::root().join("docs/performance.md")).unwrap();
        for row in &ROWS {
            assert!(document.contains(&format!("`{}`", row.name)), "{}", row.name);
        }
    }

    #[test]
    fn every_row_has_a_name_of_its_own() {
        let mut names: Vec<_> = ROWS.iter().map(|row| row.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ROWS.len());
    }
}
