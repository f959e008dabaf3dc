//! The edge's settings, from environment variables and from nowhere else.

use std::num::ParseIntError;

use tideline_protocol::{IdentitySalt, Lanes, LanesError, ProfileIdKeys, ProfileIdKeysError};
use tideline_redis_rest::{Endpoint, EndpointError};

use crate::visitor::{AddressRule, KeepAddress};
use crate::{Grouping, RedisMode};

const URL: &str = "UPSTASH_REDIS_REST_URL";
const TOKEN: &str = "UPSTASH_REDIS_REST_TOKEN";
const KEYS: &str = "TIDELINE_PROFILE_ID_KEYS";
const CONTEXT: &str = "TIDELINE_CONTEXT";
const REGION: &str = "TIDELINE_REGION";
const LANES: &str = "TIDELINE_LANES";
const MAX_BODY: &str = "TIDELINE_MAX_BODY_BYTES";
const ADDRESS: &str = "TIDELINE_CLIENT_ADDRESS_HEADER";
const HOPS: &str = "TIDELINE_CLIENT_ADDRESS_HOPS";
const IP: &str = "TIDELINE_IP";
const DEBUG: &str = "TIDELINE_TRACK_DEBUG";
pub(crate) const SALT: &str = "TIDELINE_IDENTITY_SALT";
const GROUP: &str = "TIDELINE_GROUP_COMMIT";
const MODE: &str = "TIDELINE_REDIS_MODE";

const DEFAULT_MAX_BODY: usize = 256 * 1024;
/// A body is sent to Redis as one JSON string, at worst twice as long, and our gateway takes 1 MiB unless told otherwise.
const LARGEST_MAX_BODY: usize = 480 * 1024;

/// What the edge is told by its environment.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `UPSTASH_REDIS_REST_URL` and `UPSTASH_REDIS_REST_TOKEN`, both required.
    pub endpoint: Endpoint,
    /// `TIDELINE_PROFILE_ID_KEYS`, required: one key of 32 hexadecimal digits, or two while they are rotated.
    pub profile_id_keys: ProfileIdKeys,
    /// `TIDELINE_CONTEXT` (`production`), `TIDELINE_REGION` (`local`), `TIDELINE_LANES` (16):
    /// the same as the private service's.
    pub lanes: Lanes,
    /// `TIDELINE_MAX_BODY_BYTES`, the longest body that is read, in bytes: 1024 to 491520, 262144 unless set.
    pub max_body_bytes: usize,
    /// `TIDELINE_CLIENT_ADDRESS_HEADER`: the header in which the host, or a proxy in front of it, puts
    /// the visitor's address. Unset, addresses are not recorded.
    ///
    /// `TIDELINE_CLIENT_ADDRESS_HOPS`: which of the addresses there, counted from the last: 1 to 16, 1 unless set.
    ///
    /// `TIDELINE_IP`: how much of the address is kept, `full`, `truncate` (IPv4 to 24 bits, IPv6 to 48) or `drop`; `full` unless set.
    pub(crate) client_address: AddressRule,
    /// `TIDELINE_TRACK_DEBUG`, `yes` or `no`: whether requests with `options.debugger` are answered with the ids of
    /// their events. `no` unless set.
    pub track_debug: bool,
    /// `TIDELINE_IDENTITY_SALT`, 32 hexadecimal digits, for ever the same: from it and a property, profile and session ids
    /// of webhooks are generated. Needed only where properties tell whose an event source's webhooks are.
    pub(crate) identity_salt: Option<IdentitySalt>,
    /// `TIDELINE_GROUP_COMMIT`: whether requests share writes to Redis. `yes`, `no`, or `polling` for hosts on which one
    /// request cannot wake another; `yes` unless set.
    pub grouping: Grouping,
    /// `TIDELINE_REDIS_MODE`: `function`, or `lean` for databases that bill each command (`docs/redis.md`); `function`
    /// unless set.
    pub redis: RedisMode,
}

