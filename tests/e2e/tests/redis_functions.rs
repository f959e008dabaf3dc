//! `track_v1` and the edge's rights, against the real Redis.

use redis::aio::MultiplexedConnection;
use redis::{Client, RedisResult, Value};
use tideline_e2e::Tideline;
use tideline_protocol::{
    Claim, Facts, Identification, Lane, Lanes, StreamRecord, TrackCall, TrackReply, Tracked, alias_command,
    track_command,
};
use uuid::Uuid;
use xtask::stack::Part;

/// Redis with functions, ACL and the demo source, seen as the edge sees it.
async fn redis_as_edge() -> (Tideline, MultiplexedConnection) {
    let tideline = Tideline::start_parts(&[Part::Redis, Part::Service]);
    let edge = connect(&tideline.edge_redis_url()).await;
    (tideline, edge)
}

async fn connect(url: &str) -> MultiplexedConnection {
    Client::open(url).unwrap().get_multiplexed_async_connection().await.unwrap()
}

fn lanes() -> Lanes {
    Lanes::new("production", "local", Lanes::DEFAULT_COUNT).unwrap()
}

fn call(session: &str, fingerprint: &str, profile: &str) -> TrackCall {
    TrackCall {
        lane: lanes().of_session(session),
        bridge: "rest",
        fingerprint: fingerprint.to_owned(),
        origin: None,
        claim: None,
        facts: Facts::default(),
        record: StreamRecord {
            request_id: Uuid::from_u128(7),
            received_at: 1_795_372_946_098,
            source: "shop-web".to_owned(),
            session: session.to_owned(),
            profile: Some(profile.to_owned()),
            vouched: false,
            unasked: None,
            new_session: false,
            new_profile: true,
            transitional: false,
            events: 2,
            client_address: None,
            headers: Vec::new(),
            body: "{}".to_owned(),
        },
    }
}

/// The words of one call for two requests.
fn in_one_call(calls: [TrackCall; 2]) -> Vec<String> {
    let words = calls.each_ref().map(TrackCall::words);
    let keys = words.iter().flat_map(|words| words.keys.clone());
    let arguments = words.iter().flat_map(|words| words.arguments.iter().map(ToString::to_string));
    track_command(2).into_iter().chain(keys).chain(["2".to_owned()]).chain(arguments).collect()
}

async fn raw(redis: &mut MultiplexedConnection, command: &[String]) -> RedisResult<Value> {
    let mut words = command.iter();
    let mut command = redis::cmd(words.next().unwrap());
    words.for_each(|word| {
        command.arg(word);
    });
    command.query_async(redis).await
}

/// A reply as the gateway hands it on.
fn as_json(value: Value) -> serde_json::Value {
    match value {
        Value::Nil => serde_json::Value::Null,
        Value::BulkString(bytes) => String::from_utf8(bytes).unwrap().into(),
        Value::SimpleString(text) => text.into(),
        Value::Array(values) => values.into_iter().map(as_json).collect(),
        other => panic!("{other:?} is no reply of these functions"),
    }
}

async fn run_all(redis: &mut MultiplexedConnection, call: &TrackCall) -> Tracked {
    let mut replies = Vec::new();
    for command in call.commands() {
        replies.push(as_json(raw(redis, &command).await.unwrap()));
    }
    Tracked::parse(&replies).unwrap()
}

async fn run(redis: &mut MultiplexedConnection, call: &TrackCall) -> TrackReply {
    run_all(redis, call).await.reply
}

fn stored(profile: &str) -> TrackReply {
    TrackReply::Stored { profile: Some(profile.to_owned()), transitional: false, personal: None }
}

/// Changes settings of the demo source in the lane of session `s`.
async fn set_source(tideline: &Tideline, settings: &[(&str, &str)]) {
    let mut service = connect(&tideline.redis_url()).await;
    let source = lanes().of_session("s").source("shop-web");
    let _: () = redis::cmd("HSET").arg(source).arg(settings).query_async(&mut service).await.unwrap();
}

