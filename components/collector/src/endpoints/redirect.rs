//! `/redirect/<id>[/<session>]`: a link that is counted before it leads on.

use std::borrow::Cow;

use http::{Method, StatusCode};
use tideline_protocol::Redirect;

use crate::collector::Collector;
use crate::envelope::{Envelope, one_event, quoted};
use crate::json::{Document, Value};
use crate::submission::{Outcome, Submission, refuse_long, submit};
use crate::visitor::opted_out;
use crate::{Answered, Clock, Commit, CommitError, Entropy, RequestHead, Response, fields};

/// The cookie in which trackers of the protocol keep the session's id.
const SESSION_COOKIE: &str = "tracardi-session-id";

/// An object of which a template may name what it likes.
const NOTHING: &str = "{}";

/// What stands where nothing of a name is there.
const NULL: Cow<'static, str> = Cow::Borrowed("null");

/// A JSON object that was sent, read once: a template may name it many hundred times.
struct Values<'a> {
    text: &'a str,
    document: Option<Document<'a>>,
}

impl<'a> Values<'a> {
    fn of(text: &'a str) -> Self {
        Self { text, document: Document::read(text.as_bytes()).ok() }
    }
}

/// What a template may name.
#[derive(Clone, Copy)]
struct Known<'a> {
    /// `payload@params`: the query.
    parameters: &'a Values<'a>,
    /// `payload@body`: the body.
    body: &'a Values<'a>,
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

    let body = if head.method == Method::GET { None } else { fields::of_body(head, body).await.ok() };
    let submission = submission(head, &redirect, session, body, collector.settings.max_body_bytes);
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

/// What is stored of the visit; `body` is what was sent, as a JSON object.
fn submission(
    head: &RequestHead,
    redirect: &Redirect,
    session: Option<&str>,
    body: Option<String>,
    most: usize,
) -> Submission {
    let parameters = fields::of_query(&head.query, &[]).ok();
    let parameters = Values::of(parameters.as_deref().unwrap_or(NOTHING));
    let body = Values::of(body.as_deref().unwrap_or(NOTHING));
    let known = Known { parameters: &parameters, body: &body, session };
    Submission {
        bridge: "redirect",
        source: redirect.source.clone(),
        session: session.map(str::to_owned),
        profile: None,
        user_agent: None,
        profile_less: session.is_none(),
        session_less: true,
        known_session_only: false,
        event_ids: vec![None],
        save_events: true,
        body: written(redirect, known, most),
        anonymous_body: opted_out(head).then(|| written(redirect, Known { session: None, ..known }, most)),
    }
}

/// The event as a body of `/track`, at most so many bytes. A template may put what was sent so deep, or so often, that
/// nobody could read it: then the link is counted without.
fn written(redirect: &Redirect, known: Known<'_>, most: usize) -> String {
    let nothing = Values::of(NOTHING);
    let without = Known { parameters: &nothing, body: &nothing, ..known };
    let write = |properties: &str| {
        let events = one_event(&redirect.event_type, properties);
        let (source, session) = (redirect.source.as_str(), known.session);
        Envelope { source, session, save_session: false, save_events: true, events: &events }.write()
    };
    let body = |known: &Known<'_>| {
        let template = Document::read(redirect.props.as_bytes()).ok()?;
        let mut properties = Filled { text: String::new(), most };
        properties.fill(template.root(), known)?;
        let body = write(&properties.text);
        (body.len() <= most && Document::read(body.as_bytes()).is_ok()).then_some(body)
    };
    body(&known).or_else(|| body(&without)).unwrap_or_else(|| write(NOTHING))
}

/// A template that is being filled. What it holds may become many times what was sent, so it ends where it is too much.
struct Filled {
    text: String,
    most: usize,
}

