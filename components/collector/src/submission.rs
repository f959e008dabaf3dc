//! From what an endpoint read to what is on disk: one call of `track_v1`, and a further one where the source's settings or
//! an id that nobody knows yet demand it.

use http::StatusCode;
use tideline_protocol::{Claim, Facts, StreamRecord, TrackCall, TrackReply, Tracked, event_id};
use uuid::{Builder, Uuid};

use crate::collector::Collector;
use crate::envelope::{Envelope, events_of};
use crate::fingerprint::fingerprint;
use crate::identification::identify;
use crate::payload::MAX_ID_BYTES;
use crate::visitor::{kept_headers, opted_out};
use crate::{Began, Clock, Commit, CommitError, Entropy, RequestHead, Response, bots, refusal};

/// A first call, then one for each thing that a reply may ask for: the claim, whose webhook it is, the visitor's opting out.
const MOST_CALLS: usize = 4;

/// What an endpoint asks to be stored.
#[derive(Clone, Debug)]
pub(crate) struct Submission {
    /// The kind of endpoint, one of an event source's types.
    pub(crate) bridge: &'static str,
    /// The event source's id, trimmed.
    pub(crate) source: String,
    /// The session's id; none: one is made.
    pub(crate) session: Option<String>,
    /// The profile id that the visitor brought.
    pub(crate) profile: Option<String>,
    /// The user agent that the body tells, beside the header's.
    pub(crate) user_agent: Option<String>,
    /// The events belong to nobody.
    pub(crate) profile_less: bool,
    /// The session is not kept.
    pub(crate) session_less: bool,
    /// Nothing is stored unless the session is known.
    pub(crate) known_session_only: bool,
    /// For each event the id that the client gave it, if it did.
    pub(crate) event_ids: Vec<Option<String>>,
    /// The events are kept, and not only counted.
    pub(crate) save_events: bool,
    /// The body, in the form of `/track`.
    pub(crate) body: String,
    /// The body for a visitor who does not want to be tracked, where the events of the other tell who that is.
    pub(crate) anonymous_body: Option<String>,
}

/// What became of it.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// On disk.
    Stored(Stored),
    /// There were no events, and nothing was stored.
    Empty,
    /// Refused.
    Refused(Response),
}

/// A request that is on disk, as it is answered.
#[derive(Debug)]
pub(crate) struct Stored {
    /// The request's id.
    pub(crate) task: String,
    /// The profile; none where none is kept.
    pub(crate) profile: Option<String>,
    /// The session as it was named or made, whether or not it is kept.
    pub(crate) session: String,
    /// Whether it is kept.
    pub(crate) keeping: Keeping,
    /// What the page may know of the profile, a JSON object; none if that is nothing.
    pub(crate) personal: Option<String>,
    request_id: Uuid,
    /// For each event the id that the client gave it, if it did.
    given_ids: Vec<Option<String>>,
}

impl Stored {
    /// The ids of the events, whoever gave them.
    pub(crate) fn event_ids(&self) -> Vec<String> {
        let given_or_derived = |(index, id): (usize, &Option<String>)| {
            id.clone().unwrap_or_else(|| event_id(self.request_id, index))
        };
        self.given_ids.iter().enumerate().map(given_or_derived).collect()
    }
}

/// Whether a session is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keeping {
    /// It is.
    Kept,
    /// The request does not ask for it.
    NotAsked,
    /// The event source does not let it, or the visitor does not want it.
    NotAllowed,
}

