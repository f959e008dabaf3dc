//! Looks after the components' files: a new version is compiled and tried in every shard, and takes over
//! in all of them or in none. One that does not compile, start or answer its probe changes nothing.
//!
//! It has a thread of its own, because compiling takes seconds.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use tokio::sync::{mpsc as proposals, oneshot};

use crate::Error;
use crate::engine::{Pace, Program, Version, Workshop, read};
use crate::metrics::ComponentMetrics;

/// A new version of a component, for one shard.
pub(crate) struct Proposal {
    pub(crate) component: usize,
    pub(crate) program: Arc<Program>,
    /// Hears whether the shard could use it.
    pub(crate) ready: oneshot::Sender<Result<(), Error>>,
    /// Says that it is to take over; closed, that it is not wanted after all.
    pub(crate) go: oneshot::Receiver<()>,
}

/// What tells a file from its successor without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    changed: (i64, i64),
    length: u64,
    inode: u64,
}

impl Stamp {
    fn of(path: &Path) -> Option<Self> {
        let about: Metadata = fs::metadata(path).ok()?;
        Some(Self { changed: (about.mtime(), about.mtime_nsec()), length: about.len(), inode: about.ino() })
    }
}

/// One component's file.
struct Watched {
    metrics: ComponentMetrics,
    file: std::path::PathBuf,
    working: Version,
    /// A version that could not be used; it is tried again only when somebody asks.
    refused: Option<Version>,
    settled: Option<Stamp>,
    /// As it looked last, if it was other than `settled` then.
    changing: Option<Stamp>,
}

/// Brings new versions of components to the shards.
pub(crate) struct Keeper {
    workshop: Workshop,
    files: Vec<Watched>,
    shards: Vec<proposals::Sender<Proposal>>,
}

impl Keeper {
    /// Nothing to look after yet.
    pub(crate) fn new(workshop: Workshop, shards: Vec<proposals::Sender<Proposal>>) -> Self {
        Self { workshop, files: Vec::new(), shards }
    }

    /// Looks after one more component, in the order in which the shards have them.
    pub(crate) fn watch(&mut self, metrics: ComponentMetrics, file: &Path, working: Version) {
        let file = file.to_owned();
        // As it is now, which may be newer than what works: then the first look finds out.
        let changing = Stamp::of(&file);
        self.files.push(Watched { metrics, file, working, refused: None, settled: None, changing });
    }

    /// Starts the thread. It looks so often, and at once whenever it is asked to; it ends with its `orders`.
    pub(crate) fn start(mut self, every: Option<Duration>, orders: mpsc::Receiver<()>) -> Result<(), Error> {
        let run = move || {
            loop {
                let order = match every {
                    Some(every) => orders.recv_timeout(every),
                    None => orders.recv().map_err(Into::into),
                };
                match order {
                    Ok(()) => self.look(true),
                    Err(mpsc::RecvTimeoutError::Timeout) => self.look(false),
                    Err(mpsc::RecvTimeoutError::Disconnected) => return,
                }
            }
        };
        std::thread::Builder::new().name("keeper".into()).spawn(run).map_err(Error::Thread)?;
        Ok(())
    }

    /// Renews the components whose files have changed.
    fn look(&mut self, asked: bool) {
        for (component, watched) in self.files.iter_mut().enumerate() {
            if asked {
                watched.refused = None;
            } else if !watched.has_settled() {
                continue;
            }
            match renew(&self.workshop, &self.shards, component, watched) {
                Ok(Some(version)) => {
                    let (component, before) = (watched.metrics.name(), watched.working);
                    watched.metrics.version("taken");
                    tracing::info!(component, %version, %before, "a new version of the component is at work");
                    watched.working = version;
                }
                Ok(None) => {}
                Err(error) => {
                    let (component, version) = (watched.metrics.name(), watched.working);
                    watched.metrics.version("refused");
                    tracing::error!(component, %version, %error, "the component's file cannot be used: the version at work stays");
                }
            }
        }
    }
}

impl Watched {
    /// Whether the file is another one, and no longer being written: it looks as it did the last time.
    fn has_settled(&mut self) -> bool {
        let now = Stamp::of(&self.file);
        if now == self.settled || now.is_none() {
            return false;
        }
        if now != self.changing {
            self.changing = now;
            return false;
        }
        self.settled = now;
        true
    }
}

/// Brings one component's file to work; the new version, or `None` if it is at work or was refused already.
fn renew(
    workshop: &Workshop,
    shards: &[proposals::Sender<Proposal>],
    component: usize,
    watched: &mut Watched,
) -> Result<Option<Version>, Error> {
    let bytes = read(&watched.file)?;
    let version = Version::of(&bytes);
    if version == watched.working || Some(version) == watched.refused {
        return Ok(None);
    }
    watched.refused = Some(version);
    let program = Arc::new(workshop.compile(&watched.file, &bytes, Pace::Quiet)?);
    let mut decisions = Vec::new();
    for shard in shards {
        let (ready, prepared) = oneshot::channel();
        let (decision, go) = oneshot::channel();
        let proposal = Proposal { component, program: Arc::clone(&program), ready, go };
        // A shard that takes no proposals is ending.
        if shard.blocking_send(proposal).is_err() {
            return Ok(None);
        }
        match prepared.blocking_recv() {
            Ok(prepared) => prepared?,
            Err(_) => return Ok(None),
        }
        decisions.push(decision);
    }
    for decision in decisions {
        let _ = decision.send(());
    }
    watched.refused = None;
    Ok(Some(version))
}

#[cfg(test)]
mod tests {
    use prometheus_client::registry::Registry;

    use super::*;
    use crate::metrics::Metrics;

    #[test]
    fn a_file_is_read_when_it_has_stopped_changing() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.wasm");
        fs::write(&file, "one").unwrap();
        let mut watched = Watched {
            metrics: Metrics::register(&mut Registry::default()).component("a"),
            file: file.clone(),
            working: Version::of(b"one"),
            refused: None,
            settled: Stamp::of(&file),
            changing: None,
        };
        assert!(!watched.has_settled(), "nothing has changed");
        fs::write(&file, "longer").unwrap();
        assert!(!watched.has_settled(), "it may still be being written");
        fs::write(&file, "longer still").unwrap();
        assert!(!watched.has_settled(), "as it was");
        assert!(watched.has_settled());
        assert!(!watched.has_settled(), "told once");
        fs::remove_file(&file).unwrap();
        assert!(!watched.has_settled(), "nothing to read");
    }
}