#[tokio::test]
async fn the_first_request_decides_the_profile_and_repeats_are_stored_once() {
    let (tideline, mut edge) = redis_as_edge().await;
    assert_eq!(run(&mut edge, &call("s", "one", "first")).await, stored("first"));
    assert_eq!(run(&mut edge, &call("s", "two", "second")).await, stored("first"));
    assert_eq!(run(&mut edge, &call("s", "one", "third")).await, stored("first"));

    let lane = lanes().of_session("s");
    let mut service = connect(&tideline.redis_url()).await;
    let ledger: i64 = redis::cmd("HGET")
        .arg(lane.ledger(1_795_372_946_098))
        .arg("shop-web|accepted")
        .query_async(&mut service)
        .await
        .unwrap();
    assert_eq!(ledger, 4);
    for (key, most) in [(lane.session("s"), 90_000), (lane.seen("one"), 120)] {
        let seconds: i64 = redis::cmd("TTL").arg(&key).query_async(&mut service).await.unwrap();
        assert!((1..=most).contains(&seconds), "{key} lives {seconds} s");
    }
}

#[tokio::test]
async fn a_session_lives_a_day_after_each_request_and_is_written_again_only_for_that() {
    let (tideline, mut edge) = redis_as_edge().await;
    let mut service = connect(&tideline.redis_url()).await;
    let key = lanes().of_session("s").session("s");
    run(&mut edge, &call("s", "first", "p")).await;
    for (left, lives) in [(89_000, 86_401..=89_000), (86_000, 89_001..=90_000)] {
        let _: () = redis::cmd("EXPIRE").arg(&key).arg(left).query_async(&mut service).await.unwrap();
        run(&mut edge, &call("s", &left.to_string(), "p")).await;
        let seconds: i64 = redis::cmd("TTL").arg(&key).query_async(&mut service).await.unwrap();
        assert!(lives.contains(&seconds), "{seconds} s after {left}");
    }
}

#[tokio::test]
async fn what_was_taken_in_before_a_failure_is_counted_and_recognised() {
    let (mut tideline, mut edge) = redis_as_edge().await;
    tideline.stop(Part::Service).unwrap();
    let mut service = connect(&tideline.redis_url()).await;
    let other = (0..).map(|number| format!("n{number}"));
    let other = other.into_iter().find(|id| lanes().of_session(id) != lanes().of_session("s")).unwrap();
    let broken = lanes().of_session(&other).events();
    let _: () = redis::cmd("DEL").arg(&broken).query_async(&mut service).await.unwrap();
    let _: () = redis::cmd("SET").arg(&broken).arg("no stream").query_async(&mut service).await.unwrap();
    let both = in_one_call([call("s", "one", "first"), call(&other, "two", "second")]);
    for _ in 0..2 {
        let error = raw(&mut edge, &both).await.unwrap_err().to_string();
        assert!(error.contains("WRONGTYPE"), "{error}");
    }
    let lane = lanes().of_session("s");
    let length: i64 = redis::cmd("XLEN").arg(lane.events()).query_async(&mut service).await.unwrap();
    let mut counted = redis::cmd("HGET");
    counted.arg(lane.ledger(1_795_372_946_098)).arg("shop-web|accepted");
    let counted: i64 = counted.query_async(&mut service).await.unwrap();
    assert_eq!((length, counted), (1, 2));
}

