//! The WASI 0.3 component: `wasi:http/handler` on one side, the collector on the other.
//!
//! It only translates. What it imports is in the portable list of `docs/architecture.md`, so that the
//! same file runs under our host, Spin and Wasmtime.
#![cfg(target_family = "wasm")]
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod ports;
mod wire;

use std::sync::OnceLock;

use tideline_collector::{Admission, Answered, Collector, RedisCommit, RequestHead, Response, Settings};
use tideline_redis_rest::{Client, Deadlines, WasiP3Transport};
use wasip3::exports::http::handler::Guest;
use wasip3::http::types as wasi;

use crate::ports::{WasiClock, WasiEntropy, WasiTimer};

type Track = Collector<WasiClock, WasiEntropy, RedisCommit<WasiP3Transport, WasiTimer>>;

/// Read once per instance; none while the settings are wrong.
static COLLECTOR: OnceLock<Option<Track>> = OnceLock::new();

struct Component;

wasip3::http::service::export!(Component);

impl Guest for Component {
    async fn handle(request: wasi::Request) -> Result<wasi::Response, wasi::ErrorCode> {
        let head = wire::head(&request);
        let response = match COLLECTOR.get_or_init(collector) {
            Some(collector) => answer(collector, &head, request).await,
            None => Response::misconfigured(&head),
        };
        wire::send(response)
    }
}

fn collector() -> Option<Track> {
    let variables: Vec<_> = std::env::vars().collect();
    match Settings::from_variables(&variables) {
        Ok(settings) => {
            let client = Client::new(settings.endpoint.clone(), WasiP3Transport::new(Deadlines::default()));
            let commit = RedisCommit::new(client, WasiTimer, &settings);
            Some(Collector::new(settings, WasiClock, WasiEntropy, commit))
        }
        Err(error) => {
            log(&error.to_string());
            None
        }
    }
}

async fn answer(collector: &Track, head: &RequestHead, request: wasi::Request) -> Response {
    let limit = match collector.admit(head) {
        Admission::Answer(response) => return response,
        Admission::Body { limit } => limit,
    };
    let body = wire::body(request, head, limit).await;
    let Answered { response, note } = collector.answer(head, body).await;
    if let Some(note) = note {
        log(&note);
    }
    response
}

#[expect(clippy::print_stderr, reason = "standard error is the log of a component, on every host")]
fn log(line: &str) {
    eprintln!("{line}");
}
