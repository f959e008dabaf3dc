//! Numbers that are compared to the digit, however they are written (`docs/filter.md` §3.3).
//!
//! A double of a document stands for the shortest decimal that reads as this double, which is what was sent: numbers
//! that would lose a digit so are kept as texts.

use std::cmp::Ordering;
use std::fmt;

/// The longest number that is read.
const MAX_BYTES: usize = 400;

/// A decimal number: `0.digits × 10^exponent`, without zeros at either end of the digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Number {
    is_negative: bool,
    digits: String,
    exponent: i64,
}

impl Number {
    /// The number that JSON writes like this (RFC 8259 §6); none when it is no number, or absurdly long.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        // Most texts of documents are no numbers, and this is all that they cost.
        if text.len() > MAX_BYTES || !text.ends_with(|last: char| last.is_ascii_digit()) {
            return None;
        }
        let unsigned = text.strip_prefix('-').unwrap_or(text);
        let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
        let (whole, fraction) = match mantissa.split_once('.') {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (mantissa, None),
        };
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let magnitude = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        let is_json = digits(whole)
            && (whole == "0" || !whole.starts_with('0'))
            && fraction.is_none_or(digits)
            && digits(magnitude);
        if !is_json {
            return None;
        }
        let all = [whole, fraction.unwrap_or_default()].concat();
        let significant = all.trim_start_matches('0');
        let point = i64::try_from(whole.len()).ok()? - i64::try_from(all.len() - significant.len()).ok()?;
        let exponent = exponent.parse::<i64>().ok()?.checked_add(point)?;
        let digits = significant.trim_end_matches('0').to_owned();
        if digits.is_empty() {
            return Some(Self::from(0));
        }
        Some(Self { is_negative: text.starts_with('-'), digits, exponent })
    }

    /// The number that a document holds.
    #[must_use]
    pub fn of(number: &serde_json::Number) -> Option<Self> {
        match number.as_i128() {
            Some(integer) => Some(Self::from(integer)),
            None => Self::read(&format!("{:e}", number.as_f64()?)),
        }
    }
}

impl From<i128> for Number {
    fn from(integer: i128) -> Self {
        let all = integer.unsigned_abs().to_string();
        let digits = all.trim_matches('0').to_owned();
        let exponent = if digits.is_empty() { 0 } else { i64::try_from(all.len()).unwrap_or(i64::MAX) };
        Self { is_negative: integer < 0, digits, exponent }
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        let sign = |number: &Self| match (number.digits.is_empty(), number.is_negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        };
        let by_sign = sign(self).cmp(&sign(other));
        // Digits without zeros in front compare as fractions do.
        let magnitude = self.exponent.cmp(&other.exponent).then_with(|| self.digits.cmp(&other.digits));
        by_sign.then(if self.is_negative { magnitude.reverse() } else { magnitude })
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { is_negative, digits, exponent } = self;
        if *is_negative {
            f.write_str("-")?;
        }
        match usize::try_from(*exponent) {
            _ if digits.is_empty() => f.write_str("0"),
            Ok(0) => write!(f, "0.{digits}"),
            Ok(whole) if whole <= 40 => match digits.split_at_checked(whole) {
                Some((digits, "")) => f.write_str(digits),
                Some((whole, fraction)) => write!(f, "{whole}.{fraction}"),
                None => write!(f, "{digits}{}", "0".repeat(whole - digits.len())),
            },
            _ => write!(f, "0.{digits}e{exponent}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Number {
        Number::read(text).unwrap_or_else(|| panic!("{text}"))
    }

    #[test]
    fn numbers_are_ordered_to_the_digit_as_no_double_would() {
        let ascending = [
            "-1e400",
            "-9223372036854775809",
            "-9223372036854775808",
            "-0.11",
            "-0.1",
            "-1e-400",
            "0",
            "5e-324",
            "0.09999999999999999999",
            "0.1",
            "0.10000000000000000001",
            "0.11",
            "9.99",
            "10",
            "9007199254740992",
            "9007199254740993",
            "9007199254740993.5",
            "18446744073709551615",
            "18446744073709551616",
            "1e999",
        ];
        for (place, text) in ascending.iter().enumerate() {
            for (other_place, other) in ascending.iter().enumerate() {
                assert_eq!(number(text).cmp(&number(other)), place.cmp(&other_place), "{text} and {other}");
            }
            assert_eq!(number(&number(text).to_string()), number(text));
        }
    }

    #[test]
    fn a_number_is_the_same_however_it_is_written() {
        for same in [["1e3", "1000"], ["1.50", "1.5"], ["-0", "0"], ["0.0e9", "0"], ["12E-1", "1.2"]] {
            assert_eq!(number(same[0]), number(same[1]));
        }
        let read: serde_json::Number = serde_json::from_str("13.45").unwrap();
        assert_eq!(Number::of(&read), Number::read("13.45"));
        let read: serde_json::Number = serde_json::from_str("18446744073709551615").unwrap();
        assert_eq!(Number::of(&read), Number::read("18446744073709551615"));
    }

    #[test]
    fn what_json_does_not_write_is_no_number() {
        for text in ["", "-", "01", "1.", ".5", "1e", "+1", "1 ", "0x1", "1e99999999999999999999", "١"] {
            assert_eq!(Number::read(text), None, "{text}");
        }
        assert_eq!(Number::read(&"9".repeat(MAX_BYTES + 1)), None);
    }
}
