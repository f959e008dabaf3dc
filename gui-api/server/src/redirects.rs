//! Redirects: what they must be like, and how the edge reads them.

use anyhow::bail;
use serde_json::Value;
use tideline_model::{Bridge, EventSource, Redirect};
use url::Url;

use crate::published::EdgeCopy;

const MOST_TYPE_BYTES: usize = 256;
const MOST_URL_BYTES: usize = 2048;
const MOST_PROPS_BYTES: usize = 16 * 1024;
/// Half of what a request may nest.
const MOST_PROPS_LEVELS: usize = 32;

/// Whether a redirect can do what it says. `sources` are all that there are.
///
/// # Errors
/// What it cannot do, and what to do.
pub(crate) fn check(redirect: &Redirect, sources: &[EventSource]) -> anyhow::Result<()> {
    let Redirect { id, source, event_type, url, props, .. } = redirect;
    if id.contains(|letter: char| "/?#%\\".contains(letter) || letter.is_whitespace() || letter.is_control())
    {
        bail!("its id is a part of an address: leave out spaces and / ? # % \\");
    }
    match sources.iter().find(|known| known.id.to_lowercase() == source.to_lowercase()) {
        None => bail!("its source `{source}` is not in the file: add it, with the type redirect"),
        Some(known) if !known.r#type.contains(&Bridge::Redirect) => {
            bail!("its source `{source}` does not take redirects: add redirect to its type");
        }
        Some(_) => {}
    }
    if event_type.trim().is_empty() || event_type.len() > MOST_TYPE_BYTES {
        bail!(
            "its event_type `{event_type}` is not usable: write 1 to {MOST_TYPE_BYTES} bytes, as in link-opened"
        );
    }
    check_url(url)?;
    let bytes = serde_json::to_string(props)?.len();
    if bytes > MOST_PROPS_BYTES {
        bail!("its props have {bytes} bytes as JSON, and {MOST_PROPS_BYTES} are the most: shorten them");
    }
    if props.values().any(|value| !nests(value, MOST_PROPS_LEVELS - 1)) {
        bail!("its props nest deeper than {MOST_PROPS_LEVELS} levels: flatten them");
    }
    Ok(())
}

fn check_url(text: &str) -> anyhow::Result<()> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    let Some(url) = url else {
        bail!("its url `{text}` is no web address: write one as in https://shop.example/coats");
    };
    if !url.username().is_empty() || url.password().is_some() {
        bail!("its url has a user name or password, which everybody could read: leave them out");
    }
    if text.len() > MOST_URL_BYTES {
        bail!("its url has {} bytes, and {MOST_URL_BYTES} are the most: shorten it", text.len());
    }
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        bail!("its url has letters that an address writes otherwise: write {url}");
    }
    Ok(())
}

/// Whether a value has at most so many levels.
fn nests(value: &Value, levels: usize) -> bool {
    let inner = |value: &Value| levels.checked_sub(1).is_some_and(|levels| nests(value, levels));
    match value {
        Value::Array(values) => levels > 0 && values.iter().all(inner),
        Value::Object(members) => levels > 0 && members.values().all(inner),
        _ => true,
    }
}

/// A redirect as the function `track_redirect_v1` reads it.
pub(crate) fn copy(redirect: &Redirect) -> EdgeCopy {
    let Redirect { id, source, event_type, url, props, enabled, .. } = redirect;
    EdgeCopy {
        id: id.clone(),
        is_enabled: *enabled,
        fields: vec![
            ("url", url.clone()),
            ("source", source.to_lowercase()),
            ("type", event_type.trim().to_owned()),
            ("props", Value::Object(props.clone()).to_string()),
            ("enabled", if *enabled { "1" } else { "0" }.to_owned()),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn sources() -> Vec<EventSource> {
        vec![
            EventSource { r#type: vec![Bridge::Redirect], ..EventSource::new("Links", "Links") },
            EventSource::new("web", "Web"),
        ]
    }

    fn redirect(settings: Value) -> Redirect {
        let mut redirect = json!({
            "id": "autumn", "name": "Autumn", "source": "links", "event_type": "link-opened",
            "url": "https://shop.example/coats?from=mail#top"
        });
        redirect.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
        serde_json::from_value(redirect).unwrap()
    }

    #[test]
    fn the_edge_reads_every_setting() {
        let fields = copy(&redirect(
            json!({"source": "LINKS", "event_type": " Opened ", "props": {"b": [1], "a": "x"}}),
        ))
        .fields;
        let expected = [
            ("url", "https://shop.example/coats?from=mail#top"),
            ("source", "links"),
            ("type", "Opened"),
            ("props", r#"{"a":"x","b":[1]}"#),
            ("enabled", "1"),
        ];
        assert_eq!(fields, expected.map(|(name, value)| (name, value.to_owned())));
        assert_eq!(
            copy(&redirect(json!({"enabled": false}))).fields[3..],
            [("props", "{}".to_owned()), ("enabled", "0".to_owned())]
        );
    }

    #[test]
    fn what_cannot_work_is_refused_with_what_mends_it() {
        let nested = |levels: usize| {
            serde_json::from_str::<Value>(&("[".repeat(levels) + &"]".repeat(levels))).unwrap()
        };
        let table = [
            (json!({"id": "a/b"}), "leave out"),
            (json!({"id": "a b"}), "leave out"),
            (json!({"source": "nowhere"}), "is not in the file"),
            (json!({"source": "web"}), "add redirect to its type"),
            (json!({"event_type": " "}), "as in link-opened"),
            (json!({"event_type": "x".repeat(257)}), "256 bytes"),
            (json!({"url": "/coats"}), "is no web address"),
            (json!({"url": "javascript:alert(1)"}), "is no web address"),
            (json!({"url": "ftp://shop.example"}), "is no web address"),
            (json!({"url": "https://"}), "is no web address"),
            (json!({"url": "https://me@shop.example"}), "leave them out"),
            (json!({"url": "https://me:secret@shop.example"}), "leave them out"),
            (json!({"url": "https://shop.example/a b"}), "write https://shop.example/a%20b"),
            (
                json!({"url": "https://shop.example/\r\nset-cookie:a"}),
                "letters that an address writes otherwise",
            ),
            (json!({"url": "https://bücher.example/"}), "write https://xn--bcher-kva.example/"),
            (json!({"url": format!("https://shop.example/{}", "x".repeat(2048))}), "shorten it"),
            (json!({"props": {"a": "x".repeat(MOST_PROPS_BYTES)}}), "shorten them"),
            (json!({"props": {"a": nested(32)}}), "flatten them"),
        ];
        for (settings, expected) in table {
            let message = check(&redirect(settings.clone()), &sources()).unwrap_err().to_string();
            assert!(message.contains(expected), "{settings}: {message}");
            assert!(!message.contains("secret"), "{message}");
        }
        for settings in [
            json!({}),
            json!({"source": "LINKS"}),
            json!({"props": {"a": nested(31)}}),
            json!({"id": "Ä-1_x.y"}),
        ] {
            let redirect = redirect(settings);
            check(&redirect, &sources()).unwrap();
        }
    }
}
