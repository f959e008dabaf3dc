//! Several components behind one address.

use std::path::Path;

use tideline_edge_host::{Error, GuestEnvironment, Handle, Host};

use crate::client::{Connection, Reply, get};
use crate::fixture::{guest, guest_p2, options};

fn host(text: &str, variables: &[(&str, &str)]) -> Result<Handle, Error> {
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("components.toml");
    std::fs::write(&list, text).unwrap();
    let mut options = options(Path::new("x"));
    options.component = None;
    options.components = Some(list);
    Host::start(options, variables.iter().copied().collect::<GuestEnvironment>())
}

fn component(name: &str, file: &Path, rest: &str) -> String {
    format!("[[component]]\nname = {name:?}\nfile = {file:?}\n{rest}\n")
}

async fn ask(host: &Handle, authority: &str, path: &str) -> Reply {
    let mut connection = Connection::open(host.address()).await;
    connection.write(format!("GET {path} HTTP/1.1\r\nhost: {authority}\r\n\r\n")).await;
    connection.reply().await
}

#[tokio::test]
async fn each_component_answers_its_routes_and_nobody_the_rest() {
    let shared = component("a", guest(), "routes = ['/hello', 'shop.example/']");
    let isolated = component("b", guest_p2(), "routes = ['/echo', 'shop.example/hello/p2']");
    let host = host(&(shared + &isolated), &[]).unwrap();
    assert_eq!(get(host.address(), "/hello").await.body, "hello");
    // The WASI 0.2 component does not know this path, and says so.
    assert_eq!(get(host.address(), "/echo/x").await.body, "no such path");
    assert_eq!(ask(&host, "shop.example:8585", "/heard").await.body, "2", "the same component as /hello");
    assert_eq!(ask(&host, "shop.example", "/hello/p2").await.body, "no such path");
    let nobody = get(host.address(), "/heard").await;
    assert_eq!(nobody.status, 404);
    assert!(nobody.detail().contains("nothing is at this address"));
}

#[tokio::test]
async fn a_component_sees_and_reaches_only_what_is_meant_for_it() {
    let all = component("all", guest(), "routes = ['/']\nallow_outbound = ['http://127.0.0.1:1']");
    let some =
        component("some", guest(), "routes = ['b.example/']\nvariables = ['TIDELINE_']\nallow_outbound = []");
    let variables = [("TIDELINE_TEST_AUTHORITY", "127.0.0.1:1"), ("UPSTASH_REDIS_REST_TOKEN", "token")];
    let host = host(&(all + &some), &variables).unwrap();
    assert!(ask(&host, "a.example", "/environment").await.body.contains("UPSTASH_REDIS_REST_TOKEN=token"));
    assert_eq!(ask(&host, "b.example", "/environment").await.body, "TIDELINE_TEST_AUTHORITY=127.0.0.1:1\n");
    assert_eq!(ask(&host, "a.example", "/send").await.body, "ErrorCode::ConnectionRefused");
    assert_eq!(ask(&host, "b.example", "/send").await.body, "ErrorCode::HttpRequestDenied");
}

#[tokio::test]
async fn a_trap_of_one_component_costs_the_other_nothing() {
    let host = host(
        &(component("a", guest(), "routes = ['a.example/']")
            + &component("b", guest(), "routes = ['b.example/']")),
        &[],
    )
    .unwrap();
    assert_eq!(ask(&host, "b.example", "/heard").await.body, "1");
    assert_eq!(ask(&host, "a.example", "/trap").await.status, 503);
    assert_eq!(ask(&host, "b.example", "/heard").await.body, "2");
}

#[test]
fn a_list_that_contradicts_itself_is_refused() {
    let twice = component("a", guest(), "routes = ['/']") + &component("b", guest(), "routes = ['/']");
    let error = host(&twice, &[]).err().unwrap();
    assert!(matches!(error, Error::Components { .. }), "{error}");
}
