//! Who the person of a profile is, found out in steps.
//!
//! Whoever keeps the profiles is asked who has a key, until all are known, and makes one of profiles that are one person's:
//! ```text
//! while let Some(key) = next_key(profile) {
//!     nobody has it, or this profile: is_free(key)       another has it: meets(profile, other, key)
//! }
//! finish(profile)
//! ```

use tideline_model::Profile;

use super::{Key, Merged, keys, merge};
use crate::Settings;

/// How often a merge may tell of another person that is the same.
const MOST_MERGES: usize = 8;

/// The most profiles that one is kept apart from.
const MOST_APART: usize = 50;

/// A request says who its profile is of.
pub struct Identification<'a> {
    settings: &'a Settings,
    /// Keys of which the profile has others of the same kind now: somebody else may sit there, or an address has changed.
    /// Either way the person is not known by them any more, nor merged by the new ones.
    given_up: Vec<Key>,
    /// Keys that nobody else has.
    free: Vec<Key>,
    /// Keys of others, who are to stay others.
    of_others: Vec<Key>,
    merges: usize,
}

impl<'a> Identification<'a> {
    /// None when nothing new is said.
    #[must_use]
    pub fn of(settings: &'a Settings, before: Option<&Profile>, after: &Profile) -> Option<Self> {
        let wanted = keys(settings, after);
        let has = |key: &Key| after.metadata.keys.contains(&key.id);
        let had = before.map(|before| keys(settings, before)).unwrap_or_default();
        let given_up: Vec<Key> = had.into_iter().filter(|key| !wanted.contains(key)).collect();
        let says_nothing = wanted.iter().all(has) && !given_up.iter().any(has);
        let nothing_known = Self { settings, given_up, free: Vec::new(), of_others: Vec::new(), merges: 0 };
        (!says_nothing).then_some(nothing_known)
    }

    /// A key of the profile of which it has to be known who has it; none when no more is to be known.
    #[must_use]
    pub fn next_key(&self, profile: &Profile) -> Option<Key> {
        let is_known = |key: &Key| {
            profile.metadata.keys.contains(&key.id) || self.free.contains(key) || self.of_others.contains(key)
        };
        let may_merge = self.merges < MOST_MERGES;
        keys(self.settings, profile).into_iter().find(|key| !is_known(key)).filter(|_| may_merge)
    }

    /// Nobody else has this key.
    pub fn is_free(&mut self, key: Key) {
        self.free.push(key);
    }

    /// The profile has a key that another has: what they become; none where they are to stay two.
    pub fn meets(&mut self, profile: &mut Profile, other: &Profile, key: Key) -> Option<Merged> {
        if self.given_up.iter().any(|old| old.kind == key.kind) {
            keep_apart(profile, &other.id);
        }
        let keeps_apart = |one: &Profile, other: &Profile| {
            one.metadata.apart.iter().any(|id| *id == other.id || other.ids.contains(id))
        };
        let are_apart = keeps_apart(profile, other) || keeps_apart(other, profile);
        let merged = (!are_apart).then(|| merge(&self.settings.rules, profile, other)).flatten();
        match merged {
            Some(_) => self.merges += 1,
            None => self.of_others.push(key),
        }
        merged
    }

    /// Gives the profile its keys: those that nobody else has, and those that came by a merge, also where another value is
    /// the one that counts. Whether it has become one with another.
    pub fn finish(self, profile: &mut Profile) -> bool {
        let wanted = keys(self.settings, profile);
        let known = &mut profile.metadata.keys;
        known.retain(|key| self.given_up.iter().all(|old| old.id != *key));
        let free = self.free.into_iter().filter(|key| wanted.contains(key)).map(|key| key.id);
        let new: Vec<String> = free.filter(|key| !known.contains(key)).collect();
        known.extend(new);
        self.merges > 0
    }
}

/// Notes that the profile is not to become one with the other.
fn keep_apart(profile: &mut Profile, other: &str) {
    let apart = &mut profile.metadata.apart;
    if !apart.iter().any(|known| known == other) && apart.len() < MOST_APART {
        apart.push(other.to_owned());
    }
}
