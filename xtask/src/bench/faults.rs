//! Everything that can die in the middle of a run does, and every acknowledged event is still stored once.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};

use super::generator::Notice;
use super::measure::check_stored;
use super::relay::Relay;
use super::rows::Subject;
use super::subject::{Edge, installation};
use super::{Programs, redis};
use crate::ports::at;
use crate::process::Process;
use crate::secrets::{random, sha256};
use crate::stack::{Part, Stack};

/// What goes wrong, in this order, each twice.
const FAULTS: [Fault; 5] =
    [Fault::EdgeConnections, Fault::RedisConnections, Fault::Gateway, Fault::Redis, Fault::Edge];

const SEED: u64 = 5;
const CONNECTIONS: u32 = 32;
/// One visitor in so many leaves before the answer.
const IMPATIENT_ONE_IN: u64 = 20;
/// A run that has not ended by then has failed.
const MOST_SECONDS: u32 = 120;
/// May end connections, and nothing else.
const OPERATOR: &str = "operator";

#[derive(Clone, Copy, Debug)]
enum Fault {
    /// Connections between edge and gateway are cut.
    EdgeConnections,
    /// Redis ends the gateway's connections.
    RedisConnections,
    /// The gateway is killed, and started again.
    Gateway,
    /// Redis is killed, and started again.
    Redis,
    /// The edge is killed, and started again.
    Edge,
}

/// What came of it.
#[derive(Debug)]
pub struct Survived {
    /// Faults there were.
    pub faults: usize,
    /// Events that were acknowledged: all of them are stored, once.
    pub acknowledged: u64,
    /// How often a visitor had to send a request again.
    pub repeated: u64,
}

/// A whole Tideline in which things go wrong.
struct Victim {
    stack: Stack,
    relay: Relay,
    edge: Edge,
    running: Option<Process>,
    operator_password: String,
}

/// Sends so many requests, and meanwhile lets everything go wrong.
///
/// # Errors
/// An acknowledged event is lost or stored twice, a request is never acknowledged, or something does not start again.
pub fn survive(programs: &Programs, folder: &Path, requests: u64) -> Result<Survived> {
    let mut victim = Victim::start(programs, folder)?;
    let faults: Vec<_> = FAULTS.iter().chain(&FAULTS).copied().collect();
    let between = requests / (faults.len() as u64 + 1);
    let mut done = 0;
    let arguments = [
        at(victim.edge.port()).to_string(),
        "--repeat".to_owned(),
        format!("--impatient-one-in={IMPATIENT_ONE_IN}"),
        format!("--most-requests={requests}"),
        format!("--connections={CONNECTIONS}"),
        "--warm-up=0".to_owned(),
        format!("--seconds={MOST_SECONDS}"),
        format!("--seed={SEED}"),
    ];
    let secrets = [("TIDELINE_LOAD_REDIS_URL", victim.stack.redis_url())];
    let outcome = programs.generator.run(&arguments, &secrets, |notice| {
        if let Notice::Acknowledged(count) = notice
            && let Some(fault) = faults.get(done)
            && count >= between * (done as u64 + 1)
        {
            victim.suffer(*fault).with_context(|| format!("{fault:?} after {count} requests"))?;
            done += 1;
        }
        Ok(())
    })?;
    check_stored(&outcome)?;
    let (report, stored) = (outcome.report, outcome.stored.context("nothing was compared")?);
    ensure!(report.failed == 0, "requests that were never acknowledged: {:?}", report.failures);
    ensure!(
        report.acknowledged == requests,
        "{} of {requests} requests were acknowledged in {MOST_SECONDS} s",
        report.acknowledged
    );
    ensure!(
        stored.unacknowledged == 0,
        "{} events are stored that nobody was told of",
        stored.unacknowledged
    );
    ensure!(done == faults.len(), "the run was over after {done} of {} faults", faults.len());
    Ok(Survived { faults: done, acknowledged: stored.acknowledged, repeated: report.repeated })
}

impl Victim {
    fn start(programs: &Programs, folder: &Path) -> Result<Self> {
        if folder.exists() {
            fs::remove_dir_all(folder).with_context(|| format!("{} cannot be emptied", folder.display()))?;
        }
        fs::create_dir_all(folder)?;
        let operator_password = random(24)?;
        let stack = installation(programs, folder, |users| {
            writeln!(users, "\nuser {OPERATOR} on #{} -@all +client|kill", sha256(&operator_password))
        })?;
        let relay = Relay::start(at(stack.ports().gateway))?;
        let mut environment = stack.collector_environment().to_vec();
        environment.retain(|(name, _)| *name != "UPSTASH_REDIS_REST_URL");
        environment.push(("UPSTASH_REDIS_REST_URL", format!("http://{}", relay.address())));
        let mut edge = Edge::new(Subject::Component, programs, folder, environment)?;
        let running = Some(edge.run()?);
        Ok(Self { stack, relay, edge, running, operator_password })
    }

    fn suffer(&mut self, fault: Fault) -> Result<()> {
        match fault {
            Fault::EdgeConnections => {
                self.relay.cut();
            }
            Fault::RedisConnections => {
                let operator = Some((OPERATOR, self.operator_password.as_str()));
                redis::ask(self.stack.ports().redis, operator, "CLIENT KILL TYPE normal")?;
            }
            Fault::Gateway => self.restart(Part::Gateway)?,
            Fault::Redis => self.restart(Part::Redis)?,
            Fault::Edge => {
                self.running.take().context("no edge")?.kill()?;
                self.running = Some(self.edge.run()?);
            }
        }
        Ok(())
    }

    fn restart(&mut self, part: Part) -> Result<()> {
        self.stack.kill(part)?;
        self.stack.start(part)
    }
}
