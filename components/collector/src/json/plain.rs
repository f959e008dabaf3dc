//! The parts of a string that stand for themselves.

/// How many bytes there are in front of the first quotation mark, backslash or control character.
pub(super) fn plain(text: &[u8]) -> usize {
    let mut at = 0;
    while let Some(bytes) = text.get(at..).and_then(<[u8]>::first_chunk) {
        let length = plain_of_eight(*bytes);
        at += length;
        if length < 8 {
            return at;
        }
    }
    let rest = text.get(at..).unwrap_or_default();
    at + rest.iter().position(|byte| !is_plain(*byte)).unwrap_or(rest.len())
}

/// Whether it is neither a quotation mark nor a backslash nor a control character.
pub(super) fn is_plain(byte: u8) -> bool {
    !matches!(byte, b'"' | b'\\' | ..0x20)
}

/// How many of eight bytes there are in front of the first that is not plain.
pub(super) fn plain_of_eight(bytes: [u8; 8]) -> usize {
    const EACH: u64 = u64::MAX / 0xff;
    const TOP: u64 = EACH * 0x80;
    let bytes = u64::from_le_bytes(bytes);
    // The top bit is set of each byte that is below the limit, up to the first one at least.
    let below = |bytes: u64, limit: u64| bytes.wrapping_sub(EACH * limit) & !bytes;
    let equal = |byte: u8| below(bytes ^ (EACH * u64::from(byte)), 1);
    let found = (below(bytes, 0x20) | equal(b'"') | equal(b'\\')) & TOP;
    found.trailing_zeros() as usize / 8
}
