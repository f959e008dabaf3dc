//! `docs/examples`: each program sends its event, and sends it again when it could not be stored.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::mpsc::{Receiver, Sender as Out, channel};
use std::thread;

use reqwest::Method;

use crate::Test;
use crate::edge::{Edge, Sender};

pub(crate) const TESTS: &[Test] =
    &[(&["1.7", "6.11"], "the_examples_send_an_event_and_send_it_again_after_a_503", run_all)];

/// A program, and what runs it.
const EXAMPLES: [(&str, &str, &str); 4] = [
    ("track.sh", "sh", "curl"),
    ("track.mjs", "node", "node"),
    ("track.py", "python3", "python3"),
    ("track.php", "php", "php"),
];

#[expect(clippy::print_stderr, reason = "what did not run must be seen")]
fn run_all(edge: &Edge<'_>) {
    for (program, interpreter, needs) in EXAMPLES {
        if Command::new(needs).arg("--version").output().is_ok_and(|version| version.status.success()) {
            run(edge, program, interpreter);
        } else {
            eprintln!("{needs} is not installed, so docs/examples/{program} is not run");
        }
    }
}

fn run(edge: &Edge<'_>, program: &str, interpreter: &str) {
    let (session, event) = (edge.id(&format!("{program}-session")), edge.id(&format!("{program}-event")));
    let (address, bodies) = unavailable_once(edge.sender());
    let send = |address: &str, source: &str| {
        let mut command = Command::new(interpreter);
        command.arg(xtask::run::root().join("docs/examples").join(program));
        command.env("TIDELINE_URL", address).env("TIDELINE_SOURCE", source);
        command.env("TIDELINE_SESSION", &session).env("TIDELINE_EVENT", &event).output().unwrap()
    };
    let refused = send(&edge.running.address, "no-such-source");
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && said.contains("Invalid event source"), "{program}: {said}");
    let output = send(&address, "shop-web");
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    let bodies: Vec<String> = bodies.try_iter().collect();
    assert_eq!(bodies.len(), 2, "{program}: {bodies:?}");
    assert_eq!(bodies[0], bodies[1], "{program} sends the same again");
    let stored = edge.event(&event);
    assert_eq!(stored["session"]["id"], session.as_str(), "{program}");
    let printed = String::from_utf8(output.stdout).unwrap();
    assert_eq!(stored["profile"]["id"], printed.trim(), "{program}");
    assert_eq!(stored["properties"]["total"], 129.9, "{program}");
}

/// A server that answers 503 to the first request, and what the build answers to the second; and the bodies of both.
fn unavailable_once(edge: Sender) -> (String, Receiver<String>) {
    let listener = TcpListener::bind(xtask::ports::at(0)).unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (out, bodies) = channel();
    thread::spawn(move || {
        let first = listener.accept().unwrap().0;
        answer(first, &out, |_| (503, r#"{"detail":"Send it again."}"#.to_owned()));
        let second = listener.accept().unwrap().0;
        answer(second, &out, |body| {
            let json = [("content-type", "application/json")];
            let answer = edge.send(Method::POST, "/track", &json, body);
            (answer.status, answer.body.to_string())
        });
    });
    (address, bodies)
}

/// Answers one request of a connection, and closes it.
fn answer(stream: TcpStream, bodies: &Out<String>, respond: impl Fn(&str) -> (u16, String)) {
    let mut reader = BufReader::new(stream);
    let (mut length, mut is_json) = (0, false);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let line = line.trim_end().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        is_json |= line == "content-type: application/json";
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    assert!(is_json, "an example sends JSON");
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let body = String::from_utf8(body).unwrap();
    let (status, text) = respond(&body);
    bodies.send(body).unwrap();
    let head = format!(
        "HTTP/1.1 {status} x\r\ncontent-type: application/json\r\ncontent-length: {}\r\nretry-after: 0\r\nconnection: close\r\n\r\n",
        text.len()
    );
    reader.get_mut().write_all((head + &text).as_bytes()).unwrap();
}
