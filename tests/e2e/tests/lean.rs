//! Lean mode (`docs/adr/0005-lean-mode.md`): every build, the real gateway, the real Redis, the real service.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use redis::Client;
use redis::aio::MultiplexedConnection;
use reqwest::Method;
use serde_json::{Value, json};
use tideline_e2e::{Answer, Tideline, Visitor, eventually};
use tideline_protocol::Lanes;
use xtask::ports::at;
use xtask::probe::wait_for_port;
use xtask::process::Process;
use xtask::secrets::sha256;
use xtask::stack::Part;

/// What a request of a known session costs, with every command that the function runs.
const BY_FUNCTION: [(&str, u64); 7] =
    [("fcall", 1), ("hincrby", 1), ("hmget", 1), ("mget", 1), ("pttl", 1), ("set", 1), ("xadd", 1)];
/// The same with a profile id.
const BY_FUNCTIONS: [(&str, u64); 8] = [
    ("fcall", 1),
    ("fcall_ro", 1),
    ("hincrby", 1),
    ("hmget", 1),
    ("mget", 2),
    ("pttl", 1),
    ("set", 1),
    ("xadd", 1),
];
const LEAN: [(&str, u64); 1] = [("xadd", 1)];

const LEAN_TOKEN: &str = "a-token-for-an-edge-in-lean-mode";

/// A collector that runs; gone when dropped.
struct Edge {
    visitor: Visitor,
    _process: Process,
}

/// Starts a build of the collector.
fn edge(tideline: &Tideline, build: &'static str, changes: &[(&'static str, &str)]) -> Edge {
    let artifacts = tideline.artifacts();
    let port = TcpListener::bind(at(0)).unwrap().local_addr().unwrap().port();
    let mut command = match build {
        "native" => {
            let mut command = Command::new(&artifacts.service);
            command.arg("serve");
            command
        }
        _ => {
            let component = if build == "p2" { &artifacts.component_p2 } else { &artifacts.component };
            let mut command = Command::new(&artifacts.edge);
            command.arg("--component").arg(component);
            command
        }
    };
    let mut environment: BTreeMap<_, _> = tideline.collector_environment().into_iter().collect();
    environment.insert("TIDELINE_IDENTITY_SALT", "000102030405060708090a0b0c0d0e0f".to_owned());
    if build == "native" {
        let own = [("EXPOSE_GUI_API", "no".to_owned()), ("TIDELINE_COLLECT_LISTEN", at(port).to_string())];
        environment.extend(own);
    } else {
        let cache = tideline.data().join("cache").display().to_string();
        let own = [("EDGE_LISTEN", at(port).to_string()), ("EDGE_CACHE_DIR", cache)];
        environment.extend(own);
        environment.insert("EDGE_ALLOW_OUTBOUND", tideline.addresses().gateway);
    }
    environment.extend(changes.iter().map(|(name, value)| (*name, (*value).to_owned())));
    let environment: Vec<_> = environment.into_iter().collect();
    let logs = tideline.data().join("builds").join(port.to_string());
    let mut process = Process::start(build, &mut command, &environment, &logs).unwrap();
    wait_for_port(&mut process, port).unwrap();
    Edge { visitor: Visitor::new(format!("http://{}", at(port))), _process: process }
}

/// Redis and the gateway, for edges in lean mode.
fn lean() -> Tideline {
    let mut tideline = Tideline::start_parts(&[Part::Redis]);
    tideline.make_lean().unwrap();
    tideline.start(Part::Gateway).unwrap();
    tideline
}

async fn redis(tideline: &Tideline) -> MultiplexedConnection {
    Client::open(tideline.redis_url()).unwrap().get_multiplexed_async_connection().await.unwrap()
}

/// How often each command was called, by functions or not; without the gateway's own looks at its connections.
async fn calls(redis: &mut MultiplexedConnection) -> BTreeMap<String, u64> {
    let info: String = redis::cmd("INFO").arg("commandstats").query_async(redis).await.unwrap();
    let line = |line: &str| {
        let (name, rest) = line.strip_prefix("cmdstat_")?.split_once(":calls=")?;
        Some((name.to_owned(), rest.split(',').next()?.parse().ok()?))
    };
    info.lines().filter_map(line).filter(|(name, _)| name != "info" && name != "ping").collect()
}

