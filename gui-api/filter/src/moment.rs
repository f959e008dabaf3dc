//! Moments and durations, all UTC (`docs/filter.md` §3.4): every day has 24 hours.

use std::fmt;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, ToSpan};

/// About 3,000 years, more than the calendar has.
const MAX_SECONDS: u64 = 100_000_000_000;
const MAX_MONTHS: u64 = 36_000;

const DAY: u64 = 86_400;

/// The longest text that is read as a moment: nanoseconds and an offset fit.
const MAX_BYTES: usize = 40;

/// The beginning of the year 0.
const YEAR_0: i64 = -62_167_219_200;

/// Units of durations: seconds, or months.
const UNITS: [(&str, u64, u64); 7] = [
    ("s", 1, 0),
    ("m", 60, 0),
    ("h", 3_600, 0),
    ("d", DAY, 0),
    ("w", 7 * DAY, 0),
    ("mo", 0, 1),
    ("y", 0, 12),
];

/// A point in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// This one.
    At(Timestamp),
    /// One that moves with the clock.
    Relative {
        /// From where.
        anchor: Anchor,
        /// Whether the distance goes back.
        is_before: bool,
        /// How far.
        distance: Duration,
    },
}

/// What relative moments are counted from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// Now.
    Now,
    /// The beginning of the day, UTC.
    Today,
}

impl Moment {
    /// The point in time, when it is `now`. Beyond the calendar (years -9999 to 9999) it is the calendar's end.
    #[must_use]
    pub fn at(self, now: Timestamp) -> Timestamp {
        let (anchor, is_before, distance) = match self {
            Self::At(moment) => return moment,
            Self::Relative { anchor, is_before, distance } => (anchor, is_before, distance),
        };
        let from = match anchor {
            Anchor::Now => now,
            Anchor::Today => {
                let midnight = now.to_zoned(TimeZone::UTC).date().to_zoned(TimeZone::UTC);
                midnight.map_or(now, |midnight| midnight.timestamp())
            }
        };
        let end = if is_before { Timestamp::MIN } else { Timestamp::MAX };
        distance
            .span(is_before)
            .and_then(|span| from.to_zoned(TimeZone::UTC).checked_add(span).ok())
            .map_or(end, |moved| moved.timestamp())
    }
}

/// A distance in time. Never both zero months and seconds but for the zero duration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Duration {
    /// Whole months, which have no fixed length.
    pub months: u64,
    /// Seconds besides.
    pub seconds: u64,
}

impl Duration {
    /// One day more; none beyond the calendar.
    pub(crate) fn and_a_day(self) -> Option<Self> {
        Some(Self { seconds: self.seconds + DAY, ..self }).filter(|longer| longer.seconds <= MAX_SECONDS)
    }

    /// Reads `30d`, `1h30m`.
    pub(crate) fn read(text: &str) -> Result<Self, NoDuration<'_>> {
        let mut total = Self::default();
        let mut rest = text;
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            let (count, behind) = rest.split_at(digits);
            let length = behind.find(|c: char| c.is_ascii_digit()).unwrap_or(behind.len());
            let (unit, behind) = behind.split_at(length);
            let Some((_, seconds, months)) = UNITS.into_iter().find(|(name, ..)| *name == unit) else {
                return Err(NoDuration::Unit(unit));
            };
            let count: u64 = count.parse().map_err(|_| NoDuration::TooLong)?;
            let add = |total: u64, each: u64| total.checked_add(count.checked_mul(each)?);
            total = add(total.months, months)
                .zip(add(total.seconds, seconds))
                .filter(|(months, seconds)| *months <= MAX_MONTHS && *seconds <= MAX_SECONDS)
                .map(|(months, seconds)| Self { months, seconds })
                .ok_or(NoDuration::TooLong)?;
            rest = behind;
        }
        Ok(total)
    }

    fn span(self, is_before: bool) -> Option<Span> {
        let span = i64::try_from(self.months)
            .ok()?
            .months()
            .try_days(i64::try_from(self.seconds / DAY).ok()?)
            .and_then(|span| span.try_seconds(i64::try_from(self.seconds % DAY).unwrap_or_default()))
            .ok()?;
        Some(if is_before { span.negate() } else { span })
    }
}

