//! The GUI's files, and the headers of every answer.

use std::fs;
use std::sync::Arc;

use tempfile::TempDir;
use tideline_api::{ApiOptions, Error, Options, Service, Tokens};
use tideline_pipeline::Settings;
use tideline_store::{EmbeddedOptions, EmbeddedStore};

use crate::service::{TestService, Wishes, lanes};

fn built_gui() -> TempDir {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("dist");
    fs::create_dir_all(folder.join("assets")).unwrap();
    fs::write(folder.join("index.html"), "<!doctype html>").unwrap();
    fs::write(folder.join("favicon.svg"), "<svg/>").unwrap();
    fs::write(folder.join("assets/index-1a2b.js"), "export {}").unwrap();
    fs::write(parent.path().join("private"), "not for you").unwrap();
    parent
}

#[tokio::test]
async fn files_are_served_to_everybody_and_cached_by_their_kind() {
    let parent = built_gui();
    let gui_dir = Some(parent.path().join("dist"));
    let service = TestService::start_with(Wishes { gui_dir, ..Wishes::default() }).await;
    let table = [
        ("/", 200, "text/html", "no-cache"),
        ("/index.html", 200, "text/html", "no-cache"),
        ("/favicon.svg", 200, "image/svg+xml", "no-cache"),
        ("/assets/index-1a2b.js", 200, "text/javascript", "public, max-age=31536000, immutable"),
        // A missing file may come with the next deployment.
        ("/assets/index-9z9z.js", 404, "application/json", ""),
        ("/assets/", 404, "application/json", ""),
        ("/nothing", 404, "application/json", ""),
        ("/%2e%2e/private", 404, "application/json", ""),
        ("/..%2fprivate", 404, "application/json", ""),
        ("/assets/..%2f..%2fprivate", 404, "application/json", ""),
    ];
    for (path, status, kind, cached) in table {
        let answer = service.get_without_token(path).await;
        let found = (answer.status, answer.header("content-type"), answer.header("cache-control"));
        assert_eq!(found, (status, kind, cached), "{path}");
    }
}

#[tokio::test]
async fn every_answer_tells_browsers_to_trust_this_origin_only() {
    let parent = built_gui();
    let gui_dir = Some(parent.path().join("dist"));
    let service = TestService::start_with(Wishes { gui_dir, ..Wishes::default() }).await;
    for path in
        ["/", "/assets/index-1a2b.js", "/nothing", "/healthz", "/api/v1/events", "/api/x", "/openapi.json"]
    {
        let answers = [service.get(path).await, service.get_without_token(path).await];
        for answer in answers {
            let policy = answer.header("content-security-policy");
            assert!(policy.starts_with("default-src 'self'; frame-ancestors 'none'"), "{path}: {policy}");
            assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
            assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
            assert_eq!(answer.header("access-control-allow-origin"), "", "{path}");
        }
    }
}

#[tokio::test]
async fn without_the_gui_the_page_says_how_to_get_it() {
    let service = TestService::start().await;
    let answer = service.get_without_token("/").await;
    assert_eq!(answer.status, 200);
    assert!(answer.body.contains("--gui-dir"), "{}", answer.body);
    assert_eq!(service.get_without_token("/nothing").await.status, 404);
}

#[tokio::test]
async fn what_hinders_a_start_is_said_with_what_to_do() {
    let data = tempfile::tempdir().unwrap();
    let store = Arc::new(EmbeddedStore::open(data.path(), EmbeddedOptions::default()).unwrap());
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let options = |gui_dir, listen| Options {
        listen,
        redis: redis::Client::open("redis://127.0.0.1:1").unwrap(),
        obstacle: None,
        drain: std::time::Duration::ZERO,
        api: Some(ApiOptions {
            tokens: Tokens::parse(&"ab".repeat(32)).unwrap(),
            lanes: lanes(),
            processing: Settings::default(),
            most_live_readers: 1,
            gui_dir,
        }),
    };
    let free = "127.0.0.1:0".parse().unwrap();
    let no_gui =
        Service::bind(options(Some(data.path().to_owned()), free), store.clone()).await.err().unwrap();
    assert!(matches!(no_gui, Error::NoGui(_)) && no_gui.to_string().contains("npm run build"), "{no_gui}");
    let in_use = Service::bind(options(None, taken.local_addr().unwrap()), store).await.err().unwrap();
    assert!(matches!(in_use, Error::Listen { .. }) && in_use.to_string().contains("--listen"), "{in_use}");
}
