//! Hands requests to instances of the component, in the manner that its version of WASI allows.
//!
//! WASI 0.3 components share: one instance per shard works on many requests at once ([`shared`]).
//! WASI 0.2 components are isolated: an instance works on one request at a time ([`isolated`]).

mod event_loop;
mod intake;
mod isolated;
mod shared;

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use tideline_http_front::{Held, HeldBody};
use tokio::task::JoinSet;

use self::isolated::Isolated;
pub(crate) use self::isolated::isolated_instances;
pub(crate) use self::shared::MAX_RETIRING;
use self::shared::{Shared, Supervisor};
use crate::guest::Nursery;
use crate::metrics::ComponentMetrics;
use crate::refusal::Refusal;
use crate::{Error, Options};

/// What requests may cost.
#[derive(Clone, Copy)]
pub(crate) struct Policy {
    /// Requests that one instance works on at once.
    concurrency: usize,
    /// 0.2: instances that work at once.
    isolated: usize,
    /// Requests that wait for an instance.
    queue: usize,
    /// How long.
    patience: Duration,
    /// Requests after which an instance is replaced.
    recycle_after: u64,
    /// Bytes of memory, and handles, above which it is replaced as well.
    recycle_memory_bytes: usize,
    recycle_handles: usize,
    /// From a whole request to its whole answer.
    timeout: Duration,
    max_answer_bytes: u32,
}

impl Policy {
    pub(crate) fn new(options: &Options) -> Self {
        Self {
            concurrency: options.instance_concurrency as usize,
            isolated: isolated_instances(options) as usize / 2,
            queue: options.queue as usize,
            patience: options.queue_timeout(),
            recycle_after: options.recycle_after,
            recycle_memory_bytes: options.recycle_memory_bytes() as usize,
            // The limit ends an instance with all its requests, so half of it is enough.
            recycle_handles: options.max_component_handles as usize / 2,
            timeout: options.request_timeout(),
            max_answer_bytes: options.max_answer_bytes,
        }
    }

    fn late(&self) -> Refusal {
        Refusal::Late(u64::try_from(self.timeout.as_millis()).unwrap_or(u64::MAX))
    }
}

/// What answers the requests of one shard.
#[derive(Clone)]
pub(crate) struct Application {
    manner: Manner,
    metrics: ComponentMetrics,
}

#[derive(Clone)]
enum Manner {
    /// WASI 0.3.
    Shared(Shared),
    /// WASI 0.2.
    Isolated(Isolated),
}

impl Application {
    /// Makes a first instance, so that a component that cannot start is refused before it is public. What
    /// has to run beside it is put into `tasks`; it ends after the last clone and the last answer.
    pub(crate) async fn start(
        nursery: Nursery,
        policy: Policy,
        tasks: &mut JoinSet<()>,
    ) -> Result<Self, Error> {
        let metrics = nursery.metrics().clone();
        let manner = if nursery.shares_instances() {
            let (shared, supervisor) = Supervisor::start(nursery, policy).await?;
            tasks.spawn(supervisor.run());
            Manner::Shared(shared)
        } else {
            Manner::Isolated(Isolated::start(nursery, policy).await?)
        };
        Ok(Self { manner, metrics })
    }

    /// The component's answer, whole, or why there is none.
    pub(crate) async fn answer(&self, request: Request<HeldBody>) -> Result<Response<Bytes>, Refusal> {
        match &self.manner {
            Manner::Shared(shared) => shared.answer(request).await,
            Manner::Isolated(isolated) => isolated.answer(request).await,
        }
    }

    /// What is counted of its component.
    pub(crate) fn metrics(&self) -> &ComponentMetrics {
        &self.metrics
    }
}

/// The request as wasi:http takes it, and what is accounted for its body.
fn wasi_request(request: Request<HeldBody>) -> (wasmtime_wasi_http::handler::Request, Held) {
    let (parts, HeldBody { bytes, held }) = request.into_parts();
    let body = Full::new(bytes).map_err(|never| match never {}).boxed_unsync();
    (Request::from_parts(parts, body), held)
}
