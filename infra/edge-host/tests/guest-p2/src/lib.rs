//! A WASI 0.2 component for the host's tests. Each path does one thing, some of them harmful.

use wasip2::clocks::monotonic_clock::subscribe_duration;
use wasip2::http::types::{Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam};

wasip2::http::proxy::export!(Guest);

struct Guest;

impl wasip2::exports::http::incoming_handler::Guest for Guest {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let target = request.path_with_query().unwrap_or_default();
        let (path, number) = target.split_once('?').unwrap_or((&target, "0"));
        let number: u64 = number.parse().unwrap_or(0);
        match path {
            "/hello" => answer(out, "hello"),
            "/echo" => answer(out, &body(&request)),
            "/sleep" => {
                subscribe_duration(number * 1_000_000).block();
                answer(out, "slept");
            }
            "/trap" => panic!("asked to trap"),
            "/spin" => loop {
                std::hint::black_box(());
            },
            _ => answer(out, "no such path"),
        }
    }
}

fn body(request: &IncomingRequest) -> String {
    let body = request.consume().unwrap();
    let stream = body.stream().unwrap();
    let mut bytes = Vec::new();
    while let Ok(chunk) = stream.blocking_read(4096) {
        bytes.extend(chunk);
    }
    String::from_utf8(bytes).unwrap()
}

fn answer(out: ResponseOutparam, text: &str) {
    let response = OutgoingResponse::new(Fields::new());
    let body = response.body().unwrap();
    ResponseOutparam::set(out, Ok(response));
    let stream = body.write().unwrap();
    stream.blocking_write_and_flush(text.as_bytes()).unwrap();
    drop(stream);
    OutgoingBody::finish(body, None).unwrap();
}
