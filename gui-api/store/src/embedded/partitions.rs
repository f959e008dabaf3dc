//! The events' partitions on disk, and readers of them.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use lru::LruCache;
use tantivy::directory::MmapDirectory;
use tantivy::{Index, IndexReader, ReloadPolicy, Searcher, TantivyError};

use super::event_schema::EventSchema;
use super::fault;
use super::month::Month;
use crate::StoreError;

/// Five years stay open; a reader costs file mappings (some hundred at most), hardly memory.
const OPEN_READERS: NonZeroUsize = NonZeroUsize::new(60).unwrap();

/// Decompressed blocks of stored documents that a reader keeps, per segment.
const CACHED_BLOCKS: usize = 8;

/// The directory of partitions, and readers of those that were read lately.
pub(super) struct Partitions {
    directory: PathBuf,
    pub(super) schema: EventSchema,
    readers: Mutex<LruCache<Month, IndexReader>>,
    /// Whether this process writes events, so that readers are current without looking at the disk.
    sole_writer: AtomicBool,
}

impl Partitions {
    /// The partitions of the store in `directory`.
    pub(super) fn open(directory: &Path) -> Result<Self, StoreError> {
        let events = directory.join("events");
        let make = || {
            std::fs::create_dir_all(&events)?;
            sync_directory(directory)
        };
        make().map_err(|error| fault::io(&events, &error))?;
        Ok(Self {
            directory: events,
            schema: EventSchema::new(),
            readers: Mutex::new(LruCache::new(OPEN_READERS)),
            sole_writer: AtomicBool::new(false),
        })
    }

    /// Where the partition of this month is.
    pub(super) fn path(&self, month: Month) -> PathBuf {
        self.directory.join(month.to_string())
    }

    /// The months that have events, newest first.
    pub(super) fn months(&self) -> Result<Vec<Month>, StoreError> {
        let list = || -> std::io::Result<Vec<Month>> {
            let mut months = Vec::new();
            for entry in std::fs::read_dir(&self.directory)? {
                months.extend(entry?.file_name().to_str().and_then(|name| name.parse::<Month>().ok()));
            }
            months.sort_unstable_by(|a, b| b.cmp(a));
            Ok(months)
        };
        list().map_err(|error| fault::io(&self.directory, &error))
    }

    /// The events of this month as last committed; none when the partition was never written to.
    pub(super) fn searcher(&self, month: Month) -> Result<Option<Searcher>, StoreError> {
        let fault = |error: TantivyError| fault::index(&self.path(month), &error);
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(reader) = readers.get(&month) {
            if !self.sole_writer.load(Ordering::Acquire) {
                reader.reload().map_err(fault)?;
            }
            return Ok(Some(reader.searcher()));
        }
        let Some(index) = self.existing(month).map_err(fault)? else { return Ok(None) };
        let reader = index
            .reader_builder()
            .reload_policy(ReloadPolicy::Manual)
            .doc_store_cache_num_blocks(CACHED_BLOCKS)
            .try_into()
            .map_err(fault)?;
        let searcher = reader.searcher();
        readers.put(month, reader);
        Ok(Some(searcher))
    }

    fn existing(&self, month: Month) -> Result<Option<Index>, TantivyError> {
        let directory = MmapDirectory::open(self.path(month))?;
        if !Index::exists(&directory)? {
            // Its making was cut short by a crash; the next write completes it.
            return Ok(None);
        }
        self.check(Index::open(directory)?).map(Some)
    }

    /// The index of this month, made if there is none.
    pub(super) fn create(&self, month: Month) -> Result<Index, StoreError> {
        let path = self.path(month);
        std::fs::create_dir_all(&path).map_err(|error| fault::io(&path, &error))?;
        let create =
            || self.check(Index::open_or_create(MmapDirectory::open(&path)?, self.schema.schema.clone())?);
        let index = create().map_err(|error| fault::index(&path, &error))?;
        sync_directory(&self.directory).map_err(|error| fault::io(&self.directory, &error))?;
        Ok(index)
    }

    fn check(&self, index: Index) -> Result<Index, TantivyError> {
        if index.schema() == self.schema.schema {
            return Ok(index);
        }
        Err(TantivyError::SchemaError("written by another version of this program".to_owned()))
    }

    /// Says that this process is the one that writes events from now on.
    pub(super) fn now_sole_writer(&self) {
        self.forget_readers();
        self.sole_writer.store(true, Ordering::Release);
    }

    /// Shows readers the last commit of this month.
    pub(super) fn reload(&self, month: Month) -> Result<(), StoreError> {
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        let reloaded = readers.peek(&month).map_or(Ok(()), IndexReader::reload);
        reloaded.map_err(|error| {
            readers.pop(&month);
            fault::index(&self.path(month), &error)
        })
    }

    /// Opens all readers anew when they are next needed.
    pub(super) fn forget_readers(&self) {
        self.readers.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// Makes new and renamed files of a directory survive power loss.
pub(super) fn sync_directory(directory: &Path) -> std::io::Result<()> {
    std::fs::File::open(directory)?.sync_all()
}