#[tokio::test]
async fn an_entry_holds_what_was_decided() {
    let (mut tideline, mut edge) = redis_as_edge().await;
    // So that nobody takes the entries away.
    tideline.stop(Part::Service).unwrap();
    run(&mut edge, &call("s", "one", "first")).await;
    run(&mut edge, &call("s", "two", "second")).await;
    let mut service = connect(&tideline.redis_url()).await;
    let stream = lanes().of_session("s").events();
    let entries: Vec<(String, Vec<String>)> =
        redis::cmd("XRANGE").arg(stream).arg("-").arg("+").query_async(&mut service).await.unwrap();
    let records: Vec<_> = entries
        .iter()
        .map(|(_, fields)| {
            let field =
                |name: &str| fields.chunks(2).find(|pair| pair[0] == name).map(|pair| pair[1].clone());
            StreamRecord::from_fields(field).unwrap()
        })
        .collect();
    assert_eq!(records.len(), 2);
    assert_eq!(
        (records[0].profile.as_deref(), records[0].new_session, records[0].new_profile),
        (Some("first"), true, true)
    );
    assert_eq!(
        (records[1].profile.as_deref(), records[1].new_session, records[1].new_profile),
        (Some("first"), false, false)
    );
}

#[tokio::test]
async fn a_source_that_sends_more_than_it_may_is_told_when_it_may_again() {
    let (tideline, mut edge) = redis_as_edge().await;
    // An event in ten seconds, three at once; each request has two.
    set_source(&tideline, &[("rate_gap", "10000000"), ("rate_burst", "3")]).await;
    for fingerprint in ["one", "two"] {
        assert_eq!(run(&mut edge, &call("s", fingerprint, "p")).await, stored("p"));
    }
    for _ in 0..2 {
        let reply = run(&mut edge, &call("s", "three", "p")).await;
        let TrackReply::Limited { milliseconds } = reply else { panic!("{reply:?}") };
        assert!((1..=20_000).contains(&milliseconds), "{milliseconds}");
    }
    assert_eq!(run(&mut edge, &call("s", "one", "p")).await, stored("p"), "a repeat is no excess");
    let mut service = connect(&tideline.redis_url()).await;
    let rate = lanes().of_session("s").rate("shop-web");
    let lives: i64 = redis::cmd("PTTL").arg(&rate).query_async(&mut service).await.unwrap();
    assert!((1..=40_000).contains(&lives), "{lives}");
    let _: () = redis::cmd("DEL").arg(&rate).query_async(&mut service).await.unwrap();
    assert_eq!(run(&mut edge, &call("s", "three", "p")).await, stored("p"));
    set_source(&tideline, &[("rate_gap", ""), ("rate_burst", "")]).await;
    for fingerprint in ["four", "five", "six"] {
        assert_eq!(run(&mut edge, &call("s", fingerprint, "p")).await, stored("p"));
    }
}

#[tokio::test]
async fn sources_are_checked_before_anything_is_written() {
    let (tideline, mut edge) = redis_as_edge().await;
    let with = |change: fn(&mut TrackCall)| {
        let mut call = call("s", "one", "p");
        change(&mut call);
        call
    };
    let unknown = with(|call| call.record.source = "nobody".to_owned());
    assert_eq!(run(&mut edge, &unknown).await, TrackReply::UnknownSource);
    let wrong = TrackReply::WrongBridge { name: "Demo shop".to_owned(), allowed: "rest".to_owned() };
    assert_eq!(run(&mut edge, &with(|call| call.bridge = "webhook")).await, wrong);
    // Part of a type's name is not the type.
    assert_eq!(run(&mut edge, &with(|call| call.bridge = "res")).await, wrong);
    assert_eq!(run(&mut edge, &with(|call| call.record.events = 0)).await, TrackReply::Empty);

    set_source(&tideline, &[("enabled", "0")]).await;
    let mut service = connect(&tideline.redis_url()).await;
    assert_eq!(run(&mut edge, &with(|_| ())).await, TrackReply::DisabledSource);
    let sessions: i64 = redis::cmd("EXISTS")
        .arg(lanes().of_session("s").session("s"))
        .query_async(&mut service)
        .await
        .unwrap();
    assert_eq!(sessions, 0);
}

