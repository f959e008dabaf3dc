//! The binary: its log, its signals, its exit.

use std::path::Path;
use std::process::Stdio;
use std::time::Instant;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::net::TcpListener;
use tokio::process::{Child, ChildStderr, Command};
use tokio::time::timeout;

use crate::client::{Connection, get};
use crate::fixture::{PATIENCE, guest};

pub(crate) fn edge(arguments: &[&str]) -> Command {
    edge_of(guest(), arguments)
}

/// The binary with this component.
pub(crate) fn edge_of(component: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tideline-edge"));
    command
        .args(["--log-format", "json", "--listen", "127.0.0.1:0", "--component"])
        .arg(component)
        .args(["--cache-dir", concat!(env!("CARGO_TARGET_TMPDIR"), "/compiled")])
        .args(arguments)
        .env("TIDELINE_REGION", "eu")
        .env("SECRET", "hush")
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

pub(crate) async fn line(log: &mut Lines<BufReader<ChildStderr>>, message: &str) -> Value {
    let found = async {
        loop {
            let line = log.next_line().await.unwrap().expect("the log ended");
            let line: Value = serde_json::from_str(&line).unwrap();
            if line["message"] == message {
                return line;
            }
        }
    };
    timeout(PATIENCE, found).await.unwrap_or_else(|_| panic!("no log line {message:?}"))
}

async fn terminate(child: &Child) {
    let pid = child.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().await.unwrap().success());
}

#[tokio::test]
async fn it_says_where_it_listens_and_stops_with_success_when_terminated() {
    let mut child = edge(&[]).spawn().unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
    let listening = line(&mut log, "listening").await;
    let address = listening["address"].as_str().unwrap().parse().unwrap();
    assert_eq!(get(address, "/environment").await.body, "TIDELINE_REGION=eu\n");
    terminate(&child).await;
    assert!(timeout(PATIENCE, child.wait()).await.unwrap().unwrap().success());
}

#[tokio::test]
async fn what_the_component_prints_is_a_log_line() {
    let news = ("INFO", "stdout", "news of the component");
    let trouble = ("WARN", "stderr", "trouble of the component");
    let table = [("info", &[news, trouble][..]), ("warn,tideline_edge_host=info", &[trouble])];
    for (filter, expected) in table {
        let mut child = edge(&["--log", filter]).spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
        let listening = line(&mut log, "listening").await;
        get(listening["address"].as_str().unwrap().parse().unwrap(), "/print").await;
        for (level, stream, text) in expected {
            let printed = line(&mut log, "output of the component").await;
            assert_eq!(printed["target"], "guest");
            let printed = [&printed["level"], &printed["stream"], &printed["line"]];
            assert_eq!(printed, [level, stream, text], "{filter}");
        }
    }
}

#[tokio::test]
async fn outgoing_requests_that_fail_make_at_most_one_log_line_a_second() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().to_string();
    let table = [(free.as_str(), "outgoing request failed"), ("127.0.0.1:1", "outgoing request refused")];
    for (allowed, message) in table {
        let mut child = edge(&["--allow-outbound", &format!("http://{allowed}")])
            .env("TIDELINE_TEST_AUTHORITY", &free)
            .spawn()
            .unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
        let listening = line(&mut log, "listening").await;
        let begun = Instant::now();
        let mut connection = Connection::open(listening["address"].as_str().unwrap().parse().unwrap()).await;
        for _ in 0..200 {
            assert!(connection.get("/send").await.body.starts_with("ErrorCode::"));
        }
        let seconds = begun.elapsed().as_secs();
        terminate(&child).await;
        let mut lines = 0;
        while let Some(line) = timeout(PATIENCE, log.next_line()).await.unwrap().unwrap() {
            lines += u64::from(line.contains(message));
        }
        assert!((1..=seconds + 1).contains(&lines), "{lines} lines in {seconds} s: {message}");
    }
}

#[tokio::test]
async fn a_bad_option_is_refused_with_what_to_do() {
    let table = [
        (&["--allow-outbound", "127.0.0.1:8079"][..], "write scheme://host:port"),
        (&["--max-buffered-bytes", "1"][..], "raise it to at least"),
        (&["--log", "a=b=c"][..], "use for example info"),
    ];
    for (arguments, remedy) in table {
        let output = edge(arguments).output().await.unwrap();
        assert!(!output.status.success());
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.contains(remedy), "{arguments:?}: {text}");
    }
}
