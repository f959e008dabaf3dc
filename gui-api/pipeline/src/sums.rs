//! Sums of JSON numbers, kept to the digit where doubles would not: `0.1 + 0.2` is `0.3`.
//!
//! So the sum of amounts does not depend on their order, which two lanes of one profile do not agree on.

use serde_json::Number;

/// The sum; none when no number of ours holds it.
pub(crate) fn sum(a: &Number, b: &Number) -> Option<Number> {
    exact(a, b).or_else(|| Number::from_f64(a.as_f64()? + b.as_f64()?))
}

/// The same number with the other sign.
pub(crate) fn negative(number: &Number) -> Option<Number> {
    let integer = number.as_i128().and_then(|integer| Number::from_i128(-integer));
    integer.or_else(|| Number::from_f64(-number.as_f64()?))
}

fn exact(a: &Number, b: &Number) -> Option<Number> {
    let (a, b) = (Decimal::read(a)?, Decimal::read(b)?);
    let scale = a.scale.max(b.scale);
    let sum = a.at(scale)?.checked_add(b.at(scale)?)?;
    if scale == 0 {
        return Number::from_i128(sum);
    }
    let (sign, digits) = (if sum < 0 { "-" } else { "" }, format!("{:0>1$}", sum.unsigned_abs(), scale + 1));
    let (whole, fraction) = digits.split_at_checked(digits.len() - scale)?;
    Number::from_f64(format!("{sign}{whole}.{fraction}").parse().ok()?)
}

/// `digits / 10^scale`.
struct Decimal {
    digits: i128,
    scale: usize,
}

impl Decimal {
    /// None for a number that is written with an exponent: it is very large, or very small.
    fn read(number: &Number) -> Option<Self> {
        let text = number.to_string();
        let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
        Some(Self { digits: format!("{whole}{fraction}").parse().ok()?, scale: fraction.len() })
    }

    fn at(&self, scale: usize) -> Option<i128> {
        let more = u32::try_from(scale.checked_sub(self.scale)?).ok()?;
        self.digits.checked_mul(10_i128.checked_pow(more)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_add_up_to_the_digit() {
        let table = [
            ("0.1", "0.2", "0.3"),
            ("129.5", "0.5", "130.0"),
            ("1", "-2", "-1"),
            ("-0.05", "0.02", "-0.03"),
            ("19.99", "-19.99", "0.0"),
            ("9223372036854775807", "1", "9223372036854775808"),
            ("18446744073709551615", "1", "1.8446744073709552e+19"),
            ("1e300", "1", "1e+300"),
            ("1e-7", "1", "1.0000001"),
        ];
        for (a, b, expected) in table {
            let (a, b) = (a.parse().unwrap(), b.parse().unwrap());
            assert_eq!(sum(&a, &b).unwrap().to_string(), expected);
            assert_eq!(sum(&b, &a).unwrap().to_string(), expected);
        }
        assert_eq!(sum(&"1.7e308".parse().unwrap(), &"1.7e308".parse().unwrap()), None);
        for (number, expected) in
            [("2", "-2"), ("-0.5", "0.5"), ("18446744073709551615", "-1.8446744073709552e+19")]
        {
            assert_eq!(negative(&number.parse().unwrap()).unwrap().to_string(), expected);
        }
    }

    #[test]
    fn the_order_of_amounts_does_not_matter() {
        let amounts: Vec<Number> =
            ["0.1", "0.7", "1234.56", "0.01", "99.999", "3"].map(|text| text.parse().unwrap()).into();
        let total = |amounts: &mut dyn Iterator<Item = &Number>| {
            amounts.fold(Number::from(0), |total, amount| sum(&total, amount).unwrap()).to_string()
        };
        assert_eq!(total(&mut amounts.iter()), total(&mut amounts.iter().rev()));
        assert_eq!(total(&mut amounts.iter()), "1338.369");
    }
}
