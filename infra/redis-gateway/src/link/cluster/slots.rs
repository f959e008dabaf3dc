//! Slots: which of them a key is in, and which node serves each.

use std::collections::HashSet;
use std::sync::Arc;

use super::super::address::Endpoint;
use super::super::ask::Reply;

/// A cluster has so many slots.
pub(super) const SLOTS: u16 = 16_384;

/// More nodes than a cluster can have.
pub(super) const MAX_NODES: usize = 1_000;

/// CRC-16/XMODEM of every byte.
const CRC: [u16; 256] = {
    let mut table = [0; 256];
    let mut byte: u16 = 0;
    while byte < 256 {
        let (mut crc, mut bit) = (byte << 8, 0);
        while bit < 8 {
            crc = if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 };
            bit += 1;
        }
        #[expect(clippy::indexing_slicing, reason = "a constant: an index out of bounds would not compile")]
        {
            table[byte as usize] = crc;
        }
        byte += 1;
    }
    table
};

fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        let row = CRC.get(usize::from((crc >> 8) as u8 ^ byte)).copied().unwrap_or_default();
        (crc << 8) ^ row
    })
}

/// The slot of a key: of what stands between its first braces, if that is anything.
pub(super) fn slot_of(key: &[u8]) -> u16 {
    let tag = key.iter().position(|byte| *byte == b'{').and_then(|open| {
        let behind = key.get(open + 1..)?;
        let close = behind.iter().position(|byte| *byte == b'}')?;
        behind.get(..close).filter(|tag| !tag.is_empty())
    });
    crc16(tag.unwrap_or(key)) % SLOTS
}

/// Which node serves which slot.
#[derive(Debug, Clone)]
pub(super) struct SlotMap {
    /// By slot.
    owners: Vec<Option<Arc<Endpoint>>>,
}

impl SlotMap {
    /// Reads the reply to `CLUSTER SLOTS` of the node at `asked`; `None` if it is no such reply.
    pub(super) fn read(reply: &Reply, asked: &Endpoint) -> Option<Self> {
        let mut map = SlotMap { owners: vec![None; usize::from(SLOTS)] };
        for range in reply.list()? {
            let [first, last, master, ..] = range.list()? else { return None };
            let (first, last) = (usize::from(first.number()?), usize::from(last.number()?));
            let [host, port, ..] = master.list()? else { return None };
            // A node that does not know its own name leaves it out.
            let host = host.text().filter(|host| !host.is_empty() && *host != "?");
            let owner = Arc::new(endpoint(host, port.number()?, asked)?);
            map.owners.get_mut(first..=last)?.fill(Some(owner));
        }
        Some(map)
    }

    pub(super) fn owner(&self, slot: u16) -> Option<&Endpoint> {
        self.owners.get(usize::from(slot))?.as_deref()
    }

    /// The slot has another owner.
    pub(super) fn moved(&mut self, slot: u16, owner: Endpoint) {
        if let Some(entry) = self.owners.get_mut(usize::from(slot)) {
            *entry = Some(Arc::new(owner));
        }
    }

    /// Every node that serves a slot.
    pub(super) fn nodes(&self) -> HashSet<&Endpoint> {
        self.owners.iter().flatten().map(AsRef::as_ref).collect()
    }
}

/// An endpoint as a node tells it; without a host it is on the host of the one that was asked.
fn endpoint(host: Option<&str>, port: u16, asked: &Endpoint) -> Option<Endpoint> {
    let host = match (host, asked) {
        (Some(host), _) => host.to_owned(),
        (None, Endpoint::Tcp { host, .. }) => host.clone(),
        (None, Endpoint::Unix(_)) => return None,
    };
    Some(Endpoint::Tcp { host, port })
}

/// Where a node sends a command on to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Redirect {
    /// The slot is there now.
    Moved(u16, Endpoint),
    /// This one time.
    Ask(Endpoint),
}

