//! Arguments and replies of the Redis functions that the edge calls (`infra/redis/tideline.lua`).

use std::borrow::Cow;

use serde_json::Value;

use crate::{Lane, StreamRecord};

/// The function's name. A version that changes arguments or reply gets a new name, and both live side by side.
pub const TRACK_FUNCTION: &str = "track_v1";
const ALIAS_FUNCTION: &str = "track_alias_v1";
const REDIRECT_FUNCTION: &str = "track_redirect_v1";

/// One request as `track_v1` takes it.
#[derive(Clone, Debug)]
pub struct TrackCall {
    /// The session's lane.
    pub lane: Lane,
    /// The kind of endpoint that was called: the source must allow it.
    pub bridge: &'static str,
    /// What tells this request from others: an equal one within two minutes is a retry.
    pub fingerprint: String,
    /// The web origin that the request came from, in lower case; none if a server sent it.
    pub origin: Option<String>,
    /// The profile id that the visitor brought.
    pub claim: Option<Claim>,
    /// What else the source's settings decide by.
    pub facts: Facts,
    /// The request. `profile` is the candidate, taken if the session has no profile yet; none says that the events
    /// belong to nobody. `new_profile` says that the candidate was minted. `vouched`, `new_session` and `transitional` are not
    /// read.
    pub record: StreamRecord,
}

/// A profile id that a visitor brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The id.
    pub id: String,
    /// Where it would say which profile it stands for.
    pub alias_key: String,
    /// Nobody knows yet whether it is anybody's: it bears no signature of ours. `track_v1` then stores nothing where
    /// the answer would depend on it, and replies [`TrackReply::Unresolved`].
    pub doubtful: bool,
}

/// What `track_v1` cannot see by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The session is not to be kept: it is looked up, and not reserved.
    pub session_less: bool,
    /// The session must be known, or nothing is stored.
    pub known_session_only: bool,
    /// The user agent says that it is a robot.
    pub bot: bool,
    /// The browser says that its user does not want to be tracked.
    pub opted_out: bool,
    /// The source's rules on whom a webhook's events belong to have been followed: a claim is what they told, and counts
    /// before the session's profile.
    pub identified: bool,
}

impl Facts {
    /// The names of those that hold, separated by spaces.
    fn words(self, claim: Option<&Claim>, minted: bool) -> String {
        let table = [
            ("session-less", self.session_less),
            ("known-session-only", self.known_session_only),
            ("bot", self.bot),
            ("opted-out", self.opted_out),
            ("identified", self.identified),
            ("doubtful", claim.is_some_and(|claim| claim.doubtful)),
            ("minted", minted),
        ];
        let mut words = String::new();
        for (word, _) in table.iter().filter(|(_, holds)| *holds) {
            words.push_str(if words.is_empty() { "" } else { " " });
            words.push_str(word);
        }
        words
    }
}

/// The most requests that one `FCALL track_v1` takes.
pub const MOST_REQUESTS: usize = 64;

/// How many `KEYS` each of them has.
const KEYS_EACH: usize = 7;

/// A request in the words of Redis, to be sent alone or with others: with those of other lanes too, unless Redis is a cluster.
#[derive(Clone, Debug)]
pub struct TrackWords<'a> {
    /// Where to look up what the claim stands for: a key of [`alias_command`], to be sent before.
    pub alias_key: Option<&'a str>,
    /// The request's `KEYS`.
    pub keys: [String; KEYS_EACH],
    /// The request's part of `ARGV`, which begins with the number of requests.
    pub arguments: Vec<Cow<'a, str>>,
}

/// `FCALL track_v1` with as many keys as this number of requests has. Their keys follow, the number of requests, and
/// their arguments.
#[must_use]
pub fn track_command(requests: usize) -> [String; 3] {
    ["FCALL".to_owned(), TRACK_FUNCTION.to_owned(), (requests * KEYS_EACH).to_string()]
}

/// `FCALL_RO track_alias_v1` with this number of keys, which follow; its reply is for [`survivor_of`].
#[must_use]
pub fn alias_command(keys: usize) -> [String; 3] {
    ["FCALL_RO".to_owned(), ALIAS_FUNCTION.to_owned(), keys.to_string()]
}

