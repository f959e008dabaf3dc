//! The functions of `infra/redis/tideline_service.lua`, one by one.

use redis::{Cmd, Value};
use tideline_protocol::Lane;

use crate::support::requests::page_views;
use crate::support::{Ledger, Stage, until};

fn call(function: &str, keys: &[String]) -> Cmd {
    redis::cmd("FCALL").arg(function).arg(keys.len()).arg(keys).clone()
}

/// A reading of one lane by `owner`: up to where it was handed out, and ids and times of its entries.
async fn read(
    stage: &Stage,
    lane: &Lane,
    owner: &str,
    what: &str,
    most: usize,
    bytes: usize,
) -> Option<(String, Vec<(String, u64)>)> {
    let mut command = call("read_v1", &[lane.lease(), lane.events()]);
    let reply = stage.redis.ask(command.arg(owner).arg(what).arg(most).arg(bytes)).await;
    let (handed_out, _, entries): (String, u64, Vec<(String, Value, u64)>) = match reply {
        Value::Nil => return None,
        reply => redis::from_redis_value(reply).unwrap(),
    };
    Some((handed_out, entries.into_iter().map(|(id, _, times)| (id, times)).collect()))
}

async fn lease(stage: &Stage, lane: &Lane, owner: &str, milliseconds: u64) -> u64 {
    stage.redis.ask(call("lease_v1", &[lane.lease(), lane.events()]).arg(owner).arg(milliseconds)).await
}

async fn settle(stage: &Stage, lane: &Lane, arguments: &[&str]) -> Vec<u64> {
    let minutes: Vec<String> = stage.redis.ask(redis::cmd("KEYS").arg("*:ledger:*")).await;
    let keys = [vec![lane.events(), lane.dead_letters()], minutes].concat();
    stage.redis.ask(call("settle_v1", &keys).arg(arguments)).await
}

#[tokio::test]
async fn a_lane_is_one_owners_until_it_gives_it_back_or_is_silent() {
    let stage = Stage::with_lanes(1).await;
    let lane = stage.lanes.of_session("a");
    assert_eq!(lease(&stage, &lane, "one", 60_000).await, 2);
    assert_eq!(lease(&stage, &lane, "one", 60_000).await, 1);
    assert_eq!(lease(&stage, &lane, "other", 60_000).await, 0);
    let release = |owner| call("release_v1", &[lane.lease()]).arg(owner).clone();
    assert_eq!(stage.redis.ask::<u64>(&release("other")).await, 0);
    assert_eq!(stage.redis.ask::<u64>(&release("one")).await, 1);
    assert_eq!(lease(&stage, &lane, "other", 50).await, 2);
    until("it is silent", async || lease(&stage, &lane, "one", 60_000).await == 2).await;
}

#[tokio::test]
async fn replicas_count_while_they_are_heard_of() {
    let stage = Stage::with_lanes(1).await;
    let replica = async |name: &str, milliseconds: u64| -> u64 {
        let mut command = call("replica_v1", &["{tl:production:eu:00}:replicas".to_owned()]);
        stage.redis.ask(command.arg(name).arg(milliseconds)).await
    };
    assert_eq!(replica("one", 60_000).await, 1);
    assert_eq!(replica("other", 60_000).await, 2);
    assert_eq!(replica("one", 60_000).await, 2);
    assert_eq!(replica("third", 30).await, 3);
    until("the third is gone", async || replica("one", 60_000).await == 2).await;
    assert_eq!(replica("other", 0).await, 1);
}