/// A setting that is missing or wrong. The message names it, and shows nothing secret.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// A required setting is missing or empty.
    #[error("{0} is not set: the edge cannot work without it")]
    Missing(&'static str),
    /// A name that looks like a setting and is none.
    #[error("{0} is not a setting of the edge: it has {known}", known = Settings::NAMES.join(", "))]
    Unknown(String),
    /// The Redis address or token.
    #[error("{URL} or {TOKEN}: {0}")]
    Endpoint(#[from] EndpointError),
    /// The keys for profile ids.
    #[error("{KEYS}: {0}")]
    Keys(#[from] ProfileIdKeysError),
    /// Context, region or number of lanes.
    #[error("{CONTEXT}, {REGION} or {LANES}: {0}")]
    Lanes(#[from] LanesError),
    /// A number that is none.
    #[error("{name} is `{value}`, which is no number in range: {source}")]
    Number {
        /// The setting.
        name: &'static str,
        /// Its value.
        value: String,
        /// What is wrong with it.
        source: ParseIntError,
    },
    /// A value that is none of those which the setting can have.
    #[error("{name} is `{value}`: use {known}")]
    Word {
        /// The setting.
        name: &'static str,
        /// Its value.
        value: String,
        /// What it can be.
        known: &'static str,
    },
    /// The salt has another shape. It is not shown.
    #[error("{SALT} is not 32 hexadecimal digits (16 bytes): make one with `openssl rand -hex 16`")]
    Salt,
    /// The body limit is out of range.
    #[error("{MAX_BODY} is {0}: use 1024 to {LARGEST_MAX_BODY}")]
    MaxBody(usize),
}

impl Settings {
    /// All settings that the edge knows.
    pub const NAMES: [&str; 14] =
        [URL, TOKEN, KEYS, CONTEXT, REGION, LANES, MAX_BODY, ADDRESS, HOPS, IP, DEBUG, SALT, GROUP, MODE];

    /// Reads the settings from these variables. Those that begin neither with `TIDELINE_` nor with `UPSTASH_REDIS_REST_` are none of ours.
    ///
    /// # Errors
    /// The first setting that is missing, unknown or wrong.
    pub fn from_variables(variables: &[(String, String)]) -> Result<Self, SettingsError> {
        let ours = |name: &str| name.starts_with("TIDELINE_") || name.starts_with("UPSTASH_REDIS_REST_");
        if let Some((name, _)) =
            variables.iter().find(|(name, _)| ours(name) && !Self::NAMES.contains(&name.as_str()))
        {
            return Err(SettingsError::Unknown(name.clone()));
        }
        let optional = |name: &str| {
            let value = variables.iter().find(|(known, _)| known == name).map(|(_, value)| value.trim());
            value.filter(|value| !value.is_empty())
        };
        let required = |name: &'static str| optional(name).ok_or(SettingsError::Missing(name));

        let lanes = parse(LANES, optional(LANES))?.unwrap_or(Lanes::DEFAULT_COUNT);
        let max_body_bytes = parse(MAX_BODY, optional(MAX_BODY))?.unwrap_or(DEFAULT_MAX_BODY);
        if !(1024..=LARGEST_MAX_BODY).contains(&max_body_bytes) {
            return Err(SettingsError::MaxBody(max_body_bytes));
        }
        Ok(Self {
            endpoint: Endpoint::new(required(URL)?, required(TOKEN)?)?,
            profile_id_keys: ProfileIdKeys::parse(required(KEYS)?)?,
            lanes: Lanes::new(
                optional(CONTEXT).unwrap_or("production"),
                optional(REGION).unwrap_or("local"),
                lanes,
            )?,
            max_body_bytes,
            client_address: AddressRule {
                header: optional(ADDRESS).map(str::to_ascii_lowercase),
                hops: hops(optional(HOPS))?,
                keep: word(IP, optional(IP), "full, truncate or drop", |word| {
                    Some(match word {
                        "full" => KeepAddress::Full,
                        "truncate" => KeepAddress::Truncated,
                        "drop" => KeepAddress::Nothing,
                        _ => return None,
                    })
                })?
                .unwrap_or(KeepAddress::Full),
            },
            track_debug: word(DEBUG, optional(DEBUG), "yes or no", |word| match word {
                "yes" => Some(true),
                "no" => Some(false),
                _ => None,
            })?
            .unwrap_or(false),
            identity_salt: optional(SALT)
                .map(IdentitySalt::parse)
                .transpose()
                .map_err(|_| SettingsError::Salt)?,
            grouping: word(GROUP, optional(GROUP), "yes, polling or no", |word| match word {
                "yes" => Some(Grouping::Waking),
                "polling" => Some(Grouping::Polling),
                "no" => Some(Grouping::None),
                _ => None,
            })?
            .unwrap_or_default(),
            redis: word(MODE, optional(MODE), "function or lean", |word| match word {
                "function" => Some(RedisMode::Function),
                "lean" => Some(RedisMode::Lean),
                _ => None,
            })?
            .unwrap_or_default(),
        })
    }
}

fn word<T>(
    name: &'static str,
    value: Option<&str>,
    known: &'static str,
    meaning: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, SettingsError> {
    value
        .map(|word| meaning(word).ok_or_else(|| SettingsError::Word { name, value: word.to_owned(), known }))
        .transpose()
}

/// More proxies than this are no chain that anybody oversees.
const MOST_HOPS: usize = 16;

fn hops(value: Option<&str>) -> Result<usize, SettingsError> {
    match parse(HOPS, value)? {
        None => Ok(1),
        Some(hops) if (1..=MOST_HOPS).contains(&hops) => Ok(hops),
        Some(hops) => Err(SettingsError::Word { name: HOPS, value: hops.to_string(), known: "1 to 16" }),
    }
}

fn parse<T: std::str::FromStr<Err = ParseIntError>>(
    name: &'static str,
    value: Option<&str>,
) -> Result<Option<T>, SettingsError> {
    value
        .map(|text| {
            text.parse().map_err(|source| SettingsError::Number { name, value: text.to_owned(), source })
        })
        .transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(changes: &[(&str, &str)]) -> Result<Settings, SettingsError> {
        let mut variables = vec![
            (URL.to_owned(), "http://127.0.0.1:8079".to_owned()),
            (TOKEN.to_owned(), "s3cret".to_owned()),
            (KEYS.to_owned(), "00112233445566778899aabbccddeeff".to_owned()),
        ];
        for (name, value) in changes {
            variables.retain(|(known, _)| known != name);
            variables.push(((*name).to_owned(), (*value).to_owned()));
        }
        Settings::from_variables(&variables)
    }

    #[test]
    fn defaults_fill_what_is_not_set() {
        let settings = read(&[("PATH", "/bin")]).unwrap();
        assert_eq!(settings.lanes, Lanes::new("production", "local", 16).unwrap());
        assert_eq!(settings.max_body_bytes, 262_144);
        let unset = AddressRule { header: None, hops: 1, keep: KeepAddress::Full };
        assert_eq!(
            (settings.client_address, settings.track_debug, settings.identity_salt),
            (unset, false, None)
        );
    }

    #[test]
    fn every_wrong_setting_is_named_and_no_secret_is_shown() {
        let cases = [
            (URL, ""),
            (URL, "redis"),
            (TOKEN, ""),
            (TOKEN, "s3cret s3cret"),
            (KEYS, "s3cret"),
            (KEYS, ""),
            (CONTEXT, "Production!"),
            (LANES, "0"),
            (LANES, "many"),
            (MAX_BODY, "12"),
            (HOPS, "0"),
            (HOPS, "17"),
            (IP, "some"),
            (DEBUG, "true"),
            (GROUP, "off"),
            (MODE, "cheap"),
            (SALT, "s3cret"),
            ("TIDELINE_REDIS_URL", "redis://s3cret"),
        ];
        for (name, value) in cases {
            let message = read(&[(name, value)]).unwrap_err().to_string();
            assert!(message.contains(name), "{message}");
            assert!(!message.contains("s3cret"), "{message}");
        }
        assert!(!format!("{:?}", read(&[]).unwrap()).contains("s3cret"));
    }
}
