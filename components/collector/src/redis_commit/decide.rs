//! What `track_v1` decides, where the edge decides it by itself: the same rules in the same order, for a session that nobody
//! has looked up.
//!
//! `tests/e2e/tests/lean.rs` holds both to the same answers, for every combination of settings and facts that differ.

use tideline_protocol::{SourceRules, StreamRecord, TrackCall, TrackReply, Unasked};

/// Why this source may not send this, or none. The rate is not looked at.
pub(super) fn refusal(rules: Option<&SourceRules>, call: &TrackCall) -> Option<TrackReply> {
    let Some(source) = rules else { return Some(TrackReply::UnknownSource) };
    let facts = call.facts;
    if !source.enabled {
        return Some(TrackReply::DisabledSource);
    }
    if !source.types.split(',').any(|bridge| bridge == call.bridge) {
        return Some(TrackReply::WrongBridge { name: source.name.clone(), allowed: source.types.clone() });
    }
    let origin = call.origin.as_deref().unwrap_or_default();
    if !source.origins.is_empty() && !origin.is_empty() && !source.origins.split(' ').any(|it| it == origin) {
        return Some(TrackReply::WrongOrigin);
    }
    if facts.bot && !source.takes_bots {
        return Some(TrackReply::Bot);
    }
    if call.record.events == 0 {
        return Some(TrackReply::Empty);
    }
    match source.opt_out.as_str() {
        "drop" if facts.opted_out => return Some(TrackReply::Dropped),
        "anonymous" if facts.opted_out => return Some(TrackReply::AnonymousOnly),
        _ => {}
    }
    if call.bridge == "webhook"
        && !facts.identified
        && let Some(rules) = &source.identification
    {
        return Some(TrackReply::Identify(rules.clone()));
    }
    let is_somebodys = call.record.profile.is_some();
    (source.is_static && is_somebodys && call.claim.is_none()).then_some(TrackReply::ProfileRequired)
}

/// The request as it is appended, for a source that does not refuse it.
pub(super) fn record(source: &SourceRules, call: TrackCall) -> StreamRecord {
    let TrackCall { claim, facts, fingerprint, mut record, .. } = call;
    record.transitional = source.transitional;
    record.new_session = false;
    let mut doubtful = None;
    if let Some(claim) = claim {
        if facts.identified {
            record.vouched = true;
            record.profile = Some(claim.id);
            record.new_profile = false;
        } else if record.profile.is_some() && source.is_static {
            record.profile = Some(claim.id);
            record.new_profile = false;
        } else if record.profile.is_some() && claim.doubtful {
            doubtful = Some(claim.id);
        }
    }
    record.unasked = Some(Unasked {
        claim: doubtful,
        known_session_only: facts.known_session_only && !record.vouched,
        fingerprint: Some(fingerprint).filter(|it| *it != record.request_id.simple().to_string()),
    });
    record
}
