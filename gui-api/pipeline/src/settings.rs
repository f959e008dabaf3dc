//! What an installation decides for all its requests.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use jiff::SignedDuration;
use tideline_model::{EventSource, Geo};
use tideline_protocol::IdentitySalt;

use crate::{Addresses, Rules};

/// What an installation decides for all its requests. To be the same wherever requests are processed, so that
/// processing one again gives the same.
#[derive(Clone, Debug)]
pub struct Settings {
    /// A session in which nothing was heard for longer than this goes on with another visit. Default 30 minutes.
    pub silence: SignedDuration,
    /// Who knows where addresses are, if anybody.
    pub places: Option<Arc<dyn Places>>,
    /// How much of addresses is kept. Default: all that the edge has kept.
    pub addresses: Addresses,
    /// The salt of what people are known by; without one, nobody is known by anything.
    pub salt: Option<IdentitySalt>,
    /// What event sources are for, by their ids in lower case.
    pub channels: Arc<HashMap<String, String>>,
    /// What people have decided about events and profiles. Default: nothing.
    pub rules: Arc<Rules>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            silence: SignedDuration::from_mins(30),
            places: None,
            addresses: Addresses::default(),
            salt: None,
            channels: Arc::default(),
            rules: Arc::default(),
        }
    }
}

impl Settings {
    /// Takes what these event sources are for.
    pub fn follow(&mut self, sources: &[EventSource]) {
        let named =
            sources.iter().filter_map(|source| Some((source.id.to_lowercase(), source.channel.clone()?)));
        self.channels = Arc::new(named.collect());
    }
}

/// Knows where addresses are. The same of the same address, as long as what it knows is the same.
pub trait Places: fmt::Debug + Send + Sync {
    /// The place of this address, if it is known.
    fn place(&self, address: IpAddr) -> Option<Geo>;
}
