//! The component misbehaves: it costs its own requests, and the host goes on.

use tokio::join;

use crate::client::{Reply, get};
use crate::fixture::{host, wait_for};

fn assert_try_again(reply: &Reply, detail: &str) {
    assert_eq!(reply.status, 503, "{reply:?}");
    assert!(reply.headers.contains_key("retry-after"));
    assert!(reply.detail().contains(detail), "{reply:?}");
}

#[tokio::test]
async fn a_trap_ends_the_requests_of_its_instance_and_the_next_one_is_served() {
    let host = host(|_| {});
    let address = host.address();
    let trap = async {
        wait_for(&host, "/sleeping", "1").await;
        get(address, "/trap").await
    };
    let (parallel, trapped) = join!(get(address, "/sleep?60000"), trap);
    assert_try_again(&parallel, "failed while it worked");
    assert_try_again(&trapped, "failed while it worked");
    assert_eq!(get(address, "/heard").await.body, "1", "a new instance answers");
}

#[tokio::test]
async fn traps_in_a_row_are_each_followed_by_a_working_instance() {
    let host = host(|_| {});
    for _ in 0..20 {
        assert_eq!(get(host.address(), "/trap").await.status, 503);
        assert_eq!(get(host.address(), "/hello").await.status, 200);
    }
}

#[tokio::test]
async fn an_endless_loop_is_ended_and_the_host_goes_on() {
    let host = host(|options| options.request_timeout_ms = 300);
    let address = host.address();
    assert_try_again(&get(address, "/spin").await, "failed while it worked");
    assert_eq!(get(address, "/heard").await.body, "1", "a new instance answers");
}

#[tokio::test]
async fn a_request_that_waits_behind_an_endless_loop_is_answered() {
    let host = host(|options| options.request_timeout_ms = 300);
    let address = host.address();
    let (spinning, waiting) = join!(get(address, "/spin"), get(address, "/hello"));
    assert_eq!(spinning.status, 503);
    assert!([200, 503].contains(&waiting.status), "{waiting:?}");
    assert_eq!(get(address, "/hello").await.status, 200);
}

#[tokio::test]
async fn an_endless_loop_after_the_answer_is_ended_as_well() {
    let host = host(|options| options.request_timeout_ms = 300);
    assert_eq!(get(host.address(), "/spin-after-answer").await.body, "spinning");
    wait_for(&host, "/heard", "1").await;
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_answered_and_its_instance_replaced() {
    let host = host(|options| options.request_timeout_ms = 300);
    assert_try_again(&get(host.address(), "/sleep?60000").await, "no answer within 300 ms");
    assert_eq!(get(host.address(), "/heard").await.body, "1", "a new instance answers");
}

#[tokio::test]
async fn an_answer_that_never_ends_is_not_begun() {
    let host = host(|options| options.request_timeout_ms = 300);
    assert_try_again(&get(host.address(), "/never-ends").await, "no answer within 300 ms");
    assert_eq!(get(host.address(), "/hello").await.status, 200);
}

#[tokio::test]
async fn an_error_of_the_component_is_a_500_and_no_trap() {
    let host = host(|_| {});
    let reply = get(host.address(), "/error").await;
    assert_eq!(reply.status, 500);
    assert!(reply.detail().contains("returned an error"));
    assert_eq!(get(host.address(), "/heard").await.body, "2", "the instance is still there");
}

#[tokio::test]
async fn memory_is_limited_and_taking_too_much_costs_the_instance_only() {
    let host = host(|options| options.max_memory_bytes = 16 << 20);
    let address = host.address();
    assert_eq!(get(address, "/grow?1000000").await.body, "1000000");
    assert_try_again(&get(address, "/grow?20000000").await, "failed while it worked");
    assert_eq!(get(address, "/heard").await.body, "1", "a new instance answers");
}
