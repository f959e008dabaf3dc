//! What a visit happens on and where, and what led to it, as its request tells.
//!
//! A client's own word (`context`) counts before what its headers and its address tell. Nothing here is personal but the address,
//! of which the edge keeps as much as it may.

mod campaign;
mod client;
mod continent;
mod domains;
mod email;
mod languages;
mod user_agent;

pub(crate) use continent::continent;
pub(crate) use email::is_free;
pub(crate) use languages::Languages;

use tideline_model::{App, Device, Event, Geo, Os, Properties, Referral, Session, Utm};

use crate::Request;

/// All that is known of what a visit happens on, and what led to it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Surroundings {
    pub(crate) device: Device,
    pub(crate) os: Os,
    pub(crate) app: App,
    pub(crate) utm: Utm,
    pub(crate) referral: Referral,
}

impl Surroundings {
    /// What the request tells.
    pub(crate) fn of(request: &Request) -> Self {
        let known = user_agent::read(request.user_agent.as_deref());
        let (utm, referral) = campaign::read(&request.context, request.events());
        let mut device = known.device.clone();
        client::device(&mut device, &request.context);
        if device.geo == Geo::default() {
            device.geo = request.place().unwrap_or_default();
        }
        device.ip.clone_from(&request.common.facts.ip);
        let mut app = known.app.clone();
        client::app(&mut app, &request.context, &request.languages);
        Self { device, os: known.os.clone(), app, utm, referral }
    }

    /// What the session knows.
    pub(crate) fn of_session(session: &Session) -> Self {
        Self {
            device: session.device.clone(),
            os: session.os.clone(),
            app: session.app.clone(),
            utm: session.utm.clone(),
            referral: session.referral.clone(),
        }
    }

    /// Tells the session what it does not know yet. A part that it knows stays as it is: a visit goes on where it began.
    pub(crate) fn tell(self, session: &mut Session) {
        fill(&mut session.device, self.device);
        fill(&mut session.os, self.os);
        fill(&mut session.app, self.app);
        fill(&mut session.utm, self.utm);
        fill(&mut session.referral, self.referral);
    }

    /// The event as it happened in these surroundings. Where it says itself that it happened, counts.
    pub(crate) fn around(&self, event: Event) -> Event {
        let mut device = self.device.clone();
        if event.device.geo.longitude.is_some() {
            device.geo = event.device.geo.clone();
        }
        Event {
            device,
            os: self.os.clone(),
            app: self.app.clone(),
            utm: self.utm.clone(),
            referral: self.referral.clone(),
            ..event
        }
    }
}

/// The user agent that the script of the page has read.
pub(crate) fn user_agent_of_script(context: &Properties) -> Option<String> {
    at(context, &["browser", "local", "browser", "userAgent"])?.as_str().map(str::to_owned)
}

/// Whether the session knows what it happens on, so that nothing needs to be found out.
pub(crate) fn are_known(session: &Session) -> bool {
    session.device != Device::default() && session.os != Os::default() && session.app != App::default()
}

fn fill<T: Default + PartialEq>(part: &mut T, found: T) {
    if *part == T::default() {
        *part = found;
    }
}

/// A short text of a client's context, trimmed; none when it is missing, blank or no short text.
fn text(members: &Properties, path: &[&str]) -> Option<String> {
    let value = at(members, path)?;
    value.as_str().map(str::trim).filter(|text| (1..=MAX_TEXT_BYTES).contains(&text.len())).map(str::to_owned)
}

fn at<'a>(members: &'a Properties, path: &[&str]) -> Option<&'a serde_json::Value> {
    let (first, rest) = path.split_first()?;
    rest.iter().try_fold(members.get(*first)?, |value, step| value.get(step))
}

/// The longest text that is taken from a context, in bytes.
const MAX_TEXT_BYTES: usize = 256;