#[tokio::test]
async fn only_the_owner_reads_and_never_more_than_it_asked_for() {
    let stage = Stage::with_lanes(1).await;
    let lane = stage.lanes.of_session("a");
    for id in ["1", "2", "3", "4", "5"] {
        stage.redis.track(page_views(&stage.lanes, "a", &[id])).await;
    }
    assert_eq!(read(&stage, &lane, "owner", "new", 10, 100_000).await, None);
    lease(&stage, &lane, "owner", 60_000).await;
    assert_eq!(read(&stage, &lane, "other", "new", 10, 100_000).await, None);
    assert_eq!(stage.redis.pending(&lane).await, 0);

    let (handed_out, first) = read(&stage, &lane, "owner", "new", 2, 100_000).await.unwrap();
    assert_eq!((first.len(), &handed_out), (2, &first[1].0));
    // The entry with which the bytes are reached is the last.
    let (_, second) = read(&stage, &lane, "owner", "new", 10, 1).await.unwrap();
    assert_eq!(second.len(), 1);
    let (_, third) = read(&stage, &lane, "owner", "new", 10, 100_000).await.unwrap();
    assert_eq!(third.len(), 2);
    let in_order = [first, second, third].concat();
    let (_, pending) = read(&stage, &lane, "owner", "pending", 10, 100_000).await.unwrap();
    let again: Vec<_> = in_order.iter().map(|(id, _)| (id.clone(), 2)).collect();
    assert_eq!(pending, again, "handed out twice, in the same order");
    let ask = call("suspect_v1", &[lane.events()]).arg(&in_order[0].0).arg(1000).clone();
    stage.redis.ask::<()>(&ask).await;
    let (_, pending) = read(&stage, &lane, "owner", "pending", 1, 100_000).await.unwrap();
    assert_eq!(pending, [(in_order[0].0.clone(), 1001)]);
}

#[tokio::test]
async fn an_entry_is_settled_and_counted_once_whoever_settles_it_again() {
    let stage = Stage::with_lanes(1).await;
    let lane = stage.lanes.of_session("a");
    for ids in [&["1", "2"][..], &["3"], &["4"]] {
        stage.redis.track(page_views(&stage.lanes, "a", ids)).await;
    }
    lease(&stage, &lane, "owner", 60_000).await;
    let (_, entries) = read(&stage, &lane, "owner", "new", 10, 100_000).await.unwrap();
    let [first, second, third] = [0, 1, 2].map(|place: usize| entries[place].0.as_str());
    let both = [
        [second, "3", "shop-web", "0", "1", "0", "0", ""],
        [third, "3", "shop-web", "0", "0", "1", "0", "broken"],
    ];
    assert_eq!(
        settle(&stage, &lane, &both.concat()).await,
        [2, 0, 1, 1, 0, 3],
        "the first holds up the trimming"
    );
    assert_eq!(settle(&stage, &lane, &both.concat()).await, [0, 0, 0, 0, 0, 3]);
    let rest = [first, "3", "shop-web", "1", "0", "0", "1", ""];
    assert_eq!(settle(&stage, &lane, &rest).await, [1, 1, 0, 0, 1, 0]);
    assert_eq!(settle(&stage, &lane, &rest).await, [0, 0, 0, 0, 0, 0]);
    let expected = Ledger { accepted: 4, stored: 1, duplicate: 1, dead: 1, passed: 1 };
    assert_eq!(stage.redis.ledger().await, expected);
    let letters = stage.redis.dead_letters(&lane).await;
    assert_eq!(letters.len(), 1);
    assert_eq!((letters[0]["reason"].as_str(), letters[0]["entry"].as_str()), ("broken", third));
    assert_eq!((letters[0]["src"].as_str(), letters[0]["n"].as_str()), ("shop-web", "1"));
}

#[tokio::test]
async fn what_was_never_accepted_is_not_counted() {
    let stage = Stage::with_lanes(1).await;
    let lane = stage.lanes.of_session("a");
    stage.redis.track(page_views(&stage.lanes, "a", &["1"])).await;
    let mut by_hand = redis::cmd("XADD");
    let id: String = stage.redis.ask(by_hand.arg(lane.events()).arg("*").arg("n").arg(9)).await;
    lease(&stage, &lane, "owner", 60_000).await;
    read(&stage, &lane, "owner", "new", 10, 100_000).await.unwrap();
    settle(&stage, &lane, &[id.as_str(), "3", "another", "0", "0", "9", "0", "by hand"]).await;
    assert_eq!(stage.redis.ledger().await, Ledger { accepted: 1, ..Ledger::default() });
    assert_eq!(stage.redis.dead_letters(&lane).await.len(), 1);
}

