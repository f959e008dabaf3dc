//! Event sources: what they must be like, and how the edge reads them.

use anyhow::bail;
use tideline_model::{Bridge, EventSource, RateLimit, SourceConfig};
use tideline_protocol::Lanes;
use url::{Origin, Url};

use crate::published::EdgeCopy;

const MOST_ORIGINS: usize = 100;
const MOST_PATHS: usize = 20;
const MOST_PATH_BYTES: usize = 256;
const MOST_CHANNEL_BYTES: usize = 256;
/// What pages may be told of a profile.
const RETURNED_WHOLE: [&str; 3] = ["segments", "consents", "interests"];
/// The same, in chosen parts.
const RETURNED_IN_PARTS: [&str; 2] = ["traits.", "data."];
/// Microseconds in a second: what comes faster than one of them is no limit.
const MOST_A_SECOND: u32 = 1_000_000;

/// Whether a source can do what it says.
///
/// # Errors
/// What it cannot do, and what to do.
pub(crate) fn check(source: &EventSource) -> anyhow::Result<()> {
    if source.r#type.is_empty() {
        bail!("it has no type, so it could take nothing: give it one or more of rest, webhook, redirect");
    }
    if source.origins.len() > MOST_ORIGINS {
        bail!(
            "it has {} origins, and {MOST_ORIGINS} are the most: make several sources",
            source.origins.len()
        );
    }
    for origin in &source.origins {
        check_origin(origin)?;
    }
    if let Some(RateLimit { per_second, burst }) = source.rate_limit
        && !((1..=MOST_A_SECOND).contains(&per_second) && (1..=MOST_A_SECOND).contains(&burst))
    {
        bail!("rate_limit has per_second {per_second} and burst {burst}: use 1 to {MOST_A_SECOND} for each");
    }
    if let Some(channel) = &source.channel
        && (channel.trim().is_empty() || channel.len() > MOST_CHANNEL_BYTES)
    {
        bail!(
            "channel is `{channel}`: say in 1 to {MOST_CHANNEL_BYTES} bytes what the source is for, as in Web"
        );
    }
    check_returns(&source.returns)?;
    check_config(&source.config, source.r#type.contains(&Bridge::Webhook))
}

/// Whether browsers name pages like this.
fn check_origin(origin: &str) -> anyhow::Result<()> {
    let wanted = origin.to_lowercase();
    let url = Url::parse(&wanted).ok().filter(Url::has_host);
    let Some(url) = url else {
        bail!(
            "`{origin}` is no web origin: write scheme, host and perhaps port, as in https://shop.example, or none at all to take any"
        );
    };
    let said = match (url.origin(), url.host_str(), url.port()) {
        (Origin::Opaque(_), Some(host), Some(port)) => format!("{}://{host}:{port}", url.scheme()),
        (Origin::Opaque(_), Some(host), None) => format!("{}://{host}", url.scheme()),
        (known, _, _) => known.ascii_serialization(),
    };
    if said != wanted {
        bail!("no browser says `{origin}`, as an origin has no path and no usual port: write {said}");
    }
    Ok(())
}

/// Whether pages may be told this of a profile.
fn check_returns(returns: &[String]) -> anyhow::Result<()> {
    if returns.len() > MOST_PATHS {
        bail!("returns has {} parts, and {MOST_PATHS} are the most", returns.len());
    }
    for part in returns {
        let is_whole = RETURNED_WHOLE.contains(&part.as_str());
        let is_inside = RETURNED_IN_PARTS.iter().any(|root| part.starts_with(root)) && is_path(part);
        if !is_whole && !is_inside {
            bail!(
                "returns has `{part}`, which pages are not told: use {}, or a path such as traits.plan or data.loyalty.card.points",
                RETURNED_WHOLE.join(", ")
            );
        }
    }
    Ok(())
}

/// Whether these are keys with dots between them.
fn is_path(path: &str) -> bool {
    path.len() <= MOST_PATH_BYTES
        && path.split('.').all(|key| !key.is_empty())
        && !path.contains(|letter: char| letter.is_whitespace() || letter.is_control())
}

