//! Consents: what a visitor has agreed to, as `consent-update` events tell.

use serde_json::Value;
use tideline_model::{Consent, ConsentState, Event, Profile};

use crate::{Rules, changes};

const CONSENT_UPDATE: &str = "consent-update";
/// The most consents that a profile knows of, given or taken back.
const MAX_CONSENTS: usize = 100;
/// The longest id of a consent, in bytes.
const MAX_CONSENT_ID_BYTES: usize = 128;

/// Gives the profile the consents of `properties.consents` that are true, and takes back those that are false.
/// What is beyond a bound, or is neither, changes nothing. One that rules let end does so by itself.
pub(crate) fn note(profile: &mut Profile, event: &Event, rules: &Rules) {
    if event.r#type != CONSENT_UPDATE {
        return;
    }
    let Some(Value::Object(consents)) = event.properties.get("consents") else { return };
    for (id, given) in consents {
        let Value::Bool(given) = *given else { continue };
        if id.is_empty() || id.len() > MAX_CONSENT_ID_BYTES {
            continue;
        }
        let path = format!("consents.{id}");
        let fields = &profile.metadata.fields;
        let known = || fields.keys().filter(|path| path.starts_with("consents.")).count();
        let has_room = fields.contains_key(&path) || known() < MAX_CONSENTS;
        if !has_room || !changes::is_latest(&profile.metadata, &path, event) {
            continue;
        }
        changes::note(&mut profile.metadata, &path, event);
        if given {
            let revoke = rules.consent_ends(id, event.metadata.time.receive);
            profile.consents.insert(id.clone(), Consent { revoke });
            profile.aux.consents = Some(ConsentState { granted: true });
        } else {
            profile.consents.remove(id);
        }
    }
}
