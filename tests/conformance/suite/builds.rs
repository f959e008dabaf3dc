//! The builds of the collector, each running, and the comparison of what they answer.

use std::any::Any;
use std::collections::HashMap;
use std::net::TcpListener;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::Command;

use libtest_mimic::Failed;
use tideline_e2e::Analyst;
use tokio::runtime::Runtime;
use xtask::artifacts::Artifacts;
use xtask::ports::at;
use xtask::probe::wait_for_port;
use xtask::process::Process;

use crate::edge::Edge;
use crate::installation::{Inside, Installation};

/// A build: its name, and the command that runs it on a port.
type Build = (&'static str, fn(&Artifacts, u16) -> Option<Command>);

/// Variables of an environment.
type Environment = HashMap<&'static str, String>;

const BUILDS: [Build; 4] = [
    ("component", |artifacts, _| Some(on_our_host(artifacts, &artifacts.component))),
    ("component of WASI 0.2", |artifacts, _| Some(on_our_host(artifacts, &artifacts.component_p2))),
    ("native", |artifacts, port| {
        let mut command = Command::new(&artifacts.service);
        command.arg("serve").env("EXPOSE_GUI_API", "no").env("TIDELINE_COLLECT_LISTEN", at(port).to_string());
        Some(command)
    }),
    ("wasmtime", |artifacts, port| {
        // Not needed to build or to run Tideline, so it is not installed for the tests alone.
        Command::new("wasmtime").arg("--version").output().ok()?;
        let mut command = Command::new("wasmtime");
        command.args(["serve", "-Scli", "-Sinherit-env", "--addr", &format!("127.0.0.1:{port}")]);
        command.arg(&artifacts.component);
        Some(command)
    }),
];

/// All builds that can run here, with the settings of [`Installation::collector_environment`].
pub(crate) struct Builds {
    runtime: Runtime,
    analyst: Analyst,
    lanes: Inside,
    artifacts: Artifacts,
    environment: Environment,
    gateway: String,
    folder: PathBuf,
    running: Vec<Running>,
}

/// A build that listens.
pub(crate) struct Running {
    pub(crate) name: &'static str,
    pub(crate) address: String,
    /// What it logs.
    pub(crate) log: PathBuf,
    process: Process,
}

impl Running {
    /// The most memory that its process ever had, in bytes; none where the system does not tell (`proc(5)`, `VmHWM`).
    pub(crate) fn peak_memory(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        line.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
    }
}

impl Builds {
    /// The names of all that there may be.
    pub(crate) fn names() -> impl Iterator<Item = &'static str> {
        BUILDS.iter().map(|(name, _)| *name)
    }

    pub(crate) fn start(installation: &Installation) -> Self {
        let tideline = &installation.tideline;
        let mut builds = Self {
            runtime: Runtime::new().unwrap(),
            analyst: installation.analyst(),
            lanes: Inside::new(tideline),
            artifacts: tideline.artifacts().clone(),
            environment: installation.collector_environment(),
            gateway: tideline.addresses().gateway,
            folder: tideline.data().join("builds"),
            running: Vec::new(),
        };
        builds.running = BUILDS.iter().filter_map(|build| builds.start_one(build, &[])).collect();
        builds
    }

    /// Starts the build of this name once more, with these changes to its settings; an empty value takes a setting away.
    pub(crate) fn start_again(&self, name: &str, changes: &[(&'static str, &str)]) -> Running {
        let build = BUILDS.iter().find(|(known, _)| *known == name).expect("a build of this name");
        self.start_one(build, changes).expect("a build that was started before")
    }

    fn start_one(&self, (name, command): &Build, changes: &[(&'static str, &str)]) -> Option<Running> {
        let port = TcpListener::bind(at(0)).unwrap().local_addr().unwrap().port();
        let mut command = command(&self.artifacts, port)?;
        let mut environment = self.environment.clone();
        environment.extend([
            ("EDGE_LISTEN", at(port).to_string()),
            ("EDGE_ALLOW_OUTBOUND", self.gateway.clone()),
            ("EDGE_CACHE_DIR", self.folder.join("cache").display().to_string()),
        ]);
        environment.extend(changes.iter().map(|(variable, value)| (*variable, (*value).to_owned())));
        environment.retain(|_, value| !value.is_empty());
        // A component refuses a setting that is none of its own.
        environment.retain(|variable, _| *name == "native" || !variable.starts_with("TIDELINE_COLLECT_"));
        let environment: Vec<_> = environment.into_iter().collect();
        let logs = self.folder.join(port.to_string());
        let mut process = Process::start(name, &mut command, &environment, &logs).unwrap();
        wait_for_port(&mut process, port).unwrap();
        Some(Running {
            name,
            address: format!("http://{}", at(port)),
            log: logs.join(format!("{name}.log")),
            process,
        })
    }

    /// Runs a test against each build; says which one fails, or which answers differ.
    pub(crate) fn agree_on(&self, name: &str, test: fn(&Edge<'_>)) -> Result<(), Failed> {
        let mut first: Option<(&str, String)> = None;
        for (number, running) in self.running.iter().enumerate() {
            let edge = Edge::new(self, running, format!("{number}-{name}"));
            catch_unwind(AssertUnwindSafe(|| test(&edge))).map_err(|panic| {
                format!("does not hold for {}: {}", running.name, message(panic.as_ref()))
            })?;
            let answers = edge.transcript();
            match &first {
                None => first = Some((running.name, answers)),
                Some((other, expected)) if *expected != answers => {
                    return Err(format!(
                        "{} answers otherwise than {other}.\n{other}:\n{expected}\n{}:\n{answers}",
                        running.name, running.name
                    )
                    .into());
                }
                Some(_) => {}
            }
        }
        Ok(())
    }

    pub(crate) fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    pub(crate) fn analyst(&self) -> &Analyst {
        &self.analyst
    }

    pub(crate) fn lanes(&self) -> &Inside {
        &self.lanes
    }
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default()
}

fn on_our_host(artifacts: &Artifacts, component: &Path) -> Command {
    let mut command = Command::new(&artifacts.edge);
    command.arg("--component").arg(component);
    command
}
