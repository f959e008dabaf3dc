//! What Redis says of its commands: which of them only read, and where their keys are.
//!
//! The table is what `COMMAND` of Redis 7.0 and 7.4 answers; a test compares it with the server at hand.
//! Sub-commands count by themselves. What is not in it has no keys, writes, or is unknown: for a policy
//! that is the same, and a router of commands may guess.

use std::collections::HashMap;
use std::sync::LazyLock;

/// Where in a command its keys are; the name is at position 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keys {
    /// From one position to another, which counts from the end if it is negative, in steps. Where `more`
    /// is set, options hold further keys.
    At { first: usize, last: isize, step: usize, more: bool },
    /// So many as the argument at this position says, behind it.
    Counted(usize),
    /// Behind the word `STREAMS`.
    Streams,
    /// None.
    No,
}

/// What is known of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    /// It changes nothing.
    pub(crate) reads: bool,
    pub(crate) keys: Keys,
}

const READS: bool = true;
const WRITES: bool = false;
const ONE: Keys = at(1, 1, 1);
const ALL: Keys = at(1, -1, 1);

const fn at(first: usize, last: isize, step: usize) -> Keys {
    Keys::At { first, last, step, more: false }
}

const fn from(first: usize) -> Keys {
    Keys::At { first, last: first as isize, step: 1, more: true }
}

const TABLE: [(bool, Keys, &str); 27] = [
    (READS, Keys::No, "dbsize keys lolwut randomkey scan"),
    (READS, ALL, "exists mget pfcount sdiff sinter sunion touch"),
    (
        READS,
        ONE,
        "bitcount bitfield_ro bitpos dump expiretime geodist geohash geopos georadius_ro georadiusbymember_ro \
         geosearch get getbit getrange hexists hexpiretime hget hgetall hkeys hlen hmget hpexpiretime hpttl \
         hrandfield hscan hstrlen httl hvals lindex llen lpos lrange pexpiretime pttl scard sismember smembers \
         smismember srandmember sscan strlen substr ttl type xlen xpending xrange xrevrange zcard zcount \
         zlexcount zmscore zrandmember zrange zrangebylex zrangebyscore zrank zrevrange zrevrangebylex \
         zrevrangebyscore zrevrank zscan zscore",
    ),
    (READS, at(1, 2, 1), "lcs"),
    (
        READS,
        at(2, 2, 1),
        "memory|usage object|encoding object|freq object|idletime object|refcount xinfo|consumers xinfo|groups \
         xinfo|stream",
    ),
    (READS, from(1), "sort_ro"),
    (READS, Keys::Counted(1), "sintercard zdiff zinter zintercard zunion"),
    (READS, Keys::Counted(2), "eval_ro evalsha_ro fcall_ro"),
    (READS, Keys::Streams, "xread"),
    (WRITES, ONE, "spublish"),
    (WRITES, ALL, "ssubscribe sunsubscribe watch"),
    (WRITES, at(1, -2, 1), "blpop brpop bzpopmax bzpopmin"),
    (WRITES, ALL, "del pfmerge sdiffstore sinterstore sunionstore unlink"),
    (WRITES, at(1, -1, 2), "mset msetnx"),
    (
        WRITES,
        ONE,
        "append bitfield decr decrby expire expireat geoadd getdel getex getset hdel hexpire hexpireat hincrby \
         hincrbyfloat hmset hpersist hpexpire hpexpireat hset hsetnx incr incrby incrbyfloat linsert lpop lpush \
         lpushx lrem lset ltrim move persist pexpire pexpireat pfadd psetex restore restore-asking rpop rpush \
         rpushx sadd set setbit setex setnx setrange spop srem xack xadd xautoclaim xclaim xdel xsetid xtrim \
         zadd zincrby zpopmax zpopmin zrem zremrangebylex zremrangebyrank zremrangebyscore",
    ),
    (
        WRITES,
        at(1, 2, 1),
        "blmove brpoplpush copy geosearchstore lmove rename renamenx rpoplpush smove zrangestore",
    ),
    (WRITES, at(2, -1, 1), "bitop"),
    (
        WRITES,
        at(2, 2, 1),
        "pfdebug xgroup|create xgroup|createconsumer xgroup|delconsumer xgroup|destroy xgroup|setid",
    ),
    (WRITES, from(1), "georadius georadiusbymember sort zdiffstore zinterstore zunionstore"),
    (WRITES, from(3), "migrate"),
    (WRITES, Keys::Counted(1), "lmpop zmpop"),
    (WRITES, Keys::Counted(2), "blmpop bzmpop"),
    (WRITES, Keys::Counted(2), "eval evalsha fcall"),
    (WRITES, Keys::Streams, "xreadgroup"),
    (READS, Keys::No, "command command|count command|docs command|getkeys command|getkeysandflags"),
    (READS, Keys::No, "command|help command|info command|list"),
    (READS, Keys::No, "echo ping time"),
];

