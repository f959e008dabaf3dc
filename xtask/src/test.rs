//! `cargo xtask test`: every suite, and a count of what ran.

use std::io::{BufRead as _, BufReader};
use std::ops::AddAssign;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use crate::artifacts::{Artifacts, Build, TEST_COMPONENTS, build_components, install_node};
use crate::clients::Served;
use crate::ports::Ports;
use crate::run::{command, root, target};
use crate::search::{Running, Server, data_folder};
use crate::secrets::write_private;
use crate::stack::Stack;
use crate::tools;

/// Which suites to run.
#[derive(Debug)]
pub enum Suites {
    /// All of them.
    All,
    /// The one of this name.
    One(String),
    /// What every store promises, on this search server.
    Store(Server),
}

/// A suite: its name, and how it runs.
type Suite = (&'static str, fn() -> Result<Count>);

const SUITES: [Suite; 6] = [
    ("rust", rust),
    ("web", web),
    ("tracker", tracker),
    ("browser", browser),
    ("clients", clients),
    ("stores", stores),
];

/// How many tests ran.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Count {
    passed: usize,
    failed: usize,
    skipped: usize,
}

impl AddAssign for Count {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

/// Builds everything, runs the suites, and says how many tests ran in each.
///
/// # Errors
/// A test failed, a suite ran no test, or a tool is missing.
pub fn test(suites: &Suites) -> Result<()> {
    if let Suites::Store(server) = suites {
        let count = store(*server)?;
        println!("\n{} passed, {} failed, {} skipped", count.passed, count.failed, count.skipped);
        if count.failed > 0 || count.passed == 0 {
            bail!("failed, or ran no test: {}", server.name());
        }
        return Ok(());
    }
    let chosen: Vec<&Suite> = SUITES
        .iter()
        .filter(|(name, _)| {
            matches!(suites, Suites::All) || matches!(suites, Suites::One(one) if one == name)
        })
        .collect();
    if chosen.is_empty() {
        bail!("no such suite: there are {}", SUITES.map(|(name, _)| name).join(", "));
    }
    tools::ensure_redis()?;
    Artifacts::build(Build::WithTests)?;

    let mut total = Count::default();
    let mut failures = Vec::new();
    let mut lines = Vec::new();
    for (name, suite) in chosen {
        let count = suite().with_context(|| format!("suite {name}"))?;
        lines.push(format!(
            "{name}: {} passed, {} failed, {} skipped",
            count.passed, count.failed, count.skipped
        ));
        if count.failed > 0 || count.passed == 0 {
            failures.push(*name);
        }
        total += count;
    }
    println!("\n{}", lines.join("\n"));
    println!("{} passed, {} failed, {} skipped", total.passed, total.failed, total.skipped);
    if !failures.is_empty() {
        bail!("failed, or ran no test: {}", failures.join(", "));
    }
    Ok(())
}

fn rust() -> Result<Count> {
    build_components(&TEST_COMPONENTS)?;
    run_counting(&mut command(".", "cargo", &["test", "--workspace", "--no-fail-fast"]), count_cargo)
}

fn web() -> Result<Count> {
    run_counting(&mut command("gui-api/web", "npm", &["test", "--silent"]), count_vitest)
}

fn tracker() -> Result<Count> {
    run_counting(&mut command("components/tracker", "npm", &["test", "--silent"]), count_vitest)
}

/// The browser suite, against a stack of its own.
fn browser() -> Result<Count> {
    let chromium = tools::ensure_chromium()?;
    install_node("tests/browser")?;
    let data = target().join("browser-tests");
    if data.exists() {
        std::fs::remove_dir_all(&data)?;
    }
    let mut stack = Stack::prepare(Artifacts::existing()?, Ports::free()?, &data)?;
    stack.start_all()?;
    let addresses = data.join("up.json");
    write_private(&addresses, &serde_json::to_vec(&stack.addresses())?)?;
    let mut suite = command("tests/browser", "node", &["--test"]);
    suite.env("TIDELINE_UP", &addresses).env("CHROMIUM", chromium);
    let count = run_counting(&mut suite, count_node)?;
    stack.stop_all()?;
    Ok(count)
}

/// The official clients of the gateway's protocol, each against the same gateway.
fn clients() -> Result<Count> {
    let served = Served::start()?;
    let mut count = run_counting(&mut served.javascript()?, count_node)?;
    count += run_counting(&mut served.python()?, count_plain)?;
    served.stop()?;
    Ok(count)
}

/// What every store promises, on real search servers.
fn stores() -> Result<Count> {
    let mut count = Count::default();
    for server in Server::ALWAYS {
        count += store(server)?;
    }
    Ok(count)
}

fn store(server: Server) -> Result<Count> {
    let running = Running::start(server, &data_folder(server))?;
    // The whole workspace, as it is built already.
    let suites = ["--test", "contract", "--test", "search_server"];
    let arguments = [&["test", "--workspace", "--no-fail-fast"], &suites[..], &["--", "--ignored"]].concat();
    let mut suite = command(".", "cargo", &arguments);
    suite.envs(running.environment()).env("TIDELINE_TEST_SEARCH_SERVER", server.name());
    let count = run_counting(&mut suite, count_cargo)?;
    running.stop()?;
    Ok(count)
}

/// Runs a suite with its output on the terminal, and reads the count from it.
fn run_counting(suite: &mut Command, count: fn(&str) -> Option<Count>) -> Result<Count> {
    let shown = format!("{} in {}", suite.get_program().to_string_lossy(), root().display());
    let mut child =
        suite.stdout(Stdio::piped()).spawn().with_context(|| format!("{shown} cannot be started"))?;
    let mut total = Count::default();
    for line in BufReader::new(child.stdout.take().context("a pipe")?).lines() {
        let line = line?;
        println!("{line}");
        if let Some(part) = count(&line) {
            total += part;
        }
    }
    if !child.wait()?.success() {
        // A suite may fail without a failed test: a build error, a crash.
        total.failed = total.failed.max(1);
    }
    Ok(total)
}

/// `test result: ok. 3 passed; 0 failed; 1 ignored; …`
fn count_cargo(line: &str) -> Option<Count> {
    let rest = line.strip_prefix("test result: ")?;
    let number = |word: &str| number_before(rest, word).unwrap_or_default();
    Some(Count { passed: number(" passed"), failed: number(" failed"), skipped: number(" ignored") })
}

/// `      Tests  1 failed | 12 passed | 1 skipped (14)`
fn count_vitest(line: &str) -> Option<Count> {
    let line = without_colours(line);
    let rest = line.trim_start().strip_prefix("Tests ")?;
    let number = |word: &str| number_before(rest, word).unwrap_or_default();
    Some(Count { passed: number(" passed"), failed: number(" failed"), skipped: number(" skipped") })
}

/// `ℹ pass 5`, `ℹ fail 0`, `ℹ skipped 0`; `#` instead of the sign when the output is no terminal.
fn count_node(line: &str) -> Option<Count> {
    let line = without_colours(line);
    let (word, number) = line.strip_prefix("ℹ ").or_else(|| line.strip_prefix("# "))?.split_once(' ')?;
    let number = number.parse().ok()?;
    match word {
        "pass" => Some(Count { passed: number, ..Count::default() }),
        "fail" => Some(Count { failed: number, ..Count::default() }),
        "skipped" => Some(Count { skipped: number, ..Count::default() }),
        _ => None,
    }
}

/// `5 passed, 0 failed, 1 skipped`
fn count_plain(line: &str) -> Option<Count> {
    let mut parts = line.split(", ");
    let mut number = |word: &str| parts.next()?.strip_suffix(word)?.parse().ok();
    Some(Count { passed: number(" passed")?, failed: number(" failed")?, skipped: number(" skipped")? })
}

fn number_before(text: &str, word: &str) -> Option<usize> {
    let before = text.get(..text.find(word)?)?;
    before.rsplit(|character: char| !character.is_ascii_digit()).next()?.parse().ok()
}

fn without_colours(line: &str) -> String {
    let mut plain = String::new();
    let mut rest = line;
    while let Some((before, escape)) = rest.split_once('\x1b') {
        plain.push_str(before);
        rest = escape.split_once('m').map_or("", |(_, after)| after);
    }
    plain + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closing_lines_of_each_runner_are_read() {
        let count = |passed, failed, skipped| Some(Count { passed, failed, skipped });
        assert_eq!(
            count_cargo("test result: FAILED. 3 passed; 2 failed; 1 ignored; 0 measured"),
            count(3, 2, 1)
        );
        assert_eq!(
            count_vitest("\x1b[2m      Tests \x1b[22m \x1b[1m\x1b[32m12 passed\x1b[39m\x1b[22m (12)"),
            count(12, 0, 0)
        );
        assert_eq!(count_vitest(" Tests  1 failed | 12 passed | 4 skipped (17)"), count(12, 1, 4));
        assert_eq!(count_node("# pass 5"), count(5, 0, 0));
        assert_eq!(count_node("ℹ fail 2"), count(0, 2, 0));
        assert_eq!(count_node("# Subtest: pass 5"), None);
        assert_eq!(count_plain("5 passed, 0 failed, 1 skipped"), count(5, 0, 1));
        assert_eq!(count_plain("5 passed, some failed"), None);
        assert_eq!(count_cargo("running 3 tests"), None);
    }
}
