//! `/redirect/<id>[/<session>]`: a link that is counted before it leads on.

use http::{Method, StatusCode};
use serde_json::value::RawValue;

use crate::collector::Collector;
use crate::envelope::{Envelope, one_event, quoted};
use crate::json::{Kind, Object, check, kind, text};
use crate::submission::{Outcome, Submission, refuse_long, submit};
use crate::{Answered, Clock, Commit, CommitError, Entropy, RequestHead, Response, fields};

/// The cookie in which trackers of the protocol keep the session's id.
const SESSION_COOKIE: &str = "tracardi-session-id";

/// What a template may name.
struct Known<'a> {
    /// `payload@params`: the query, a JSON object.
    parameters: String,
    /// `payload@body`: the body, a JSON object.
    body: String,
    /// `session@id`.
    session: Option<&'a str>,
}

/// Counts the visit and sends the visitor on, who gets there whether or not it could be counted.
pub(crate) async fn redirect<C: Clock, E: Entropy, K: Commit>(
    collector: &Collector<C, E, K>,
    head: &RequestHead,
    id: &str,
    session: Option<&str>,
    body: Vec<u8>,
) -> Result<Answered, CommitError> {
    let not_found = || Response::detail(StatusCode::NOT_FOUND, "Not Found");
    let session = session.map(str::trim).filter(|session| !session.is_empty()).or_else(|| cookie(head));
    if refuse_long(&[id, session.unwrap_or_default()]).is_some() {
        return Ok(not_found().into());
    }
    let key = collector.settings.lanes.of_session(id).redirect(id);
    let began = collector.commit.begin();
    let Some(redirect) = collector.commit.redirect(key, began).await? else { return Ok(not_found().into()) };

    let nothing = || "{}".to_owned();
    let body = if head.method == Method::GET { Ok(nothing()) } else { fields::of_body(head, body).await };
    let known = Known {
        parameters: fields::of_query(&head.query, &[]).unwrap_or_else(|_| nothing()),
        body: body.unwrap_or_else(|_| nothing()),
        session,
    };
    let write = |known: &Known<'_>| {
        let properties =
            serde_json::from_str(&redirect.props).map_or_else(|_| nothing(), |props| filled(props, known));
        let events = one_event(&redirect.event_type, &properties);
        Envelope { source: &redirect.source, session, save_session: false, events: &events }.write()
    };
    // A template may put what was sent so deep, or so often, that nobody could read it: then the link is counted without.
    let most = collector.settings.max_body_bytes;
    let body = Some(write(&known)).filter(|body| body.len() <= most && check(body.as_bytes()).is_ok());
    let body = body.unwrap_or_else(|| write(&Known { parameters: nothing(), body: nothing(), session }));
    let submission = Submission {
        bridge: "redirect",
        session: session.map(str::to_owned),
        profile: None,
        user_agent: None,
        profile_less: session.is_none(),
        session_less: true,
        known_session_only: false,
        event_ids: vec![None],
        body,
        source: redirect.source,
    };
    let note = match submit(collector, head, submission, began).await {
        Ok(Outcome::Refused(refusal)) => {
            Some(format!("the redirect `{id}` is not counted: {}", refusal.status))
        }
        Ok(_) => None,
        Err(error) => Some(format!("the redirect `{id}` is not counted: {error}")),
    };
    let response = Response { status: StatusCode::TEMPORARY_REDIRECT, headers: Vec::new(), body: Vec::new() }
        .with("location", redirect.url)
        .with("cache-control", "no-store");
    Ok(Answered { response, note })
}

fn cookie(head: &RequestHead) -> Option<&str> {
    let cookies =
        head.headers.iter().filter(|(name, _)| name == "cookie").flat_map(|(_, value)| value.split(';'));
    let mut pairs = cookies.filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == SESSION_COOKIE).map(|(_, value)| value).filter(|value| !value.is_empty())
}

/// The template with what it names in place of the names; null where nothing of that name is there.
fn filled(template: &RawValue, known: &Known<'_>) -> String {
    if let (Kind::Object, Some(members)) = (kind(template), Object::of(template)) {
        let members = members.iter().map(|(key, value)| format!("{}:{}", quoted(key), filled(value, known)));
        return format!("{{{}}}", members.collect::<Vec<_>>().join(","));
    }
    let named = text(template).and_then(|name| look_up(&name, known));
    named.unwrap_or_else(|| template.get().to_owned())
}

/// The value of a name such as `payload@params.utm_source`; none if this is no name but a text.
fn look_up(name: &str, known: &Known<'_>) -> Option<String> {
    let (root, path) = name.split_once('@')?;
    let mut steps = path.split('.');
    let whole = match (root, steps.next()?) {
        ("payload", "params") => &known.parameters,
        ("payload", "body") => &known.body,
        ("session", "id") => return Some(known.session.map_or("null".to_owned(), quoted)),
        // What a session holds is not to be read from outside.
        ("session", _) => return Some("null".to_owned()),
        _ => return None,
    };
    let whole = serde_json::from_str::<&RawValue>(whole).ok()?;
    let value = steps.try_fold(whole, |value, key| Object::of(value)?.get(key));
    Some(value.map_or("null", RawValue::get).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_is_filled_with_what_the_request_brought() {
        let known = Known {
            parameters: r#"{"utm":"x","n":["1","2"]}"#.to_owned(),
            body: r#"{"a":{"b":12345678901234567890123}}"#.to_owned(),
            session: Some("s\""),
        };
        let table = [
            (r#""payload@params.utm""#, r#""x""#),
            (r#""payload@params""#, r#"{"utm":"x","n":["1","2"]}"#),
            (r#""payload@body.a.b""#, "12345678901234567890123"),
            (r#""payload@body.a.c""#, "null"),
            (r#""session@id""#, r#""s\"""#),
            (r#""session@context.page""#, "null"),
            (r#""me@home.example""#, r#""me@home.example""#),
            (r#"{"k":{"l":"payload@params.utm"},"m":7}"#, r#"{"k":{"l":"x"},"m":7}"#),
        ];
        for (template, expected) in table {
            assert_eq!(filled(serde_json::from_str(template).unwrap(), &known), expected, "{template}");
        }
    }

    #[test]
    fn the_session_is_in_its_cookie() {
        let head = |cookie: &str| {
            RequestHead::new(Method::GET, "/redirect/r", vec![("cookie".to_owned(), cookie.to_owned())])
        };
        assert_eq!(cookie(&head("a=1; tracardi-session-id=s-1; b=2")), Some("s-1"));
        assert_eq!(cookie(&head("a=1; tracardi-session-id=")), None);
    }
}