impl TrackCall {
    /// The Redis commands of this request by itself, to be sent in one HTTP request: perhaps one that looks up the claim,
    /// then `FCALL track_v1`.
    #[must_use]
    pub fn commands(&self) -> Vec<Vec<String>> {
        let TrackWords { alias_key, keys, arguments } = self.words();
        let look_up = alias_key.map(|key| alias_command(1).into_iter().chain([key.to_owned()]).collect());
        let command = track_command(1).into_iter().chain(keys).chain(["1".to_owned()]);
        let command = command.chain(arguments.into_iter().map(Cow::into_owned));
        look_up.into_iter().chain([command.collect()]).collect()
    }

    /// What Redis is told of this request.
    #[must_use]
    pub fn words(&self) -> TrackWords<'_> {
        let Self { lane, bridge, fingerprint, origin, claim, facts, record } = self;
        let keys = [
            lane.source(&record.source),
            lane.events(),
            lane.session(&record.session),
            lane.seen(fingerprint),
            lane.ledger(record.received_at),
            lane.rate(&record.source),
            lane.personal(&record.session),
        ];
        let claim = claim.as_ref();
        let fields = record.edge_fields();
        let mut arguments: Vec<Cow<'_, str>> = Vec::with_capacity(8 + 2 * fields.len());
        arguments.extend([*bridge, &record.source].map(Cow::Borrowed));
        arguments.push(facts.words(claim, record.new_profile).into());
        let claimed = claim.map(|claim| claim.id.as_str());
        let optional = [origin.as_deref(), record.profile.as_deref(), claimed];
        arguments.extend(optional.map(|text| Cow::Borrowed(text.unwrap_or_default())));
        arguments.extend([record.events.to_string(), fields.len().to_string()].map(Cow::Owned));
        arguments.extend(fields.into_iter().flat_map(|(name, value)| [name.into(), value]));
        TrackWords { alias_key: claim.map(|claim| claim.alias_key.as_str()), keys, arguments }
    }
}

/// The command that reads a redirect; its reply is for [`Redirect::parse`].
#[must_use]
pub fn redirect_command(key: String) -> Vec<String> {
    vec!["FCALL_RO".to_owned(), REDIRECT_FUNCTION.to_owned(), "1".to_owned(), key]
}

/// What Redis replied to the commands of a [`TrackCall`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tracked {
    /// What was decided.
    pub reply: TrackReply,
    /// The profile that the claimed id stands for, if it is not its own.
    pub survivor: Option<String>,
}

/// What `track_v1` decided about one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TrackReply {
    /// On disk, now or by an equal request of the last two minutes.
    Stored {
        /// Whose the events are; none if nobody's.
        profile: Option<String>,
        /// The source is transitional: neither session nor events are kept.
        transitional: bool,
        /// What the page may know of the profile, a JSON object; none if that is nothing.
        personal: Option<String>,
    },
    /// The request has no events; its source is in order, and nothing was stored.
    Empty,
    /// No such source.
    UnknownSource,
    /// The source is switched off.
    DisabledSource,
    /// The source does not allow this endpoint.
    WrongBridge {
        /// The source's name.
        name: String,
        /// The endpoint types that it allows, separated by commas.
        allowed: String,
    },
    /// The source does not take requests from pages of this origin.
    WrongOrigin,
    /// The source does not take requests of robots.
    Bot,
    /// The source sends more events than it may.
    Limited {
        /// When it may again.
        milliseconds: u64,
    },
    /// The visitor does not want to be tracked, and the source stores nothing of such visitors.
    Dropped,
    /// The visitor does not want to be tracked: send the request again without anything that tells who it is.
    AnonymousOnly,
    /// Nothing was stored, because the claim decides whose the events are: send again when it is known.
    Unresolved,
    /// The source takes profile ids as they are, and the request brought none.
    ProfileRequired,
    /// The session is not known, and had to be.
    UnknownSession,
    /// The source says whose the events of a webhook are: follow its rules and send again.
    Identify(Identification),
    /// The lane's stream does not exist: the installation was not provisioned, or with other lanes.
    NoLane,
}

