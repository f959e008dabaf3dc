//! How many events a second of CPU the intake takes from a real Redis into a store that stores nothing: what a real browser
//! sent in its visits, each time by somebody else. `cargo xtask bench --pipeline` runs it.

#[path = "../../../pipeline/benches/visits/captured.rs"]
mod captured;
mod null_store;
#[path = "../../tests/intake/support/redis_server.rs"]
#[allow(dead_code, reason = "tests use the rest")]
mod redis_server;

use std::sync::Arc;
use std::time::{Duration, Instant};

use tideline_intake::{Intake, Options};
use tideline_pipeline::Settings;
use tideline_protocol::{Facts, IdentitySalt, Lanes, StreamRecord, TrackCall};
use tokio::sync::oneshot;
use uuid::Uuid;

use null_store::NullStore;
use redis_server::RedisServer;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How many events wait in Redis when it begins.
const EVENTS: u64 = 60_000;
/// And how many before, so that everything is warm.
const WARMING: u64 = 2_000;
/// How many requests are fed at once.
const AT_ONCE: usize = 200;
/// Clock ticks a second, in `/proc`.
const TICKS: f64 = 100.0;

/// Waits until the condition holds.
async fn until<F: Future<Output = bool>>(what: &str, mut condition: impl FnMut() -> F) {
    let begun = Instant::now();
    while !condition().await {
        assert!(begun.elapsed() < Duration::from_secs(60), "not within a minute: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Puts requests into the lanes as the edge does, numbered from `begin` on: how many requests and events.
async fn feed(redis: &RedisServer, lanes: &Lanes, begin: u64, wanted: u64) -> (u64, u64) {
    let mut visits = captured::visits();
    let mut connection = redis.connection().await;
    let (mut requests, mut events) = (0, 0);
    let mut people = 0;
    let mut waiting = redis::pipe();
    while events < wanted {
        people += 1;
        for record in visits.iter_mut().flatten() {
            requests += 1;
            events += u64::from(record.events);
            let call = call(lanes, record, begin + people, begin + requests);
            for words in call.commands() {
                waiting.add_command(words.iter().fold(redis::Cmd::new(), |mut command, word| {
                    command.arg(word);
                    command
                }));
            }
            if waiting.len() >= AT_ONCE {
                waiting.query_async::<()>(&mut connection).await.expect("redis takes them");
                waiting.clear();
            }
        }
    }
    waiting.query_async::<()>(&mut connection).await.expect("redis takes them");
    (requests, events)
}

/// The request as somebody else's.
fn call(lanes: &Lanes, record: &StreamRecord, person: u64, number: u64) -> TrackCall {
    let session = format!("session {person}");
    TrackCall {
        lane: lanes.of_session(&session),
        bridge: "rest",
        fingerprint: number.to_string(),
        origin: None,
        claim: None,
        facts: Facts::default(),
        record: StreamRecord {
            request_id: Uuid::from_u128(number.into()),
            profile: Some(format!("profile {person}")),
            session,
            ..record.clone()
        },
    }
}

/// The CPU time of a process so far, in seconds.
fn cpu(process: &str) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).expect("a process has one");
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks = after_name.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok());
    ticks.sum::<f64>() / TICKS
}

/// What taking some events has cost.
struct Cost {
    events: f64,
    requests: f64,
    /// CPU seconds.
    intake: f64,
    redis: f64,
    seconds: f64,
}

/// Feeds Redis, and has an intake take it all.
async fn take(redis: &RedisServer, lanes: &Lanes, process: &str, begin: u64, events: u64) -> Cost {
    let (requests, events) = feed(redis, lanes, begin, events).await;
    let salt = IdentitySalt::parse("000102030405060708090a0b0c0d0e0f").ok();
    let settings = Settings { salt, ..Settings::default() };
    let options = Options { settings, ..Options::new(redis.service_client(), lanes.clone()) };
    let intake = Intake::new(options, Arc::new(NullStore::default())).expect("these are options");
    let (drain, drained) = oneshot::channel::<()>();
    let stored = redis.ledger().await.stored;
    let (begun, before) = (Instant::now(), [cpu("self"), cpu(process)]);
    let running = tokio::spawn(intake.run(async { drop(drained.await) }));
    until("all is settled", async || redis.in_flight(lanes).await == 0).await;
    let (seconds, after) = (begun.elapsed().as_secs_f64(), [cpu("self"), cpu(process)]);
    drop(drain);
    running.await.expect("it ends in good order");
    let ledger = redis.ledger().await;
    assert!(ledger.adds_up() && (ledger.stored - stored).cast_unsigned() == events, "{ledger:?}, {events}");
    let [intake, redis] = [0, 1].map(|of| after[of] - before[of]);
    Cost { events: events as f64, requests: requests as f64, intake, redis, seconds }
}

#[tokio::main]
#[expect(clippy::print_stdout, reason = "a measurement is for who reads it")]
async fn main() {
    let lanes = Lanes::new("production", "eu", 2).expect("these are lanes");
    let redis = RedisServer::start().await;
    redis.provision(&lanes).await;
    let info: String = redis.ask(redis::cmd("INFO").arg("server")).await;
    let process = info.lines().find_map(|line| line.strip_prefix("process_id:")).unwrap_or_default();
    take(&redis, &lanes, process, 0, WARMING).await;
    let cost = take(&redis, &lanes, process, EVENTS, EVENTS).await;
    println!(
        "intake into a null store: {:.0} events and {:.0} requests by CPU second of the intake, \
         {:.0} µs of Redis a request; {:.0} events/s",
        cost.events / cost.intake,
        cost.requests / cost.intake,
        cost.redis * 1e6 / cost.requests,
        cost.events / cost.seconds,
    );
}
