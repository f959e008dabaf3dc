//! The WASI 0.2 component: `wasi:http/incoming-handler` on one side, the collector on the other.
//!
//! It is for hosts that lack WASI 0.3, and answers as `components/track` does. It only translates. An instance works
//! on one request at a time, so whatever waits may block it.
#![cfg(target_family = "wasm")]
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod ports;
mod wire;

use std::pin::pin;
use std::sync::OnceLock;
use std::task::{Context, Poll, Waker};

use tideline_collector::{
    Admission, Answered, Collector, Grouping, RedisCommit, RequestHead, Response, Settings,
};
use tideline_redis_rest::{Client, Deadlines, WasiP2Transport};
use wasi::exports::http::incoming_handler::Guest;
use wasi::http::types::{IncomingRequest, ResponseOutparam};

use crate::ports::{WasiClock, WasiEntropy, WasiTimer};

type Track = Collector<WasiClock, WasiEntropy, RedisCommit<WasiP2Transport, WasiTimer>>;

/// Read once per instance, which may serve several requests in turn; none while the settings are wrong.
static COLLECTOR: OnceLock<Option<Track>> = OnceLock::new();

struct Component;

wasi::http::proxy::export!(Component);

impl Guest for Component {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let head = wire::head(&request);
        let response = match COLLECTOR.get_or_init(collector) {
            Some(collector) => answer(collector, &head, &request),
            None => Response::misconfigured(&head),
        };
        wire::send(response, out);
    }
}

fn collector() -> Option<Track> {
    let variables: Vec<_> = std::env::vars().collect();
    match Settings::from_variables(&variables) {
        Ok(mut settings) => {
            let client = Client::new(settings.endpoint.clone(), WasiP2Transport::new(Deadlines::default()));
            // There is nobody to share a write with.
            settings.grouping = Grouping::None;
            let commit = RedisCommit::new(client, WasiTimer, &settings);
            Some(Collector::new(settings, WasiClock, WasiEntropy, commit))
        }
        Err(error) => {
            log(&error.to_string());
            None
        }
    }
}

fn answer(collector: &Track, head: &RequestHead, request: &IncomingRequest) -> Response {
    let limit = match collector.admit(head) {
        Admission::Answer(response) => return response,
        Admission::Body { limit } => limit,
    };
    let body = wire::body(request, limit);
    let Answered { response, note } = block_on(collector.answer(head, body));
    if let Some(note) = note {
        log(&note);
    }
    response
}

/// Runs a future whose waiting is done by calls that block, as the transport's are: it is complete when it is polled
/// for the first time. Nothing here could wake one that is not, so that is polled again at once.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
    }
}

#[expect(clippy::print_stderr, reason = "standard error is the log of a component, on every host")]
fn log(line: &str) {
    eprintln!("{line}");
}