/// By which properties a webhook's source tells whose its events are. Paths have dots between keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identification {
    /// The property that is the profile's id.
    pub replace_profile_id: Option<String>,
    /// The first of these that is there tells the person: the same value, the same profile.
    pub generate_profile: Vec<String>,
    /// All of a generated profile's events are one session.
    pub sticky_session: bool,
}

/// Where a redirect leads, and the event that it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redirect {
    /// The address.
    pub url: String,
    /// The event source's id.
    pub source: String,
    /// The event's type.
    pub event_type: String,
    /// The template of the event's properties, a JSON object.
    pub props: String,
}

/// A reply that is none of our functions'.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "the functions in redis replied something unreadable: load the library of this version with `tideline provision`"
)]
pub struct FunctionReplyError;

impl Tracked {
    /// Reads the replies to the commands of [`TrackCall::commands`], in their order.
    ///
    /// # Errors
    /// Replies of another number or shape.
    pub fn parse(replies: &[Value]) -> Result<Self, FunctionReplyError> {
        match replies {
            [reply] => Ok(Self { reply: only(reply)?, survivor: None }),
            [survivor, reply] => Ok(Self { reply: only(reply)?, survivor: survivor_of(survivor, 0)? }),
            _ => Err(FunctionReplyError),
        }
    }
}

fn only(reply: &Value) -> Result<TrackReply, FunctionReplyError> {
    TrackReply::parse(reply.get(0).ok_or(FunctionReplyError)?)
}

/// Reads the reply to [`alias_command`]: the profile that the claimed id at this position among its keys stands for, if it is
/// not its own.
///
/// # Errors
/// A reply of another shape.
pub fn survivor_of(reply: &Value, position: usize) -> Result<Option<String>, FunctionReplyError> {
    match reply.get(position) {
        Some(Value::Null) => Ok(None),
        Some(Value::String(survivor)) => Ok(Some(survivor.clone())),
        _ => Err(FunctionReplyError),
    }
}

impl TrackReply {
    /// Reads one of the replies of `track_v1`, which has one for each request: an array of strings.
    ///
    /// # Errors
    /// A reply of another shape.
    pub fn parse(parts: &Value) -> Result<Self, FunctionReplyError> {
        let part = |index: usize| text(parts, index).map(str::to_owned);
        Ok(match text(parts, 0)? {
            "accepted" | "repeated" => Self::Stored {
                profile: Some(part(1)?).filter(|profile| !profile.is_empty()),
                transitional: text(parts, 2)? == "1",
                // Functions of before say nothing of it.
                personal: part(4).ok().filter(|personal| !personal.is_empty()),
            },
            "empty" => Self::Empty,
            "unknown-source" => Self::UnknownSource,
            "disabled-source" => Self::DisabledSource,
            "wrong-bridge" => Self::WrongBridge { name: part(1)?, allowed: part(2)? },
            "wrong-origin" => Self::WrongOrigin,
            "bot" => Self::Bot,
            "limited" => {
                Self::Limited { milliseconds: text(parts, 1)?.parse().map_err(|_| FunctionReplyError)? }
            }
            "dropped" => Self::Dropped,
            "anonymous-only" => Self::AnonymousOnly,
            "unresolved" => Self::Unresolved,
            "profile-required" => Self::ProfileRequired,
            "unknown-session" => Self::UnknownSession,
            "identify" => Self::Identify(Identification {
                replace_profile_id: Some(part(1)?).filter(|path| !path.is_empty()),
                generate_profile: text(parts, 2)?.split_whitespace().map(str::to_owned).collect(),
                sticky_session: text(parts, 3)? == "1",
            }),
            "no-lane" => Self::NoLane,
            _ => return Err(FunctionReplyError),
        })
    }
}

impl Redirect {
    /// Reads the reply to [`redirect_command`]; none if there is no such redirect.
    ///
    /// # Errors
    /// A reply of another shape.
    pub fn parse(reply: &Value) -> Result<Option<Self>, FunctionReplyError> {
        if reply.is_null() {
            return Ok(None);
        }
        let [url, source, event_type, props] =
            [0, 1, 2, 3].map(|index| text(reply, index).map(str::to_owned));
        Ok(Some(Self { url: url?, source: source?, event_type: event_type?, props: props? }))
    }
}

