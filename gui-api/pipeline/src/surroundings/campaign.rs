//! What led to a visit: a campaign, a search engine, a network of people, another site.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use serde::Deserialize;
use tideline_model::{Event, Properties, Referral, Utm};

use super::domains::Domains;
use super::text;

/// The longest address whose parameters are read, in bytes.
const MAX_ADDRESS_BYTES: usize = 8 * 1024;
/// The longest value that is kept, in bytes.
const MAX_VALUE_BYTES: usize = 256;

/// The campaign that the client tells of, or the address of its first page, and what led there.
pub(super) fn read<'a>(context: &Properties, events: impl Iterator<Item = &'a Event>) -> (Utm, Referral) {
    let said = |key| text(context, &["utm", key]);
    let mut utm = Utm {
        source: said("source"),
        medium: said("medium"),
        campaign: said("campaign"),
        term: said("term"),
        content: said("content"),
    };
    let mut paid = None;
    let mut referer = None;
    for event in events {
        if let Some(address) = event.hit.url.as_deref() {
            if utm == Utm::default() {
                utm = of_address(address);
            }
            paid = paid.or_else(|| paid_click(address));
        }
        let host = event.hit.referer.as_deref().filter(|host| is_host(host));
        referer = referer.or_else(|| host.filter(|host| !is_own(event, host)));
    }
    let referral = referral(&utm, paid, referer);
    (utm, referral)
}

fn referral(utm: &Utm, paid: Option<&str>, referer: Option<&str>) -> Referral {
    let of = |kind: &str, name: &str| Referral { kind: Some(kind.to_owned()), name: Some(name.to_owned()) };
    let campaign = utm.campaign.as_deref().or(utm.source.as_deref());
    let site =
        || referer.map(|host| REFERRERS.sites.get(host).map_or(("site", host), |(kind, name)| (kind, name)));
    match campaign.or(paid).map(|name| ("campaign", name)).or_else(site) {
        Some((kind, name)) => of(kind, name),
        None => Referral::default(),
    }
}

fn of_address(address: &str) -> Utm {
    let mut utm = Utm::default();
    for (name, value) in parameters(address) {
        let field = match name.as_ref() {
            "utm_source" => &mut utm.source,
            "utm_medium" => &mut utm.medium,
            "utm_campaign" => &mut utm.campaign,
            "utm_term" => &mut utm.term,
            "utm_content" => &mut utm.content,
            _ => continue,
        };
        let value = value.trim();
        if field.is_none() && (1..=MAX_VALUE_BYTES).contains(&value.len()) {
            *field = Some(value.to_owned());
        }
    }
    utm
}

/// The system that has put its click into the address.
fn paid_click(address: &str) -> Option<&'static str> {
    parameters(address).find_map(|(name, _)| REFERRERS.clicks.get(name.as_ref())).map(String::as_str)
}

fn parameters(address: &str) -> form_urlencoded::Parse<'_> {
    let address = if address.len() <= MAX_ADDRESS_BYTES { address } else { "" };
    let address = address.split('#').next().unwrap_or_default();
    form_urlencoded::parse(address.split_once('?').map_or("", |(_, query)| query).as_bytes())
}

/// Whether the page is on this host, or on one above or below it.
fn is_own(event: &Event, host: &str) -> bool {
    let Some(address) = event.hit.url.as_deref() else { return false };
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let own = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let plain = |host: &str| {
        let host = host.split(':').next().unwrap_or_default().to_ascii_lowercase();
        host.strip_prefix("www.").map_or(host.clone(), str::to_owned)
    };
    let (own, host) = (plain(own), plain(host));
    own == host || own.ends_with(&format!(".{host}")) || host.ends_with(&format!(".{own}"))
}

fn is_host(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]_".contains(&byte) || byte >= 0x80;
    (1..=253).contains(&text.len()) && text.bytes().all(is_plain)
}

#[derive(Default)]
struct Referrers {
    sites: Domains<(&'static str, String)>,
    clicks: HashMap<String, String>,
}

// A test reads the file.
static REFERRERS: LazyLock<Referrers> = LazyLock::new(|| {
    #[derive(Deserialize)]
    struct File {
        search: BTreeMap<String, Vec<String>>,
        social: BTreeMap<String, Vec<String>>,
        clicks: HashMap<String, String>,
    }
    let Ok(file) = toml::from_str::<File>(include_str!("../../data/referrers.toml")) else {
        return Referrers::default();
    };
    let sites = |kind: &'static str, sites: BTreeMap<String, Vec<String>>| {
        let domains = move |(name, domains): (String, Vec<String>)| {
            domains.into_iter().map(move |domain| (domain, (kind, name.clone())))
        };
        sites.into_iter().flat_map(domains)
    };
    let sites = sites("search", file.search).chain(sites("social", file.social));
    Referrers { sites: Domains::of(sites), clicks: file.clicks }
});