/// Stores a submission.
pub(crate) async fn submit<C: Clock, E: Entropy, K: Commit>(
    collector: &Collector<C, E, K>,
    head: &RequestHead,
    mut submission: Submission,
    began: Began,
) -> Result<Outcome, CommitError> {
    if let Some(response) = refusal::of_source_id(&submission.source) {
        return Ok(Outcome::Refused(response));
    }
    let event_ids = submission.event_ids.clone();
    let (save_events, mut anonymous_body) = (submission.save_events, submission.anonymous_body.take());
    let mut is_anonymous = false;
    let mut call = call(collector, head, submission);
    for _ in 0..MOST_CALLS {
        // Kept only where it may be needed: bodies are large, and a component's memory is small.
        let spare = may_be_asked_again(&call).then(|| call.clone());
        let asked = Asked::of(&call, is_anonymous);
        let Tracked { reply, survivor } = collector.commit.commit(call, began).await?;
        let Some(mut next) = spare else { return asked.outcome(reply, survivor, event_ids) };
        match reply {
            TrackReply::Unresolved => resolve(&mut next, survivor),
            TrackReply::AnonymousOnly => {
                make_anonymous(collector, &mut next, anonymous_body.take(), save_events);
                is_anonymous = true;
            }
            TrackReply::Identify(rules) => identify(collector, &mut next, &rules)?,
            reply => return asked.outcome(reply, survivor, event_ids),
        }
        call = next;
    }
    Err(CommitError(
        "redis asks for the same again and again: load the function library of this version".to_owned(),
    ))
}

/// The call with which a submission begins.
pub(crate) fn call<C: Clock, E: Entropy, K: Commit>(
    collector: &Collector<C, E, K>,
    head: &RequestHead,
    submission: Submission,
) -> TrackCall {
    let settings = &collector.settings;
    let now = collector.clock.now();
    let request_id = random_uuid(&collector.entropy);
    let source = submission.source.to_lowercase();
    let session = submission.session.unwrap_or_else(|| random_uuid(&collector.entropy).to_string());
    let claim = submission.profile.filter(|_| !submission.profile_less).map(|id| collector.claim(id));
    // An id that we signed is the visitor's; for any other, one is made in case that nobody knows it.
    let known = claim.as_ref().filter(|claim| !claim.doubtful).map(|claim| claim.id.clone());
    let minted = (known.is_none() && !submission.profile_less).then(|| collector.mint_profile_id(now));
    let user_agents = [head.header("user-agent"), submission.user_agent.as_deref()];
    TrackCall {
        lane: settings.lanes.of_session(&session),
        bridge: submission.bridge,
        fingerprint: fingerprint(&source, &session, &submission.event_ids)
            .unwrap_or_else(|| request_id.simple().to_string()),
        origin: head.header("origin").map(str::to_lowercase),
        claim,
        facts: Facts {
            session_less: submission.session_less,
            known_session_only: submission.known_session_only,
            bot: user_agents.into_iter().flatten().any(bots::is_bot),
            // A consent is the visitor's own wish, and is kept whatever the browser says.
            opted_out: opted_out(head) && !submission.known_session_only,
            identified: false,
        },
        record: StreamRecord {
            request_id,
            received_at: now,
            source,
            session,
            new_profile: minted.is_some(),
            profile: known.or(minted),
            vouched: false,
            unasked: None,
            new_session: false,
            transitional: false,
            events: u32::try_from(submission.event_ids.len()).unwrap_or(u32::MAX),
            client_address: settings.client_address.address(head),
            headers: kept_headers(head),
            body: submission.body,
        },
    }
}

/// Whether a reply may ask for another call.
fn may_be_asked_again(call: &TrackCall) -> bool {
    let doubtful = call.claim.as_ref().is_some_and(|claim| claim.doubtful);
    doubtful || call.facts.opted_out || (call.bridge == "webhook" && !call.facts.identified)
}

/// The claim was looked up: it is somebody's, or it was made up and its bearer gets the id that was minted.
fn resolve(call: &mut TrackCall, survivor: Option<String>) {
    call.claim = None;
    if let Some(survivor) = survivor {
        call.record.profile = Some(survivor);
        call.record.new_profile = false;
    }
}

