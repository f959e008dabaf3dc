//! Documents on a search server, from the visitor to the analyst, also while it is away.
//!
//! `cargo xtask test --only stores` runs these, with each server.

use std::time::Duration;

use tideline_e2e::{Tideline, eventually};
use xtask::search::{Running, Server};

/// A search server of the test's own.
fn search_server() -> Running {
    let name = std::env::var("TIDELINE_TEST_SEARCH_SERVER").expect("`cargo xtask test` says which");
    let folder = format!("tideline-e2e-{name}-{:?}", std::thread::current().id());
    Running::start(Server::parse(&name).unwrap(), &std::env::temp_dir().join(folder)).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a search server: cargo xtask test --only stores"]
async fn what_was_answered_while_the_search_server_was_killed_is_stored_once() {
    let mut search_server = search_server();
    let tideline = Tideline::start_on(search_server.settings());
    let (visitor, analyst) = (tideline.visitor(), tideline.analyst());
    let mut answered = Vec::new();
    for round in 0..3 {
        if round == 1 {
            search_server.kill().unwrap();
        }
        for number in 0..40 {
            let id = format!("{round}-{number}");
            assert_eq!(visitor.event("away", &id, "page-view").await.status, 200, "{id}");
            answered.push(id);
        }
        if round == 1 {
            // Long enough that the service tries in vain, again and again.
            tokio::time::sleep(Duration::from_secs(5)).await;
            search_server.start_again().unwrap();
        }
    }
    eventually("the search server to be read again", || analyst.get("events?limit=1")).await;
    let mut stored: Vec<String> = analyst
        .sent_events("away", answered.len())
        .await
        .iter()
        .map(|event| event["id"].as_str().unwrap().to_owned())
        .collect();
    stored.sort();
    answered.sort();
    assert_eq!(stored, answered);
    let session = analyst.session("away").await;
    assert_eq!(session["stats"]["events"], answered.len());
    let profile = analyst.profile(session["profile"]["id"].as_str().unwrap()).await;
    assert_eq!(profile["stats"]["counters"]["events"], answered.len());
    assert_eq!(profile["stats"]["visits"], 1);
    drop(tideline);
    search_server.stop().unwrap();
}
