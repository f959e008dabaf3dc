//! A component for the host's tests. Each path does one thing, some of them harmful.

use std::sync::atomic::{AtomicU64, Ordering};

use wasip3::clocks::monotonic_clock::wait_for;
use wasip3::http::client;
use wasip3::http::types::{ErrorCode, Fields, Request, Response, Scheme};
use wasip3::{wit_future, wit_stream};
use wit_bindgen::{StreamResult, spawn_local};

wasip3::http::service::export!(Guest);

struct Guest;

/// How often `/copies` has a body in memory.
const COPIES: usize = 5;

/// Requests that this instance has heard of.
static HEARD: AtomicU64 = AtomicU64::new(0);

/// Requests that wait in `/sleep`.
static SLEEPING: AtomicU64 = AtomicU64::new(0);

impl wasip3::exports::http::handler::Guest for Guest {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let heard = HEARD.fetch_add(1, Ordering::Relaxed) + 1;
        let target = request.get_path_with_query().unwrap_or_default();
        let (path, number) = target.split_once('?').unwrap_or((&target, "0"));
        let number: u64 = number.parse().unwrap_or(0);
        match path {
            "/hello" => answer("hello"),
            "/heard" => answer(heard.to_string()),
            "/sleeping" => answer(SLEEPING.load(Ordering::Relaxed).to_string()),
            "/echo" => answer(body(request).await),
            "/copies" => {
                let body = body(request).await;
                let copies = vec![body; COPIES];
                wait_for(number * 1_000_000).await;
                let bytes: usize = std::hint::black_box(&copies).iter().map(Vec::len).sum();
                answer((bytes / COPIES).to_string())
            }
            "/authority" => answer(request.get_authority().unwrap_or_default()),
            "/scheme" => answer(match request.get_scheme() {
                Some(Scheme::Https) => "https",
                _ => "another",
            }),
            "/headers" => answer(lines(
                request
                    .get_headers()
                    .copy_all()
                    .into_iter()
                    .map(|(name, value)| (name, String::from_utf8_lossy(&value).into_owned())),
            )),
            "/environment" => answer(lines(std::env::vars())),
            "/print" => {
                println!("news of the component");
                eprintln!("trouble of the component");
                answer("")
            }
            "/big" => answer(vec![b'x'; number as usize]),
            "/grow" => {
                let grown: Vec<u8> = vec![1; number as usize];
                answer(grown.iter().map(|byte| u64::from(*byte)).sum::<u64>().to_string())
            }
            "/keep-memory" => {
                std::mem::forget(vec![1_u8; number as usize]);
                answer(heard.to_string())
            }
            "/keep-handles" => {
                (0..number).for_each(|_| std::mem::forget(Fields::new()));
                answer(heard.to_string())
            }
            "/sleep" => {
                SLEEPING.fetch_add(1, Ordering::Relaxed);
                wait_for(number * 1_000_000).await;
                SLEEPING.fetch_sub(1, Ordering::Relaxed);
                answer("slept")
            }
            "/trap" => panic!("asked to trap"),
            "/spin" => spin(),
            "/spin-after-answer" => {
                spawn_local(async {
                    wait_for(1_000_000).await;
                    spin()
                });
                answer("spinning")
            }
            "/error" => Err(ErrorCode::InternalError(Some("asked to fail".into()))),
            "/never-ends" => unfinished().await,
            "/send" => answer(send().await),
            _ => answer("no such path"),
        }
    }
}

fn spin() -> ! {
    let mut counter = 0_u64;
    loop {
        counter = std::hint::black_box(counter.wrapping_add(1));
    }
}

fn lines(pairs: impl IntoIterator<Item = (String, String)>) -> String {
    pairs.into_iter().map(|(name, value)| format!("{name}={value}\n")).collect()
}

async fn body(request: Request) -> Vec<u8> {
    let (processed, result) = wit_future::new(|| Ok(()));
    drop(processed);
    let (stream, _trailers) = Request::consume_body(request, result);
    read(stream).await
}

async fn read(mut stream: wit_bindgen::StreamReader<u8>) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let (state, chunk) = stream.read(Vec::with_capacity(4096)).await;
        body.extend_from_slice(&chunk);
        if state == StreamResult::Dropped {
            return body;
        }
    }
}

fn answer(body: impl Into<Vec<u8>>) -> Result<Response, ErrorCode> {
    let (mut writer, reader) = wit_stream::new();
    let (trailers, trailers_reader) = wit_future::new(|| Ok(None));
    drop(trailers);
    let (response, _sent) = Response::new(Fields::new(), Some(reader), trailers_reader);
    let body = body.into();
    spawn_local(async move {
        writer.write_all(body).await;
    });
    Ok(response)
}

/// An answer whose body never comes to an end.
async fn unfinished() -> Result<Response, ErrorCode> {
    let (mut writer, reader) = wit_stream::new();
    let (trailers, trailers_reader) = wit_future::new(|| Ok(None));
    drop(trailers);
    let (response, _sent) = Response::new(Fields::new(), Some(reader), trailers_reader);
    spawn_local(async move {
        writer.write_all(b"begun".to_vec()).await;
        wait_for(u64::MAX).await;
        drop(writer);
    });
    Ok(response)
}

/// Sends a request to the origin in the environment; says what came of it.
async fn send() -> String {
    let authority = std::env::var("TIDELINE_TEST_AUTHORITY").unwrap_or_default();
    let scheme = match std::env::var("TIDELINE_TEST_SCHEME").as_deref() {
        Ok("https") => Scheme::Https,
        _ => Scheme::Http,
    };
    let (trailers, trailers_reader) = wit_future::new(|| Ok(None));
    drop(trailers);
    let (request, _sent) = Request::new(Fields::new(), None, trailers_reader, None);
    let addressed = request
        .set_scheme(Some(&scheme))
        .and_then(|()| request.set_authority(Some(&authority)))
        .and_then(|()| request.set_path_with_query(Some("/outbound")));
    if addressed.is_err() {
        return "bad address".into();
    }
    match client::send(request).await {
        Err(error) => format!("{error:?}"),
        Ok(response) => {
            let status = response.get_status_code();
            let (processed, result) = wit_future::new(|| Ok(()));
            drop(processed);
            let (stream, trailers) = Response::consume_body(response, result);
            let body = read(stream).await;
            match trailers.await {
                Ok(_) => format!("{status} {}", String::from_utf8_lossy(&body)),
                Err(error) => format!("{status} broken off: {error:?}"),
            }
        }
    }
}