#[tokio::test]
async fn a_lane_that_was_not_set_up_takes_nothing_and_reserves_nothing() {
    let (tideline, mut edge) = redis_as_edge().await;
    let mut service = connect(&tideline.redis_url()).await;
    let lane: Lane = Lanes::new("staging", "local", 1).unwrap().of_session("s");
    let settings = [("enabled", "1"), ("types", "rest"), ("name", "x")];
    let _: () = redis::cmd("HSET")
        .arg(lane.source("shop-web"))
        .arg(&settings)
        .query_async(&mut service)
        .await
        .unwrap();
    let call = TrackCall { lane: lane.clone(), ..call("s", "one", "p") };
    assert_eq!(run(&mut edge, &call).await, TrackReply::NoLane);
    let keys: i64 = redis::cmd("EXISTS")
        .arg(lane.session("s"))
        .arg(lane.events())
        .query_async(&mut service)
        .await
        .unwrap();
    assert_eq!(keys, 0);
}

#[tokio::test]
async fn the_sources_settings_decide_what_is_taken() {
    let (tideline, mut edge) = redis_as_edge().await;
    let with = |change: fn(&mut TrackCall)| {
        let mut call = call("s", "one", "p");
        change(&mut call);
        call
    };
    let from_page = with(|call| call.origin = Some("https://a.example".to_owned()));
    set_source(&tideline, &[("origins", "https://aa.example https://b.example")]).await;
    assert_eq!(run(&mut edge, &from_page).await, TrackReply::WrongOrigin);
    set_source(&tideline, &[("origins", "https://b.example https://a.example")]).await;
    assert_eq!(run(&mut edge, &with(|call| call.facts.bot = true)).await, TrackReply::Bot);
    let opted_out = with(|call| call.facts.opted_out = true);
    for (rule, reply) in [("anonymous", TrackReply::AnonymousOnly), ("drop", TrackReply::Dropped)] {
        set_source(&tideline, &[("opt_out", rule)]).await;
        assert_eq!(run(&mut edge, &opted_out).await, reply);
    }
    let known_only = with(|call| call.facts.known_session_only = true);
    assert_eq!(run(&mut edge, &known_only).await, TrackReply::UnknownSession);

    set_source(
        &tideline,
        &[
            ("types", "webhook"),
            ("replace_profile_id", "a.b"),
            ("generate_profile", ""),
            ("sticky_session", "1"),
        ],
    )
    .await;
    let webhook = with(|call| call.bridge = "webhook");
    let rules = Identification {
        replace_profile_id: Some("a.b".into()),
        generate_profile: vec![],
        sticky_session: true,
    };
    assert_eq!(run(&mut edge, &webhook).await, TrackReply::Identify(rules));
    let identified = TrackCall { facts: Facts { identified: true, ..Facts::default() }, ..webhook };
    assert_eq!(run(&mut edge, &identified).await, stored("p"));
}

#[tokio::test]
async fn a_claim_decides_only_where_no_session_does() {
    let (tideline, mut edge) = redis_as_edge().await;
    let claiming = |session: &str, fingerprint: &str, doubtful: bool| {
        let claim = Claim {
            id: "claimed".into(),
            alias_key: lanes().of_profile("claimed").alias("claimed"),
            doubtful,
        };
        TrackCall { claim: Some(claim), ..call(session, fingerprint, "minted") }
    };
    assert_eq!(run(&mut edge, &claiming("s", "one", true)).await, TrackReply::Unresolved);
    assert_eq!(run(&mut edge, &call("s", "two", "first")).await, stored("first"));
    assert_eq!(run(&mut edge, &claiming("s", "three", true)).await, stored("first"));

    let mut service = connect(&tideline.redis_url()).await;
    let key = lanes().of_profile("claimed").alias("claimed");
    let _: () = redis::cmd("SET").arg(key).arg("survivor").query_async(&mut service).await.unwrap();
    assert_eq!(run_all(&mut edge, &claiming("t", "four", true)).await.survivor.as_deref(), Some("survivor"));

    set_source(&tideline, &[("static", "1")]).await;
    let same_lane =
        (0..).map(|number| format!("n{number}")).find(|id| lanes().of_session(id) == lanes().of_session("s"));
    let session = same_lane.unwrap();
    assert_eq!(run(&mut edge, &call(&session, "five", "minted")).await, TrackReply::ProfileRequired);
    assert_eq!(run(&mut edge, &claiming(&session, "six", true)).await, stored("claimed"));
}

