//! Strings, in the JSON that Redis is sent.

use super::plain::plain;

/// Appends a text as a JSON string.
pub(crate) fn write_string(json: &mut Vec<u8>, text: &str) {
    json.push(b'"');
    let mut rest = text.as_bytes();
    while let Some((run, [special, behind @ ..])) = rest.split_at_checked(plain(rest)) {
        json.extend_from_slice(run);
        match special {
            b'"' | b'\\' => json.extend([b'\\', *special]),
            b'\n' => json.extend(b"\\n"),
            b'\r' => json.extend(b"\\r"),
            b'\t' => json.extend(b"\\t"),
            control => json.extend(format!("\\u{control:04x}").as_bytes()),
        }
        rest = behind;
    }
    json.extend_from_slice(rest);
    json.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_comes_back() {
        let mut all: Vec<String> =
            (0..0x180).filter_map(char::from_u32).map(|at| format!("ab{at}cdefghij{at}")).collect();
        all.extend(
            ["", "\"", "\\\\\"\"", "{\"a\":\"b\\u00e4\",\r\n\t\"c\":[1]}", "ünïcode 🌊 \u{7f}\u{80}"]
                .map(str::to_owned),
        );
        for text in all {
            let mut json = Vec::new();
            write_string(&mut json, &text);
            assert_eq!(serde_json::from_slice::<String>(&json).unwrap(), text);
        }
    }
}
