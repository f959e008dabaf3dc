//! `cargo xtask up`: everything on this machine, until Ctrl-C.

use std::fs;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::artifacts::{Artifacts, Build};
use crate::ports::Ports;
use crate::run::root;
use crate::search::{Running, Server, data_folder};
use crate::secrets::write_private;
use crate::stack::{Addresses, PARTS, Stack};
use crate::tools;

/// What `up` was asked for.
#[derive(Debug, Default)]
pub struct Up {
    /// The first of five ports, instead of the usual ones.
    pub port_base: Option<u16>,
    /// Forget the data of earlier runs.
    pub fresh: bool,
    /// Build optimised binaries.
    pub release: bool,
    /// Keep documents on this search server, which starts empty each time, instead of the embedded store.
    pub store: Option<Server>,
}

impl Up {
    /// Builds, starts, and waits for Ctrl-C or for a part to end.
    ///
    /// # Errors
    /// In a sentence: a tool is missing, a port taken, a build broken, or a part ended by itself.
    pub fn run(&self) -> Result<()> {
        let ports = self.port_base.map_or_else(|| Ok(Ports::default()), Ports::from_base)?;
        ports.check_free()?;
        tools::ensure_redis()?;
        let artifacts = Artifacts::build(if self.release { Build::Optimised } else { Build::Programs })?;

        let data = root().join(".tideline");
        if self.fresh && data.exists() {
            fs::remove_dir_all(&data).with_context(|| format!("{} cannot be emptied", data.display()))?;
        }
        let (interrupted, interrupt) = channel();
        // A second Ctrl-C while the parts end changes nothing.
        ctrlc::set_handler(move || {
            let _ = interrupted.send(());
        })?;

        let mut stack = Stack::prepare(artifacts, ports, &data)?;
        stack.know_people();
        let search_server =
            self.store.map(|server| Running::start(server, &data_folder(server))).transpose()?;
        if let Some(running) = &search_server {
            stack.store_on(running.settings());
        }
        for part in PARTS {
            stack.start(part)?;
            if interrupt.try_recv().is_ok() {
                return stack.stop_all();
            }
        }
        let addresses = stack.addresses();
        let file = data.join("up.json");
        write_private(&file, &serde_json::to_vec_pretty(&addresses)?)?;
        greet(&addresses);

        let outcome = loop {
            match interrupt.recv_timeout(Duration::from_millis(500)) {
                Ok(()) | Err(RecvTimeoutError::Disconnected) => break Ok(()),
                Err(RecvTimeoutError::Timeout) => {
                    if let Some(ended) = stack.ended_part()? {
                        break Err(ended);
                    }
                }
            }
        };
        fs::remove_file(&file)?;
        if let Err(ended) = outcome {
            bail!("{ended}");
        }
        println!("\nstopping");
        stack.stop_all()?;
        search_server.map_or(Ok(()), Running::stop)
    }
}

fn greet(addresses: &Addresses) {
    let Addresses { edge, gui, demo, gateway, source, token } = addresses;
    println!(
        "
Tideline runs. Ctrl-C stops it; the data stays in .tideline/ for the next time.

  Demo site   {demo}
  GUI         {gui}/#token={token}
  Edge        {edge}/track
  Gateway     {gateway}

Try: open the GUI, open the demo site beside it, click something there, and see it arrive. Or by hand:

  curl {edge}/track --json '{{\"source\":{{\"id\":\"{source}\"}},\"events\":[{{\"type\":\"page-view\"}}]}}'
"
    );
}
