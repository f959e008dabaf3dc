//! Merging of free properties, bounded in bytes.

use serde_json::Value;
use tideline_model::Properties;

use crate::json;

/// The most that a session keeps of context, and of properties, in bytes of JSON.
pub(crate) const MAX_MERGED_BYTES: usize = 32 * 1024;

/// Puts the keys of `new` over those of `into`. A value with which the whole would exceed
/// [`MAX_MERGED_BYTES`] is left out, and the one before it stays.
pub(crate) fn merge(into: &mut Properties, new: &Properties) {
    let mut size: usize = into.iter().map(|(key, value)| member_bytes(key, value)).sum();
    for (key, value) in new {
        let replaced = into.get(key).map_or(0, |before| member_bytes(key, before));
        let merged = size.saturating_sub(replaced) + member_bytes(key, value);
        if merged <= MAX_MERGED_BYTES {
            into.insert(key.clone(), value.clone());
            size = merged;
        }
    }
}

/// Bytes of one member of a JSON object: key, quotes, colon, comma and value.
fn member_bytes(key: &str, value: &Value) -> usize {
    key.len() + 4 + json::bytes(value)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> Properties {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn later_values_win_and_other_keys_stay() {
        let mut into = object(json!({"a": 1, "b": {"c": 2}}));
        merge(&mut into, &object(json!({"b": 3, "d": null})));
        assert_eq!(into, object(json!({"a": 1, "b": 3, "d": null})));
    }

    #[test]
    fn what_would_exceed_the_bound_is_left_out() {
        let mut into = object(json!({"big": "x".repeat(20_000), "small": 1}));
        merge(&mut into, &object(json!({"another": "y".repeat(20_000), "small": 2})));
        assert!(!into.contains_key("another"));
        assert_eq!(into.get("small"), Some(&json!(2)));
        merge(&mut into, &object(json!({"big": "x".repeat(30_000)})));
        assert_eq!(into.get("big").unwrap().as_str().unwrap().len(), 30_000);
        for round in 0..100 {
            merge(&mut into, &object(json!({format!("key{round}"): "z".repeat(1_000)})));
        }
        assert!(serde_json::to_vec(&into).unwrap().len() <= MAX_MERGED_BYTES + 2);
    }
}
