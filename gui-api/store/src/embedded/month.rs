//! Which partition an event belongs to: the month of its event time, UTC.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::tz::TimeZone;

const FIRST: Month = Month { year: 2000, month: 1 };
const LAST: Month = Month { year: 2099, month: 12 };

/// A calendar month, UTC.
///
/// A visitor's clock can say anything, so there are only 1,200 months: what is before the year 2000
/// belongs to the first, what is after 2099 to the last. Later events are never in an earlier month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Month {
    year: i16,
    month: i8,
}

impl Month {
    /// The month of this time, in microseconds since 1970.
    pub(super) fn of(microseconds: i64) -> Self {
        let Ok(time) = Timestamp::from_microsecond(microseconds) else {
            return if microseconds < 0 { FIRST } else { LAST };
        };
        let date = time.to_zoned(TimeZone::UTC);
        Self { year: date.year(), month: date.month() }.clamp(FIRST, LAST)
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

impl FromStr for Month {
    type Err = NotAMonth;

    fn from_str(name: &str) -> Result<Self, NotAMonth> {
        let (year, month) = name.split_once('-').ok_or(NotAMonth)?;
        let parsed =
            Self { year: year.parse().map_err(|_| NotAMonth)?, month: month.parse().map_err(|_| NotAMonth)? };
        let known = (1..=12).contains(&parsed.month) && (FIRST..=LAST).contains(&parsed);
        if known && parsed.to_string() == name { Ok(parsed) } else { Err(NotAMonth) }
    }
}

/// The name is not that of a partition.
#[derive(Debug)]
pub(super) struct NotAMonth;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_belong_to_their_month_and_absurd_ones_to_the_nearest() {
        let month = |time: &str| Month::of(time.parse::<Timestamp>().unwrap().as_microsecond()).to_string();
        assert_eq!(month("2026-11-30T23:59:59.999Z"), "2026-11");
        assert_eq!(month("2026-12-01T00:00:00Z"), "2026-12");
        assert_eq!(month("2026-12-01T00:30:00+01:00"), "2026-11");
        assert_eq!(month("0001-01-01T00:00:00Z"), "2000-01");
        assert_eq!(month("9999-12-30T00:00:00Z"), "2099-12");
        assert_eq!(Month::of(i64::MIN).to_string(), "2000-01");
        assert_eq!(Month::of(i64::MAX).to_string(), "2099-12");
    }

    #[test]
    fn only_names_that_it_writes_are_read() {
        assert_eq!("2026-11".parse::<Month>().unwrap(), Month { year: 2026, month: 11 });
        for name in
            ["2026-13", "2026-00", "2026-1", "+2026-11", "1999-12", "2100-01", "2026", "", "lost+found"]
        {
            assert!(name.parse::<Month>().is_err(), "{name}");
        }
    }
}
