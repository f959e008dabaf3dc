//! How many connections one address may have open at once, so that no single client takes every place.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The address that limits count for a client: its own, or its network's where the client chooses the
/// rest of it (the first 64 bits of IPv6).
#[must_use]
pub fn neighbourhood(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        address @ IpAddr::V4(_) => address,
    }
}

/// Counts the open connections of each address; clones share the counts. It holds an entry for each
/// address with an open connection, so it is as bounded as they are.
#[derive(Clone, Debug)]
pub(crate) struct Crowd {
    most: NonZeroU32,
    open: Arc<Mutex<HashMap<IpAddr, u32>>>,
}

impl Crowd {
    /// At most so many connections of one address.
    pub(crate) fn new(most: NonZeroU32) -> Self {
        Self { most, open: Arc::default() }
    }

    /// One more connection of this address, if it may have it; it counts until the guard is dropped.
    pub(crate) fn enter(&self, address: IpAddr) -> Option<Present> {
        let address = neighbourhood(address);
        let mut open = self.open();
        let count = open.entry(address).or_insert(0);
        if *count >= self.most.get() {
            return None;
        }
        *count += 1;
        drop(open);
        Some(Present { crowd: self.clone(), address })
    }

    fn open(&self) -> MutexGuard<'_, HashMap<IpAddr, u32>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection that counts.
#[derive(Debug)]
pub(crate) struct Present {
    crowd: Crowd,
    address: IpAddr,
}

impl Drop for Present {
    fn drop(&mut self) {
        let mut open = self.crowd.open();
        if let Some(count) = open.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_its_places_and_an_ipv6_network_shares_them() {
        let crowd = Crowd::new(NonZeroU32::new(2).unwrap());
        let enter = |address: &str| crowd.enter(address.parse().unwrap());
        let (one, two) = (enter("192.0.2.1").unwrap(), enter("::ffff:192.0.2.1").unwrap());
        assert!(enter("192.0.2.1").is_none());
        let _another = enter("192.0.2.2").unwrap();
        drop(one);
        let three = enter("192.0.2.1").unwrap();
        let _sixes = (enter("2001:db8::1").unwrap(), enter("2001:db8::ffff:1").unwrap());
        assert!(enter("2001:db8::2").is_none());
        assert!(enter("2001:db8:0:1::2").is_some());
        drop((two, three));
        assert_eq!(crowd.open().len(), 2, "no trace of those that left");
    }
}
