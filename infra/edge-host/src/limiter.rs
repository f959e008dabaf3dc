//! What one instance takes of the host's memory: limited, and known, so that an instance that grows is
//! replaced before it reaches its limit.

use wasmtime::{ResourceLimiter, Result, StoreLimits, StoreLimitsBuilder};

/// Core instances, tables and memories of one instance, and elements of one table. A Rust component has
/// one memory and a handful of the others; a table has an element for each function that is called
/// indirectly.
const MAX_CORE_INSTANCES: usize = 64;
const MAX_MEMORIES: usize = 4;
const MAX_TABLES: usize = 64;
pub(crate) const MAX_TABLE_ELEMENTS: usize = 20_000;

/// The limits of one instance, and its memory.
pub(crate) struct Limiter {
    limits: StoreLimits,
    memory_bytes: usize,
}

impl Limiter {
    pub(crate) fn new(max_memory_bytes: usize) -> Self {
        let limits = StoreLimitsBuilder::new()
            .memory_size(max_memory_bytes)
            .instances(MAX_CORE_INSTANCES)
            .memories(MAX_MEMORIES)
            .tables(MAX_TABLES)
            .table_elements(MAX_TABLE_ELEMENTS)
            .build();
        Self { limits, memory_bytes: 0 }
    }

    /// Bytes of memory that the instance has. It never gives any back.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.memory_bytes
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> Result<bool> {
        let allowed = self.limits.memory_growing(current, desired, maximum)?;
        if allowed {
            self.memory_bytes = self.memory_bytes.saturating_add(desired.saturating_sub(current));
        }
        Ok(allowed)
    }

    fn table_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> Result<bool> {
        self.limits.table_growing(current, desired, maximum)
    }

    fn instances(&self) -> usize {
        self.limits.instances()
    }

    fn tables(&self) -> usize {
        self.limits.tables()
    }

    fn memories(&self) -> usize {
        self.limits.memories()
    }
}
