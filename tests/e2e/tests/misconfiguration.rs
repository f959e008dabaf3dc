//! An edge that is set up wrongly breaks no page, and tells its operator why.

use std::fs;
use std::process::Command;

use reqwest::Method;
use serde_json::json;
use tideline_e2e::{Tideline, Visitor, eventually};
use xtask::artifacts::Artifacts;
use xtask::ports::Ports;
use xtask::probe::wait_for_port;
use xtask::process::Process;
use xtask::stack::Part;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_gateway_token_is_503_for_visitors_and_a_line_for_the_operator() {
    let mut tideline = Tideline::start();
    let visitor = tideline.visitor();
    assert_eq!(visitor.event("token", "before", "page-view").await.status, 200);

    tideline.stop(Part::Gateway).unwrap();
    let other = json!({ "tokens": [{ "name": "edge", "sha256": "0".repeat(64), "policy": "ingest" }] });
    fs::write(tideline.data().join("gateway-tokens.json"), other.to_string()).unwrap();
    tideline.start(Part::Gateway).unwrap();

    let answer = visitor.event("token", "during", "page-view").await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")));
    let log = tideline.data().join("logs/edge.log");
    eventually("a line that names the token", || async {
        fs::read_to_string(&log).unwrap().contains("check the token and its policy").then_some(())
    })
    .await;
    let logs =
        fs::read_to_string(&log).unwrap() + &fs::read_to_string(log.with_file_name("gateway.log")).unwrap();
    assert!(!logs.contains(tideline.ingest_token()), "a token in a log");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_setting_is_named_and_visitors_are_asked_to_come_back() {
    let artifacts = Artifacts::existing().unwrap();
    let port = Ports::free().unwrap().edge;
    let folder = tempfile::tempdir().unwrap();
    let environment = [
        ("EDGE_COMPONENT", artifacts.component.display().to_string()),
        ("EDGE_LISTEN", format!("127.0.0.1:{port}")),
        ("UPSTASH_REDIS_REST_URL", "http://127.0.0.1:9".to_owned()),
        ("UPSTASH_REDIS_REST_TOKEN", "a-secret-token".to_owned()),
    ];
    let mut edge =
        Process::start("edge", &mut Command::new(artifacts.edge), &environment, folder.path()).unwrap();
    wait_for_port(&mut edge, port).unwrap();
    let visitor = Visitor::new(format!("http://127.0.0.1:{port}"));

    let answer = visitor.event("s", "e", "page-view").await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")));
    let preflight = [("origin", "https://shop.example"), ("access-control-request-method", "POST")];
    assert_eq!(visitor.send(Method::OPTIONS, "/track", &preflight, "").await.status, 200);

    let log = eventually("the name of the setting", || async {
        let log = fs::read_to_string(folder.path().join("edge.log")).unwrap();
        log.contains("TIDELINE_PROFILE_ID_KEYS is not set").then_some(log)
    })
    .await;
    assert!(!log.contains("a-secret-token"));
}
