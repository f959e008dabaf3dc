//! The WebAssembly engine: compiles the component, finds out which of the two HTTP worlds it speaks, and
//! interrupts computations that take long.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use sha2::{Digest, Sha256};
use wasmtime::component::{Component, Linker};
use wasmtime::{Cache, Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};
use wasmtime_wasi_http::handler::ProxyPre;
use wasmtime_wasi_http::{p2, p3};

use crate::application::{MAX_RETIRING, isolated_instances};
use crate::guest::Guest;
use crate::limiter::MAX_TABLE_ELEMENTS;
use crate::{Error, Options, cache};

/// How long a computation runs before everything else of its thread gets a turn.
const TICK: Duration = Duration::from_millis(10);

/// Memory of an instance that is kept for the next one instead of being given back to the system.
const KEEP_RESIDENT: usize = 1 << 20;

/// Bytes of a component's file; a larger one is the wrong one.
const MAX_COMPONENT_BYTES: u64 = 256 << 20;

/// A version of a component: the SHA-256 of its file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Version([u8; 32]);

impl Version {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

/// Its beginning, which is enough to tell versions apart.
impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().take(6).try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Reads a component's file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Error> {
    let unreadable = |source| Error::ComponentFile { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    let length = file.take(MAX_COMPONENT_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if length as u64 > MAX_COMPONENT_BYTES {
        return Err(unreadable(io::Error::new(io::ErrorKind::FileTooLarge, "it has more than 256 MiB")));
    }
    Ok(bytes)
}

/// How a component is compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    /// On all processors: nobody is served before.
    Fast,
    /// On one, beside visitors who are served.
    Quiet,
}

/// Compiles components.
pub(crate) struct Workshop {
    cache: Option<Cache>,
    options: Arc<Options>,
}

/// A compiled component, ready to be instantiated. Each has an engine of its own, so that nothing is
/// left of a version once its last instance is gone.
pub(crate) struct Program {
    pub(crate) engine: Engine,
    pub(crate) pre: ProxyPre<Guest>,
    _ticker: Ticker,
}

impl Workshop {
    pub(crate) fn new(options: Arc<Options>) -> Result<Self, Error> {
        let cache = match &options.cache_dir {
            Some(directory) => cache::open(directory)?,
            None => None,
        };
        Ok(Self { cache, options })
    }

    /// Compiles what was in the file at `path`, or takes the compiled code from the cache directory. That
    /// has a thread of its own, so that a compiler that panics is an error like another.
    pub(crate) fn compile(&self, path: &Path, bytes: &[u8], pace: Pace) -> Result<Program, Error> {
        let panicked = || Error::Compile { path: path.to_owned(), reason: "the compiler panicked".into() };
        std::thread::scope(|scope| {
            let compile = move || self.compile_here(path, bytes, pace);
            let thread = std::thread::Builder::new().name("compiler".into()).spawn_scoped(scope, compile);
            thread.map_err(Error::Thread)?.join().unwrap_or_else(|_| Err(panicked()))
        })
    }

    fn compile_here(&self, path: &Path, bytes: &[u8], pace: Pace) -> Result<Program, Error> {
        let engine = engine(&self.options, self.cache.clone(), pace)?;
        let component = Component::from_binary(&engine, bytes)
            .map_err(|error| Error::Compile { path: path.to_owned(), reason: format!("{error:#}") })?;
        let pre = prepare(&engine, &component)?;
        let ticker = Ticker::start(engine.clone())?;
        Ok(Program { engine, pre, _ticker: ticker })
    }
}

impl Program {
    /// Whether many requests share an instance (WASI 0.3).
    pub(crate) fn shares_instances(&self) -> bool {
        matches!(self.pre, ProxyPre::P3(_))
    }
}

fn engine(options: &Options, cache: Option<Cache>, pace: Pace) -> Result<Engine, Error> {
    let mut config = Config::new();
    config
        .wasm_component_model_async(true)
        .epoch_interruption(true)
        .cache(cache)
        .parallel_compilation(pace == Pace::Fast)
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool(options)));
    Engine::new(&config).map_err(|error| Error::Engine { reason: format!("{error:#}") })
}

/// Room for every instance that can exist at once, with the one memory that a component of one program
/// has. It is address space, not memory, until it is used.
fn pool(options: &Options) -> PoolingAllocationConfig {
    let isolated = isolated_instances(options);
    // The working instance, those that finish their last requests, and one that is being made.
    let shared = MAX_RETIRING + 2;
    let instances = u32::from(options.shards) * isolated.max(shared);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(instances)
        .total_core_instances(instances.saturating_mul(8))
        .total_tables(instances.saturating_mul(8))
        .total_memories(instances)
        .table_elements(MAX_TABLE_ELEMENTS)
        .total_stacks(u32::from(options.shards) * (options.instance_concurrency + shared))
        .max_memory_size(options.max_memory_bytes as usize)
        .linear_memory_keep_resident(KEEP_RESIDENT);
    pool
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

/// An engine's clock. It ticks until it is dropped.
struct Ticker {
    _stop: mpsc::Sender<()>,
}

impl Ticker {
    fn start(engine: Engine) -> Result<Self, Error> {
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
