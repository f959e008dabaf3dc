//! One child process: its log, its end.

use std::fs::{self, File};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use rustix::process::{Pid, Signal, kill_process};

/// Variables of ours in the caller's shell must not change what a child does.
const OURS: [&str; 5] = ["EDGE_", "EXPOSE_GUI_API", "GATEWAY_", "TIDELINE_", "UPSTASH_REDIS_REST_"];

/// How long a process may take to end after it was asked to.
const PATIENCE: Duration = Duration::from_secs(15);

/// A running child process; dropped, it is killed.
#[derive(Debug)]
pub struct Process {
    name: &'static str,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts a command with `environment`, and what the command itself sets, as the only settings of ours;
    /// output goes to `<name>.log` in `logs`.
    ///
    /// # Errors
    /// The log cannot be written or the program cannot be started.
    pub fn start(
        name: &'static str,
        command: &mut Command,
        environment: &[(&str, String)],
        logs: &Path,
    ) -> Result<Self> {
        fs::create_dir_all(logs)?;
        let log = logs.join(format!("{name}.log"));
        let output = File::options().create(true).append(true).open(&log)?;
        for (variable, _) in std::env::vars_os() {
            let ours = OURS.iter().any(|prefix| variable.to_string_lossy().starts_with(prefix));
            if ours && !command.get_envs().any(|(set, _)| set == variable) {
                command.env_remove(variable);
            }
        }
        let child = command
            .envs(environment.iter().map(|(variable, value)| (variable, value)))
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            // Ctrl-C in the terminal reaches us alone, so that the parts end in order.
            .process_group(0)
            .spawn()
            .with_context(|| {
                format!("{name}: {} cannot be started", command.get_program().to_string_lossy())
            })?;
        Ok(Self { name, child, log })
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// How it ended, if it did.
    ///
    /// # Errors
    /// The system does not tell.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// Waits until it ends by itself.
    ///
    /// # Errors
    /// The system does not tell.
    pub fn wait(&mut self) -> Result<ExitStatus> {
        Ok(self.child.wait()?)
    }

    /// Asks it to end, and waits; kills it when it does not.
    ///
    /// # Errors
    /// The system refuses.
    #[expect(clippy::disallowed_methods, reason = "polls another process up to a deadline")]
    pub fn stop(mut self) -> Result<ExitStatus> {
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            // It may have ended by itself.
            let _ = kill_process(pid, Signal::TERM);
        }
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        self.kill()
    }

    /// Ends it at once, without a chance to clean up.
    ///
    /// # Errors
    /// The system refuses.
    pub fn kill(mut self) -> Result<ExitStatus> {
        self.child.kill()?;
        Ok(self.child.wait()?)
    }

    /// The end of its log.
    #[must_use]
    pub fn last_lines(&self) -> String {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        let last = lines.iter().skip(lines.len().saturating_sub(10)).map(|line| format!("    {line}\n"));
        format!("{}    (from {})", last.collect::<String>(), self.log.display())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
