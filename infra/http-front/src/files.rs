//! Files that say how to serve, read again when somebody changes them.
//!
//! Their contents are compared every few seconds, and at once on SIGHUP: that works for editors, for
//! renamed files and for mounted secrets alike, which a change of time does not. What to do with new
//! contents, and with contents that are no good, is for the owner.

use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{MissedTickBehavior, interval};

/// A file of this size is the wrong one.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// Reads a small file.
///
/// # Errors
/// It cannot be read, or has more than a mebibyte.
pub fn read_small_file(path: &Path) -> io::Result<Vec<u8>> {
    let mut contents = Vec::new();
    let length = File::open(path)?.take(MAX_FILE_BYTES + 1).read_to_end(&mut contents)?;
    if length as u64 > MAX_FILE_BYTES {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it has more than 1 MiB"));
    }
    Ok(contents)
}

/// Some files, and what was in them when somebody last looked.
#[derive(Debug)]
pub struct WatchedFiles {
    paths: Vec<PathBuf>,
    seen: u64,
}

impl WatchedFiles {
    /// Files whose present contents are known, or are read after this: so no change is missed.
    #[must_use]
    pub fn new(paths: Vec<PathBuf>) -> Self {
        let seen = fingerprint(&paths);
        Self { paths, seen }
    }

    /// Looks at the files so often, for ever, and calls `changed` whenever the contents of any are others
    /// than before. That happens in the middle of a change, too: half of one is followed by the other half.
    ///
    /// SIGHUP is heard from this call on, and does not end the process, whenever the future is polled first.
    pub fn watch(
        mut self,
        every: Duration,
        mut changed: impl FnMut() + Send,
    ) -> impl Future<Output = ()> + Send {
        let mut hangups = signal(SignalKind::hangup()).ok();
        async move {
            let mut ticks = interval(every.max(Duration::from_millis(1)));
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                tokio::select! {
                    _ = ticks.tick() => {}
                    () = hangup(&mut hangups) => {}
                }
                // The files are small and local: to read them here is shorter than to have them read.
                let found = fingerprint(&self.paths);
                if found != self.seen {
                    self.seen = found;
                    changed();
                }
            }
        }
    }
}

async fn hangup(hangups: &mut Option<Signal>) {
    let heard = match hangups {
        Some(signal) => signal.recv().await,
        None => None,
    };
    if heard.is_none() {
        std::future::pending::<()>().await;
    }
}

fn fingerprint(paths: &[PathBuf]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for path in paths {
        read_small_file(path).map_err(|error| error.kind()).hash(&mut hasher);
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn changes_of_contents_are_told_and_other_changes_are_not() {
        let directory = tempfile::tempdir().unwrap();
        let (file, next) = (directory.path().join("file"), directory.path().join("next"));
        let (changed, changes) = mpsc::channel();
        let files = WatchedFiles::new(vec![file.clone()]);
        let watching = tokio::spawn(files.watch(Duration::from_millis(1), move || changed.send(()).unwrap()));
        let told = async || {
            while changes.try_recv().is_err() {
                tokio::task::yield_now().await;
            }
        };
        std::fs::write(&file, "one").unwrap();
        told().await;
        std::fs::write(&file, "two").unwrap();
        told().await;
        std::fs::write(&next, "three").unwrap();
        std::fs::rename(&next, &file).unwrap();
        told().await;
        std::fs::remove_file(&file).unwrap();
        told().await;
        watching.abort();
    }

    #[test]
    fn a_file_that_is_too_large_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), vec![b'x'; 1 << 20]).unwrap();
        assert_eq!(read_small_file(file.path()).unwrap().len(), 1 << 20);
        std::fs::write(file.path(), vec![b'x'; (1 << 20) + 1]).unwrap();
        assert_eq!(read_small_file(file.path()).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
    }
}