#[tokio::test]
async fn nobody_can_bury_a_lane_under_fields() {
    let stage = Stage::with_lanes(1).await;
    let lane = stage.lanes.of_session("a");
    let fields: Vec<String> = (0..20_000).map(|number| number.to_string()).collect();
    let id: String = stage.redis.ask(redis::cmd("XADD").arg(lane.events()).arg("*").arg(fields)).await;
    lease(&stage, &lane, "owner", 60_000).await;
    read(&stage, &lane, "owner", "new", 10, 1_000_000).await.unwrap();
    let settled =
        settle(&stage, &lane, &[id.as_str(), "1", "x", "0", "0", "0", "0", "too many fields"]).await;
    assert_eq!(settled, [1, 0, 0, 0, 0, 0]);
    assert_eq!(stage.redis.dead_letters(&lane).await[0]["reason"], "too many fields");
}

#[tokio::test]
async fn a_settlement_of_another_version_is_refused_before_anything_is_written() {
    let stage = Stage::with_lanes(1).await;
    let lane = stage.lanes.of_session("a");
    stage.redis.track(page_views(&stage.lanes, "a", &["1"])).await;
    lease(&stage, &lane, "owner", 60_000).await;
    let (_, entries) = read(&stage, &lane, "owner", "new", 10, 100_000).await.unwrap();
    let id = entries[0].0.as_str();
    let seven = [id, "3", "shop-web", "1", "0", "0", ""];
    let minute: String = stage.redis.ask::<Vec<String>>(redis::cmd("KEYS").arg("*:ledger:*")).await.remove(0);
    let keys = [lane.events(), lane.dead_letters(), minute];
    // As many as are taken for several entries too.
    for arguments in [seven.to_vec(), seven.repeat(8), vec![id, "9", "shop-web", "1", "0", "0", "0", ""]] {
        let command = call("settle_v1", &keys).arg(&arguments).clone();
        let refused = command.query_async::<Value>(&mut stage.redis.connection().await).await.unwrap_err();
        assert!(refused.to_string().contains("settle_v1"), "{refused}");
        assert_eq!(stage.redis.ledger().await, Ledger { accepted: 1, ..Ledger::default() });
        assert_eq!(stage.redis.pending(&lane).await, 1);
    }
}

#[tokio::test]
async fn a_session_is_given_to_another_profile_unless_it_has_a_third_by_now() {
    let stage = Stage::with_lanes(1).await;
    let lane = stage.lanes.of_session("a");
    let key = |session: &str| lane.session(session);
    for (session, profile) in [("a", "old"), ("b", "third"), ("nobodys", "")] {
        stage.redis.ask::<()>(redis::cmd("SET").arg(key(session)).arg(profile).arg("EX").arg(1000)).await;
    }
    let sessions = ["a", "b", "nobodys", "gone"];
    let mut adopt = call("adopt_v1", &sessions.map(key));
    adopt.arg(["old", "new"].repeat(sessions.len()));
    assert_eq!(stage.redis.ask::<u64>(&adopt).await, 1);
    assert_eq!(stage.redis.ask::<u64>(&adopt).await, 0);
    let profiles: Vec<Option<String>> = stage.redis.ask(redis::cmd("MGET").arg(&sessions.map(key))).await;
    assert_eq!(profiles, [Some("new"), Some("third"), Some(""), None].map(|id| id.map(str::to_owned)));
    let seconds: i64 = stage.redis.ask(redis::cmd("TTL").arg(key("a"))).await;
    assert!((900..=1000).contains(&seconds), "it lives as long as before: {seconds}");
}