fn check_config(config: &SourceConfig, is_webhook: bool) -> anyhow::Result<()> {
    let SourceConfig { replace_profile_id, generate_profile, .. } = config;
    if replace_profile_id.is_some() && !generate_profile.is_empty() {
        bail!(
            "config.replace_profile_id and config.generate_profile both say whose its events are: remove one of them"
        );
    }
    if (replace_profile_id.is_some() || !generate_profile.is_empty()) && !is_webhook {
        bail!(
            "config.replace_profile_id and config.generate_profile are for webhooks: remove them, or add webhook to its type"
        );
    }
    if generate_profile.len() > MOST_PATHS {
        bail!("config.generate_profile has {} paths, and {MOST_PATHS} are the most", generate_profile.len());
    }
    for path in replace_profile_id.iter().chain(generate_profile) {
        if !is_path(path) {
            bail!(
                "`{path}` is no path of a property: write its keys with dots between them, as in customer.id, in at most {MOST_PATH_BYTES} bytes without spaces"
            );
        }
    }
    Ok(())
}

/// A source as the function `track_v1` reads it in any of these lanes.
pub(crate) fn copy(source: &EventSource, lanes: &Lanes) -> EdgeCopy {
    let EventSource {
        id,
        name,
        channel: _,
        r#type,
        enabled,
        transitional,
        origins,
        bots,
        opt_out,
        returns,
        rate_limit,
        config,
    } = source;
    // Each lane has its share of the events.
    let gap = |limit: &RateLimit| {
        u64::from(MOST_A_SECOND) * lanes.all().count() as u64 / u64::from(limit.per_second)
    };
    let types: Vec<_> = r#type.iter().map(|bridge| bridge.name()).collect();
    let flag = |flag: bool| if flag { "1" } else { "0" }.to_owned();
    EdgeCopy {
        id: id.clone(),
        is_enabled: *enabled,
        fields: vec![
            ("name", name.clone()),
            ("types", types.join(",")),
            ("enabled", flag(*enabled)),
            ("transitional", flag(*transitional)),
            ("origins", origins.join(" ").to_lowercase()),
            ("bots", bots.name().to_owned()),
            ("opt_out", opt_out.name().to_owned()),
            ("rate_gap", rate_limit.as_ref().map(|limit| gap(limit).to_string()).unwrap_or_default()),
            ("rate_burst", rate_limit.map(|limit| limit.burst.to_string()).unwrap_or_default()),
            ("static", flag(config.static_profile_id)),
            ("replace_profile_id", config.replace_profile_id.clone().unwrap_or_default()),
            ("generate_profile", config.generate_profile.join(" ")),
            ("sticky_session", flag(config.sticky_session)),
            ("returns", flag(!returns.is_empty())),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn source(settings: Value) -> EventSource {
        let mut source = json!({"id": "a", "name": "A"});
        source.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
        serde_json::from_value(source).unwrap()
    }

    #[test]
    fn the_edge_reads_every_setting() {
        let lanes = Lanes::new("production", "eu", 16).unwrap();
        let values = |settings| {
            copy(&source(settings), &lanes).fields.into_iter().map(|(_, value)| value).collect::<Vec<_>>()
        };
        let names: Vec<_> =
            copy(&source(json!({})), &lanes).fields.into_iter().map(|(name, _)| name).collect();
        let expected = [
            "name",
            "types",
            "enabled",
            "transitional",
            "origins",
            "bots",
            "opt_out",
            "rate_gap",
            "rate_burst",
            "static",
            "replace_profile_id",
            "generate_profile",
            "sticky_session",
            "returns",
        ];
        assert_eq!(names, expected);
        assert_eq!(
            values(json!({})),
            ["A", "rest", "1", "0", "", "refuse", "ignore", "", "", "0", "", "", "1", "0"]
        );
        let all = json!({
            "type": ["rest", "webhook"], "enabled": false, "transitional": true,
            "origins": ["https://Shop.example", "http://localhost:8080"], "bots": "accept", "opt_out": "drop",
            "rate_limit": {"per_second": 100, "burst": 500}, "returns": ["consents"],
            "config": {"static_profile_id": true, "generate_profile": ["customer.id", "mail"], "sticky_session": false}
        });
        let expected = [
            "A",
            "rest,webhook",
            "0",
            "1",
            "https://shop.example http://localhost:8080",
            "accept",
            "drop",
            "160000",
            "500",
            "1",
            "",
            "customer.id mail",
            "0",
            "1",
        ];
        assert_eq!(values(all), expected);
        assert_eq!(
            values(json!({"opt_out": "anonymous", "config": {"replace_profile_id": "id"}}))[6..11],
            ["anonymous", "", "", "0", "id"]
        );
    }

    #[test]
    fn origins_are_what_browsers_say() {
        for origin in [
            "https://shop.example",
            "https://Shop.Example",
            "http://localhost:8080",
            "https://xn--bcher-kva.example",
            "http://[::1]:3000",
            "capacitor://localhost",
            "chrome-extension://abcdefgh",
        ] {
            assert!(check_origin(origin).is_ok(), "{origin}");
        }
        for (origin, expected) in [
            ("https://shop.example/", "write https://shop.example"),
            ("https://shop.example/shop?a#b", "write https://shop.example"),
            ("https://shop.example:443", "write https://shop.example"),
            ("http://shop.example:80", "write http://shop.example"),
            ("https://bücher.example", "write https://xn--bcher-kva.example"),
            ("https://me:secret@shop.example", "write https://shop.example"),
            ("capacitor://localhost/", "write capacitor://localhost"),
            ("shop.example", "is no web origin"),
            ("*", "none at all to take any"),
            ("null", "is no web origin"),
            ("", "is no web origin"),
            ("https://", "is no web origin"),
            ("mailto:a@b.example", "is no web origin"),
        ] {
            let message = check_origin(origin).unwrap_err().to_string();
            assert!(message.contains(expected), "{origin}: {message}");
        }
    }

    #[test]
    fn what_contradicts_itself_is_refused_with_what_mends_it() {
        let webhook = |config: Value| json!({"type": ["webhook"], "config": config});
        let long = "x".repeat(MOST_PATH_BYTES + 1);
        let table = [
            (json!({"type": []}), "give it one or more of"),
            (webhook(json!({"replace_profile_id": "id", "generate_profile": ["id"]})), "remove one of them"),
            (json!({"config": {"replace_profile_id": "id"}}), "add webhook to its type"),
            (json!({"config": {"generate_profile": ["id"]}}), "add webhook to its type"),
            (webhook(json!({"replace_profile_id": ""})), "no path of a property"),
            (webhook(json!({"replace_profile_id": "a..b"})), "with dots between them"),
            (webhook(json!({"generate_profile": ["customer id"]})), "without spaces"),
            (webhook(json!({"generate_profile": [long]})), "256 bytes"),
            (webhook(json!({"generate_profile": vec!["a"; MOST_PATHS + 1]})), "21 paths"),
            (json!({"origins": vec!["https://a.example"; MOST_ORIGINS + 1]}), "make several sources"),
            (json!({"origins": ["https://a.example", "*"]}), "`*`"),
            (json!({"rate_limit": {"per_second": 0, "burst": 1}}), "use 1 to 1000000"),
            (json!({"rate_limit": {"per_second": 1, "burst": 0}}), "use 1 to 1000000"),
            (json!({"returns": ["consents", "ids"]}), "`ids`, which pages are not told"),
            (json!({"returns": ["traits"]}), "a path such as traits.plan"),
            (json!({"returns": ["traits."]}), "a path such as traits.plan"),
            (json!({"returns": vec!["consents"; MOST_PATHS + 1]}), "21 parts"),
        ];
        for (settings, expected) in table {
            let message = check(&source(settings.clone())).unwrap_err().to_string();
            assert!(message.contains(expected), "{settings}: {message}");
        }
        assert!(check(&source(webhook(json!({"generate_profile": ["customer.id", "mail"]})))).is_ok());
    }
}
