//! The hostile corpus (`tests/data/hostile`): a request a line of `cases.jsonl`, and bodies that are no text in files
//! beside it.
//!
//! Texts are strings, or lists of pieces where they are large or no UTF-8: a string, `["x", 1000]` for a thousand of
//! it, `{"hex": "ff"}`, `{"file": "a.gz", "times": 2}`, or `{"counted": 10, "text": "a#&"}` with a number in place of
//! `#`. `@session@` stands for a session of its own. `group` is for readers. What a file holds is also where the fuzz
//! targets begin (`tests/fuzz`).

use std::path::PathBuf;

use serde_json::Value;

/// One request, and what it is answered.
pub(crate) struct Case {
    fields: Value,
    folder: PathBuf,
}

impl Case {
    /// All of them.
    pub(crate) fn all() -> Vec<Self> {
        let folder = xtask::run::root().join("tests/data/hostile");
        let table = std::fs::read_to_string(folder.join("cases.jsonl")).unwrap();
        let lines = table.lines().map(|line| serde_json::from_str(line).unwrap());
        lines.map(|fields| Self { fields, folder: folder.clone() }).collect()
    }

    pub(crate) fn name(&self) -> &str {
        self.fields["name"].as_str().expect("a name")
    }

    /// Whether hosts decide about it, each in its own words: the statuses are a list then.
    pub(crate) fn is_the_hosts(&self) -> bool {
        self.fields["status"].is_array()
    }

    /// The statuses that it may have; 0 is a connection that is closed without an answer.
    pub(crate) fn statuses(&self) -> Vec<u64> {
        match &self.fields["status"] {
            Value::Array(several) => several.iter().map(|status| status.as_u64().unwrap()).collect(),
            one => vec![one.as_u64().expect("a status")],
        }
    }

    /// The type and place of the first fault, of those that are told.
    pub(crate) fn fault(&self) -> (Option<&Value>, Option<&Value>) {
        (self.fields.get("type"), self.fields.get("loc"))
    }

    /// The properties of the event that is stored of it.
    pub(crate) fn stored(&self) -> Option<&Value> {
        self.fields.get("stored")
    }

    /// The request as it goes over the connection, whole with its head.
    pub(crate) fn request(&self, session: &str) -> Vec<u8> {
        let bytes = |value: &Value| replaced(&self.bytes(value), session);
        if let Some(raw) = self.fields.get("raw") {
            return bytes(raw);
        }
        let text = |key: &str, default: &str| match &self.fields[key] {
            Value::Null => default.as_bytes().to_vec(),
            value => bytes(value),
        };
        let body = text("body", "");
        let mut request =
            [&text("method", "POST")[..], b" ", &text("path", "/track"), b" HTTP/1.1\r\n"].concat();
        let fixed =
            format!("host: collect.example\r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
        request.extend_from_slice(fixed.as_bytes());
        for header in self.fields["headers"].as_array().into_iter().flatten() {
            let name = header[0].as_str().expect("a header's name");
            request.extend_from_slice(&[name.as_bytes(), b": ", &bytes(&header[1]), b"\r\n"].concat());
        }
        request.extend_from_slice(b"\r\n");
        request.extend_from_slice(&body);
        request
    }

    fn bytes(&self, value: &Value) -> Vec<u8> {
        match value {
            Value::String(text) => text.clone().into_bytes(),
            Value::Array(pieces) => pieces.iter().flat_map(|piece| self.piece(piece)).collect(),
            other => panic!("{other} is no text of {}", self.name()),
        }
    }

    fn piece(&self, piece: &Value) -> Vec<u8> {
        let number = |value: &Value| usize::try_from(value.as_u64().expect("a number")).unwrap();
        if let Value::Array(repeated) = piece {
            return self.bytes(&repeated[0]).repeat(number(&repeated[1]));
        }
        if let Some(hex) = piece["hex"].as_str() {
            let digits = hex.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
            return digits.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect();
        }
        if let Some(file) = piece["file"].as_str() {
            let content = std::fs::read(self.folder.join(file)).unwrap();
            return content.repeat(piece.get("times").map_or(1, number));
        }
        if let Some(counted) = piece.get("counted") {
            let text = piece["text"].as_str().expect("a text");
            return (0..number(counted))
                .flat_map(|n| text.replace('#', &n.to_string()).into_bytes())
                .collect();
        }
        self.bytes(piece)
    }
}

/// These bytes with a session's id where it belongs.
fn replaced(bytes: &[u8], session: &str) -> Vec<u8> {
    const PLACE: &[u8] = b"@session@";
    // Most have none, and some are large.
    match bytes.windows(PLACE.len()).position(|part| part == PLACE) {
        None => bytes.to_vec(),
        Some(start) => {
            let rest = replaced(&bytes[start + PLACE.len()..], session);
            [&bytes[..start], session.as_bytes(), &rest].concat()
        }
    }
}