impl Filled {
    /// Adds the template with what it names in place of the names; null where nothing of that name is there. None if
    /// that is too much.
    fn fill(&mut self, template: Value<'_>, known: &Known<'_>) -> Option<()> {
        if let Some(members) = template.members() {
            for (index, (key, value)) in members.iter().enumerate() {
                self.push(if index == 0 { "{" } else { "," })?;
                self.push(&quoted(&key))?;
                self.push(":")?;
                self.fill(value, known)?;
            }
            return self.push(if members.iter().next().is_none() { "{}" } else { "}" });
        }
        match template.text().and_then(|name| look_up(&name, known)) {
            Some(value) => self.push(&value),
            None => self.push(template.json()),
        }
    }

    fn push(&mut self, part: &str) -> Option<()> {
        let fits = self.text.len().checked_add(part.len()).is_some_and(|length| length <= self.most);
        fits.then(|| self.text.push_str(part))
    }
}

/// The value of a name such as `payload@params.utm_source`; none if this is no name but a text.
fn look_up<'a>(name: &str, known: &Known<'a>) -> Option<Cow<'a, str>> {
    let (root, path) = name.split_once('@')?;
    let mut steps = path.split('.');
    let values = match (root, steps.next()?) {
        ("payload", "params") => known.parameters,
        ("payload", "body") => known.body,
        ("session", "id") => return Some(known.session.map_or(NULL, |id| Cow::Owned(quoted(id)))),
        // What a session holds is not to be read from outside.
        ("session", _) => return Some(NULL),
        _ => return None,
    };
    let Some(first) = steps.next() else { return Some(Cow::Borrowed(values.text)) };
    let first = values.document.as_ref().and_then(|document| document.members()?.get(first));
    let value = first.and_then(|first| steps.try_fold(first, |value, key| value.members()?.get(key)));
    Some(value.map_or(NULL, |value| Cow::Borrowed(value.json())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_is_filled_with_what_the_request_brought() {
        let parameters = Values::of(r#"{"utm":"x","n":["1","2"]}"#);
        let body = Values::of(r#"{"a":{"b":12345678901234567890123}}"#);
        let known = Known { parameters: &parameters, body: &body, session: Some("s\"") };
        let table = [
            (r#""payload@params.utm""#, r#""x""#),
            (r#""payload@params""#, r#"{"utm":"x","n":["1","2"]}"#),
            (r#""payload@body.a.b""#, "12345678901234567890123"),
            (r#""payload@body.a.c""#, "null"),
            (r#""session@id""#, r#""s\"""#),
            (r#""session@context.page""#, "null"),
            (r#""me@home.example""#, r#""me@home.example""#),
            (r#"{"k":{"l":"payload@params.utm"},"m":7,"n":{}}"#, r#"{"k":{"l":"x"},"m":7,"n":{}}"#),
        ];
        for (template, expected) in table {
            let mut filled = Filled { text: String::new(), most: expected.len() };
            let document = Document::read(template.as_bytes()).unwrap();
            filled.fill(document.root(), &known).unwrap();
            assert_eq!(filled.text, expected, "{template}");
            let mut filled = Filled { text: String::new(), most: expected.len() - 1 };
            assert_eq!(filled.fill(document.root(), &known), None, "{template}");
        }
    }

    #[test]
    fn a_template_never_takes_more_memory_than_an_event_may_have() {
        let nothing = Values::of(NOTHING);
        let text = format!(r#"{{"a":"{}"}}"#, "x".repeat(200_000));
        let body = Values::of(&text);
        let names: Vec<_> = (0..800).map(|number| format!(r#""{number}":"payload@body""#)).collect();
        let template = format!("{{{}}}", names.join(","));
        let known = Known { parameters: &nothing, body: &body, session: None };
        let mut filled = Filled { text: String::new(), most: 262_144 };
        let document = Document::read(template.as_bytes()).unwrap();
        assert_eq!(filled.fill(document.root(), &known), None);
        assert!(filled.text.capacity() <= 2 * 262_144, "{}", filled.text.capacity());

        let redirect = Redirect {
            url: "https://a".into(),
            source: "links".into(),
            event_type: "click".into(),
            props: r#"{"a":"payload@body","b":"payload@body","c":7}"#.into(),
        };
        let body = written(&redirect, known, 262_144);
        assert!(body.contains(r#""properties":{"a":{},"b":{},"c":7}"#), "{body}");
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