impl Redirect {
    /// Reads an error text of the node at `asked`; `None` if it sends nowhere.
    pub(super) fn read(text: &str, asked: &Endpoint) -> Option<Self> {
        let mut words = text.split(' ');
        let (kind, slot, address) = (words.next()?, words.next()?.parse().ok()?, words.next()?);
        let (host, port) = address.rsplit_once(':')?;
        let host = Some(host.trim_matches(['[', ']'])).filter(|host| !host.is_empty() && *host != "?");
        let node = endpoint(host, port.parse().ok()?, asked)?;
        match kind {
            "MOVED" if slot < SLOTS => Some(Redirect::Moved(slot, node)),
            "ASK" => Some(Redirect::Ask(node)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tcp(host: &str, port: u16) -> Endpoint {
        Endpoint::Tcp { host: host.to_owned(), port }
    }

    #[test]
    fn keys_have_the_slots_that_redis_gives_them() {
        assert_eq!(crc16(b"123456789"), 0x31c3);
        for (key, slot) in [("foo", 12_182), ("bar", 5_061), ("hello", 866), ("", 0)] {
            assert_eq!(slot_of(key.as_bytes()), slot, "{key}");
        }
    }

    #[test]
    fn what_stands_between_the_first_braces_is_the_tag() {
        let table = [
            ("{user1000}.following", "user1000"),
            ("a{foo}b{bar}", "foo"),
            ("foo{{bar}}zap", "{bar"),
            ("foo{}{bar}", "foo{}{bar}"),
            ("foo{bar", "foo{bar"),
        ];
        for (key, tag) in table {
            assert_eq!(slot_of(key.as_bytes()), crc16(tag.as_bytes()) % SLOTS, "{key}");
        }
    }

    #[test]
    fn the_map_is_read_with_names_that_are_left_out() {
        let text = |text: &str| Reply::Text(text.to_owned());
        let node = |host: Reply, port: i64| {
            Reply::List(vec![host, Reply::Integer(port), text("id"), Reply::List(vec![])])
        };
        let range = |first: i64, last: i64, master: Reply| {
            Reply::List(vec![Reply::Integer(first), Reply::Integer(last), master, node(text("replica"), 9)])
        };
        let reply = Reply::List(vec![
            range(0, 99, node(text("10.0.0.1"), 7000)),
            range(100, 100, node(Reply::Nil, 7001)),
            range(101, 16_383, node(text(""), 7002)),
        ]);
        let asked = tcp("10.0.0.9", 1);
        let mut map = SlotMap::read(&reply, &asked).unwrap();
        for (slot, owner) in [
            (0, tcp("10.0.0.1", 7000)),
            (99, tcp("10.0.0.1", 7000)),
            (100, tcp("10.0.0.9", 7001)),
            (16_383, tcp("10.0.0.9", 7002)),
        ] {
            assert_eq!(map.owner(slot), Some(&owner), "{slot}");
        }
        assert_eq!(map.nodes().len(), 3);
        map.moved(99, tcp("10.0.0.2", 7000));
        assert_eq!(
            (map.owner(99), map.owner(98)),
            (Some(&tcp("10.0.0.2", 7000)), Some(&tcp("10.0.0.1", 7000)))
        );
        for broken in [range(0, 16_384, node(text("h"), 1)), range(5, 4, node(text("h"), 1)), Reply::Nil] {
            let map = SlotMap::read(&Reply::List(vec![broken]), &asked);
            assert!(map.is_none_or(|map| map.nodes().is_empty()));
        }
    }

    #[test]
    fn redirections_are_read_and_other_errors_are_not() {
        let asked = tcp("10.0.0.9", 1);
        let table = [
            ("MOVED 3999 127.0.0.1:6381", Some(Redirect::Moved(3999, tcp("127.0.0.1", 6381)))),
            ("MOVED 3999 ::1:6381", Some(Redirect::Moved(3999, tcp("::1", 6381)))),
            ("MOVED 3999 :6381", Some(Redirect::Moved(3999, tcp("10.0.0.9", 6381)))),
            ("ASK 3999 node.example:6381", Some(Redirect::Ask(tcp("node.example", 6381)))),
            ("MOVED 16384 127.0.0.1:6381", None),
            ("MOVED x 127.0.0.1:6381", None),
            ("MOVED 1", None),
            ("ERR MOVED 1 a:1", None),
            ("TRYAGAIN Multiple keys request during rehashing of slot", None),
        ];
        for (text, expected) in table {
            assert_eq!(Redirect::read(text, &asked), expected, "{text}");
        }
    }
}