#[tokio::test]
async fn a_profile_that_the_source_vouches_for_counts_before_the_sessions_and_is_marked() {
    let (mut tideline, mut edge) = redis_as_edge().await;
    tideline.stop(Part::Service).unwrap();
    assert_eq!(run(&mut edge, &call("s", "one", "whoever-was-first")).await, stored("whoever-was-first"));
    let vouched = |session: &str, fingerprint: &str| {
        let claim =
            Claim { id: "4711".into(), alias_key: lanes().of_profile("4711").alias("4711"), doubtful: false };
        let facts = Facts { identified: true, ..Facts::default() };
        TrackCall { claim: Some(claim), facts, ..call(session, fingerprint, "4711") }
    };
    assert_eq!(run(&mut edge, &vouched("s", "two")).await, stored("4711"));
    assert_eq!(run(&mut edge, &call("s", "three", "p")).await, stored("whoever-was-first"));
    assert_eq!(run(&mut edge, &vouched("new", "four")).await, stored("4711"));
    assert_eq!(run(&mut edge, &call("new", "five", "p")).await, stored("4711"));

    let mut service = connect(&tideline.redis_url()).await;
    let stream = lanes().of_session("s").events();
    let entries: Vec<(String, Vec<String>)> =
        redis::cmd("XRANGE").arg(stream).arg("-").arg("+").query_async(&mut service).await.unwrap();
    let marks = entries.iter().map(|(_, fields)| fields.chunks(2).any(|pair| pair == ["vou", "1"]));
    assert_eq!(marks.take(3).collect::<Vec<_>>(), [false, true, false]);
}

#[tokio::test]
async fn a_page_is_told_of_its_sessions_profile_what_its_source_allows() {
    let (tideline, mut edge) = redis_as_edge().await;
    let mut service = connect(&tideline.redis_url()).await;
    let lane = lanes().of_session("s");
    let mut tell = redis::cmd("HSET");
    tell.arg(lane.personal("s")).arg("shop-web").arg("{\"a\":1}").arg("other").arg("{}");
    let _: () = tell.query_async(&mut service).await.unwrap();
    let personal = |reply: TrackReply| match reply {
        TrackReply::Stored { personal, .. } => personal,
        other => panic!("{other:?}"),
    };
    assert_eq!(personal(run(&mut edge, &call("s", "one", "p")).await), None, "the source returns nothing");
    set_source(&tideline, &[("returns", "1")]).await;
    for fingerprint in ["two", "two"] {
        let told = personal(run(&mut edge, &call("s", fingerprint, "p")).await);
        assert_eq!(told.as_deref(), Some("{\"a\":1}"));
    }
    let vouched = TrackCall {
        claim: Some(Claim { id: "4711".into(), alias_key: lane.alias("4711"), doubtful: false }),
        facts: Facts { identified: true, ..Facts::default() },
        ..call("s", "three", "4711")
    };
    assert_eq!(personal(run(&mut edge, &vouched).await), None, "it is of somebody else");
    let mut nobodys = call("s", "four", "p");
    nobodys.record.profile = None;
    assert_eq!(personal(run(&mut edge, &nobodys).await), None, "it is of nobody");
}

