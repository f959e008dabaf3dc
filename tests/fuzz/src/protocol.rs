//! What the edge, Redis and the private service say to each other, as far as strangers have a say in it.

use std::collections::HashMap;

use tideline_protocol::{EntryId, ProfileIdKeys, StreamRecord};

/// A stream entry, a field a line: `name=value`. What was read is written, and read again, as the same.
pub fn stream_entry(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let fields: HashMap<&str, &str> = text.split('\n').filter_map(|line| line.split_once('=')).collect();
    let Ok(record) = StreamRecord::from_fields(|name| fields.get(name).map(|value| (*value).to_owned()))
    else {
        return;
    };
    let written: HashMap<_, _> = record.fields().into_iter().collect();
    let field = |name: &str| written.get(name).map(|value| value.clone().into_owned());
    assert_eq!(StreamRecord::from_fields(field), Ok(record.clone()));
}

/// The id of a stream entry: an id has one meaning, and its own text means it.
pub fn entry_id(bytes: &[u8]) {
    if let Ok(id) = String::from_utf8_lossy(bytes).parse::<EntryId>() {
        assert_eq!(id.to_string().parse(), Ok(id));
    }
}

/// A profile id that a visitor brings, and keys as an operator may write them. What was not minted is not ours.
pub fn profile_id(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let keys = ProfileIdKeys::parse("00112233445566778899aabbccddeeff").expect("keys");
    // The signature has 32 bits; that these bytes were guessed is not to be expected.
    assert!(!keys.verify(&text), "{text} is nobody's, and passes");
    if let Ok(keys) = ProfileIdKeys::parse(&text) {
        assert!(!format!("{keys:?}").contains(text.trim()), "a secret is shown");
    }
    let random: [u8; 6] = std::array::from_fn(|index| bytes.get(index).copied().unwrap_or_default());
    let minted = keys.mint(u64::try_from(bytes.len()).unwrap_or_default(), random);
    assert!(keys.verify(&minted), "{minted} is ours, and does not pass");
}
