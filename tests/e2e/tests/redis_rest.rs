//! One suite for all transports of the Redis REST client: natively through reqwest, and in guests of WASI 0.2 and 0.3 on
//! our host.
//!
//! What counts is whether a command may have been executed: whoever sends it again relies on that.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::Command;
use std::thread;
use std::time::Duration;

use reqwest::Method;
use tideline_e2e::Visitor;
use tideline_redis_rest::{Client, Deadlines, Endpoint, ReqwestTransport};
use xtask::artifacts::Artifacts;
use xtask::ports::Ports;
use xtask::probe::wait_for_port;
use xtask::process::Process;

const TOKEN: &str = "a-token";

const WASI_0_2: &str = "tideline_rest_guest_p2.wasm";
const WASI_0_3: &str = "tideline_rest_guest.wasm";

/// What a server does with a request, and what the client must make of it.
struct Case {
    server: Server,
    outcome: &'static str,
}

#[derive(Clone, Copy, Debug)]
enum Server {
    /// Answers with these bytes, whole or one by one.
    Says { answer: &'static str, byte_by_byte: bool },
    /// Answers with a body over the client's limit.
    SaysTooMuch,
    /// Reads the request and never answers.
    Hangs,
    /// Nobody listens.
    Absent,
}

const fn says(answer: &'static str) -> Server {
    Server::Says { answer, byte_by_byte: false }
}

const CASES: [Case; 12] = [
    Case {
        server: says("HTTP/1.1 200 OK\r\ncontent-length: 17\r\n\r\n{\"result\":\"PONG\"}"),
        outcome: "Ok(String(\"PONG\"))",
    },
    Case {
        server: Server::Says {
            answer: "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\n{\"result\"\r\n8\r\n:\"PONG\"}\r\n0\r\n\r\n",
            byte_by_byte: true,
        },
        outcome: "Ok(String(\"PONG\"))",
    },
    Case {
        server: says("HTTP/1.1 401 Unauthorized\r\ncontent-length: 21\r\n\r\n{\"error\":\"WRONGPASS\"}"),
        outcome: "Err(Refused",
    },
    Case {
        server: says("HTTP/1.1 400 Bad Request\r\ncontent-length: 22\r\n\r\n{\"error\":\"OOM no mem\"}"),
        outcome: "Err(Busy",
    },
    Case {
        server: says("HTTP/1.1 400 Bad Request\r\ncontent-length: 20\r\n\r\n{\"error\":\"ERR nope\"}"),
        outcome: "Err(Command",
    },
    Case {
        server: says("HTTP/1.1 503 Busy\r\ncontent-length: 16\r\n\r\n{\"error\":\"busy\"}"),
        outcome: "Err(Busy",
    },
    Case { server: says("HTTP/1.1 502 Bad Gateway\r\ncontent-length: 4\r\n\r\noops"), outcome: "Err(Busy" },
    Case { server: says("SSH-2.0-OpenSSH_9.2\r\n"), outcome: "Err(Transport(Broken" },
    Case { server: says(""), outcome: "Err(Transport(Broken" },
    Case {
        server: says("HTTP/1.1 200 OK\r\ncontent-length: 17\r\n\r\n{\"result\""),
        outcome: "Err(Transport(Broken",
    },
    Case { server: Server::SaysTooMuch, outcome: "Err(Transport(MaybeSent" },
    Case { server: Server::Absent, outcome: "Err(Transport(NotSent" },
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_native_transport_tells_what_was_sent() {
    for Case { server, outcome } in CASES {
        let found = native(&start(server)).await;
        assert!(found.starts_with(outcome), "{server:?}: {found}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_transport_of_wasi_0_3_tells_the_same() {
    for Case { server, outcome } in CASES {
        let found = in_a_guest(WASI_0_3, &start(server)).await;
        assert!(found.starts_with(outcome), "{server:?}: {found}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_transport_of_wasi_0_2_tells_the_same() {
    for Case { server, outcome } in CASES {
        let found = in_a_guest(WASI_0_2, &start(server)).await;
        assert!(found.starts_with(outcome), "{server:?}: {found}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_never_answers_is_given_up_and_nobody_knows_what_it_did() {
    let url = start(Server::Hangs);
    let (native, new, old) =
        tokio::join!(native(&url), in_a_guest(WASI_0_3, &url), in_a_guest(WASI_0_2, &url));
    for found in [native, new, old] {
        assert!(found.starts_with("Err(Transport(MaybeSent"), "{found}");
    }
}

async fn native(url: &str) -> String {
    let transport = ReqwestTransport::new(Deadlines::default()).unwrap();
    let client = Client::new(Endpoint::new(url, TOKEN).unwrap(), transport);
    format!("{:?}", client.command(vec!["PING".to_owned()], Duration::from_millis(2500)).await)
}

async fn in_a_guest(guest: &str, url: &str) -> String {
    let component = Artifacts::existing().unwrap().component.with_file_name(guest);
    let edge = Artifacts::existing().unwrap().edge;
    let port = Ports::free().unwrap().edge;
    let folder = tempfile::tempdir().unwrap();
    let environment = [
        ("EDGE_COMPONENT", component.display().to_string()),
        ("EDGE_LISTEN", format!("127.0.0.1:{port}")),
        ("EDGE_ALLOW_OUTBOUND", url.to_owned()),
        ("UPSTASH_REDIS_REST_URL", url.to_owned()),
        ("UPSTASH_REDIS_REST_TOKEN", TOKEN.to_owned()),
    ];
    let mut process = Process::start("edge", &mut Command::new(edge), &environment, folder.path()).unwrap();
    wait_for_port(&mut process, port).unwrap();
    let visitor = Visitor::new(format!("http://127.0.0.1:{port}"));
    visitor.text(Method::GET, "/").await
}

/// Starts a server, and returns its address. It serves as many connections as come, until the test ends.
fn start(server: Server) -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    if !matches!(server, Server::Absent) {
        thread::spawn(move || {
            for stream in listener.incoming() {
                thread::spawn(move || serve(server, &mut stream.unwrap()));
            }
        });
    }
    url
}

/// Answers one request; a client that goes away earlier is none of our business.
fn serve(server: Server, stream: &mut TcpStream) {
    let mut request = Vec::new();
    let mut chunk = [0; 1024];
    while !request.ends_with(b"[\"PING\"]") {
        match stream.read(&mut chunk) {
            Ok(length) if length > 0 => request.extend_from_slice(&chunk[..length]),
            _ => return,
        }
    }
    let text = String::from_utf8_lossy(&request).to_lowercase();
    assert!(text.contains(&format!("authorization: bearer {TOKEN}")), "{text}");
    assert!(text.contains("content-length: 8"), "{text}");
    match server {
        Server::Says { answer, byte_by_byte: false } => {
            let _ = stream.write_all(answer.as_bytes());
        }
        Server::Says { answer, byte_by_byte: true } => {
            stream.set_nodelay(true).unwrap();
            for byte in answer.as_bytes() {
                let _ = stream.write_all(&[*byte]);
            }
        }
        Server::SaysTooMuch => {
            let body = "x".repeat(2 << 20);
            let _ = write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        }
        Server::Hangs => while stream.read(&mut chunk).is_ok_and(|length| length > 0) {},
        Server::Absent => {}
    }
}
