//! Lanes: the partitions of the path from the edge to the private service (`docs/architecture.md`).

use std::fmt;
use std::hash::Hasher as _;
use std::sync::Arc;

use siphasher::sip::SipHasher24;

/// The lanes of one installation: context, region and how many there are.
///
/// All three are fixed for the life of an installation: they are part of every Redis key, and the
/// number decides which lane a session belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lanes {
    context: String,
    region: String,
    lanes: Vec<Lane>,
}

/// A name or number that lanes cannot have.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum LanesError {
    /// Context or region would break the key format.
    #[error("{what} `{value}` is not usable in a key: use 1 to 32 of a-z, 0-9 and `-`")]
    Name {
        /// `context` or `region`.
        what: &'static str,
        /// The refused value.
        value: String,
    },
    /// The number of lanes is out of range.
    #[error("{0} lanes: use 1 to 256")]
    Count(u16),
}

impl Lanes {
    /// Lanes that an installation has unless it says otherwise.
    pub const DEFAULT_COUNT: u16 = 16;

    /// Checks the three parts.
    ///
    /// # Errors
    /// Names which are not `[a-z0-9-]{1,32}`, and counts outside 1 to 256.
    pub fn new(context: &str, region: &str, count: u16) -> Result<Self, LanesError> {
        for (what, value) in [("context", context), ("region", region)] {
            let fits = (1..=32).contains(&value.len())
                && value.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
            if !fits {
                return Err(LanesError::Name { what, value: value.to_owned() });
            }
        }
        if !(1..=256).contains(&count) {
            return Err(LanesError::Count(count));
        }
        let lane = |number| Lane(format!("tl:{context}:{region}:{number:02}").into());
        Ok(Self {
            context: context.to_owned(),
            region: region.to_owned(),
            lanes: (0..count).map(lane).collect(),
        })
    }

    /// The context, `production` or `staging` as a rule: data of two contexts never meet.
    #[must_use]
    pub fn context(&self) -> &str {
        &self.context
    }

    /// The lane of a session: SipHash-2-4 with an all-zero key over the id, modulo the number of lanes.
    /// Whoever computes it, wherever, gets the same lane.
    #[must_use]
    pub fn of_session(&self, session_id: &str) -> Lane {
        let mut hasher = SipHasher24::new();
        hasher.write(session_id.as_bytes());
        let number = hasher.finish() % u64::from(self.count());
        // The remainder is below their number.
        let lane = usize::try_from(number).ok().and_then(|number| self.lanes.get(number));
        lane.cloned().unwrap_or_else(|| self.nowhere())
    }

    /// The lane that keeps what is known of a profile id, wherever its sessions are.
    #[must_use]
    pub fn of_profile(&self, profile_id: &str) -> Lane {
        self.of_session(profile_id)
    }

    /// Every lane, in order of its number.
    pub fn all(&self) -> impl Iterator<Item = Lane> + '_ {
        self.lanes.iter().cloned()
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> u16 {
        // 256 are the most.
        u16::try_from(self.lanes.len()).unwrap_or(u16::MAX)
    }

    /// A lane that no installation has.
    #[must_use]
    pub fn nowhere(&self) -> Lane {
        Lane(format!("tl:{}:{}:none", self.context, self.region).into())
    }

    /// The channel on which the private service publishes what it has just stored.
    #[must_use]
    pub fn live_channel(&self) -> String {
        format!("tl:{}:live", self.context)
    }

    /// The hash of what rules could not do: how often and why last, by rule. With the keys of the first lane, which
    /// everybody knows.
    #[must_use]
    pub fn rule_failures(&self) -> String {
        self.lanes.first().map_or_else(|| self.nowhere(), Clone::clone).key(&["rule-failures"])
    }
}

/// One lane. Its name is the hash tag of all its keys, so they share a slot of a Redis Cluster.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Lane(Arc<str>);