/// How often each command was called for each of ten requests of a known session, which bring the profile id that the
/// first was answered, or none.
async fn calls_for_a_request(
    tideline: &Tideline,
    visitor: &Visitor,
    with_profile: bool,
) -> BTreeMap<String, u64> {
    let mut redis = redis(tideline).await;
    let send = async |number: usize, profile: Value| {
        let event = |at: usize| json!({"type": "x", "id": format!("{with_profile}-{number}-{at}")});
        let events: Vec<_> = (0..5).map(event).collect();
        let body = json!({"source": {"id": "shop-web"}, "session": {"id": "s"}, "profile": profile, "events": events});
        let answer = visitor.track(&body).await;
        assert_eq!(answer.status, 200);
        answer.profile()
    };
    let profile = send(0, Value::Null).await;
    let profile = if with_profile { json!({"id": profile}) } else { Value::Null };
    let before = calls(&mut redis).await;
    for number in 1..=10 {
        send(number, profile.clone()).await;
    }
    let after = calls(&mut redis).await;
    let more = |(name, calls): (String, u64)| {
        let more = calls - before.get(&name).copied().unwrap_or_default();
        assert_eq!(more % 10, 0, "{name} {more}");
        (more > 0).then_some((name, more / 10))
    };
    after.into_iter().filter_map(more).collect()
}

