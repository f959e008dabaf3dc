//! Instances are replaced by new ones, and no request is lost by it.

use std::time::Instant;

use futures_util::future::join_all;
use tideline_edge_host::Handle;

use crate::client::{Connection, get};
use crate::fixture::{PATIENCE, host};

/// Asks `path`, which tells how many requests its instance has heard of, until a new instance answers.
async fn ask_until_replaced(host: &Handle, path: &str) {
    let patience = Instant::now() + PATIENCE;
    let mut connection = Connection::open(host.address()).await;
    let mut before = 0;
    loop {
        let reply = connection.get(path).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        let heard: u64 = reply.body.parse().unwrap();
        if heard <= before {
            return;
        }
        before = heard;
        assert!(Instant::now() < patience, "the first instance still answers: {before}");
    }
}

#[tokio::test]
async fn an_instance_is_replaced_after_its_share_of_requests() {
    let host = host(|options| options.recycle_after = 3);
    for _ in 0..3 {
        ask_until_replaced(&host, "/heard").await;
    }
}

#[tokio::test]
async fn an_instance_whose_memory_grows_is_replaced_before_it_reaches_its_limit() {
    let host = host(|options| {
        options.max_memory_bytes = 64 << 20;
        options.recycle_memory_bytes = Some(8 << 20);
    });
    ask_until_replaced(&host, "/keep-memory?100000").await;
}

#[tokio::test]
async fn an_instance_that_piles_up_handles_is_replaced_before_it_reaches_its_limit() {
    let host = host(|options| options.max_component_handles = 10_000);
    ask_until_replaced(&host, "/keep-handles?20").await;
}

#[tokio::test]
async fn replacing_instances_under_load_loses_no_request() {
    const VISITORS: u64 = 32;
    const REQUESTS: u64 = 50;
    let host = host(|options| options.recycle_after = 20);
    let visitors = (0..VISITORS).map(|_| async {
        let mut connection = Connection::open(host.address()).await;
        for _ in 0..REQUESTS {
            let reply = connection.get("/sleep?1").await;
            assert_eq!((reply.status, reply.body.as_str()), (200, "slept"));
        }
    });
    join_all(visitors).await;
    let heard: u64 = get(host.address(), "/heard").await.body.parse().unwrap();
    assert!(heard < VISITORS * REQUESTS / 2, "{heard} of the requests were one instance's");
}
