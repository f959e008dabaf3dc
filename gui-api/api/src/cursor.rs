//! Cursors: where the next page of a list begins, as one opaque word.
//!
//! A cursor is the sort key of the last event that was sent, so a page never repeats or skips an
//! event, however many arrive meanwhile. It holds nothing secret, and a made-up one does no harm:
//! what cannot be read is refused.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tideline_store::EventKey;

/// Changes with the meaning of the rest, so that a cursor of another version is refused, not misread.
const VERSION: &str = "1";

/// The word for this place.
pub(crate) fn encode(key: &EventKey) -> String {
    URL_SAFE_NO_PAD.encode(format!("{VERSION}:{}:{}", key.microseconds, key.id))
}

/// The place that a cursor stands for; none if we never made it.
pub(crate) fn decode(cursor: &str) -> Option<EventKey> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
    let mut parts = text.splitn(3, ':');
    if parts.next()? != VERSION {
        return None;
    }
    let microseconds = parts.next()?.parse().ok()?;
    Some(EventKey { microseconds, id: parts.next()?.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_leads_back_to_its_place() {
        for (microseconds, id) in [(0, ""), (-5, "a:b:c"), (i64::MAX, "ünï code\n")] {
            let key = EventKey { microseconds, id: id.to_owned() };
            let cursor = encode(&key);
            assert!(cursor.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'), "{cursor}");
            assert_eq!(decode(&cursor), Some(key));
        }
    }

    #[test]
    fn what_we_never_made_is_no_place() {
        let made_up = [
            "",
            "x",
            "next",
            "1:5:a",
            "%",
            &URL_SAFE_NO_PAD.encode("2:5:a"),
            &URL_SAFE_NO_PAD.encode("1:b:a"),
        ];
        for cursor in made_up {
            assert_eq!(decode(cursor), None, "{cursor}");
        }
    }
}
