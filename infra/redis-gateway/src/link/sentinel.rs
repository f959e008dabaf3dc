//! Which server is the master, asked of sentinels, and asked again while one is connected to it.
//!
//! Several sentinels are asked at once, and the server that most of them name is taken: one that was cut
//! off from the others may still name the former master. A connection to a master that they no longer
//! name is given up, for what is written there would be lost.

use std::collections::HashMap;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout_at};

use super::address::{Endpoint, RedisAddress, Upstream};
use super::ask::Reply;
use super::connect::{ConnectError, Connection, open_as};

/// How often sentinels are asked while all is well.
const EVERY: Duration = Duration::from_secs(1);

/// The master's address, as most of the sentinels tell it that answer within `limit`.
pub(super) async fn master(address: &RedisAddress, limit: Duration) -> Result<Endpoint, ConnectError> {
    let Upstream::Sentinel { sentinels, .. } = &address.upstream else {
        return Err(ConnectError::NoMaster("no sentinel is known".to_owned()));
    };
    let (end, mut questions) = (Instant::now() + limit, JoinSet::new());
    for sentinel in sentinels {
        questions.spawn(question(sentinel.clone(), address.clone()));
    }
    let (mut named, mut last) = (HashMap::<Endpoint, usize>::new(), None);
    while let Ok(Some(Ok(answer))) = timeout_at(end, questions.join_next()).await {
        match answer {
            Ok(master) => {
                let votes = named.entry(master.clone()).or_insert(0);
                *votes += 1;
                if *votes * 2 > sentinels.len() {
                    return Ok(master);
                }
            }
            Err(error) => last = Some(error),
        }
    }
    // Of those that were named as often, any is as good.
    match named.into_iter().max_by_key(|(_, votes)| *votes) {
        Some((master, _)) => Ok(master),
        None => Err(last.unwrap_or(ConnectError::NoMaster("none of them answers".to_owned()))),
    }
}

async fn question(sentinel: Endpoint, address: RedisAddress) -> Result<Endpoint, ConnectError> {
    let Upstream::Sentinel { master, login, .. } = &address.upstream else {
        return Err(ConnectError::NoMaster("no sentinel is known".to_owned()));
    };
    let mut connection = open_as(&sentinel, address.encryption.as_deref(), login).await?;
    let reply = connection.ask(&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", master]).await?;
    match &reply {
        Reply::List(parts) => match parts.as_slice() {
            [host, port] => host
                .text()
                .zip(port.number())
                .map(|(host, port)| Endpoint::Tcp { host: host.to_owned(), port }),
            _ => None,
        },
        _ => None,
    }
    .ok_or_else(|| {
        ConnectError::NoMaster(match reply {
            Reply::Error(text) => text,
            _ => format!("they know no master {master:?}; check the name in the redis URL"),
        })
    })
}

/// Refuses a server that was named and is a replica: the sentinels are in the middle of a change.
pub(super) async fn check(connection: &mut Connection) -> Result<(), ConnectError> {
    let role = connection.ask(&["ROLE"]).await?;
    let role = role.list().and_then(<[Reply]>::first).and_then(Reply::text);
    // Where the gateway's user may not ask, the sentinels' word has to do.
    if role.is_some_and(|role| role != "master") { Err(ConnectError::NotMaster) } else { Ok(()) }
}

/// Returns when the sentinels name another master than the one at `endpoint`; never without sentinels.
pub(super) async fn moved(address: &RedisAddress, endpoint: &Endpoint, limit: Duration) {
    if !matches!(address.upstream, Upstream::Sentinel { .. }) {
        return std::future::pending().await;
    }
    loop {
        sleep(EVERY).await;
        // Sentinels that are away say nothing against the master.
        if let Ok(master) = master(address, limit).await
            && master != *endpoint
        {
            return;
        }
    }
}
