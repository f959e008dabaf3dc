//! Writing events: a few open index writers, and the lock that makes this process the only one.

use std::fs::{File, TryLockError};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use lru::LruCache;
use tantivy::directory::Directory;
use tantivy::indexer::{IndexWriterOptions, LogMergePolicy};
use tantivy::{IndexWriter, TantivyDocument, TantivyError};

use super::fault;
use super::month::Month;
use super::partitions::Partitions;
use crate::StoreError;

/// This month, the last one at its turn, and one for stragglers.
const OPEN_WRITERS: NonZeroUsize = NonZeroUsize::new(3).unwrap();

/// Segments of more events are not merged any more.
const MAX_MERGED_EVENTS: usize = 5_000_000;

/// The writers of the partitions that were written to lately.
pub(super) struct PartitionWriters {
    lock_path: PathBuf,
    /// Held from the first event to the end of the process, so that duplicates are seen by one alone.
    lock: Option<File>,
    index_memory_bytes: usize,
    writers: LruCache<Month, IndexWriter>,
}

impl PartitionWriters {
    /// No writers yet, and no lock.
    pub(super) fn new(directory: &Path, index_memory_bytes: usize) -> Self {
        let lock_path = directory.join("events.lock");
        Self { lock_path, lock: None, index_memory_bytes, writers: LruCache::new(OPEN_WRITERS) }
    }

    /// Makes this process the one that writes events.
    ///
    /// # Errors
    /// When another process is.
    pub(super) fn lock(&mut self, partitions: &Partitions) -> Result<(), StoreError> {
        if self.lock.is_some() {
            return Ok(());
        }
        let fault = |error: std::io::Error| fault::io(&self.lock_path, &error);
        let file =
            File::options().create(true).truncate(false).write(true).open(&self.lock_path).map_err(fault)?;
        match file.try_lock() {
            Ok(()) => {
                partitions.now_sole_writer();
                self.lock = Some(file);
                Ok(())
            }
            Err(TryLockError::WouldBlock) => Err(StoreError::Unavailable(format!(
                "another process writes events here (it holds `{}`): end it, or give this one a directory of its own",
                self.lock_path.display()
            ))),
            Err(TryLockError::Error(error)) => Err(fault(error)),
        }
    }

    /// Writes these events to the partition of this month, durably, and shows them to readers.
    pub(super) fn write(
        &mut self,
        partitions: &Partitions,
        month: Month,
        documents: Vec<TantivyDocument>,
    ) -> Result<(), StoreError> {
        let path = partitions.path(month);
        let writer = self.writer(partitions, month)?;
        commit(writer, documents).map_err(|error| fault::index(&path, &error))?;
        partitions.reload(month)
    }

    fn writer(&mut self, partitions: &Partitions, month: Month) -> Result<&mut IndexWriter, StoreError> {
        if !self.writers.contains(&month) {
            let writer = self.open(partitions, month)?;
            if let Some((evicted, writer)) = self.writers.push(month, writer) {
                // Else a partition that is written to now and then would never be merged.
                writer
                    .wait_merging_threads()
                    .map_err(|error| fault::index(&partitions.path(evicted), &error))?;
            }
        }
        self.writers
            .get_mut(&month)
            .ok_or_else(|| fault::index(&partitions.path(month), &TantivyError::Poisoned))
    }

    fn open(&self, partitions: &Partitions, month: Month) -> Result<IndexWriter, StoreError> {
        let options = IndexWriterOptions::builder()
            .num_worker_threads(1)
            .memory_budget_per_thread(self.index_memory_bytes)
            .num_merge_threads(1)
            .build();
        let index = partitions.create(month)?;
        let writer: IndexWriter = index
            .writer_with_options(options)
            .map_err(|error| fault::index(&partitions.path(month), &error))?;
        let mut merging = LogMergePolicy::default();
        merging.set_max_docs_before_merge(MAX_MERGED_EVENTS);
        writer.set_merge_policy(Box::new(merging));
        Ok(writer)
    }

    /// Closes all writers and forgets what they have not committed: after a failure they are of no use.
    pub(super) fn discard(&mut self) {
        self.writers.clear();
    }
}

fn commit(writer: &mut IndexWriter, documents: Vec<TantivyDocument>) -> Result<(), TantivyError> {
    for document in documents {
        writer.add_document(document)?;
    }
    writer.commit()?;
    // The commit renames a file into place and leaves it to the caller to make that last.
    writer.index().directory().sync_directory()?;
    Ok(())
}
