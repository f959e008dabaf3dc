//! One instance's state and limits: what the component may use while it runs.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use tokio::time::timeout;
use wasmtime::Store;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::handler::Proxy;
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use crate::engine::Program;
use crate::guest_log::GuestLog;
use crate::limiter::Limiter;
use crate::metrics::{ComponentMetrics, Counted};
use crate::outbound::Outbound;
use crate::{GuestEnvironment, Options};

/// Bytes of random data the component may ask for in one call.
const MAX_RANDOM_BYTES: u64 = 64 << 10;

/// What the host keeps for one instance.
pub(crate) struct Guest {
    wasi: WasiCtx,
    http: WasiHttpCtx,
    outbound: Outbound,
    table: ResourceTable,
    limiter: Limiter,
    /// Its clock ticks, and with it computations end, for as long as an instance is left.
    _program: Arc<Program>,
    _counted: Counted,
}

impl Guest {
    /// Bytes of the instance's memory, and handles that the host keeps for it.
    pub(crate) fn size(&mut self) -> (usize, usize) {
        (self.limiter.memory_bytes(), self.table.iter_mut().count())
    }
}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for Guest {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { hooks: &mut self.outbound, table: &mut self.table, ctx: &mut self.http }
    }
}

/// Makes instances of one component for one shard.
#[derive(Clone)]
pub(crate) struct Nursery(Arc<Shared>);

struct Shared {
    program: Arc<Program>,
    environment: GuestEnvironment,
    outbound: Outbound,
    metrics: ComponentMetrics,
    max_memory_bytes: usize,
    max_handles: usize,
}

/// An instance that has not been asked anything yet.
pub(crate) struct Instance {
    pub(crate) store: Store<Guest>,
    pub(crate) proxy: Proxy,
    /// Requests that it took since its last outgoing request: for its user to count.
    pub(crate) taken: Arc<AtomicU64>,
}

impl Nursery {
    pub(crate) fn new(
        program: Arc<Program>,
        environment: GuestEnvironment,
        outbound: Outbound,
        metrics: ComponentMetrics,
        options: &Options,
    ) -> Self {
        Self(Arc::new(Shared {
            program,
            environment,
            outbound,
            metrics,
            max_memory_bytes: options.max_memory_bytes as usize,
            max_handles: options.max_component_handles as usize,
        }))
    }

    /// Whether many requests share an instance (WASI 0.3).
    pub(crate) fn shares_instances(&self) -> bool {
        self.0.program.shares_instances()
    }

    /// What is counted of the component.
    pub(crate) fn metrics(&self) -> &ComponentMetrics {
        &self.0.metrics
    }

    /// Makes an instance. That runs the component's start code, hence the time limit.
    pub(crate) async fn instance_within(&self, limit: Duration) -> wasmtime::Result<Instance> {
        match timeout(limit, self.instance()).await {
            Ok(made) => made,
            Err(_) => Err(wasmtime::format_err!("its start takes more than {limit:?}")),
        }
    }

    async fn instance(&self) -> wasmtime::Result<Instance> {
        let taken = Arc::new(AtomicU64::new(0));
        let mut store = Store::new(&self.0.program.engine, self.guest(Arc::clone(&taken)));
        store.limiter(|guest| &mut guest.limiter);
        store.set_max_component_handles(self.0.max_handles);
        // At each tick of the engine's clock the component gives way to everything else of its thread.
        store.set_epoch_deadline(1);
        store.epoch_deadline_async_yield_and_update(1);
        let proxy = self.0.program.pre.instantiate_async(&mut store).await?;
        Ok(Instance { store, proxy, taken })
    }

    fn guest(&self, taken: Arc<AtomicU64>) -> Guest {
        let mut table = ResourceTable::new();
        table.set_max_capacity(self.0.max_handles);
        Guest {
            wasi: WasiCtx::builder()
                .envs(self.0.environment.variables())
                .stdout(GuestLog::stdout())
                .stderr(GuestLog::stderr())
                .allow_tcp(false)
                .allow_udp(false)
                .allow_ip_name_lookup(false)
                .max_random_size(MAX_RANDOM_BYTES)
                .build(),
            http: WasiHttpCtx::new(),
            outbound: self.0.outbound.of_instance(self.shares_instances().then_some(taken)),
            table,
            limiter: Limiter::new(self.0.max_memory_bytes),
            _program: Arc::clone(&self.0.program),
            _counted: self.0.metrics.instance(),
        }
    }
}