fn text(parts: &Value, index: usize) -> Result<&str, FunctionReplyError> {
    parts.get(index).and_then(Value::as_str).ok_or(FunctionReplyError)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(reply: Value) -> Result<TrackReply, FunctionReplyError> {
        Tracked::parse(&[reply]).map(|tracked| tracked.reply)
    }

    #[test]
    fn replies_are_read_and_rubbish_is_refused() {
        let stored = |profile: Option<&str>, transitional| TrackReply::Stored {
            profile: profile.map(str::to_owned),
            transitional,
            personal: None,
        };
        assert_eq!(parse(json!([["accepted", "p", "0", "1-0"]])), Ok(stored(Some("p"), false)));
        assert_eq!(parse(json!([["repeated", "", "1"]])), Ok(stored(None, true)));
        let personal = TrackReply::Stored {
            profile: Some("p".to_owned()),
            transitional: false,
            personal: Some("{}".to_owned()),
        };
        assert_eq!(parse(json!([["accepted", "p", "0", "1-0", "{}"]])), Ok(personal));
        assert_eq!(parse(json!([["accepted", "p", "0", "1-0", ""]])), Ok(stored(Some("p"), false)));
        assert_eq!(parse(json!([["no-lane"]])), Ok(TrackReply::NoLane));
        assert_eq!(parse(json!([["limited", "70"]])), Ok(TrackReply::Limited { milliseconds: 70 }));
        let wrong = TrackReply::WrongBridge { name: "Hook".into(), allowed: "webhook".into() };
        assert_eq!(parse(json!([["wrong-bridge", "Hook", "webhook"]])), Ok(wrong));
        let identify = TrackReply::Identify(Identification {
            replace_profile_id: None,
            generate_profile: vec!["a.b".into(), "c".into()],
            sticky_session: true,
        });
        assert_eq!(parse(json!([["identify", "", "a.b c", "1"]])), Ok(identify));
        for rubbish in [
            json!(null),
            json!([]),
            json!([[]]),
            json!([["accepted"]]),
            json!([["limited", "x"]]),
            json!([["other"]]),
            json!("OK"),
        ] {
            assert_eq!(parse(rubbish.clone()), Err(FunctionReplyError), "{rubbish}");
        }
    }

    #[test]
    fn a_claim_is_looked_up_in_the_same_request() {
        let stored = json!([["accepted", "p", "0", "1-0"]]);
        let survivor = |replies: &[Value]| Tracked::parse(replies).map(|tracked| tracked.survivor);
        assert_eq!(survivor(&[json!([null]), stored.clone()]), Ok(None));
        assert_eq!(survivor(&[json!(["s"]), stored.clone()]), Ok(Some("s".into())));
        for rubbish in
            [vec![], vec![json!("s"), stored.clone()], vec![stored.clone(), stored.clone(), stored]]
        {
            assert_eq!(survivor(&rubbish), Err(FunctionReplyError));
        }
    }

    #[test]
    fn a_redirect_is_read_or_absent() {
        let redirect = Redirect {
            url: "https://a".into(),
            source: "s".into(),
            event_type: "click".into(),
            props: "{}".into(),
        };
        assert_eq!(Redirect::parse(&json!(["https://a", "s", "click", "{}"])), Ok(Some(redirect)));
        assert_eq!(Redirect::parse(&json!(null)), Ok(None));
        assert_eq!(Redirect::parse(&json!(["https://a", "s"])), Err(FunctionReplyError));
    }

    #[test]
    fn only_what_holds_is_said() {
        let facts = Facts { bot: true, identified: true, ..Facts::default() };
        let claim = Claim { id: "x".into(), alias_key: "k".into(), doubtful: true };
        assert_eq!(facts.words(Some(&claim), true), "bot identified doubtful minted");
        assert_eq!(Facts::default().words(None, false), "");
    }
}
