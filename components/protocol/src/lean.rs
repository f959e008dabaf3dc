//! Commands and replies of an edge in lean mode, which calls no function (`docs/adr/0005-lean-mode.md`).
//!
//! They are plain commands, because metered databases bill those that a function runs as well. What the edge decides by
//! [`SourceRules`] is the collector's; what it cannot know is left to the private service, in
//! [`Unasked`](crate::Unasked).

use serde_json::Value;

use crate::{FunctionReplyError, Identification, Lane, Redirect, StreamRecord};

/// A source's settings, in the order in which they are asked for.
const SETTINGS: [&str; 13] = [
    "enabled",
    "types",
    "name",
    "origins",
    "bots",
    "opt_out",
    "rate_gap",
    "rate_burst",
    "transitional",
    "static",
    "replace_profile_id",
    "generate_profile",
    "sticky_session",
];

/// What an event source allows, as it is published to every lane.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceRules {
    /// Whether it is switched on.
    pub enabled: bool,
    /// The kinds of endpoint that it allows, separated by commas.
    pub types: String,
    /// Its name.
    pub name: String,
    /// The origins that it takes requests from, separated by spaces; empty: any.
    pub origins: String,
    /// Whether it takes requests of robots.
    pub takes_bots: bool,
    /// What becomes of requests of visitors who do not want to be tracked: `drop`, `anonymous`, or they are taken as others.
    pub opt_out: String,
    /// How much it may send, if that is limited.
    pub rate: Option<SourceRate>,
    /// Of what is sent, only the profile is kept.
    pub transitional: bool,
    /// It takes profile ids as they are.
    pub is_static: bool,
    /// By which properties its webhooks tell whose their events are, if they do.
    pub identification: Option<Identification>,
}

/// How much a source may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceRate {
    /// Microseconds between two events of a lane.
    pub gap: u64,
    /// Events at once.
    pub burst: u64,
}

/// The command that reads a source's settings; its reply is for [`SourceRules::parse`].
#[must_use]
pub fn source_command(key: String) -> Vec<String> {
    read_fields(key, &SETTINGS)
}

impl SourceRules {
    /// Reads the reply to [`source_command`]; none if there is no such source.
    ///
    /// # Errors
    /// A reply of another shape.
    pub fn parse(reply: &Value) -> Result<Option<Self>, FunctionReplyError> {
        let settings = texts::<{ SETTINGS.len() }>(reply)?;
        let [
            enabled,
            types,
            name,
            origins,
            bots,
            opt_out,
            gap,
            burst,
            transitional,
            fixed,
            replace,
            generate,
            sticky,
        ] = settings;
        if enabled.is_empty() {
            return Ok(None);
        }
        let rate = gap.parse().ok().map(|gap| SourceRate { gap, burst: burst.parse().unwrap_or(1) });
        let tells = !replace.is_empty() || !generate.is_empty();
        let identification = tells.then(|| Identification {
            replace_profile_id: Some(replace).filter(|path| !path.is_empty()),
            generate_profile: generate.split_whitespace().map(str::to_owned).collect(),
            sticky_session: sticky == "1",
        });
        Ok(Some(Self {
            enabled: enabled == "1",
            types,
            name,
            origins,
            takes_bots: bots == "accept",
            opt_out,
            rate,
            transitional: transitional == "1",
            is_static: fixed == "1",
            identification,
        }))
    }

    /// What it takes in memory, in bytes, roughly.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let rules = self.identification.as_ref();
        let paths = rules.map_or(0, |rules| {
            let generate: usize =
                rules.generate_profile.iter().map(|path| path.len() + size_of::<String>()).sum();
            generate + rules.replace_profile_id.as_ref().map_or(0, String::len)
        });
        let texts = self.types.len() + self.name.len() + self.origins.len() + self.opt_out.len();
        size_of::<Self>() + texts + paths
    }
}

/// The command that reads a redirect; its reply is for [`Redirect::parse_fields`].
#[must_use]
pub fn redirect_fields_command(key: String) -> Vec<String> {
    read_fields(key, &["url", "source", "type", "props", "enabled"])
}

impl Redirect {
    /// Reads the reply to [`redirect_fields_command`]; none if there is no such redirect, or it is switched off.
    ///
    /// # Errors
    /// A reply of another shape.
    pub fn parse_fields(reply: &Value) -> Result<Option<Self>, FunctionReplyError> {
        let [url, source, event_type, props, enabled] = texts(reply)?;
        Ok((enabled == "1").then_some(Self { url, source, event_type, props }))
    }
}

