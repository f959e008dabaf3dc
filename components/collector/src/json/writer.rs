//! Strings, in the JSON that Redis is sent.

use super::plain::{is_plain, plain_of_eight};

/// Appends a text as a JSON string.
pub(crate) fn write_string(json: &mut Vec<u8>, text: &str) {
    json.push(b'"');
    let mut rest = text.as_bytes();
    // Eight bytes at a time, with what is too much taken back: shorter copies of other lengths cost more.
    while let Some((bytes, behind)) = rest.split_first_chunk() {
        json.extend_from_slice(bytes);
        let run = plain_of_eight(*bytes);
        rest = match bytes.get(run) {
            None => behind,
            Some(special) => {
                json.truncate(json.len() + run - bytes.len());
                escape(json, *special);
                rest.get(run + 1..).unwrap_or_default()
            }
        };
    }
    for byte in rest {
        if is_plain(*byte) {
            json.push(*byte);
        } else {
            escape(json, *byte);
        }
    }
    json.push(b'"');
}

fn escape(json: &mut Vec<u8>, special: u8) {
    match special {
        b'"' | b'\\' => json.extend_from_slice(&[b'\\', special]),
        b'\n' => json.extend_from_slice(b"\\n"),
        b'\r' => json.extend_from_slice(b"\\r"),
        b'\t' => json.extend_from_slice(b"\\t"),
        control => json.extend_from_slice(format!("\\u{control:04x}").as_bytes()),
    }
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
