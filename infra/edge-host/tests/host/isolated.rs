//! The same promises for WASI 0.2 components.

use futures_util::future::join_all;
use tideline_edge_host::{GuestEnvironment, Handle, Host, Options};
use tokio::join;

use crate::client::{get, post};
use crate::fixture::{guest_p2, options};

fn host(adjust: impl FnOnce(&mut Options)) -> Handle {
    let mut options = options(guest_p2());
    adjust(&mut options);
    Host::start(options, GuestEnvironment::default()).unwrap()
}

#[tokio::test]
async fn a_wasi_0_2_component_is_served() {
    let host = host(|_| {});
    assert_eq!(get(host.address(), "/hello").await.body, "hello");
    assert_eq!(post(host.address(), "/echo", "there and back").await.body, "there and back");
}

#[tokio::test]
async fn a_trap_costs_one_request() {
    let host = host(|_| {});
    let (sleeping, trapped) = join!(get(host.address(), "/sleep?200"), get(host.address(), "/trap"));
    assert_eq!(sleeping.body, "slept");
    assert_eq!(trapped.status, 503);
    assert!(trapped.detail().contains("failed while it worked"), "{trapped:?}");
    assert_eq!(get(host.address(), "/hello").await.status, 200);
}

#[tokio::test]
async fn an_endless_loop_costs_one_request() {
    let host = host(|options| options.request_timeout_ms = 300);
    let (spinning, other) = join!(get(host.address(), "/spin"), get(host.address(), "/hello"));
    assert_eq!(spinning.status, 503);
    assert_eq!(other.status, 200, "{other:?}");
    assert_eq!(get(host.address(), "/hello").await.status, 200);
}

#[tokio::test]
async fn a_request_that_waits_too_long_for_an_instance_is_refused() {
    let host = host(|options| {
        options.instance_concurrency = 1;
        options.queue_timeout_ms = 100;
    });
    let replies = join_all((0..2).map(|_| get(host.address(), "/sleep?400"))).await;
    let mut statuses: Vec<_> = replies.iter().map(|reply| reply.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 503], "{replies:?}");
}

#[tokio::test]
async fn more_requests_than_instances_wait_and_more_than_the_queue_are_refused() {
    let host = host(|options| {
        options.instance_concurrency = 2;
        options.queue = 2;
        options.queue_timeout_ms = 10_000;
    });
    let replies = join_all((0..8).map(|_| get(host.address(), "/sleep?200"))).await;
    let served = replies.iter().filter(|reply| reply.status == 200).count();
    assert_eq!(served, 4, "{replies:?}");
    assert!(replies.iter().all(|reply| [200, 503].contains(&reply.status)));
}
