//! Clients that begin something and do not go on, and clients that ask for too much.

use std::time::Duration;

use http_body_util::BodyExt;
use tideline_http_front::{Tls, TlsFiles};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::client::{http2, request, rest, sent};
use crate::server::{DEADLINE, Server, front, impatient};
use crate::tls::Authority;

const LIMIT: Duration = Duration::from_millis(100);

/// What a client of HTTP/2 begins with: the preface, and settings that leave all as it is.
const HELLO: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

#[tokio::test]
async fn a_connection_that_is_not_opened_in_time_is_closed() {
    let server = Server::start(impatient(LIMIT)).await;
    for begun in [&b""[..], b"P", b"PRI * HTTP/2.0\r\n", b"GET / HTTP/1.1\r\nhost: front.test\r\n"] {
        assert!(rest(sent(server.address, begun).await).await.is_empty(), "{begun:?}");
    }
    let directory = tempfile::tempdir().unwrap();
    let files = Authority::new().issue(directory.path(), "front.test");
    let (tls, _reload) = Tls::load(TlsFiles { client_ca: None, ..files }, true).unwrap();
    let server = Server::start(impatient(LIMIT).with_tls(tls)).await;
    for begun in [&b""[..], b"\x16\x03\x01"] {
        assert!(rest(sent(server.address, begun).await).await.is_empty(), "{begun:?}");
    }
}

#[tokio::test]
async fn an_idle_connection_of_http_2_is_closed_whatever_it_sends_but_requests() {
    let server = Server::start(impatient(LIMIT)).await;
    let ping = b"\0\0\x08\x06\0\0\0\0\0tideline";
    let stream = sent(server.address, &[HELLO, ping].concat()).await;
    let said = rest(stream).await;
    let goaway = [0, 0, 8, 7, 0, 0, 0, 0, 0];
    assert!(said.windows(goaway.len()).any(|frame| frame == goaway), "it says goodbye: {said:?}");
}

#[tokio::test]
async fn a_client_of_http_2_that_does_not_take_its_answer_is_cut_off() {
    let server = Server::start(impatient(LIMIT)).await;
    let mut client = http2(TcpStream::connect(server.address).await.unwrap()).await;
    // The client's window is smaller than the answer, and it is not widened while nobody reads.
    let unread = client.send_request(request("/large")).await.unwrap();
    timeout(DEADLINE, async {
        while client.ready().await.is_ok() && !client.is_closed() {
            tokio::task::yield_now().await
        }
    })
    .await
    .expect("the connection is cut");
    let mut body = unread.into_body();
    let mut taken = 0;
    let broken = loop {
        match timeout(DEADLINE, body.frame()).await.unwrap() {
            Some(Ok(frame)) => taken += frame.data_ref().map_or(0, bytes::Bytes::len),
            end => break end.is_some(),
        }
    };
    assert!(broken && taken < 8 << 20, "{taken}");
}

#[tokio::test]
async fn a_flood_of_requests_that_are_taken_back_ends_the_connection() {
    let server = Server::start(front()).await;
    // A head of nothing but indexed fields of HPACK's own table: GET, http, /.
    let mut flood = HELLO.to_vec();
    for number in (1..20_001u32).step_by(2) {
        let stream = number.to_be_bytes();
        flood.extend([&[0, 0, 3, 1, 5][..], &stream, &[0x82, 0x86, 0x84]].concat());
        flood.extend([&[0, 0, 4, 3, 0][..], &stream, &[0, 0, 0, 8]].concat());
    }
    let stream = TcpStream::connect(server.address).await.unwrap();
    let (mut reader, mut writer) = stream.into_split();
    let writing = tokio::spawn(async move { tokio::io::AsyncWriteExt::write_all(&mut writer, &flood).await });
    let mut said = Vec::new();
    let read = tokio::io::AsyncReadExt::read_to_end(&mut reader, &mut said);
    let _ = timeout(DEADLINE, read).await.expect("the server closes it");
    let calm = [0, 0, 0, 11];
    assert!(said.windows(4).any(|code| code == calm) || said.is_empty(), "ENHANCE_YOUR_CALM: {said:?}");
    let _ = writing.await.unwrap();
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused_by_both_versions() {
    let server = Server::start(front()).await;
    let head = format!("GET / HTTP/1.1\r\nhost: front.test\r\nx: {}\r\n\r\n", "x".repeat(20 << 10));
    let answer = rest(sent(server.address, head.as_bytes()).await).await;
    assert!(answer.starts_with(b"HTTP/1.1 431"), "{}", String::from_utf8_lossy(&answer));
    let mut client = http2(TcpStream::connect(server.address).await.unwrap()).await;
    let mut large = request("/");
    large.headers_mut().insert("x", "x".repeat(20 << 10).parse().unwrap());
    let refused = client.send_request(large).await;
    assert!(refused.is_err() || refused.is_ok_and(|response| response.status() == 431));
}
