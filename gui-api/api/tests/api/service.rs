//! The service under test, with a store and a Redis of its own.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::{Value, json};
use tempfile::TempDir;
use tideline_api::{ApiOptions, Obstacle, Options, Service, Tokens};
use tideline_model::Event;
use tideline_pipeline::Settings;
use tideline_protocol::{IdentitySalt, Lanes};
use tideline_store::{Batch, EmbeddedOptions, EmbeddedStore, Store};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::redis_server::RedisServer;

pub(crate) const TOKEN: &str = "secret";
const TOKEN_SHA256: &str = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b";
/// The live channel of [`lanes`].
pub(crate) const CHANNEL: &str = "tl:test:live";

pub(crate) fn lanes() -> Lanes {
    Lanes::new("test", "eu", 2).unwrap()
}

pub(crate) struct TestService {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) redis: RedisServer,
    pub(crate) address: SocketAddr,
    client: Client,
    stop: Option<oneshot::Sender<()>>,
    running: Option<JoinHandle<()>>,
    _data: TempDir,
}

/// What a test wants otherwise than usual.
#[derive(Default)]
pub(crate) struct Wishes {
    pub(crate) gui_dir: Option<PathBuf>,
    pub(crate) most_live_readers: Option<usize>,
    pub(crate) without_api: bool,
    pub(crate) obstacle: Option<Obstacle>,
}

impl TestService {
    pub(crate) async fn start() -> Self {
        Self::start_with(Wishes::default()).await
    }

    pub(crate) async fn start_with(wishes: Wishes) -> Self {
        // Whatever TLS provider was installed first serves plain HTTP as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let data = tempfile::tempdir().unwrap();
        let store: Arc<dyn Store> =
            Arc::new(EmbeddedStore::open(data.path(), EmbeddedOptions::default()).unwrap());
        let redis = RedisServer::start().await;
        let api = ApiOptions {
            tokens: Tokens::parse(TOKEN_SHA256).unwrap(),
            lanes: lanes(),
            processing: processing(),
            most_live_readers: wishes.most_live_readers.unwrap_or(ApiOptions::MOST_LIVE_READERS),
            gui_dir: wishes.gui_dir,
        };
        let options = Options {
            listen: "127.0.0.1:0".parse().unwrap(),
            redis: redis.client(),
            obstacle: wishes.obstacle,
            drain: Duration::from_secs(10),
            api: (!wishes.without_api).then_some(api),
        };
        let service = Service::bind(options, Arc::clone(&store)).await.unwrap();
        let address = service.address();
        let (stop, stopped) = oneshot::channel::<()>();
        let running = tokio::spawn(service.run(async move { drop(stopped.await) }));
        let client =
            Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { store, redis, address, client, stop: Some(stop), running: Some(running), _data: data }
    }

    /// Asks it to stop, and waits until it has.
    pub(crate) async fn stop(&mut self) {
        drop(self.stop.take());
        self.running.take().unwrap().await.unwrap();
    }

    pub(crate) async fn store_events(&self, events: Vec<Event>) {
        self.store.write(Batch { events, ..Batch::default() }).await.unwrap();
    }

    /// A request without a token.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("http://{}{path}", self.address))
    }

    /// What the holder of a token gets.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        Answer::of(self.request(Method::GET, path).bearer_auth(TOKEN)).await
    }

    /// What everybody gets.
    pub(crate) async fn get_without_token(&self, path: &str) -> Answer {
        Answer::of(self.request(Method::GET, path)).await
    }
}

/// What the installation decides.
pub(crate) fn processing() -> Settings {
    let salt = IdentitySalt::parse("000102030405060708090a0b0c0d0e0f").unwrap();
    Settings { salt: Some(salt), ..Settings::default() }
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
    response: http::HeaderMap,
}

impl Answer {
    pub(crate) async fn of(request: RequestBuilder) -> Self {
        let mut response: Response = request.send().await.unwrap();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.unwrap() {
            body.extend_from_slice(&chunk);
        }
        Self {
            status: response.status().as_u16(),
            body: String::from_utf8(body).unwrap(),
            response: response.headers().clone(),
        }
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.response.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// The sentence of a failure.
    pub(crate) fn detail(&self) -> String {
        self.json()["detail"].as_str().unwrap().to_owned()
    }
}

/// An event of session `x` and profile `p`, so many seconds after noon.
pub(crate) fn event(id: &str, kind: &str, second: u32) -> Event {
    let time = format!("2026-01-31T12:00:{second:02}Z");
    let event = json!({
        "id": id, "type": kind, "name": kind,
        "metadata": {"time": {"insert": time, "receive": time}, "status": "collected", "valid": true,
                     "origin": {"lane": "tl:test:local:00", "entry": format!("{second}-0")}},
        "source": {"id": "shop"}, "session": {"id": "x"}, "profile": {"id": "p"}, "request": {"id": "r"}
    });
    serde_json::from_value(event).unwrap()
}
