//! The file: opened, looked up in, and read again when it changes.

use std::fmt;
use std::fs::File;
use std::future::Future;
use std::io::{self, Read as _};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use maxminddb::{MaxMindDbError, Reader};
use tideline_model::Geo;
use tideline_pipeline::Places;
use tokio::time::MissedTickBehavior;

use crate::record::Record;

/// The largest file that is read, in bytes. The largest of these files that we know of has 140 MB.
pub const MAX_BYTES: u64 = 512 << 20;

/// How often it looks whether the file has changed.
const INTERVAL: Duration = Duration::from_secs(30);

/// Why the file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PlacesError {
    /// It cannot be read.
    #[error("the file of places, `{path}`, cannot be read: {cause}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// It is too large.
    #[error("the file of places, `{path}`, has more than {MAX_BYTES} bytes: use a smaller one")]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// It is damaged, or of another format.
    #[error("the file of places, `{path}`, is not one of MaxMind's format: {cause}")]
    Format {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: MaxMindDbError,
    },
    /// It tells other things of addresses.
    #[error(
        "the file of places, `{path}`, is a `{kind}`, which tells no places: use one of cities or countries"
    )]
    Kind {
        /// The file.
        path: PathBuf,
        /// What it says that it is.
        kind: String,
    },
}

/// A file of places, in memory.
pub struct PlacesFile {
    path: PathBuf,
    current: RwLock<Arc<Loaded>>,
}

struct Loaded {
    reader: Reader<Vec<u8>>,
    stamp: Stamp,
}

/// By what one tells that a file is another, or was written over.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    bytes: u64,
}

impl PlacesFile {
    /// Reads the file. Blocks.
    ///
    /// # Errors
    /// A file that cannot be used.
    pub fn open(path: &Path) -> Result<Self, PlacesError> {
        let current = RwLock::new(Arc::new(Loaded::read(path)?));
        Ok(Self { path: path.to_owned(), current })
    }

    /// What the file says that it is: `GeoLite2-City`.
    #[must_use]
    pub fn kind(&self) -> String {
        self.current().reader.metadata().database_type.clone()
    }

    /// Reads the file again if it has changed; whether it had. Blocks.
    ///
    /// # Errors
    /// A file that cannot be used. The one before stays in use.
    pub fn refresh(&self) -> Result<bool, PlacesError> {
        if Stamp::of(&self.path)? == self.current().stamp {
            return Ok(false);
        }
        let loaded = Arc::new(Loaded::read(&self.path)?);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = loaded;
        Ok(true)
    }

    /// Reads the file again whenever it has changed, until `drain` ends. It never fails: what is wrong is said in the log.
    pub async fn run(self: Arc<Self>, drain: impl Future<Output = ()> + Send) {
        tokio::select! {
            () = self.keep_fresh() => {}
            () = drain => {}
        }
    }

    async fn keep_fresh(self: &Arc<Self>) {
        let mut ticks = tokio::time::interval(INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut in_trouble = false;
        loop {
            ticks.tick().await;
            let file = Arc::clone(self);
            match tokio::task::spawn_blocking(move || file.refresh()).await {
                Ok(Ok(false)) => in_trouble = false,
                Ok(Ok(true)) => {
                    in_trouble = false;
                    tracing::info!(kind = self.kind(), "read the file of places again");
                }
                Ok(Err(error)) => {
                    if !in_trouble {
                        tracing::warn!(%error, "the file of places changed: the one before stays in use");
                    }
                    in_trouble = true;
                }
                Err(error) => tracing::error!(%error, "reading the file of places was cut short"),
            }
        }
    }

    fn current(&self) -> Arc<Loaded> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Places for PlacesFile {
    fn place(&self, address: IpAddr) -> Option<Geo> {
        // A damaged record is as none.
        self.current().reader.lookup(address).ok()?.decode::<Record<'_>>().ok()??.place()
    }
}

impl fmt::Debug for PlacesFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PlacesFile").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Loaded {
    fn read(path: &Path) -> Result<Self, PlacesError> {
        // Before the file: a change while it is read is found the next time.
        let stamp = Stamp::of(path)?;
        let unreadable = |cause| PlacesError::Unreadable { path: path.to_owned(), cause };
        let mut content = Vec::new();
        let file = File::open(path).map_err(unreadable)?;
        let bytes = file.take(MAX_BYTES + 1).read_to_end(&mut content).map_err(unreadable)?;
        if bytes as u64 > MAX_BYTES {
            return Err(PlacesError::TooLarge { path: path.to_owned() });
        }
        let reader = Reader::from_source(content);
        let reader = reader.map_err(|cause| PlacesError::Format { path: path.to_owned(), cause })?;
        let kind = &reader.metadata().database_type;
        if !["city", "country", "enterprise"].iter().any(|places| kind.to_lowercase().contains(places)) {
            return Err(PlacesError::Kind { path: path.to_owned(), kind: kind.clone() });
        }
        Ok(Self { reader, stamp })
    }
}

impl Stamp {
    fn of(path: &Path) -> Result<Self, PlacesError> {
        let unreadable = |cause| PlacesError::Unreadable { path: path.to_owned(), cause };
        let found = std::fs::metadata(path).map_err(unreadable)?;
        Ok(Self { modified: found.modified().ok(), bytes: found.len() })
    }
}
