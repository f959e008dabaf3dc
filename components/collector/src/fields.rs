//! Properties of an event from a query, a form or a plain body (`docs/protocol.md` §2.5).

use std::collections::BTreeMap;

use bytes::Bytes;
use futures_util::stream;

use crate::RequestHead;
use crate::envelope::{LEVELS_ABOVE_PROPERTIES, quoted};
use crate::fault::{Fault, What, fault, shown};
use crate::json::{Document, Kind};

/// The property that holds a body which is no object.
const BODY: &str = "body";

/// The properties that a webhook's body holds, as JSON text of an object that an event can have.
pub(crate) async fn of_body(head: &RequestHead, body: Vec<u8>) -> Result<String, Vec<Fault>> {
    let media_type = head.media_type();
    if media_type == "multipart/form-data" {
        return multipart(head.header("content-type").unwrap_or_default(), body)
            .await
            .and_then(within_limits);
    }
    let body = String::from_utf8(body)
        .or_else(|_| fault(What::Malformed("the body is not UTF-8".to_owned()), &[], None))?;
    if media_type == "application/x-www-form-urlencoded" {
        return within_limits(object(of_pairs(&body)));
    }
    let is_json = media_type == "application/json" || media_type.ends_with("+json");
    if body.trim().is_empty() {
        return if is_json { fault(What::Missing, &[], None) } else { Ok("{}".to_owned()) };
    }
    // What is no object gets one around it.
    let levels = LEVELS_ABOVE_PROPERTIES + usize::from(!body.trim_start().starts_with('{'));
    match Document::read_below(levels, body.as_bytes()) {
        Ok(document) if document.root().kind() == Kind::Object => Ok(document.root().json().to_owned()),
        Ok(document) if is_json => Ok(format!(r#"{{"{BODY}":{}}}"#, document.root().json())),
        Err(unreadable) if is_json => Err(vec![Fault::unreadable(unreadable)]),
        _ => within_limits(object(vec![(BODY.to_owned(), quoted(&body))])),
    }
}

/// The parameters of a query, without these.
pub(crate) fn of_query(query: &str, without: &[&str]) -> Result<String, Vec<Fault>> {
    let parameters = of_pairs(query).into_iter().filter(|(name, _)| !without.contains(&name.as_str()));
    within_limits(object(parameters.collect()))
}

/// Properties that were made of something else, if their names and texts are no longer than those of an event may be.
fn within_limits(properties: String) -> Result<String, Vec<Fault>> {
    match Document::read_below(LEVELS_ABOVE_PROPERTIES, properties.as_bytes()) {
        Ok(_) => Ok(properties),
        Err(unreadable) => Err(vec![Fault::made_unreadable(unreadable)]),
    }
}

fn of_pairs(text: &str) -> Vec<(String, String)> {
    form_urlencoded::parse(text.as_bytes()).map(|(name, value)| (name.into_owned(), quoted(&value))).collect()
}

/// An object of these members, whose values are JSON; those of a name that is there several times become a list.
fn object(members: Vec<(String, String)>) -> String {
    // There may be tens of thousands.
    let mut places = BTreeMap::new();
    let mut grouped: Vec<(&str, Vec<&str>)> = Vec::new();
    for (name, value) in &members {
        let place = *places.entry(name).or_insert(grouped.len());
        match grouped.get_mut(place) {
            Some((_, values)) => values.push(value),
            None => grouped.push((name, vec![value])),
        }
    }
    let members = grouped.into_iter().map(|(name, values)| match values.as_slice() {
        [value] => format!("{}:{value}", quoted(name)),
        values => format!("{}:[{}]", quoted(name), values.join(",")),
    });
    format!("{{{}}}", members.collect::<Vec<_>>().join(","))
}

/// The fields of a form in parts. Of a file its name, type and size are kept, not what is in it.
async fn multipart(content_type: &str, body: Vec<u8>) -> Result<String, Vec<Fault>> {
    let malformed = |error: &multer::Error| {
        vec![Fault::new(What::Malformed(shown(&error.to_string()).into_owned()), &[], None)]
    };
    let boundary = multer::parse_boundary(content_type).map_err(|error| malformed(&error))?;
    let whole = stream::iter([Ok::<_, multer::Error>(Bytes::from(body))]);
    let mut form = multer::Multipart::new(whole, boundary);
    let mut members = Vec::new();
    while let Some(field) = form.next_field().await.map_err(|error| malformed(&error))? {
        let name = field.name().unwrap_or_default().to_owned();
        let file =
            field.file_name().map(|file| (file.to_owned(), field.content_type().map(ToString::to_string)));
        let content = field.bytes().await.map_err(|error| malformed(&error))?;
        let value = match (file, std::str::from_utf8(&content)) {
            (None, Ok(text)) => quoted(text),
            (None, Err(_)) => {
                return fault(
                    What::Malformed(format!("the field `{}` is not UTF-8", shown(&name))),
                    &[],
                    None,
                );
            }
            (Some((file, media_type)), _) => format!(
                r#"{{"filename":{},"content_type":{},"size":{}}}"#,
                quoted(&file),
                media_type.map_or("null".to_owned(), |media_type| quoted(&media_type)),
                content.len()
            ),
        };
        members.push((name, value));
    }
    Ok(object(members))
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use http::Method;
    use serde_json::{Value, json};

    use super::*;

    fn read(content_type: &str, body: &[u8]) -> Result<Value, Value> {
        let headers = vec![("content-type".to_owned(), content_type.to_owned())];
        let head = RequestHead::new(Method::POST, "/collect/a/b", headers);
        of_body(&head, body.to_vec())
            .now_or_never()
            .unwrap()
            .map(|properties| serde_json::from_str(&properties).unwrap())
            .map_err(|faults| serde_json::to_value(faults).unwrap())
    }

    #[test]
    fn every_form_of_body_becomes_properties() {
        let table = [
            ("application/json", &br#"{"voucher":"A1"}"#[..], json!({"voucher":"A1"})),
            ("application/json; charset=utf-8", b"[1,2]", json!({"body":[1,2]})),
            ("application/cloudevents+json", b"7", json!({"body":7})),
            ("", br#"{"a":1}"#, json!({"a":1})),
            ("text/plain", b"hello", json!({"body":"hello"})),
            ("text/plain", br#"{"a":1}"#, json!({"a":1})),
            (
                "application/x-www-form-urlencoded",
                b"voucher=A1&x=%C3%BC+&x=2",
                json!({"voucher":"A1","x":["\u{fc} ","2"]}),
            ),
            ("", b"", json!({})),
            ("text/plain", b" ", json!({})),
        ];
        for (content_type, body, expected) in table {
            assert_eq!(read(content_type, body), Ok(expected), "{content_type}");
        }
    }

    #[test]
    fn a_form_in_parts_keeps_texts_and_names_of_files() {
        let body = "--x\r\ncontent-disposition: form-data; name=\"a\"\r\n\r\n1\r\n\
                    --x\r\ncontent-disposition: form-data; name=\"f\"; filename=\"p.png\"\r\ncontent-type: image/png\r\n\r\n\u{1}\u{2}\r\n--x--\r\n";
        let expected = json!({"a":"1","f":{"filename":"p.png","content_type":"image/png","size":2}});
        assert_eq!(read("multipart/form-data; boundary=x", body.as_bytes()), Ok(expected));
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        for (content_type, body) in [
            ("application/json", &b"{\"a\":"[..]),
            ("text/plain", b"\xff"),
            ("multipart/form-data", b"--x--"),
            (
                "multipart/form-data; boundary=x",
                b"--x\r\ncontent-disposition: form-data; name=\"a\"\r\n\r\n1",
            ),
        ] {
            assert_eq!(read(content_type, body).unwrap_err()[0]["type"], "json_invalid", "{content_type}");
        }
    }

    #[test]
    fn what_is_said_to_be_json_is_not_empty() {
        for content_type in ["application/json", "application/cloudevents+json"] {
            for body in [&b""[..], b" "] {
                let fault = read(content_type, body).unwrap_err();
                assert_eq!((&fault[0]["type"], &fault[0]["loc"]), (&json!("missing"), &json!(["body"])));
            }
        }
    }

    #[test]
    fn a_query_becomes_properties_without_what_is_not_meant() {
        assert_eq!(of_query("a=1&pixel&a=2&b=%22", &["pixel"]).unwrap(), r#"{"a":["1","2"],"b":"\""}"#);
        assert_eq!(of_query("", &[]).unwrap(), "{}");
        assert!(of_query(&format!("{}=1", "n".repeat(1025)), &[]).is_err());
    }

    #[test]
    fn properties_keep_the_limits_of_an_event() {
        let nested = |levels: usize| format!("{}{}", r#"{"a":"#.repeat(levels - 1) + "{", "}".repeat(levels));
        assert!(read("application/json", nested(61).as_bytes()).is_ok());
        let fault = read("application/json", nested(62).as_bytes()).unwrap_err();
        assert_eq!((&fault[0]["type"], &fault[0]["loc"]), (&json!("json_invalid"), &json!(["body", 305])));
        let list = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
        assert!(read("application/json", list(60).as_bytes()).is_ok());
        assert!(read("application/json", list(61).as_bytes()).is_err());
        let long = "x".repeat(65_537);
        for (content_type, body) in [
            ("text/plain", long.clone()),
            ("application/x-www-form-urlencoded", format!("a={long}")),
            ("application/x-www-form-urlencoded", long.clone()),
            (
                "multipart/form-data; boundary=x",
                format!("--x\r\ncontent-disposition: form-data; name=\"a\"\r\n\r\n{long}\r\n--x--\r\n"),
            ),
        ] {
            let fault = read(content_type, body.as_bytes()).unwrap_err();
            assert_eq!((&fault[0]["type"], &fault[0]["loc"]), (&json!("string_too_long"), &json!(["body"])));
        }
    }

    #[test]
    fn a_form_may_have_as_many_names_as_a_body_holds() {
        let form: String = (0..60_000).map(|number| format!("{number:x}&")).collect();
        let properties = read("application/x-www-form-urlencoded", form.as_bytes()).unwrap();
        assert_eq!(properties.as_object().unwrap().len(), 60_000);
    }
}
