//! Times as clients write them.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

/// Reads a client's time: RFC 3339, the same with a blank for the `T`, without a zone (UTC is meant),
/// or a date. The edge has let pass what begins like a date; if the rest is unreadable, the date counts.
/// None when not even that is a day of the calendar.
pub(crate) fn parse(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(timestamp) = text.parse::<Timestamp>() {
        return Some(timestamp);
    }
    let start_of_day = || text.get(..10)?.parse::<Date>().ok().map(|date| date.at(0, 0, 0, 0));
    let local = text.parse::<DateTime>().ok().or_else(start_of_day)?;
    local.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

/// The time as all fields hold it: a day as it was sent, a moment in UTC. None when it is neither.
pub(crate) fn written_plainly(text: &str) -> Option<String> {
    let text = text.trim();
    match text.parse::<Date>() {
        Ok(day) if text.len() == 10 => Some(day.to_string()),
        _ => parse(text).map(|moment| moment.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spellings_of_clients_are_read() {
        let table = [
            ("2026-11-22T13:42:26.092Z", Some("2026-11-22T13:42:26.092Z")),
            (" 2026-11-22T13:42:26+01:00 ", Some("2026-11-22T12:42:26Z")),
            ("2026-11-22 13:42:26", Some("2026-11-22T13:42:26Z")),
            ("2026-11-22T13:42:26.5", Some("2026-11-22T13:42:26.5Z")),
            ("2026-11-22", Some("2026-11-22T00:00:00Z")),
            ("2026-11-22 at noon", Some("2026-11-22T00:00:00Z")),
            ("2026-13-45", None),
            ("", None),
            ("2026-11-2ü", None),
        ];
        for (text, expected) in table {
            assert_eq!(parse(text).map(|time| time.to_string()).as_deref(), expected, "{text}");
        }
    }
}
