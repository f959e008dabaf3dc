//! The WebAssembly engine: compiles the component, finds out which of the two HTTP worlds it speaks, and
//! interrupts computations that take long.

use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use wasmtime::component::{Component, Linker};
use wasmtime::{Cache, CacheConfig, Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};
use wasmtime_wasi_http::handler::ProxyPre;
use wasmtime_wasi_http::{p2, p3};

use crate::application::{MAX_ISOLATED_INSTANCES, MAX_RETIRING};
use crate::guest::Guest;
use crate::limiter::MAX_TABLE_ELEMENTS;
use crate::{Error, Options};

/// How long a computation runs before everything else of its thread gets a turn.
const TICK: Duration = Duration::from_millis(10);

/// Memory of an instance that is kept for the next one instead of being given back to the system.
const KEEP_RESIDENT: usize = 1 << 20;

/// Permission bits of group and others.
const WRITABLE_BY_OTHERS: u32 = 0o022;

/// A compiled component, ready to be instantiated.
pub(crate) struct Program {
    pub(crate) engine: Engine,
    pub(crate) pre: Arc<ProxyPre<Guest>>,
}

impl Program {
    /// Reads and compiles the component, or takes the compiled code from the cache directory.
    pub(crate) fn load(options: &Options) -> Result<Self, Error> {
        let path = &options.component;
        let bytes =
            std::fs::read(path).map_err(|source| Error::ComponentFile { path: path.clone(), source })?;
        let engine = engine(options)?;
        let component = Component::new(&engine, &bytes)
            .map_err(|error| Error::Compile { path: path.clone(), reason: format!("{error:#}") })?;
        let pre = prepare(&engine, &component)?;
        Ok(Self { engine, pre: Arc::new(pre) })
    }

    /// Whether many requests share an instance (WASI 0.3).
    pub(crate) fn shares_instances(&self) -> bool {
        matches!(*self.pre, ProxyPre::P3(_))
    }
}

fn engine(options: &Options) -> Result<Engine, Error> {
    let mut config = Config::new();
    config
        .wasm_component_model_async(true)
        .epoch_interruption(true)
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool(options)));
    if let Some(directory) = &options.cache_dir {
        config.cache(Some(cache(directory)?));
    }
    Engine::new(&config).map_err(|error| Error::Engine { reason: format!("{error:#}") })
}

/// Room for every instance that can exist at once, with the one memory that a component of one program
/// has. It is address space, not memory, until it is used.
fn pool(options: &Options) -> PoolingAllocationConfig {
    let concurrency = options.instance_concurrency;
    let isolated = concurrency.min(MAX_ISOLATED_INSTANCES);
    // The working instance, those that finish their last requests, and one that is being made.
    let shared = MAX_RETIRING + 2;
    let instances = u32::from(options.shards) * isolated.max(shared);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(instances)
        .total_core_instances(instances.saturating_mul(8))
        .total_tables(instances.saturating_mul(8))
        .total_memories(instances)
        .table_elements(MAX_TABLE_ELEMENTS)
        .total_stacks(u32::from(options.shards) * (concurrency + shared))
        .max_memory_size(options.max_memory_bytes as usize)
        .linear_memory_keep_resident(KEEP_RESIDENT);
    pool
}

fn cache(directory: &Path) -> Result<Cache, Error> {
    let refuse = |reason: String| Error::CacheDirectory { path: directory.to_owned(), reason };
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
        .map_err(|error| refuse(error.to_string()))?;
    let directory = directory.canonicalize().map_err(|error| refuse(error.to_string()))?;
    let mode = std::fs::metadata(&directory).map_err(|error| refuse(error.to_string()))?.permissions().mode();
    if mode & WRITABLE_BY_OTHERS != 0 {
        tracing::warn!(
            ?directory,
            "other users can write to the directory for compiled code, and so run code as this one; chmod go-w it"
        );
    }
    let mut config = CacheConfig::new();
    config.with_directory(directory);
    Cache::new(config).map_err(|error| refuse(format!("{error:#}")))
}

fn prepare(engine: &Engine, component: &Component) -> Result<ProxyPre<Guest>, Error> {
    let pre = linker(engine)
        .and_then(|linker| linker.instantiate_pre(component))
        .map_err(|error| Error::Import { reason: format!("{error:#}") })?;
    if let Ok(service) = p3::bindings::ServicePre::new(pre.clone()) {
        return Ok(ProxyPre::P3(service));
    }
    match p2::bindings::ProxyPre::new(pre) {
        Ok(proxy) => Ok(ProxyPre::P2(proxy)),
        Err(error) => Err(Error::NoHandler { reason: format!("{error:#}") }),
    }
}

fn linker(engine: &Engine) -> wasmtime::Result<Linker<Guest>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    p2::add_only_http_to_linker_async(&mut linker)?;
    wasmtime_wasi::p3::add_to_linker(&mut linker)?;
    p3::add_to_linker(&mut linker)?;
    Ok(linker)
}

/// The engine's clock. It ticks until it is dropped.
pub(crate) struct Ticker {
    _stop: mpsc::Sender<()>,
}

impl Ticker {
    pub(crate) fn start(engine: Engine) -> Result<Self, Error> {
        let (stop, stopped) = mpsc::channel();
        std::thread::Builder::new()
            .name("ticker".into())
            .spawn(move || {
                while stopped.recv_timeout(TICK) == Err(mpsc::RecvTimeoutError::Timeout) {
                    engine.increment_epoch();
                }
            })
            .map_err(Error::Thread)?;
        Ok(Self { _stop: stop })
    }
}
