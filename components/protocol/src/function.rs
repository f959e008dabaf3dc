//! Arguments and replies of the Redis function `track_v1` (`infra/redis/tideline.lua`).

use serde_json::Value;

use crate::{Lane, StreamRecord};

/// The function's name. A version that changes arguments or reply gets a new name, and both live side by side.
pub const TRACK_FUNCTION: &str = "track_v1";

/// One request as `track_v1` takes it.
#[derive(Clone, Debug)]
pub struct TrackCall {
    /// The session's lane.
    pub lane: Lane,
    /// The kind of endpoint that was called: the source must allow it.
    pub bridge: &'static str,
    /// What tells this request from others: an equal one within two minutes is a retry.
    pub fingerprint: String,
    /// The request. `profile` is the candidate, taken if the session has no profile yet;
    /// `new_profile` says that the candidate was minted. `new_session` is not read.
    pub record: StreamRecord,
}

impl TrackCall {
    /// The Redis command: `FCALL track_v1 5 <keys> <arguments>`.
    #[must_use]
    pub fn into_command(self) -> Vec<String> {
        let Self { lane, bridge, fingerprint, record } = self;
        let mut command = vec![
            "FCALL".to_owned(),
            TRACK_FUNCTION.to_owned(),
            "5".to_owned(),
            lane.source(&record.source),
            lane.events(),
            lane.session(&record.session),
            lane.seen(&fingerprint),
            lane.ledger(record.received_at),
            "1".to_owned(),
            bridge.to_owned(),
            record.source.clone(),
            record.profile.clone(),
            u8::from(record.new_profile).to_string(),
            record.events.to_string(),
        ];
        let fields = record.into_edge_fields();
        command.push(fields.len().to_string());
        command.extend(fields.into_iter().flat_map(|(name, value)| [name.to_owned(), value]));
        command
    }
}

/// What `track_v1` decided about one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TrackReply {
    /// Stored now.
    Accepted {
        /// The session's profile.
        profile: String,
    },
    /// Stored before: an equal request was accepted in the last two minutes.
    Repeated {
        /// The session's profile.
        profile: String,
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
    /// The lane's stream does not exist: the installation was not provisioned, or with other lanes.
    NoLane,
}

/// A reply that is none of `track_v1`'s.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{TRACK_FUNCTION}` replied something unreadable: load the function library of this version")]
pub struct FunctionReplyError;

impl TrackReply {
    /// Reads the reply for a call with one request: an array that holds one array of strings.
    ///
    /// # Errors
    /// Any other shape.
    pub fn parse(reply: &Value) -> Result<Self, FunctionReplyError> {
        let parts = reply.get(0).and_then(Value::as_array).ok_or(FunctionReplyError)?;
        let part = |index: usize| {
            parts.get(index).and_then(Value::as_str).map(str::to_owned).ok_or(FunctionReplyError)
        };
        Ok(match part(0)?.as_str() {
            "accepted" => Self::Accepted { profile: part(1)? },
            "repeated" => Self::Repeated { profile: part(1)? },
            "empty" => Self::Empty,
            "unknown-source" => Self::UnknownSource,
            "disabled-source" => Self::DisabledSource,
            "wrong-bridge" => Self::WrongBridge { name: part(1)?, allowed: part(2)? },
            "no-lane" => Self::NoLane,
            _ => return Err(FunctionReplyError),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn replies_are_read_and_rubbish_is_refused() {
        let accepted = TrackReply::Accepted { profile: "p".into() };
        assert_eq!(TrackReply::parse(&json!([["accepted", "p", "1-0"]])), Ok(accepted));
        assert_eq!(TrackReply::parse(&json!([["no-lane"]])), Ok(TrackReply::NoLane));
        let wrong = TrackReply::WrongBridge { name: "Hook".into(), allowed: "webhook".into() };
        assert_eq!(TrackReply::parse(&json!([["wrong-bridge", "Hook", "webhook"]])), Ok(wrong));
        for rubbish in
            [json!(null), json!([]), json!([[]]), json!([["accepted"]]), json!([["other"]]), json!("OK")]
        {
            assert_eq!(TrackReply::parse(&rubbish), Err(FunctionReplyError), "{rubbish}");
        }
    }
}
