//! HTTP as bytes over a connection: what no client library would send.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use tideline_e2e::Answer;

/// A build answers, or closes the connection, within this time, whatever it is sent.
const PATIENCE: Duration = Duration::from_secs(15);

/// Type, flags and stream of the frame that an HTTP/2 server greets with: it is no answer.
const SETTINGS: [u8; 6] = [4, 0, 0, 0, 0, 0];

/// How often a slow client sends a byte.
const PACE: Duration = Duration::from_millis(100);

/// Sends bytes, and reads while it sends; none if the connection is closed without an answer.
pub(crate) fn exchange(address: &str, request: &[u8]) -> Option<Answer> {
    let mut stream = connect(address);
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut writing = stream.try_clone().unwrap();
    thread::scope(|scope| {
        scope.spawn(move || {
            // Whoever refuses a request need not take the rest of it.
            let _ = writing.write_all(request);
        });
        let answer = read(&mut stream, Instant::now() + PATIENCE);
        // A write that still waits is not to wait for ever.
        let _ = stream.shutdown(Shutdown::Both);
        answer
    })
}

/// Sends the beginning of a request, and then `rest` byte by byte for as long as it is taken; nothing, if it is empty.
/// None if the connection is closed without an answer.
pub(crate) fn dribble(address: &str, begin: &[u8], rest: &[u8]) -> Option<Answer> {
    let mut stream = connect(address);
    stream.write_all(begin).unwrap();
    stream.set_read_timeout(Some(PACE)).unwrap();
    let deadline = Instant::now() + PATIENCE;
    for byte in rest.iter().cycle().map(std::slice::from_ref) {
        let mut first = [0];
        match stream.peek(&mut first) {
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            _ => break,
        }
        assert!(Instant::now() < deadline, "a slow client is served for ever");
        if stream.write_all(byte).is_err() {
            break;
        }
    }
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    read(&mut stream, deadline)
}

/// Sends the beginning of a request, and no more. None if the connection is closed without an answer.
pub(crate) fn cut(address: &str, begin: &[u8]) -> Option<Answer> {
    let mut stream = connect(address);
    stream.write_all(begin).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    read(&mut stream, Instant::now() + PATIENCE)
}

fn connect(address: &str) -> TcpStream {
    let stream = TcpStream::connect(address.trim_start_matches("http://")).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Reads one answer.
fn read(stream: &mut TcpStream, deadline: Instant) -> Option<Answer> {
    let mut received = Vec::new();
    let mut buffer = [0; 16 * 1024];
    loop {
        if let Some(answer) = whole(&received) {
            return Some(answer);
        }
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(length) => received.extend_from_slice(&buffer[..length]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                panic!("no answer, and no end: {}", received.escape_ascii())
            }
            // Closed while something was still on its way.
            Err(_) => break,
        }
        assert!(Instant::now() < deadline, "an answer without an end: {}", received.escape_ascii());
    }
    let greeted = received.get(3..9) == Some(&SETTINGS);
    assert!(received.is_empty() || greeted, "a part of an answer: {}", received.escape_ascii());
    None
}

/// The answer, if it is whole.
fn whole(received: &[u8]) -> Option<Answer> {
    let end = received.windows(4).position(|part| part == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&received[..end]).expect("a head of text");
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().expect("a status");
    let headers = lines.filter_map(|line| line.split_once(':'));
    let headers: Vec<_> =
        headers.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned())).collect();
    let mut answer = Answer { status, headers, body: serde_json::Value::Null };
    let length = answer.header("content-length").map_or(0, |length| length.parse().expect("a length"));
    let body = received.get(end + 4..end + 4 + length)?;
    answer.body = serde_json::from_slice(body).unwrap_or_default();
    Some(answer)
}
