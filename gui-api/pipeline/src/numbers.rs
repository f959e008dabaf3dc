//! Numbers that no JSON number of ours holds to the digit are texts from here on.
//!
//! serde_json, and so whoever reads what we store, knows 64-bit integers and doubles. A number that one of them holds
//! is left as it is; another would come back rounded, or not at all, so it is put in quotes, digits as they were sent.

use std::borrow::Cow;

/// So many significant digits are held by a double, whatever they are.
const SAFE_DIGITS: usize = 15;

/// The same JSON, but for numbers that would not be kept to the digit. What is no JSON stays so.
pub(crate) fn keep_digits(json: &str) -> Cow<'_, str> {
    let bytes = json.as_bytes();
    let (mut kept, mut copied, mut at) = (String::new(), 0, 0);
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => at = end_of_text(bytes, at),
            b'-' | b'0'..=b'9' => {
                let end = end_of_number(bytes, at);
                let number = json.get(at..end).unwrap_or_default();
                // Not where a key should be: quotes would make one of it.
                if !is_held(number) && is_number(number) && !is_key(bytes, end) {
                    kept.push_str(json.get(copied..at).unwrap_or_default());
                    kept.push_str(&as_integer(number).unwrap_or_else(|| format!("\"{number}\"")));
                    copied = end;
                }
                at = end;
            }
            _ => at += 1,
        }
    }
    if copied == 0 {
        return Cow::Borrowed(json);
    }
    kept.push_str(json.get(copied..).unwrap_or_default());
    Cow::Owned(kept)
}

/// Where the text that begins at `start` has ended.
fn end_of_text(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    at
}

fn end_of_number(bytes: &[u8], start: usize) -> usize {
    let rest = bytes.iter().skip(start);
    start + rest.take_while(|byte| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E')).count()
}

/// Whether a number that ends here stands where a key should.
fn is_key(bytes: &[u8], end: usize) -> bool {
    bytes.iter().skip(end).find(|byte| !byte.is_ascii_whitespace()) == Some(&b':')
}

/// Whether this is a number as JSON writes it (RFC 8259 §6).
fn is_number(text: &str) -> bool {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))),
        None => (unsigned, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(digits)
}

/// Whether serde_json reads this number, and writes it, to the digit.
fn is_held(number: &str) -> bool {
    let is_short = number.len() <= SAFE_DIGITS && !number.contains(['e', 'E']);
    if is_short || number.parse::<i64>().is_ok() || number.parse::<u64>().is_ok() {
        return true;
    }
    let Ok(double) = number.parse::<f64>() else { return false };
    double.is_finite() && Decimal::read(number) == Decimal::read(&format!("{double:e}"))
}

/// The number as a 64-bit integer, if it is one that was written in another way, such as `9007199254740993.0`.
fn as_integer(number: &str) -> Option<String> {
    let integer = Decimal::read(number)?.integer()?;
    let held = integer.parse::<i64>().is_ok() || integer.parse::<u64>().is_ok();
    held.then_some(integer)
}

/// A number in the one form that it has: `0.digits × 10^exponent`, without zeros at either end of the digits.
#[derive(PartialEq)]
struct Decimal {
    is_negative: bool,
    digits: String,
    exponent: i64,
}

impl Decimal {
    /// None when the exponent is absurd.
    fn read(number: &str) -> Option<Self> {
        let unsigned = number.strip_prefix('-').unwrap_or(number);
        let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = [whole, fraction].concat();
        let significant = digits.trim_start_matches('0');
        let zeros = i64::try_from(digits.len() - significant.len()).ok()?;
        let point = i64::try_from(whole.len()).ok()? - zeros;
        let exponent = exponent.parse::<i64>().ok()?.checked_add(point)?;
        let digits = significant.trim_end_matches('0').to_owned();
        let exponent = if digits.is_empty() { 0 } else { exponent };
        Some(Self { is_negative: number.starts_with('-'), digits, exponent })
    }

    /// The number without a point, if it is whole and not far beyond 64 bits.
    fn integer(&self) -> Option<String> {
        let length = usize::try_from(self.exponent).ok().filter(|length| *length <= 20)?;
        let zeros = length.checked_sub(self.digits.len())?;
        let sign = if self.is_negative { "-" } else { "" };
        Some(format!("{sign}{}{}", self.digits, "0".repeat(zeros)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_kept_where_an_integer_or_a_double_holds_it_and_else_becomes_a_text() {
        let kept = [
            "0",
            "-0",
            "100",
            "1e3",
            "1E+3",
            "13.45",
            "-13.450",
            "0.30000000000000004",
            "0.1000",
            "5e-324",
            "1.7976931348623157e308",
            "18446744073709551615",
            "-9223372036854775808",
            "1e22",
            "0.0e-5",
            "100000000000000000000",
            "123456789012345.6",
        ];
        for number in kept {
            assert_eq!(keep_digits(number), number);
        }
        let texts = [
            "1e999",
            "-1e999",
            "1e-400",
            "12345678901234567890123",
            "0.12345678901234567890123",
            "18446744073709551616",
            "-9223372036854775809",
            "0.10000000000000001",
            "1e99999999999999999999",
            "3.14159265358979323846",
        ];
        for number in texts {
            assert_eq!(keep_digits(number), format!("\"{number}\""));
        }
    }

    #[test]
    fn an_integer_that_was_written_like_a_double_stays_a_number() {
        for (sent, kept) in [
            ("9007199254740993.0", "9007199254740993"),
            ("1.8446744073709551615e19", "18446744073709551615"),
            ("-9.223372036854775807E+18", "-9223372036854775807"),
        ] {
            assert_eq!(keep_digits(sent), kept);
        }
    }

    #[test]
    fn texts_keys_and_what_is_no_json_stay_as_they_are() {
        for json in [
            r#"{"a":"1e999","\"1e999":["\\",2],"1e999":3}"#,
            r#"{1e999:1}"#,
            "{1e999 \n: 1}",
            "\"1e999",
            "\"\\",
            "01234567890123456789012",
            "1.e99999",
            "--1234567890123456789012",
            "-",
            "1e+",
        ] {
            assert_eq!(keep_digits(json), json);
        }
        let among = r#"{"ü":[1e999,-1e999 ,{"x":1e-999}],"y":12.5}"#;
        assert_eq!(keep_digits(among), r#"{"ü":["1e999","-1e999" ,{"x":"1e-999"}],"y":12.5}"#);
    }
}
