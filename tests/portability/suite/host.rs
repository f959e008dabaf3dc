//! A host with what Spin gives a component: WASI, HTTP and `fermyon:spin/variables`. Redis is always busy here.

use std::collections::BTreeMap;
use std::future::{pending, ready};
use std::sync::{Arc, Mutex};

use futures_channel::oneshot;
use futures_util::future::join;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use wasmtime::component::{Component, ComponentType, Lift, Linker, Lower, ResourceTable};
use wasmtime::{AsContextMut as _, Config, Engine, OptLevel, Store, StoreContextMut};
use wasmtime_wasi::p2::pipe::MemoryOutputPipe;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::handler::{Prepared, ProxyPre};
use wasmtime_wasi_http::{
    Error as WasiError, RequestOptions, WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks, WasiHttpView,
    p2, p3,
};

/// Bytes of a body that a WASI 0.2 component may write at once: few, so that it has to come again.
const CHUNK: usize = 100;

/// Where variables come from.
#[derive(Clone)]
pub(crate) enum Variables {
    /// They are known.
    Given(BTreeMap<String, String>),
    /// The provider does not answer.
    OutOfReach,
    /// The manifest does not let the component have them.
    Denied,
}

/// A request to Redis, as it left the component.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) uri: String,
    pub(crate) authorization: String,
    pub(crate) body: String,
}

/// A component on this host.
pub(crate) struct Host {
    component: Component,
    linker: Linker<Guest>,
    store: Store<Guest>,
    redis: BusyRedis,
    log: MemoryOutputPipe,
}

/// What the host keeps for an instance.
struct Guest {
    wasi: WasiCtx,
    http: WasiHttpCtx,
    table: ResourceTable,
    redis: BusyRedis,
    variables: Variables,
}

/// Takes requests, and asks to come back later.
#[derive(Clone, Default)]
struct BusyRedis(Arc<Mutex<Vec<Sent>>>);

#[derive(ComponentType, Lift, Lower)]
#[component(variant)]
enum VariableError {
    #[component(name = "invalid-name")]
    InvalidName(String),
    #[component(name = "undefined")]
    Undefined(String),
    #[component(name = "provider")]
    Provider(String),
    #[component(name = "other")]
    Other(String),
}

impl Host {
    pub(crate) fn new(component: &[u8], variables: Variables) -> Self {
        let mut config = Config::new();
        // Compiled for one request, so the compiler is in more of a hurry than the component.
        config.wasm_component_model_async(true).cranelift_opt_level(OptLevel::None);
        let engine = Engine::new(&config).unwrap();
        let (redis, log) = (BusyRedis::default(), MemoryOutputPipe::new(1 << 16));
        let guest = Guest {
            wasi: WasiCtx::builder().env("TIDELINE_LANES", "the host's own").stderr(log.clone()).build(),
            http: WasiHttpCtx::new(),
            table: ResourceTable::new(),
            redis: redis.clone(),
            variables,
        };
        Self {
            component: Component::new(&engine, component).unwrap(),
            linker: linker(&engine),
            store: Store::new(&engine, guest),
            redis,
            log,
        }
    }

    /// What an exported `wasi:cli/environment` says.
    pub(crate) async fn environment(&mut self, interface: &str) -> Vec<(String, String)> {
        let instance = self.linker.instantiate_async(&mut self.store, &self.component).await.unwrap();
        let interface = instance.get_export_index(&mut self.store, None, interface).unwrap();
        let function =
            instance.get_export_index(&mut self.store, Some(&interface), "get-environment").unwrap();
        let function =
            instance.get_typed_func::<(), (Vec<(String, String)>,)>(&mut self.store, function).unwrap();
        function.call_async(&mut self.store, ()).await.unwrap().0
    }

    /// What the component answers.
    pub(crate) async fn answer(&mut self, request: Request<WasiBody>) -> Response<String> {
        let pre = self.linker.instantiate_pre(&self.component).unwrap();
        let pre = match p3::bindings::ServicePre::new(pre.clone()) {
            Ok(pre) => ProxyPre::P3(pre),
            Err(_) => ProxyPre::P2(p2::bindings::ProxyPre::new(pre).unwrap()),
        };
        let proxy = pre.instantiate_async(&mut self.store).await.unwrap();
        let (sender, response) = oneshot::channel();
        let prepared =
            Prepared::new(self.store.as_context_mut(), &proxy, request, Guest::http, sender).unwrap();
        let answer = self.store.run_concurrent(async |accessor| {
            let answer = async { text(response.await.unwrap().unwrap()).await };
            let (ran, answer) = join(prepared.run(accessor, pending()), answer).await;
            ran.unwrap();
            answer
        });
        answer.await.unwrap()
    }

    /// What the component sent to Redis.
    pub(crate) fn sent(&self) -> Vec<Sent> {
        self.redis.0.lock().unwrap().clone()
    }

    /// What the component wrote to its log.
    pub(crate) fn log(&self) -> String {
        String::from_utf8(self.log.contents().to_vec()).unwrap()
    }
}

fn linker(engine: &Engine) -> Linker<Guest> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker).unwrap();
    p2::add_only_http_to_linker_async(&mut linker).unwrap();
    wasmtime_wasi::p3::add_to_linker(&mut linker).unwrap();
    p3::add_to_linker(&mut linker).unwrap();
    let get = |store: StoreContextMut<'_, Guest>, (name,): (String,)| Ok((store.data().variables.get(name),));
    linker.instance("fermyon:spin/variables@2.0.0").unwrap().func_wrap("get", get).unwrap();
    linker
}

impl Variables {
    fn get(&self, name: String) -> Result<String, VariableError> {
        match self {
            _ if name != name.to_lowercase() => Err(VariableError::InvalidName(name)),
            Self::Given(values) => values.get(&name).cloned().ok_or(VariableError::Undefined(name)),
            Self::OutOfReach => Err(VariableError::Provider("the vault is sealed".to_owned())),
            Self::Denied => Err(VariableError::Other("not permitted".to_owned())),
        }
    }
}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for Guest {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { hooks: &mut self.redis, table: &mut self.table, ctx: &mut self.http }
    }
}

type Processed = Box<dyn Future<Output = Result<(), WasiError>> + Send>;
type SendResult = Result<(Response<WasiBody>, Processed), WasiError>;

impl WasiHttpHooks for BusyRedis {
    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        _options: Option<RequestOptions>,
        _processed: Processed,
    ) -> Box<dyn Future<Output = SendResult> + Send> {
        let redis = self.clone();
        Box::new(async move {
            let uri = request.uri().to_string();
            let authorization = request.headers()["authorization"].to_str().unwrap().to_owned();
            let body = text(Response::new(request.into_body())).await.into_body();
            redis.0.lock().unwrap().push(Sent { uri, authorization, body });
            let busy = Response::builder().status(503).body(whole(r#"{"error":"BUSY later"}"#)).unwrap();
            let processed: Processed = Box::new(ready(Ok(())));
            Ok((busy, processed))
        })
    }

    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        CHUNK
    }
}

/// A body that is all there.
pub(crate) fn whole(text: impl Into<String>) -> WasiBody {
    Full::from(text.into()).map_err(|never| match never {}).boxed_unsync()
}

#[expect(clippy::disallowed_methods, reason = "the test's own bodies are small")]
async fn text(response: Response<WasiBody>) -> Response<String> {
    let (parts, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Response::from_parts(parts, String::from_utf8(body.to_vec()).unwrap())
}