fn table(rows: &[(&str, u64)]) -> BTreeMap<String, u64> {
    rows.iter().map(|(name, calls)| ((*name).to_owned(), *calls)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_costs_one_command_and_nine_with_the_function() {
    let mut tideline = lean();
    tideline.provision().unwrap();
    for build in ["p3", "p2", "native"] {
        let edge = edge(&tideline, build, &[]);
        for with_profile in [false, true] {
            let calls = calls_for_a_request(&tideline, &edge.visitor, with_profile).await;
            assert_eq!(calls, table(&LEAN), "{build}");
        }
    }
    tideline.stop_all().unwrap();
    let tideline = Tideline::start_parts(&[Part::Redis, Part::Gateway]);
    tideline.provision().unwrap();
    let edge = edge(&tideline, "p3", &[]);
    assert_eq!(calls_for_a_request(&tideline, &edge.visitor, false).await, table(&BY_FUNCTION));
    assert_eq!(calls_for_a_request(&tideline, &edge.visitor, true).await, table(&BY_FUNCTIONS));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_every_build_answers_in_lean_mode_is_stored_once() {
    let mut tideline = lean();
    tideline.start(Part::Service).unwrap();
    let analyst = tideline.analyst();
    for build in ["p3", "p2", "native"] {
        let edge = edge(&tideline, build, &[]);
        let ready = edge.visitor.send(Method::GET, "/readyz", &[], "").await;
        assert_eq!(ready.status, 200, "{build}");
        let id = |number: usize| format!("{build}-{number}");
        let first = edge.visitor.event(build, &id(0), "page-view").await;
        // The same again, as after an answer that was lost; and two at once that know no profile.
        let again = edge.visitor.event(build, &id(0), "page-view").await;
        let (second, third) = (id(1), id(2));
        let (one, two) = tokio::join!(
            edge.visitor.event(build, &second, "page-view"),
            edge.visitor.event(build, &third, "page-view")
        );
        for answer in [&first, &again, &one, &two] {
            assert_eq!((answer.status, answer.session().as_str()), (200, build));
        }
        let mut stored = analyst.sent_events(build, 3).await;
        // Whichever id was answered, it is the same person's, once the request is read that it was answered to.
        let event = json!({"type": "page-view", "id": id(3)});
        let back = json!({
            "source": {"id": "shop-web"}, "session": {"id": format!("{build}-later")},
            "profile": {"id": two.profile()}, "events": [event],
        });
        assert_eq!(edge.visitor.track(&back).await.profile(), two.profile());
        stored.extend(analyst.sent_events(&format!("{build}-later"), 1).await);
        let mut ids: Vec<_> = stored.iter().map(|event| event["id"].as_str().unwrap()).collect();
        ids.sort_unstable();
        assert_eq!(ids, [id(0), id(1), id(2), id(3)]);
        for event in &stored {
            assert_eq!(event["profile"]["id"], first.profile(), "{build}");
        }
        // Events are there a moment before the profile that counts them.
        let stats = eventually("a profile with all its events", || async {
            let profile = analyst.profile(&first.profile()).await;
            Some(profile["stats"].clone()).filter(|stats| stats["counters"]["events"] == 4)
        })
        .await;
        assert_eq!((&stats["visits"], &stats["views"]), (&json!(2), &json!(4)), "{build}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killing_the_gateway_in_lean_mode_loses_nothing_and_counts_nothing_twice() {
    let mut tideline = lean();
    tideline.start(Part::Service).unwrap();
    tideline.start(Part::Edge).unwrap();
    let (analyst, visitor) = (tideline.analyst(), tideline.visitor());
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    let sending = tokio::spawn(async move {
        let mut answered = Vec::new();
        while !stopped.load(Ordering::Relaxed) {
            let id = format!("event-{:05}", answered.len());
            // As the tracker does: the same event, until it is answered.
            while visitor.event("gateway-dies", &id, "page-view").await.status != 200 {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            answered.push(id);
        }
        answered
    });
    for round in 1..=3 {
        analyst.sent_events("gateway-dies", round * 10).await;
        tideline.kill(Part::Gateway).unwrap();
        tideline.start(Part::Gateway).unwrap();
    }
    stop.store(true, Ordering::Relaxed);
    let answered = sending.await.unwrap();
    let stored = analyst.sent_events("gateway-dies", answered.len()).await;
    let mut ids: Vec<_> = stored.iter().map(|event| event["id"].as_str().unwrap().to_owned()).collect();
    ids.sort_unstable();
    assert_eq!(ids, answered);
    let counted = eventually("a session with all its events", || async {
        let session = analyst.session("gateway-dies").await;
        session["stats"]["events"].as_u64().filter(|counted| *counted >= answered.len() as u64)
    })
    .await;
    assert_eq!(counted, answered.len() as u64);
}

/// Sources that refuse, or ask for, different things.
fn sources() -> Value {
    let source = |id: &str, kind: &str, changes: Value| {
        let mut source = json!({ "id": id, "name": format!("The source {id}"), "type": [kind] });
        source.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        source
    };
    let with = |config: Value| json!({ "config": config });
    json!({ "sources": [
        source("plain", "rest", json!({})),
        source("off", "rest", json!({ "enabled": false })),
        source("transitional", "rest", json!({ "transitional": true })),
        source("static", "rest", with(json!({ "static_profile_id": true }))),
        source("origins", "rest", json!({ "origins": ["https://a.example"] })),
        source("robots", "rest", json!({ "bots": "accept" })),
        source("anonymous", "rest", json!({ "opt_out": "anonymous" })),
        source("drop", "rest", json!({ "opt_out": "drop" })),
        source("hook", "webhook", json!({})),
        source("hook-anonymous", "webhook", json!({ "opt_out": "anonymous" })),
        source("hook-replace", "webhook", with(json!({ "replace_profile_id": "customer.id" }))),
        source("hook-generate", "webhook", with(json!({ "generate_profile": ["mail"] }))),
        source("hook-static", "webhook", with(json!({ "static_profile_id": true, "generate_profile": ["mail"] }))),
    ] })
}

/// What an answer says, but for ids that chance made.
fn said(answer: &Answer, mode: &str) -> String {
    let mut body = answer.body.clone();
    let has = ["profile", "session"].map(|part| body[part]["id"].is_string());
    if let Some(members) = body.as_object_mut() {
        ["task", "profile", "session"].iter().for_each(|name| drop(members.remove(*name)));
    }
    format!("{} {body} {has:?}", answer.status).replace(mode, "mode")
}

/// What requests of every kind to every source are answered, by source and headers.
async fn answers(visitor: &Visitor, mode: &str) -> Vec<(String, Vec<String>)> {
    let headers: [&[(&str, &str)]; 5] = [
        &[],
        &[("origin", "https://a.example")],
        &[("origin", "https://b.example")],
        &[("user-agent", "Googlebot/2.1")],
        &[("dnt", "1"), ("origin", "https://a.example")],
    ];
    let ids: Vec<String> = sources()["sources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["id"].as_str().unwrap().to_owned())
        .collect();
    let mut all = Vec::new();
    for source in ids.iter().map(String::as_str).chain(["nobody"]) {
        for (number, headers) in headers.iter().enumerate() {
            let session = |kind: &str| format!("{mode}-{source}-{number}-{kind}");
            let event = json!([{"type": "x", "properties": {"a": 1}}]);
            let of = |kind: &str, events: &Value, more: Value| {
                let mut body =
                    json!({"source": {"id": source}, "session": {"id": session(kind)}, "events": events});
                body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
                body
            };
            let track = || "/track".to_owned();
            let hook = |kind: &str| format!("/collect/order/{source}/{}", session(kind));
            let requests = [
                (track(), of("new", &event, json!({}))),
                (track(), of("empty", &json!([]), json!({}))),
                (track(), of("claim", &event, json!({"profile": {"id": "a-customer"}}))),
                (track(), of("nobody", &event, json!({"options": {"saveProfile": false}}))),
                (track(), of("unkept", &event, json!({"options": {"saveSession": false}}))),
                (hook("hook"), json!({"a": 1})),
                (hook("customer"), json!({"customer": {"id": "c-1"}, "mail": "a@b.example"})),
            ];
            let headers = [&[("content-type", "application/json")], *headers].concat();
            let mut answers = Vec::new();
            for (path, body) in requests {
                let answer = visitor.send(Method::POST, &path, &headers, body.to_string()).await;
                answers.push(said(&answer, mode));
            }
            all.push((format!("{source} {headers:?}"), answers));
        }
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_modes_decide_alike_whatever_a_source_says() {
    let mut tideline = Tideline::start_parts(&[Part::Redis]);
    let token = |name: &str, token: &str, policy: &str| json!({"name": name, "sha256": sha256(token), "policy": policy});
    let tokens = [token("edge", tideline.ingest_token(), "ingest"), token("lean", LEAN_TOKEN, "lean")];
    std::fs::write(tideline.data().join("gateway-tokens.json"), json!({ "tokens": tokens }).to_string())
        .unwrap();
    std::fs::write(tideline.data().join("sources.json"), sources().to_string()).unwrap();
    tideline.start(Part::Gateway).unwrap();
    tideline.provision().unwrap();
    let lean = [("TIDELINE_REDIS_MODE", "lean"), ("UPSTASH_REDIS_REST_TOKEN", LEAN_TOKEN)];
    let (function, lean) = (edge(&tideline, "p3", &[]), edge(&tideline, "p3", &lean));
    let (function, lean) =
        (answers(&function.visitor, "function").await, answers(&lean.visitor, "lean").await);
    assert_eq!(function.len(), 14 * 5);
    for (function, lean) in function.iter().zip(&lean) {
        assert_eq!(function, lean);
    }
    let (function, lean) = (entries(&tideline, "function").await, entries(&tideline, "lean").await);
    assert!(function.len() > 100, "{}", function.len());
    assert_eq!(function, lean);
}

/// What the entries of this mode's sessions say that the edge or the function has decided.
async fn entries(tideline: &Tideline, mode: &str) -> BTreeMap<String, Vec<String>> {
    let mut redis = redis(tideline).await;
    let mut found = BTreeMap::new();
    for lane in Lanes::new("production", "local", Lanes::DEFAULT_COUNT).unwrap().all() {
        let entries: Vec<(String, BTreeMap<String, String>)> =
            redis::cmd("XRANGE").arg(lane.events()).arg("-").arg("+").query_async(&mut redis).await.unwrap();
        for (_, fields) in entries {
            let Some(case) = fields["ses"].strip_prefix(&format!("{mode}-")) else { continue };
            let value = |name: &str| fields.get(name).cloned().unwrap_or_default();
            // An id that was made is told by its form; new sessions are told by the function alone.
            let owner = if value("pro").len() == 36 { "an id".to_owned() } else { value("pro") };
            let new_profile = value("new").parse::<u8>().unwrap() & 2;
            let decided = [owner, new_profile.to_string(), value("tra"), value("vou"), value("n")];
            found.insert(case.to_owned(), decided.to_vec());
        }
    }
    found
}