static ENTRIES: LazyLock<HashMap<&'static str, Entry>> = LazyLock::new(|| {
    let entries = TABLE.iter().flat_map(|(reads, keys, names)| {
        let entry = Entry { reads: *reads, keys: *keys };
        names.split_ascii_whitespace().map(move |name| (name, entry))
    });
    entries.collect()
});

/// What is known of a command, by its name and first argument in whatever case.
pub(crate) fn entry(name: &[u8], argument: Option<&[u8]>) -> Option<Entry> {
    let name = std::str::from_utf8(name).ok()?.to_ascii_lowercase();
    if let Some(entry) = ENTRIES.get(name.as_str()) {
        return Some(*entry);
    }
    let argument = std::str::from_utf8(argument?).ok()?.to_ascii_lowercase();
    ENTRIES.get(format!("{name}|{argument}").as_str()).copied()
}

/// The first key among the words of a command.
pub(crate) fn first_key<W: AsRef<[u8]>>(words: &[W]) -> Option<&[u8]> {
    let word = |position: usize| words.get(position).map(AsRef::as_ref);
    let Some(entry) = entry(word(0)?, word(1)) else { return word(1) };
    match entry.keys {
        Keys::No => None,
        Keys::At { first, .. } => word(first),
        Keys::Counted(count) => {
            if word(count)? == b"0" {
                None
            } else {
                word(count + 1)
            }
        }
        Keys::Streams => {
            let streams = words.iter().position(|word| word.as_ref().eq_ignore_ascii_case(b"streams"))?;
            word(streams + 1)
        }
    }
}

/// All keys among the words of a command, if their places are certain.
pub(crate) fn certain_keys<W: AsRef<[u8]>>(words: &[W]) -> Option<Vec<&[u8]>> {
    let (name, argument) = (words.first()?.as_ref(), words.get(1).map(AsRef::as_ref));
    match entry(name, argument)?.keys {
        Keys::At { first, last, step, more: false } => {
            let end = match usize::try_from(last) {
                Ok(last) => last.checked_add(1)?,
                Err(_) => words.len().checked_add_signed(last)?.checked_add(1)?,
            };
            let keys = words.get(first..end).filter(|keys| !keys.is_empty())?;
            Some(keys.iter().step_by(step).map(AsRef::as_ref).collect())
        }
        _ => None,
    }
}

/// Everything in the table, in the terms of `COMMAND`: name, whether it reads, and its first, last and step
/// of keys.
pub(crate) fn known() -> Vec<(&'static str, bool, (usize, isize, usize))> {
    let positions = |keys| match keys {
        Keys::At { first, last, step, .. } => (first, last, step),
        Keys::Counted(_) | Keys::Streams | Keys::No => (0, 0, 0),
    };
    ENTRIES.iter().map(|(name, entry)| (*name, entry.reads, positions(entry.keys))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<&[u8]> {
        line.split(' ').map(str::as_bytes).collect()
    }

    #[test]
    fn the_first_key_is_found_wherever_it_is() {
        let table = [
            ("GET k", Some("k")),
            ("object encoding k", Some("k")),
            ("FCALL track_v1 2 a b", Some("a")),
            ("EVAL s 0 x", None),
            ("XREAD COUNT 1 STREAMS a b 0 0", Some("a")),
            ("XREADGROUP GROUP g c STREAMS a >", Some("a")),
            ("ZUNION 2 a b", Some("a")),
            ("BLMPOP 0 1 a LEFT", Some("a")),
            ("ZUNIONSTORE to 1 a", Some("to")),
            ("MIGRATE h 1 k 0 1", Some("k")),
            ("PING", None),
            ("SCAN 0", None),
            ("JSON.GET k", Some("k")),
            ("GET", None),
            ("FCALL f", None),
        ];
        for (line, expected) in table {
            assert_eq!(first_key(&words(line)), expected.map(str::as_bytes), "{line}");
        }
    }

    #[test]
    fn keys_are_certain_only_where_no_option_holds_another() {
        let table: [(&str, Option<&[&str]>); 9] = [
            ("MGET a b c", Some(&["a", "b", "c"])),
            ("mset a 1 b 2", Some(&["a", "b"])),
            ("XINFO STREAM a", Some(&["a"])),
            ("BLPOP a b 0", Some(&["a", "b"])),
            ("SORT a STORE b", None),
            ("EVAL s 1 a", None),
            ("MGET", None),
            ("PING", None),
            ("JSON.GET a", None),
        ];
        for (line, expected) in table {
            let expected = expected.map(|keys| keys.iter().map(|key| key.as_bytes()).collect::<Vec<_>>());
            assert_eq!(certain_keys(&words(line)), expected, "{line}");
        }
    }

    #[test]
    fn no_name_is_in_two_rows() {
        let names = TABLE.iter().flat_map(|(_, _, names)| names.split_ascii_whitespace());
        assert_eq!(names.count(), ENTRIES.len());
    }
}
