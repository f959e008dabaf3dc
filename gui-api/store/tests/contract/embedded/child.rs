//! A store in a process of its own, which can be killed and denied its disk.
//!
//! The process is this test binary again, running the one test below, which obeys its standard input.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use tideline_model::Profile;
use tideline_store::{Batch, EmbeddedOptions, EmbeddedStore, Store, StoreError, Versioned};

use crate::fixtures::*;

/// Set in the child: the directory of its store.
const DIRECTORY: &str = "TIDELINE_STORE_TEST_DIRECTORY";

/// Precedes what the child says, between what the test harness says.
const ANSWER: &str = "child: ";

/// A child process that writes [`batch`]es one after the other, as it is told.
pub(super) struct WritingChild {
    process: Child,
    commands: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl WritingChild {
    pub(super) fn start(directory: &Path) -> Self {
        // What goes over a limit of file size is then refused and does not end the process.
        let mut process = Command::new("sh")
            .args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""])
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", "embedded::child::obeys", "--nocapture"])
            .env(DIRECTORY, directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (commands, answers) = (process.stdin.take().unwrap(), process.stdout.take().unwrap());
        Self { process, commands, answers: BufReader::new(answers) }
    }

    pub(super) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Tells it to write this batch.
    pub(super) fn tell(&mut self, number: u64) {
        writeln!(self.commands, "{number}").unwrap();
    }

    /// What it says of the oldest batch that it has not spoken of: `written`, or what is wrong.
    pub(super) fn answer(&mut self) -> String {
        let mut line = String::new();
        loop {
            line.clear();
            assert_ne!(self.answers.read_line(&mut line).unwrap(), 0, "the child has ended");
            if let Some((_, answer)) = line.split_once(ANSWER) {
                return answer.trim_end().to_owned();
            }
        }
    }

    pub(super) fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

/// The child's side.
#[test]
fn obeys() {
    let Some(directory) = std::env::var_os(DIRECTORY).map(PathBuf::from) else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let store = EmbeddedStore::open(&directory, EmbeddedOptions::default()).unwrap();
    for line in std::io::stdin().lines() {
        let number = line.unwrap().parse().unwrap();
        let answer = match runtime.block_on(write(&store, number)) {
            Ok(()) => "written".to_owned(),
            Err(error) => error.to_string(),
        };
        println!("\n{ANSWER}{answer}");
    }
}

/// The lane whose entries the batches are.
const LANE: &str = "production:eu:07";

/// Applies entry `number`, as a worker would: events in three months, and a profile that counts entries.
pub(super) async fn write(store: &dyn Store, number: u64) -> Result<(), StoreError> {
    let id = "profile-1".to_owned();
    let states = store.states(&[], std::slice::from_ref(&id)).await?;
    let mut counted = states.profiles.get(&id).cloned().unwrap_or_else(|| profile(&id));
    let profiles = if count(&mut counted, number) { vec![counted] } else { Vec::new() };
    let events = ["2026-09", "2026-10", "2026-11"].map(|month| {
        let mut event = event_at(&event_id(number, month), time(&format!("{month}-22T10:00:00Z")));
        event.metadata.origin = origin(&format!("{number}-0"));
        event
    });
    store.write(Batch { events: events.to_vec(), profiles, ..Batch::default() }).await
}

pub(super) fn event_id(number: u64, month: &str) -> String {
    format!("event-{number:04}-{month}")
}

fn count(profile: &mut Versioned<Profile>, number: u64) -> bool {
    let new = profile.document.applied.advance(LANE, (number, 0));
    profile.document.stats.visits += u64::from(new);
    new
}