impl Lane {
    /// The stream of accepted requests.
    #[must_use]
    pub fn events(&self) -> String {
        self.key(&["events"])
    }

    /// The stream of requests that could not be processed, each with its reason.
    #[must_use]
    pub fn dead_letters(&self) -> String {
        self.key(&["dead"])
    }

    /// Who reads this lane now.
    #[must_use]
    pub fn lease(&self) -> String {
        self.key(&["lease"])
    }

    /// The settings of an event source, a hash. Source ids match whatever their case.
    #[must_use]
    pub fn source(&self, source_id: &str) -> String {
        self.key(&["source:", &source_id.to_lowercase()])
    }

    /// How fast a source sends, where its rate is limited.
    #[must_use]
    pub fn rate(&self, source_id: &str) -> String {
        self.key(&["rate:", &source_id.to_lowercase()])
    }

    /// A redirect, a hash. Ids match whatever their case.
    #[must_use]
    pub fn redirect(&self, redirect_id: &str) -> String {
        self.key(&["redirect:", &redirect_id.to_lowercase()])
    }

    /// The id of the profile that this one was merged into, or that an imported id stands for.
    #[must_use]
    pub fn alias(&self, profile_id: &str) -> String {
        self.key(&["alias:", profile_id])
    }

    /// The profile id of a session; empty while the session has none.
    #[must_use]
    pub fn session(&self, session_id: &str) -> String {
        self.key(&["session:", session_id])
    }

    /// What pages may know of the session's profile, a hash: for each event source a JSON object.
    #[must_use]
    pub fn personal(&self, session_id: &str) -> String {
        self.key(&["personal:", session_id])
    }

    /// The mark of a request that was accepted in the last two minutes.
    #[must_use]
    pub fn seen(&self, fingerprint: &str) -> String {
        self.key(&["seen:", fingerprint])
    }

    /// The counts of one minute, a hash; `received_at` in milliseconds since 1970.
    #[must_use]
    pub fn ledger(&self, received_at: u64) -> String {
        self.key(&["ledger:", &(received_at / 60_000).to_string()])
    }

    /// The name, as in `tl:production:eu:07`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0
    }

    /// Every request needs several: joined rather than formatted, which takes many times as long.
    fn key(&self, parts: &[&str]) -> String {
        let mut key =
            String::with_capacity(self.0.len() + 3 + parts.iter().map(|part| part.len()).sum::<usize>());
        for part in ["{", self.name(), "}:"].iter().chain(parts) {
            key.push_str(part);
        }
        key
    }
}

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_keeps_its_lane_for_ever() {
        let lanes = Lanes::new("production", "eu", 16).unwrap();
        // Changing these means that running installations lose the order of their sessions.
        let sessions = ["a", "63e5935c-591d-4287-ad18-432d5645f2a0", "", "ünïcode"];
        let found = sessions.map(|session| lanes.of_session(session).name().replace("tl:production:eu:", ""));
        assert_eq!(found, ["09", "14", "07", "07"]);
    }

    #[test]
    fn all_keys_of_a_lane_share_its_hash_tag() {
        let lane = Lanes::new("production", "eu", 16).unwrap().of_session("a");
        let keys =
            [lane.events(), lane.source("Shop"), lane.session("a"), lane.ledger(120_000), lane.lease()];
        for key in &keys {
            assert!(key.starts_with(&format!("{{{lane}}}:")), "{key}");
        }
        assert!(keys[1].ends_with("source:shop"));
        assert!(keys[3].ends_with("ledger:2"));
    }

    #[test]
    fn names_that_break_keys_are_refused() {
        for bad in ["", "Eu", "e}u", "a:b", &"x".repeat(33)] {
            assert!(Lanes::new("production", bad, 16).is_err(), "{bad}");
        }
        assert_eq!(Lanes::new("production", "eu", 0), Err(LanesError::Count(0)));
        assert_eq!(Lanes::new("production", "eu", 257), Err(LanesError::Count(257)));
    }
}
