//! Sends `PING` to the address in the environment, and answers with how that ended.
#![cfg(target_family = "wasm")]

use std::env::var;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tideline_redis_rest::{Client, Deadlines, Endpoint, WasiP2Transport};
use wasi::exports::http::incoming_handler::Guest;
use wasi::http::types::{Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam};

struct Component;

wasi::http::proxy::export!(Component);

impl Guest for Component {
    fn handle(_request: IncomingRequest, out: ResponseOutparam) {
        let response = OutgoingResponse::new(Fields::new());
        let body = response.body().unwrap();
        ResponseOutparam::set(out, Ok(response));
        body.write().unwrap().blocking_write_and_flush(ping().as_bytes()).unwrap();
        OutgoingBody::finish(body, None).unwrap();
    }
}

fn ping() -> String {
    let setting = |name: &str| var(name).unwrap_or_default();
    let endpoint =
        Endpoint::new(&setting("UPSTASH_REDIS_REST_URL"), &setting("UPSTASH_REDIS_REST_TOKEN")).unwrap();
    let client = Client::new(endpoint, WasiP2Transport::new(Deadlines::default()));
    let reply = pin!(client.command(vec!["PING".to_owned()], Duration::from_millis(2500)));
    match reply.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(reply) => format!("{reply:?}"),
        Poll::Pending => "the transport waited outside of its calls".to_owned(),
    }
}