/// The command that appends a request to its lane; its reply is for [`was_appended`].
#[must_use]
pub fn append_command(lane: &Lane, record: &StreamRecord) -> Vec<String> {
    let fields = record.fields().into_iter().flat_map(|(name, value)| [name.to_owned(), value.into_owned()]);
    append(lane).into_iter().chain(fields).collect()
}

/// A command that appends nothing and is refused like [`append_command`]: by a Redis that is full, read-only, or cannot
/// write to its disk.
#[must_use]
pub fn would_append_command(nowhere: &Lane) -> Vec<String> {
    append(nowhere).into_iter().chain(["v".to_owned(), "1".to_owned()]).collect()
}

fn append(lane: &Lane) -> [String; 4] {
    // Without a stream the installation was not provisioned, or with other lanes: nobody would read what is appended.
    ["XADD".to_owned(), lane.events(), "NOMKSTREAM".to_owned(), "*".to_owned()]
}

/// Reads the reply to [`append_command`]: whether the lane has a stream, and the request is in it.
///
/// # Errors
/// A reply of another shape.
pub fn was_appended(reply: &Value) -> Result<bool, FunctionReplyError> {
    match reply {
        Value::Null => Ok(false),
        Value::String(_) => Ok(true),
        _ => Err(FunctionReplyError),
    }
}

fn read_fields(key: String, fields: &[&str]) -> Vec<String> {
    ["HMGET".to_owned(), key].into_iter().chain(fields.iter().map(|field| (*field).to_owned())).collect()
}

/// So many texts, empty where there is none.
fn texts<const N: usize>(reply: &Value) -> Result<[String; N], FunctionReplyError> {
    let values = reply.as_array().ok_or(FunctionReplyError)?;
    let text = |value: &Value| match value {
        Value::Null => Ok(String::new()),
        Value::String(text) => Ok(text.clone()),
        _ => Err(FunctionReplyError),
    };
    let texts = values.iter().map(text).collect::<Result<Vec<_>, _>>()?;
    texts.try_into().map_err(|_| FunctionReplyError)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_sources_rules_are_read_or_absent_and_rubbish_is_refused() {
        assert_eq!(SourceRules::parse(&Value::Array(vec![Value::Null; 13])), Ok(None));
        let reply = json!([
            "1",
            "rest,webhook",
            "Shop",
            "https://a",
            "accept",
            "drop",
            "160000",
            "500",
            "1",
            "1",
            "",
            "a.b c",
            "1"
        ]);
        let rules = SourceRules::parse(&reply).unwrap().unwrap();
        let identification = Identification {
            replace_profile_id: None,
            generate_profile: vec!["a.b".into(), "c".into()],
            sticky_session: true,
        };
        let expected = SourceRules {
            enabled: true,
            types: "rest,webhook".into(),
            name: "Shop".into(),
            origins: "https://a".into(),
            takes_bots: true,
            opt_out: "drop".into(),
            rate: Some(SourceRate { gap: 160_000, burst: 500 }),
            transitional: true,
            is_static: true,
            identification: Some(identification),
        };
        assert!(rules.bytes() > "rest,webhook".len());
        assert_eq!(rules, expected);
        for rubbish in
            [json!(null), json!([]), json!(["1"]), json!([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13])]
        {
            assert_eq!(SourceRules::parse(&rubbish), Err(FunctionReplyError), "{rubbish}");
        }
    }

    #[test]
    fn a_redirect_that_is_switched_off_leads_nowhere() {
        let reply =
            |enabled: Value| Redirect::parse_fields(&json!(["https://a", "s", "click", "{}", enabled]));
        assert_eq!(reply(json!("1")).unwrap().unwrap().url, "https://a");
        assert_eq!(reply(json!("0")), Ok(None));
        assert_eq!(reply(json!(null)), Ok(None));
        assert_eq!(Redirect::parse_fields(&json!("OK")), Err(FunctionReplyError));
    }

    #[test]
    fn a_reply_tells_whether_the_lane_has_a_stream() {
        let replies = [json!("1-0"), json!(null), json!(1)].map(|reply| was_appended(&reply));
        assert_eq!(replies, [Ok(true), Ok(false), Err(FunctionReplyError)]);
    }
}
