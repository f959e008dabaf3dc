//! The generator against servers that misbehave on purpose.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tideline_load::{Arrivals, Load, Notice, Outcome, Plan, Work, run};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What a server does with a request; they are numbered from 0 over all connections.
#[derive(Clone, Copy)]
enum Conduct {
    Answer(u16, &'static str),
    Stall(Duration),
    HangUp,
}

/// A server that answers as it is told, and how many requests it heard.
async fn server(conduct: fn(u64) -> Conduct) -> (SocketAddr, Arc<AtomicU64>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, heard) = (listener.local_addr().unwrap(), Arc::new(AtomicU64::new(0)));
    let count = heard.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, conduct, count.clone()));
        }
    });
    (address, heard)
}

async fn serve(mut stream: TcpStream, conduct: fn(u64) -> Conduct, heard: Arc<AtomicU64>) {
    let mut head = Vec::new();
    while let Ok(byte) = stream.read_u8().await {
        head.push(byte);
        if !head.ends_with(b"\r\n\r\n") {
            continue;
        }
        head.clear();
        let (status, body) = match conduct(heard.fetch_add(1, Ordering::Relaxed)) {
            Conduct::HangUp => return,
            Conduct::Answer(status, body) => (status, body),
            Conduct::Stall(time) => {
                tokio::time::sleep(time).await;
                (200, "hello")
            }
        };
        let answer = format!("HTTP/1.1 {status} x\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

fn plan(address: SocketAddr) -> Plan {
    Plan {
        address,
        work: Work::Get { answer: "hello".into() },
        load: Load::Closed,
        connections: 1,
        warm_up: Duration::ZERO,
        duration: Duration::from_secs(60),
        most_requests: 100,
        repeat: false,
        impatient_one_in: 0,
        seed: 5,
    }
}

async fn outcome(plan: &Plan) -> Outcome {
    run(plan, &mut |_| {}).await.unwrap()
}

#[tokio::test]
async fn a_stall_counts_for_every_request_that_was_due_while_it_lasted() {
    const STALL: Duration = Duration::from_millis(500);
    let conduct = |number| if number == 100 { Conduct::Stall(STALL) } else { Conduct::Answer(200, "hello") };
    let (address, _) = server(conduct).await;
    let duration = Duration::from_secs(1);
    let open = Plan { load: Load::Open(400), duration, most_requests: u64::MAX, ..plan(address) };
    let due = Arrivals::new(400, duration, open.seed).count() as u64;
    let Outcome { report, acknowledged, .. } = outcome(&open).await;
    assert_eq!((acknowledged.count(), report.failed, report.unsent), (due, 0, 0), "{report:?}");
    // One of 400 requests stalled, but two hundred were due meanwhile: had each been timed from when it was sent, the
    // 99th percentile would be that of the others.
    assert!(report.latency.p99_ms > 250.0, "{report:?}");
}

#[tokio::test]
async fn an_answer_that_is_wrong_is_not_acknowledged() {
    let (address, _) = server(|number| match number % 4 {
        0 => Conduct::Answer(503, ""),
        1 => Conduct::Answer(200, "something else"),
        2 => Conduct::HangUp,
        _ => Conduct::Answer(200, "hello"),
    })
    .await;
    let Outcome { report, acknowledged, .. } = outcome(&plan(address)).await;
    assert_eq!(acknowledged.iter().collect::<Vec<_>>(), (3..100).step_by(4).collect::<Vec<_>>());
    assert_eq!(report.failed, 75);
    let failures: Vec<_> = report.failures.iter().map(|(name, count)| (name.as_str(), *count)).collect();
    assert_eq!(
        failures,
        [("answer of another shape", 25), ("connection broken off", 25), ("status 503", 25)]
    );
}

#[tokio::test]
async fn a_request_is_repeated_until_it_is_acknowledged_if_that_is_asked_for() {
    let conduct = |number| if number % 2 == 0 { Conduct::HangUp } else { Conduct::Answer(200, "hello") };
    let (address, heard) = server(conduct).await;
    let repeating = Plan { repeat: true, most_requests: 5, ..plan(address) };
    let Outcome { report, acknowledged, .. } = outcome(&repeating).await;
    assert_eq!((acknowledged.count(), report.repeated, report.failed), (5, 5, 0), "{report:?}");
    assert_eq!(heard.load(Ordering::Relaxed), 10);
}

#[tokio::test]
async fn a_server_that_cannot_keep_up_leaves_requests_unsent_and_they_count() {
    // One connection, so that the first stall holds everything up until the run gives up.
    let (address, _) = server(|_| Conduct::Stall(Duration::from_millis(700))).await;
    let duration = Duration::from_millis(200);
    let open = Plan { load: Load::Open(100), duration, most_requests: u64::MAX, ..plan(address) };
    let due = Arrivals::new(100, duration, open.seed).count() as u64;
    let Outcome { report, acknowledged, .. } = outcome(&open).await;
    assert_eq!((acknowledged.count(), report.unsent), (1, due - 1), "{report:?}");
    assert!(report.latency.p50_ms > 200.0, "{report:?}");
}

#[tokio::test]
async fn progress_is_told_in_order() {
    let (address, _) = server(|_| Conduct::Answer(200, "hello")).await;
    let mut notices = Vec::new();
    let plan = Plan { most_requests: 600, connections: 4, ..plan(address) };
    run(&plan, &mut |notice| notices.push(notice)).await.unwrap();
    notices.retain(|notice| *notice != Notice::Measuring);
    assert_eq!(notices, [Notice::Acknowledged(250), Notice::Acknowledged(500), Notice::Measured]);
}
