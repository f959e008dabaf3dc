//! `docs/protocol.md`, clause by clause, against every build of the collector.
//!
//! A test is run against each build and must hold for each; what the builds answered must be the same, but for ids. A build is
//! the WASI 0.3 component or the WASI 0.2 component on our host, the native collector, and `wasmtime serve` where it is
//! installed. All of them write to one Redis, from which one service stores.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test stops at the first thing that is not as it should be"
)]

mod answers;
mod bodies;
mod builds;
mod edge;
mod endpoints;
mod examples;
mod faults;
mod hostile;
mod ids;
mod installation;
mod openapi;
mod options;
mod pages;
mod privacy;
mod recorded;
mod visits;

use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Failed, Trial};

use crate::builds::Builds;
use crate::edge::Edge;
use crate::installation::Installation;

/// A test: the clauses that it proves, its name, and what it does with a build.
pub(crate) type Test = (&'static [&'static str], &'static str, fn(&Edge<'_>));

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let tests = [
        endpoints::TESTS,
        bodies::TESTS,
        faults::TESTS,
        answers::TESTS,
        ids::TESTS,
        options::TESTS,
        pages::TESTS,
        privacy::TESTS,
        recorded::TESTS,
        visits::TESTS,
        hostile::TESTS,
        openapi::TESTS,
        examples::TESTS,
    ]
    .concat();
    if arguments.list {
        return libtest_mimic::run(&arguments, trials(&tests, None)).exit_code();
    }
    let mut installation = Installation::start();
    let builds = Arc::new(Builds::start(&installation));
    let conclusion = libtest_mimic::run(&arguments, trials(&tests, Some(&builds)));
    drop(builds);
    installation.end();
    conclusion.exit_code()
}

fn trials(tests: &[Test], builds: Option<&Arc<Builds>>) -> Vec<Trial> {
    let mut trials: Vec<Trial> = tests
        .iter()
        .map(|&(clauses, name, test)| {
            let builds = builds.cloned();
            let title = format!("{} {name}", clauses.join(" "));
            Trial::test(title, move || builds.map_or(Ok(()), |builds| builds.agree_on(name, test)))
        })
        .collect();
    let cited: Vec<&'static str> = tests.iter().flat_map(|(clauses, ..)| clauses.iter().copied()).collect();
    trials.push(Trial::test("every_clause_has_a_test", move || every_clause_is_among(&cited)));
    trials
}

/// Compares the clauses of the document with those that tests cite.
fn every_clause_is_among(cited: &[&str]) -> Result<(), Failed> {
    let document = std::fs::read_to_string(xtask::run::root().join("docs/protocol.md")).unwrap();
    let mut clauses: Vec<&str> = document
        .split("**")
        .filter(|part| {
            part.split_once('.')
                .is_some_and(|(section, number)| [section, number].iter().all(|part| is_number(part)))
        })
        .collect();
    clauses.sort_unstable();
    let untested: Vec<_> = clauses.iter().filter(|clause| !cited.contains(clause)).collect();
    let unknown: Vec<_> = cited.iter().filter(|clause| !clauses.contains(clause)).collect();
    if clauses.is_empty() || !untested.is_empty() || !unknown.is_empty() {
        return Err(
            format!("clauses without a test: {untested:?}; tests of unknown clauses: {unknown:?}").into()
        );
    }
    Ok(())
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}