#[tokio::test]
async fn a_session_without_a_profile_is_known_and_gets_one_later() {
    let (_tideline, mut edge) = redis_as_edge().await;
    let mut nobodys = call("s", "one", "p");
    nobodys.record.profile = None;
    let nobody = TrackReply::Stored { profile: None, transitional: false, personal: None };
    assert_eq!(run(&mut edge, &nobodys).await, nobody);
    assert_eq!(run(&mut edge, &call("s", "two", "later")).await, stored("later"));
    let unkept =
        TrackCall { facts: Facts { session_less: true, ..Facts::default() }, ..call("u", "three", "once") };
    assert_eq!(run(&mut edge, &unkept).await, stored("once"));
    assert_eq!(run(&mut edge, &call("u", "four", "other")).await, stored("other"));
}

#[tokio::test]
async fn many_requests_in_one_call_are_decided_one_by_one() {
    let (_tideline, mut edge) = redis_as_edge().await;
    let good = call("s", "one", "first");
    let mut bad = call("s", "two", "first");
    bad.record.source = "nobody".to_owned();
    let both = in_one_call([good, bad]);
    let replies: Vec<Vec<String>> = redis::from_redis_value(raw(&mut edge, &both).await.unwrap()).unwrap();
    assert_eq!((replies[0][0].as_str(), replies[1][0].as_str()), ("accepted", "unknown-source"));

    let error = raw(&mut edge, &both[..both.len() - 3]).await.unwrap_err().to_string();
    assert!(error.contains("cut short"), "{error}");
}

#[tokio::test]
async fn a_call_of_another_shape_is_refused_before_anything_is_written() {
    let (mut tideline, mut edge) = redis_as_edge().await;
    tideline.stop(Part::Service).unwrap();
    let good = call("s", "one", "first");
    let good = good.words();
    // A request that could be taken comes first.
    let with = |count: &str, spoil: fn(&mut Vec<String>)| {
        let mut second: Vec<String> = good.arguments.iter().map(ToString::to_string).collect();
        spoil(&mut second);
        let mut words = track_command(2).to_vec();
        words.extend([&good.keys, &good.keys].into_iter().flatten().cloned());
        words.push(count.to_owned());
        words.extend(good.arguments.iter().map(ToString::to_string));
        words.extend(second);
        words
    };
    let table: [(Vec<String>, &str); 7] = [
        (with("0", |_| ()), "takes 1 to 64 requests with 7 keys each"),
        (with("many", |_| ()), "takes 1 to 64 requests"),
        (with("3", |_| ()), "takes 1 to 64 requests"),
        (with("2", |second| second[6] = "-1".to_owned()), "request 2 has no number of events"),
        (with("2", |second| second[6] = "1.5".to_owned()), "request 2 has no number of events"),
        (with("2", |second| second[7] = "99".to_owned()), "request 2 is cut short"),
        (with("2", |second| second[7] = "0".to_owned()), "request 2 is cut short"),
    ];
    for (words, reason) in table {
        let error = raw(&mut edge, &words).await.unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }
    let mut service = connect(&tideline.redis_url()).await;
    let lane = lanes().of_session("s");
    let length: i64 = redis::cmd("XLEN").arg(lane.events()).query_async(&mut service).await.unwrap();
    assert_eq!(length, 0);
    assert_eq!(run(&mut edge, &call("s", "one", "first")).await, stored("first"));
}