/// Leaves what happened, and nothing that tells to whom. `body` is one that tells nothing, if there is another than the
/// events as they were sent.
fn make_anonymous<C: Clock, E: Entropy, K: Commit>(
    collector: &Collector<C, E, K>,
    call: &mut TrackCall,
    body: Option<String>,
    save_events: bool,
) {
    call.claim = None;
    call.facts = Facts { session_less: true, identified: true, bot: call.facts.bot, ..Facts::default() };
    let record = &mut call.record;
    // The lane stays, so that a repeated request is recognised; it says no more than four bits of a hash.
    record.session = random_uuid(&collector.entropy).to_string();
    record.profile = None;
    record.new_profile = false;
    record.client_address = None;
    record.headers.clear();
    record.body = body.unwrap_or_else(|| {
        let events = events_of(&record.body);
        Envelope { source: &record.source, session: None, save_session: false, save_events, events }.write()
    });
}

/// What must be remembered of a call until it is answered.
struct Asked {
    request_id: Uuid,
    source: String,
    session: String,
    session_less: bool,
    is_anonymous: bool,
    bridge: &'static str,
    claim: Option<String>,
}

impl Asked {
    fn of(call: &TrackCall, is_anonymous: bool) -> Self {
        Self {
            request_id: call.record.request_id,
            source: call.record.source.clone(),
            session: call.record.session.clone(),
            session_less: call.facts.session_less,
            is_anonymous,
            bridge: call.bridge,
            claim: call.claim.as_ref().map(|claim| claim.id.clone()),
        }
    }

    fn outcome(
        self,
        reply: TrackReply,
        survivor: Option<String>,
        event_ids: Vec<Option<String>>,
    ) -> Result<Outcome, CommitError> {
        match reply {
            TrackReply::Stored { profile, transitional, personal } => {
                // The private service knows that the claim stands for another profile, and stores the events there.
                let merged = survivor.filter(|_| profile.is_some() && profile == self.claim);
                let stored = self.stored(merged.or(profile), transitional, event_ids);
                Ok(Outcome::Stored(Stored { personal, ..stored }))
            }
            // As a transitional source: nothing of the session is left.
            TrackReply::Dropped => Ok(Outcome::Stored(self.stored(None, true, Vec::new()))),
            TrackReply::Empty => Ok(Outcome::Empty),
            reply => refusal::of_reply(reply, self.bridge, &self.source).map(Outcome::Refused),
        }
    }

    fn stored(self, profile: Option<String>, transitional: bool, given_ids: Vec<Option<String>>) -> Stored {
        let request_id = self.request_id;
        let keeping = match (transitional || self.is_anonymous, self.session_less) {
            (true, _) => Keeping::NotAllowed,
            (false, true) => Keeping::NotAsked,
            (false, false) => Keeping::Kept,
        };
        Stored {
            task: request_id.to_string(),
            profile,
            session: self.session,
            keeping,
            personal: None,
            request_id,
            given_ids,
        }
    }
}

impl<C: Clock, E: Entropy, K: Commit> Collector<C, E, K> {
    /// A brought profile id, with where to look it up.
    pub(crate) fn claim(&self, id: String) -> Claim {
        let settings = &self.settings;
        Claim {
            alias_key: settings.lanes.of_profile(&id).alias(&id),
            doubtful: !settings.profile_id_keys.verify(&id),
            id,
        }
    }

    fn mint_profile_id(&self, now: u64) -> String {
        let [r0, r1, r2, r3, r4, r5, ..] = self.entropy.bytes();
        self.settings.profile_id_keys.mint(now, [r0, r1, r2, r3, r4, r5])
    }
}

/// A random id in the form of a UUID.
pub(crate) fn random_uuid(entropy: &impl Entropy) -> Uuid {
    Builder::from_random_bytes(entropy.bytes()).into_uuid()
}

/// Refuses an id that is too long, as a path can name it.
pub(crate) fn refuse_long(ids: &[&str]) -> Option<Response> {
    let too_long = ids.iter().any(|id| id.len() > MAX_ID_BYTES);
    too_long.then(|| {
        let detail = format!("An id in the path is over {MAX_ID_BYTES} bytes.");
        Response::detail(StatusCode::UNPROCESSABLE_ENTITY, &detail)
    })
}