/// Why a text is no duration.
pub(crate) enum NoDuration<'a> {
    /// This is no unit.
    Unit(&'a str),
    /// Longer than the calendar.
    TooLong,
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.seconds;
        let mut parts = String::new();
        for (unit, length) in [("d", DAY), ("h", 3_600), ("m", 60), ("s", 1)] {
            if rest >= length {
                parts.push_str(&format!("{}{unit}", rest / length));
                rest %= length;
            }
        }
        match (self.months, parts.as_str()) {
            (0, "") => f.write_str("0s"),
            (0, parts) => f.write_str(parts),
            (months, parts) => write!(f, "{months}mo{parts}"),
        }
    }
}

/// The moment that a text is: `2026-01-31`, `2026-01-31T12:00:00Z`, with a blank for the `T`, without a zone for UTC.
pub(crate) fn read(text: &str) -> Option<Timestamp> {
    // Most texts of documents are no moments, and this is all that they cost.
    if !begins_like_a_date(text) || text.len() > MAX_BYTES {
        return None;
    }
    if let Ok(timestamp) = text.parse::<Timestamp>() {
        // An offset may lead before the year 0, which could not be written in the same way.
        return Some(timestamp).filter(|timestamp| timestamp.as_second() >= YEAR_0);
    }
    let date = || text.parse::<Date>().ok().filter(|_| text.len() == 10).map(|date| date.at(0, 0, 0, 0));
    let local = text.parse::<DateTime>().ok().filter(|_| text.len() > 10).or_else(date)?;
    local.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

/// Whether a text begins with what may be a date of the years 0 to 9999.
pub(crate) fn begins_like_a_date(text: &str) -> bool {
    let begins = |(place, byte): (usize, u8)| match place {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    };
    text.len() >= 10 && text.bytes().take(10).enumerate().all(begins)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn relative(anchor: Anchor, is_before: bool, distance: &str) -> String {
        let distance = Duration::read(distance).unwrap_or_else(|_| panic!("{distance}"));
        let now = "2026-03-31T12:30:00.5Z".parse().unwrap();
        Moment::Relative { anchor, is_before, distance }.at(now).to_string()
    }

    #[test]
    fn relative_moments_follow_the_calendar_and_end_with_it() {
        let table = [
            (Anchor::Now, true, "30d", "2026-03-01T12:30:00.5Z"),
            (Anchor::Now, false, "1h30m", "2026-03-31T14:00:00.5Z"),
            (Anchor::Now, true, "1mo", "2026-02-28T12:30:00.5Z"),
            (Anchor::Now, true, "1y", "2025-03-31T12:30:00.5Z"),
            (Anchor::Today, true, "0s", "2026-03-31T00:00:00Z"),
            (Anchor::Today, true, "2w1d", "2026-03-16T00:00:00Z"),
            (Anchor::Now, true, "3000y", "-000974-03-31T12:30:00.5Z"),
        ];
        for (anchor, is_before, distance, expected) in table {
            assert_eq!(relative(anchor, is_before, distance), expected, "{distance}");
        }
        let now = Timestamp::MAX;
        let distance = Duration { months: MAX_MONTHS, seconds: MAX_SECONDS };
        let later = Moment::Relative { anchor: Anchor::Now, is_before: false, distance };
        assert_eq!(later.at(now), Timestamp::MAX);
        let earlier = Moment::Relative { anchor: Anchor::Today, is_before: true, distance };
        assert_eq!(earlier.at(Timestamp::MIN), Timestamp::MIN);
    }

    #[test]
    fn durations_are_read_and_written_in_one_form() {
        for (text, written) in
            [("90m", "1h30m"), ("2w", "14d"), ("1y2mo3d", "14mo3d"), ("0d", "0s"), ("36h", "1d12h")]
        {
            let duration = Duration::read(text).unwrap_or_else(|_| panic!("{text}"));
            assert_eq!(duration.to_string(), written);
            assert!(Duration::read(written).is_ok_and(|again| again == duration));
        }
        for text in ["5", "5x", "5M", "99999999999y", "99999999999999999999d", "1d2"] {
            assert!(Duration::read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn dates_are_read_as_people_and_programs_write_them() {
        let table = [
            ("2026-01-31", Some("2026-01-31T00:00:00Z")),
            ("2026-01-31T12:00", Some("2026-01-31T12:00:00Z")),
            ("2026-01-31 12:00:01", Some("2026-01-31T12:00:01Z")),
            ("2026-01-31T12:00:00+01:00", Some("2026-01-31T11:00:00Z")),
            ("2026-02-30", None),
            ("2026-01-31x", None),
            ("2026-01", None),
            ("20260131", None),
            ("31.01.2026", None),
            ("", None),
        ];
        for (text, expected) in table {
            assert_eq!(read(text).map(|moment| moment.to_string()).as_deref(), expected, "{text}");
        }
    }
}