#[tokio::test]
async fn a_redirect_and_an_alias_are_read_or_absent() {
    let (tideline, mut edge) = redis_as_edge().await;
    let mut service = connect(&tideline.redis_url()).await;
    let lane = lanes().of_session("s");
    let mut ask = async |function: &str, key: String| {
        let words = ["FCALL_RO".to_owned(), function.to_owned(), "1".to_owned(), key];
        as_json(raw(&mut edge, &words).await.unwrap())
    };
    assert_eq!(ask("track_redirect_v1", lane.redirect("r")).await, serde_json::Value::Null);
    assert_eq!(ask("track_alias_v1", lane.alias("p")).await, serde_json::json!([null]));
    let fields =
        [("url", "https://a"), ("source", "s"), ("type", "click"), ("props", "{}"), ("enabled", "1")];
    let set = async |service: &mut MultiplexedConnection, fields: &[(&str, &str)]| {
        let _: () =
            redis::cmd("HSET").arg(lane.redirect("r")).arg(fields).query_async(service).await.unwrap();
    };
    set(&mut service, &fields).await;
    let expected = serde_json::json!(["https://a", "s", "click", "{}"]);
    assert_eq!(ask("track_redirect_v1", lane.redirect("r")).await, expected);
    set(&mut service, &[("enabled", "0")]).await;
    assert_eq!(ask("track_redirect_v1", lane.redirect("r")).await, serde_json::Value::Null);
    let _: () = redis::cmd("SET").arg(lane.alias("p")).arg("q").query_async(&mut service).await.unwrap();
    assert_eq!(ask("track_alias_v1", lane.alias("p")).await, serde_json::json!(["q"]));
    let two = [lane.alias("none"), lane.alias("p")];
    let words: Vec<String> = alias_command(2).into_iter().chain(two).collect();
    assert_eq!(as_json(raw(&mut edge, &words).await.unwrap()), serde_json::json!([null, "q"]));
}

#[tokio::test]
async fn with_the_edges_rights_nothing_can_be_read_changed_or_deleted() {
    let (tideline, mut edge) = redis_as_edge().await;
    run(&mut edge, &call("s", "one", "p")).await;
    let lane = lanes().of_session("s");
    let table: [(&str, &[&str]); 26] = [
        ("EXPIRE", &[&lane.session("s"), "-1"]),
        ("EXPIRE", &[&lane.ledger(0), "-1"]),
        ("DEL", &[&lane.session("s")]),
        ("HSET", &[&lane.ledger(0), "shop-web|stored", "1"]),
        ("GET", &[&lane.events()]),
        ("SET", &[&lane.alias("p"), "x"]),
        ("XRANGE", &[&lane.events(), "-", "+"]),
        ("XREAD", &["STREAMS", &lane.events(), "0"]),
        ("XLEN", &[&lane.events()]),
        ("XTRIM", &[&lane.events(), "MAXLEN", "0"]),
        ("XDEL", &[&lane.events(), "1-0"]),
        ("DEL", &[&lane.events()]),
        ("HGETALL", &[&lane.source("shop-web")]),
        ("HSET", &[&lane.source("shop-web"), "enabled", "0"]),
        ("HGET", &[&lane.ledger(0), "x"]),
        ("SET", &[&lane.source("shop-web"), "x"]),
        ("SET", &["other", "x"]),
        ("KEYS", &["*"]),
        ("SCAN", &["0"]),
        ("EVAL", &["return 1", "0"]),
        ("FUNCTION", &["LIST"]),
        ("SCRIPT", &["FLUSH"]),
        ("CONFIG", &["GET", "*"]),
        ("FLUSHALL", &[]),
        ("ACL", &["LIST"]),
        ("MONITOR", &[]),
    ];
    for (command, arguments) in table {
        let words: Vec<_> =
            std::iter::once(command).chain(arguments.iter().copied()).map(str::to_owned).collect();
        let error = raw(&mut edge, &words).await.expect_err(command).to_string();
        assert!(
            error.to_uppercase().contains("NOPERM") || error.contains("no permissions"),
            "{command}: {error}"
        );
    }
    // The service's functions can be called, but what they do is not allowed to the edge.
    let mut service = connect(&tideline.redis_url()).await;
    for function in ["lease_v1", "release_v1", "settle_v1"] {
        let words = ["FCALL", function, "1", &lane.lease(), "thief", "100000"].map(str::to_owned);
        assert!(raw(&mut edge, &words).await.is_err(), "{function}");
    }
    let lease: Option<String> = redis::cmd("GET").arg(lane.lease()).query_async(&mut service).await.unwrap();
    assert_ne!(lease.as_deref(), Some("thief"));
}
