//! Strings of JSON, without their escapes.
//!
//! Bodies of the edge are JSON within strings, of which every tenth byte is an escape, and to look for them was half of
//! what a request cost here. So what is special is looked for in a whole window at once, and what is between is
//! copied in one step where it is short: few branches depend on where the next escape is.

use std::ops::Range;

/// So many bytes are looked at together: one for each bit of a `u64`.
const WINDOW: usize = 64;

/// Up to so many bytes are copied in one step.
const BLOCK: usize = 16;

/// Appends to `out` the text of the string whose opening quote was the byte before `input`, which has to be UTF-8, and
/// returns what follows the closing one. `None` if it is none.
pub(super) fn unescape<'a>(mut input: &'a [u8], out: &mut Vec<u8>) -> Option<&'a [u8]> {
    loop {
        let mut special = special_bytes(input);
        let mut begin = 0;
        input = loop {
            let end = special.trailing_zeros() as usize;
            copy(input, begin..end, out);
            if end == WINDOW {
                break input.get(WINDOW..)?;
            }
            match input.get(end..)? {
                [b'"', rest @ ..] => return Some(rest),
                // What is escaped means itself, and is copied with what follows it.
                [b'\\', b'"' | b'\\' | b'/', ..] if end + 1 < WINDOW => {
                    begin = end + 1;
                    special &= !(0b11 << end);
                }
                [b'\\', rest @ ..] => break unescape_one(rest, out)?,
                _control_or_end => return None,
            }
        };
    }
}

/// A bit for each byte at the beginning of `input` that does not mean itself, and for its end.
fn special_bytes(input: &[u8]) -> u64 {
    let window = input.first_chunk().copied().unwrap_or_else(|| {
        let mut window = [0; WINDOW];
        window.iter_mut().zip(input).for_each(|(byte, given)| *byte = *given);
        window
    });
    let marks = window.map(|byte| u8::from(byte == b'"') | u8::from(byte == b'\\') | u8::from(byte < 0x20));
    let mut bits = 0;
    for (position, eight) in marks.as_chunks().0.iter().enumerate() {
        // The product has the lowest bits of the eight bytes in its highest byte.
        let product = u64::from_le_bytes(*eight).wrapping_mul(0x0102_0408_1020_4080);
        bits |= (product >> 56) << (8 * position);
    }
    bits
}

fn copy(input: &[u8], range: Range<usize>, out: &mut Vec<u8>) {
    match input.get(range.start..).and_then(<[u8]>::first_chunk::<BLOCK>) {
        // More than is wanted, because a length that is known takes no call.
        Some(block) if range.len() <= BLOCK => {
            out.extend_from_slice(block);
            out.truncate(out.len() - (BLOCK - range.len()));
        }
        _ => out.extend_from_slice(input.get(range).unwrap_or_default()),
    }
}

/// Appends what the escape means that goes on with `input`, and returns what follows it.
fn unescape_one<'a>(input: &'a [u8], out: &mut Vec<u8>) -> Option<&'a [u8]> {
    let [kind, rest @ ..] = input else { return None };
    out.push(match kind {
        b'"' | b'\\' | b'/' => *kind,
        b'b' => 0x08,
        b'f' => 0x0c,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'u' => {
            let (character, rest) = unicode(rest)?;
            out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            return Some(rest);
        }
        _ => return None,
    });
    Some(rest)
}

/// The character of `\u` and four digits, or of two such escapes that belong together.
fn unicode(input: &[u8]) -> Option<(char, &[u8])> {
    let (unit, rest) = four_digits(input)?;
    if !(0xd800..0xdc00).contains(&unit) {
        return Some((char::from_u32(unit.into())?, rest));
    }
    let (second, rest) = four_digits(rest.strip_prefix(br"\u")?)?;
    let pair = char::decode_utf16([unit, second]).next()?;
    Some((pair.ok()?, rest))
}

fn four_digits(input: &[u8]) -> Option<(u16, &[u8])> {
    let (digits, rest) = input.split_first_chunk::<4>()?;
    let mut unit = 0;
    for digit in digits {
        unit = unit << 4 | u16::try_from(char::from(*digit).to_digit(16)?).ok()?;
    }
    Some((unit, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_bytes_are_found_wherever_they_are_and_whatever_is_around_them() {
        for around in [b' ', b'a', b'!', b'#', b'[', b']', 0x7f, 0x80, 0xa2, 0xdc, 0xff] {
            assert_eq!(special_bytes(&[around; 65]), 0, "{around}");
            for special in [b'"', b'\\', 0, 1, 0x1f] {
                for at in 0..WINDOW {
                    let mut window = [around; WINDOW];
                    window[at] = special;
                    assert_eq!(special_bytes(&window), 1 << at, "{special} among {around}");
                    window.fill(special);
                    window[at] = around;
                    assert_eq!(special_bytes(&window), !(1 << at), "{around} among {special}");
                }
            }
        }
        for length in 0..WINDOW {
            assert_eq!(special_bytes(&vec![b'a'; length]).trailing_zeros() as usize, length);
        }
    }

    #[test]
    fn a_string_is_read_as_serde_json_reads_it() {
        let special = [
            "",
            "\"",
            "\\",
            r#"\""#,
            r"\\",
            r"\/",
            r"\b\f\n\r\t",
            r"\u0000",
            r"\u00e9",
            r"\uD83D\uDE00",
            r"\ud83d",
            r"\ud83d\u0041",
            r"\ud83dx",
            r"\ude00",
            r"\u12",
            r"\u+123",
            r"\uzzzz",
            r"\x",
            "\u{1}",
            "\u{1f}",
            "\u{7f}",
            "é",
            "\u{10ffff}",
        ];
        for before in (0..4).chain(58..66) {
            for (first, second) in special.iter().flat_map(|first| special.map(|second| (first, second))) {
                let literal = format!("\"{}{first}{second}0123456789\"]", "-".repeat(before));
                let mut text = b"kept".to_vec();
                let rest = unescape(&literal.as_bytes()[1..], &mut text);
                let mut expected = serde_json::Deserializer::from_str(&literal).into_iter::<String>();
                match expected.next() {
                    Some(Ok(expected_text)) => {
                        assert_eq!(text, format!("kept{expected_text}").into_bytes(), "{literal}");
                        assert_eq!(rest, literal.as_bytes().get(expected.byte_offset()..), "{literal}");
                    }
                    _ => assert_eq!(rest, None, "{literal}"),
                }
            }
        }
    }
}
