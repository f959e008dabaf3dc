//! What stands behind all builds: Redis, the gateway, the private service, and their event sources.

use std::collections::HashMap;

use redis::Commands as _;
use redis::streams::StreamRangeReply;
use serde_json::{Value, json};
use tideline_e2e::{Analyst, Tideline};
use tideline_protocol::Lanes;
use xtask::stack::Part;

use crate::builds::Builds;

/// A running installation without an edge.
pub(crate) struct Installation {
    pub(crate) tideline: Tideline,
}

impl Installation {
    pub(crate) fn start() -> Self {
        let mut tideline = Tideline::start_parts(&[Part::Redis, Part::Gateway]);
        std::fs::write(tideline.data().join("sources.json"), provisioned().to_string()).unwrap();
        tideline.start(Part::Service).unwrap();
        Self { tideline }
    }

    pub(crate) fn analyst(&self) -> Analyst {
        self.tideline.analyst()
    }

    /// What a collector is told by its environment.
    pub(crate) fn collector_environment(&self) -> HashMap<&'static str, String> {
        let address = |name| (name, "x-forwarded-for".to_owned());
        let salt = ("TIDELINE_IDENTITY_SALT", "000102030405060708090a0b0c0d0e0f".to_owned());
        let mut environment: HashMap<_, _> = self.tideline.collector_environment().into_iter().collect();
        environment.extend([address("TIDELINE_CLIENT_ADDRESS_HEADER"), salt]);
        environment
    }

    pub(crate) fn end(&mut self) {
        self.tideline.stop_all().unwrap();
    }
}

/// What stands in Redis, and nobody at the edge sees.
pub(crate) struct Inside {
    redis_url: String,
    lanes: Lanes,
}

impl Inside {
    pub(crate) fn new(tideline: &Tideline) -> Self {
        let lanes = Lanes::new("production", "local", Lanes::DEFAULT_COUNT).unwrap();
        Self { redis_url: tideline.redis_url(), lanes }
    }

    /// Says that one id stands for another, as the private service does after a merge or an import.
    pub(crate) fn add_alias(&self, id: &str, survivor: &str) {
        let key = self.lanes.of_profile(id).alias(id);
        self.redis().set::<_, _, ()>(key, survivor).unwrap();
    }

    /// The reasons of all dead letters.
    pub(crate) fn dead_letters(&self) -> Vec<String> {
        let mut redis = self.redis();
        let letters = self.lanes.all().flat_map(|lane| {
            let reply: StreamRangeReply = redis.xrange_all(lane.dead_letters()).unwrap();
            reply.ids
        });
        letters.map(|letter| format!("{:?}", letter.map)).collect()
    }

    fn redis(&self) -> redis::Connection {
        redis::Client::open(self.redis_url.as_str()).unwrap().get_connection().unwrap()
    }
}

fn provisioned() -> Value {
    let source = |id: &str, kind: &str, changes: Value| {
        let mut source = json!({ "id": id, "name": format!("The source {id}"), "type": [kind] });
        source.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        source
    };
    let with = |config: Value| json!({ "config": config });
    let mut provisioned = json!({
        "sources": [
            source("shop-web", "rest", json!({})),
            source("rest-source-1", "rest", json!({})),
            source("rest-disabled", "rest", json!({ "enabled": false })),
            source("rest-ephemeral", "rest", json!({ "transitional": true })),
            source("rest-returns", "rest", json!({ "returns": ["consents", "data.pii.firstname"] })),
            source("rest-static", "rest", with(json!({ "static_profile_id": true }))),
            source("rest-origins", "rest", json!({ "origins": ["https://shop.example", "http://localhost:8080"] })),
            source("rest-robots", "rest", json!({ "bots": "accept" })),
            source("rest-anonymous", "rest", json!({ "opt_out": "anonymous" })),
            source("rest-drop", "rest", json!({ "opt_out": "drop" })),
            source("hook-source-1", "webhook", json!({})),
            source("crm", "webhook", json!({})),
            source("hook-ephemeral", "webhook", json!({ "transitional": true })),
            source("hook-anonymous", "webhook", json!({ "opt_out": "anonymous" })),
            source("hook-drop", "webhook", json!({ "opt_out": "drop" })),
            source("links-anonymous", "redirect", json!({ "opt_out": "anonymous" })),
            source("hook-replace", "webhook", with(json!({ "replace_profile_id": "customer.id" }))),
            source("hook-generate", "webhook", with(json!({ "generate_profile": ["mail", "phone"] }))),
            source("hook-loose", "webhook", with(json!({ "generate_profile": ["mail"], "sticky_session": false }))),
            source("links", "redirect", json!({})),
            source("links-off", "redirect", json!({ "enabled": false })),
        ],
        "redirects": [
            {
                "id": "spring", "name": "Spring sale", "source": "links", "event_type": "link-clicked",
                "url": "https://shop.example/sale?from=mail",
                "props": {
                    "campaign": "payload@params.campaign", "sent": { "by": "payload@body.by" },
                    "visit": "session@id", "page": "session@context.page", "fixed": 7,
                },
            },
            {
                "id": "discreet", "name": "Of a source that knows nobody", "source": "links-anonymous",
                "event_type": "link-clicked", "url": "https://shop.example/",
                "props": { "campaign": "payload@params.campaign", "visit": "session@id" },
            },
            {
                "id": "gone", "name": "Over", "source": "links", "event_type": "link-clicked",
                "url": "https://shop.example/", "enabled": false,
            },
            {
                "id": "uncounted", "name": "Of a source that is off", "source": "links-off", "event_type": "link-clicked",
                "url": "https://shop.example/",
            },
        ],
    });
    // One for each build, so that none is in the way of another.
    let limited = Builds::names().map(|name| {
        let limit = json!({ "rate_limit": { "per_second": 1, "burst": 1 } });
        source(&format!("limited {name}"), "rest", limit)
    });
    provisioned["sources"].as_array_mut().unwrap().extend(limited);
    provisioned
}
