//! What tells a repeated request from a new one.

use std::hash::Hasher as _;

use siphasher::sip128::{Hasher128, SipHasher24};

/// A fingerprint of source, session and event ids; none unless the client gave every event an id,
/// because two clicks of the same kind are two events.
pub(crate) fn fingerprint(source: &str, session: &str, event_ids: &[Option<String>]) -> Option<String> {
    let mut hasher = SipHasher24::new();
    let mut add = |part: &str| {
        // The length keeps `ab`,`c` apart from `a`,`bc`.
        hasher.write_u64(part.len() as u64);
        hasher.write(part.as_bytes());
    };
    add(source);
    add(session);
    for id in event_ids {
        add(id.as_deref()?);
    }
    Some(format!("{:032x}", hasher.finish128().as_u128()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(session: &str, ids: &[Option<&str>]) -> Option<String> {
        let event_ids: Vec<_> = ids.iter().map(|id| id.map(str::to_owned)).collect();
        fingerprint("s", session, &event_ids)
    }

    #[test]
    fn every_build_computes_the_same() {
        assert_eq!(of("session", &[Some("1")]).as_deref(), Some("5bb34e4810cac1afe4b0058f34e2219d"));
    }

    #[test]
    fn equal_ids_in_a_session_are_one_request() {
        let first = of("a", &[Some("1"), Some("2")]);
        assert!(first.is_some());
        assert_eq!(first, of("a", &[Some("1"), Some("2")]));
        assert_ne!(first, of("b", &[Some("1"), Some("2")]));
        assert_ne!(first, of("a", &[Some("12")]));
        assert_eq!(of("a", &[Some("1"), None]), None);
    }
}
