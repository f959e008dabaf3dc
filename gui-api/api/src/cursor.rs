//! Cursors: where the next page of a list begins, as one opaque word.
//!
//! A cursor is the sort key of the last document that was looked at, so a page never repeats or skips
//! one, however many arrive meanwhile. It holds nothing secret, and a made-up one does no harm:
//! what cannot be read is refused.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::error::ApiError;

/// A list that has pages. Its cursors begin with a word of its own, which changes with the meaning of the rest, so that a
/// cursor of another list or version is refused, not misread.
#[derive(Clone, Copy, Debug)]
pub(crate) enum List {
    Events,
    Profiles,
}

impl List {
    fn word(self) -> &'static str {
        match self {
            Self::Events => "1",
            Self::Profiles => "p1",
        }
    }
}

/// The word for a place: the time by which the list is ordered, and a document's id.
pub(crate) fn encode(list: List, microseconds: i64, id: &str) -> String {
    URL_SAFE_NO_PAD.encode(format!("{}:{microseconds}:{id}", list.word()))
}

/// The place that a cursor stands for; none if we never made it.
fn place(list: List, cursor: &str) -> Option<(i64, String)> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
    let mut parts = text.splitn(3, ':');
    if parts.next()? != list.word() {
        return None;
    }
    let microseconds = parts.next()?.parse().ok()?;
    Some((microseconds, parts.next()?.to_owned()))
}

/// The place that a request names, if it names one.
pub(crate) fn decode<K>(
    list: List,
    cursor: Option<String>,
    key: impl FnOnce(i64, String) -> K,
) -> Result<Option<K>, ApiError> {
    let Some(cursor) = cursor else { return Ok(None) };
    match place(list, &cursor) {
        Some((microseconds, id)) => Ok(Some(key(microseconds, id))),
        None => Err(ApiError::Parameter(format!(
            "`{cursor}` is not a cursor: use `next` of the page before, unchanged, or none for the first page"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_leads_back_to_its_place() {
        for (microseconds, id) in [(0, ""), (-5, "a:b:c"), (i64::MAX, "ünï code\n")] {
            let cursor = encode(List::Events, microseconds, id);
            assert!(cursor.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'), "{cursor}");
            assert_eq!(place(List::Events, &cursor), Some((microseconds, id.to_owned())));
            assert_eq!(place(List::Profiles, &cursor), None);
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
            assert_eq!(place(List::Events, cursor), None, "{cursor}");
        }
    }
}
