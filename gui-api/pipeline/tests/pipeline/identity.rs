//! What people are known by, and what two profiles of one person become (`docs/processing.md` §8).

use std::sync::Arc;

use serde_json::{Value, json};
use tideline_model::{ConfigurationKind, Profile};
use tideline_pipeline::{Rules, Settings, keys, merge, separate};
use tideline_protocol::IdentitySalt;

use crate::support::object;

const RUNS: u64 = 1_000;

fn profile(id: &str, insert: u32, more: &Value) -> Profile {
    let time = |seconds: u32| format!("2026-11-22T10:{:02}:{:02}Z", seconds / 60, seconds % 60);
    let mut document = json!({
        "id": id, "ids": [id], "active": true,
        "metadata": {"time": {
            "insert": time(insert), "update": time(insert + 100),
            "visit": {"count": 1, "current": time(insert), "tz": "Europe/Oslo"},
        }},
        "stats": {"visits": 1, "views": 2, "counters": {"events": 3}},
    });
    fn lay_over(under: &mut Value, over: &Value) {
        match (under, over) {
            (Value::Object(under), Value::Object(over)) => {
                for (key, value) in over {
                    lay_over(under.entry(key.clone()).or_insert(Value::Null), value);
                }
            }
            (under, over) => *under = over.clone(),
        }
    }
    lay_over(&mut document, more);
    serde_json::from_value(document).unwrap()
}

fn settings(objects: &[(ConfigurationKind, &str, Value)]) -> Settings {
    let objects: Vec<_> = objects.iter().map(|(kind, id, settings)| object(*kind, id, settings)).collect();
    let (rules, problems) = Rules::compile(&objects);
    assert_eq!(problems, []);
    let salt = Some(IdentitySalt::parse("000102030405060708090a0b0c0d0e0f").unwrap());
    Settings { salt, rules: Arc::new(rules), ..Settings::default() }
}

fn kinds(settings: &Settings, profile: &Profile) -> Vec<String> {
    keys(settings, profile).into_iter().map(|key| key.kind).collect()
}

#[test]
fn people_are_known_by_hashes_that_need_the_salt() {
    let known = json!({"data": {
        "contact": {"email": {"main": "Ada@Mail.Example"}, "phone": {"mobile": "+47 555 01 001"}},
        "identifier": {"pk": "C-7"}, "pii": {"firstname": "Ada"},
    }});
    let (one, settings) = (profile("a", 0, &known), settings(&[]));
    let found = keys(&settings, &one);
    assert_eq!(found.iter().map(|key| key.kind.as_str()).collect::<Vec<_>>(), ["emm", "pho", "ipk"]);
    for key in &found {
        assert!(
            key.id.starts_with(&format!("{}-", key.kind)) && !key.id.to_lowercase().contains("ada"),
            "{key:?}"
        );
    }
    let other = profile("b", 0, &json!({"data": {"contact": {"email": {"main": " ada@mail.example"}}}}));
    assert_eq!(keys(&settings, &other), found[..1]);
    let business =
        profile("c", 0, &json!({"data": {"contact": {"email": {"business": "ada@mail.example"}}}}));
    assert_ne!(keys(&settings, &business)[0].id, found[0].id);
    assert_eq!(keys(&Settings::default(), &one), [], "without a salt, nobody is known by anything");
}

#[test]
fn an_identification_point_knows_people_by_all_its_fields_together() {
    let point = json!({"fields": [
        {"profile": "data.pii.lastname", "event": "properties.name"},
        {"profile": "traits.member", "event": "properties.number"},
    ]});
    let settings = settings(&[(ConfigurationKind::IdentificationPoint, "members", point)]);
    let known = |data: Value| profile("a", 0, &data);
    let of = |data: Value| keys(&settings, &known(data));
    let ada = of(json!({"data": {"pii": {"lastname": "Lovelace"}}, "traits": {"member": 7}}));
    assert_eq!(ada.len(), 1);
    assert_eq!(ada, of(json!({"data": {"pii": {"lastname": "LOVELACE"}}, "traits": {"member": "7"}})));
    assert_ne!(ada, of(json!({"data": {"pii": {"lastname": "Lovelace7"}}, "traits": {"member": ""}})));
    assert_eq!(kinds(&settings, &known(json!({"traits": {"member": 7}}))), Vec::<String>::new());
}

#[test]
fn fields_become_what_their_strategy_says() {
    let rules = [
        ("points", "traits.points", "sum"),
        ("first", "traits.first_seen", "min"),
        ("best", "traits.best", "max"),
        ("origin", "traits.origin", "first_update"),
        ("vip", "traits.vip", "any"),
        ("adult", "traits.adult", "all"),
        ("sizes", "traits.sizes.*", "union"),
    ];
    let rules: Vec<_> = rules
        .iter()
        .map(|(id, field, strategy)| {
            (ConfigurationKind::Merging, *id, json!({"field": field, "strategy": strategy}))
        })
        .collect();
    let settings = settings(&rules);
    let at = |second: u32, event: &str| json!([format!("2026-11-22T11:00:{second:02}Z"), event]);
    let one = profile(
        "a",
        0,
        &json!({
            "traits": {"points": 1.5, "first_seen": "2026-03-01", "best": 7, "origin": "mail", "vip": false, "adult": true,
                "sizes": {"eu": ["S"]}, "plan": "gold"},
            "data": {"metrics": {"ltcosc": 4, "ltcocc": 2, "ltcop": 2.0}, "preferences": {"colors": ["red"]},
                "contact": {"email": {"main": "old@mail.example"}}},
            "interests": {"boats": 2},
            "metadata": {"fields": {"traits.origin": at(1, "1"), "data.contact.email.main": at(1, "1")}},
        }),
    );
    let other = profile(
        "b",
        60,
        &json!({
            "traits": {"points": 2, "first_seen": "2025-12-31", "best": 9, "origin": "web", "vip": true, "adult": false,
                "sizes": {"eu": ["M", "S"]}, "age": 7},
            "data": {"metrics": {"ltcosc": 2, "ltcocc": 1, "ltcop": 2.0}, "preferences": {"colors": ["blue"]},
                "contact": {"email": {"main": "new@mail.example"}}},
            "interests": {"boats": 0.5, "cars": 1},
            "metadata": {"fields": {"traits.origin": at(2, "2"), "data.contact.email.main": at(2, "2")}},
        }),
    );
    let merged = merge(&settings.rules, &other, &one).unwrap();
    assert_eq!((merged.survivor.id.as_str(), merged.merged.as_str()), ("a", "b"));
    let survivor = serde_json::to_value(&merged.survivor).unwrap();
    assert_eq!(
        survivor["traits"],
        json!({
            "points": 3.5, "first_seen": "2025-12-31", "best": 9, "origin": "mail", "vip": true, "adult": false,
            "sizes": {"eu": ["M", "S"]}, "plan": "gold", "age": 7,
        })
    );
    assert_eq!(
        survivor["data"],
        json!({
            "metrics": {"ltcosc": 6, "ltcocc": 3, "ltcop": 2.0}, "preferences": {"colors": ["blue", "red"]},
            "contact": {"email": {"main": "new@mail.example"}},
        })
    );
    assert_eq!(survivor["interests"], json!({"boats": 2.5, "cars": 1}));
    assert_eq!(survivor["stats"], json!({"visits": 2, "views": 4, "counters": {"events": 6}}));
    assert_eq!(survivor["metadata"]["time"]["visit"]["count"], 2);
    assert_eq!(survivor["metadata"]["time"]["visit"]["last"], "2026-11-22T10:00:00Z");
    assert_eq!(survivor["ids"], json!(["a", "b"]));
}

#[test]
fn a_consent_that_was_taken_back_last_stays_taken_back() {
    let at = |second: u32| json!([format!("2026-11-22T11:00:{second:02}Z"), "e"]);
    let consents = |given: &[&str], said: u32| {
        let given: serde_json::Map<_, _> =
            given.iter().map(|id| ((*id).to_owned(), json!({"revoke": null}))).collect();
        json!({"consents": given, "aux": {"consents": {"granted": true}},
            "metadata": {"fields": {"consents.letters": at(said), "consents.ads": at(5)}}})
    };
    let agreed = profile("a", 0, &consents(&["letters", "ads"], 1));
    let objected = profile("b", 9, &consents(&[], 2));
    let merged = merge(&Rules::default(), &agreed, &objected).unwrap().survivor;
    assert!(merged.consents.is_empty(), "one was taken back later, of the other both was said at once");
    assert!(merged.aux.consents.unwrap().granted);
}

#[test]
fn none_of_too_many_ids_is_lost() {
    let with_ids = |id: &str, count: usize| {
        let ids: Vec<_> = (0..count).map(|number| format!("{id}{number}")).collect();
        Profile { ids, ..profile(id, 0, &json!({})) }
    };
    assert!(merge(&Rules::default(), &with_ids("a", 500), &with_ids("b", 500)).is_some());
    assert!(merge(&Rules::default(), &with_ids("a", 500), &with_ids("b", 501)).is_none());
}

/// Numbers that are the same in every run (xorshift64*, Vigna 2014).
struct Numbers(u64);

impl Numbers {
    fn of_run(run: u64) -> Self {
        Self(0x6964_656e_7469_7479 ^ (run + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    /// Less than `end`.
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % end
    }

    fn letter(&mut self, letters: &str) -> String {
        let index = usize::try_from(self.below(letters.len() as u64)).unwrap();
        letters[index..=index].to_owned()
    }

    /// A profile with fields that others have as well.
    fn profile(&mut self, id: &str) -> Profile {
        let time = |second: u64| format!("2026-11-22T11:00:{second:02}Z");
        let (mut traits, mut stamps, mut consents) = (json!({}), json!({}), json!({}));
        for _ in 0..self.below(4) {
            let key = self.letter("abcd");
            let value = match self.below(3) {
                0 => json!(self.below(4)),
                1 => json!(self.letter("xyz")),
                _ => json!([self.letter("xyz")]),
            };
            stamps[format!("traits.{key}")] = json!([time(self.below(3)), value.to_string()]);
            traits[key] = value;
        }
        for id in ["m", "n"] {
            if self.below(2) == 0 {
                stamps[format!("consents.{id}")] = json!([time(self.below(3)), "e"]);
                if self.below(2) == 0 {
                    consents[id] = json!({"revoke": null});
                }
            }
        }
        let interests = if self.below(2) == 0 { json!({}) } else { json!({"boats": self.below(4)}) };
        let (one, other, insert) = (self.below(4), self.below(4), self.below(3));
        profile(
            id,
            u32::try_from(insert).unwrap(),
            &json!({
                "traits": traits, "interests": interests, "consents": consents,
                "stats": {"views": self.below(5)}, "aux": {"geo": {"markets": [self.letter("ABC")]}},
                "metadata": {"fields": stamps, "keys": [format!("emm-{id}")],
                    "time": {"visit": {"last": time(one.min(other)), "current": time(one.max(other))}}},
                "applied": {"lane": [insert, 0], id: [1, 1]},
            }),
        )
    }
}

fn merged(one: &Profile, other: &Profile) -> Profile {
    merge(&rules(), one, other).unwrap().survivor
}

fn rules() -> Arc<Rules> {
    let line = |id, strategy: &str| {
        (ConfigurationKind::Merging, id, json!({"field": format!("traits.{id}"), "strategy": strategy}))
    };
    settings(&[line("a", "union"), line("b", "max")]).rules
}

#[test]
fn it_does_not_matter_which_two_meet_first() {
    for run in 0..RUNS {
        let mut numbers = Numbers::of_run(run);
        let [one, other, third] = ["p", "q", "r"].map(|id| numbers.profile(id));
        assert_eq!(merged(&one, &other), merged(&other, &one), "run {run}");
        let together = merged(&merged(&one, &other), &third);
        assert_eq!(together, merged(&one, &merged(&other, &third)), "run {run}");
        assert_eq!(together, merged(&other, &merged(&third, &one)), "run {run}");
        assert_eq!(together.ids.len(), 3);
        assert_eq!(together.stats.views, one.stats.views + other.stats.views + third.stats.views);
    }
}

#[test]
fn what_was_merged_is_separated_again_to_what_it_was() {
    for run in 0..RUNS {
        let mut numbers = Numbers::of_run(run);
        let [one, other] = ["p", "q"].map(|id| numbers.profile(id));
        let together = merged(&one, &other);
        let (kept, gone) = if together.id == one.id { (one, other) } else { (other, one) };
        let alone = separate(&rules(), &together, &kept, &gone);
        assert_eq!(alone, Profile { applied: together.applied, ..kept }, "run {run}");
    }
}

#[test]
fn what_came_since_stays_and_what_was_merged_goes() {
    let at = |second: u32, event: &str| json!([format!("2026-11-22T11:00:{second:02}Z"), event]);
    let kept = profile(
        "a",
        0,
        &json!({
            "traits": {"plan": "gold", "city": "Oslo"}, "interests": {"boats": 1},
            "metadata": {"fields": {"traits.plan": at(1, "1"), "traits.city": at(1, "1")}},
        }),
    );
    let gone = profile(
        "b",
        9,
        &json!({
            "ids": ["b", "old-b"], "traits": {"plan": "silver", "age": 7}, "interests": {"boats": 2, "cars": 1},
            "data": {"contact": {"email": {"main": "ada@mail.example"}}},
            "metadata": {"keys": ["emm-1"], "fields": {
                "traits.plan": at(2, "2"), "traits.age": at(2, "2"), "data.contact.email.main": at(2, "2"),
            }},
        }),
    );
    let mut now = merge(&Rules::default(), &kept, &gone).unwrap().survivor;
    now.stats.views += 1;
    now.traits.insert("city".to_owned(), json!("Bergen"));
    let since = serde_json::from_value(at(30, "since")).unwrap();
    now.metadata.fields.insert("traits.city".to_owned(), since);
    let alone = separate(&Rules::default(), &now, &kept, &gone);
    assert_eq!(alone.ids, ["a"]);
    assert!(alone.metadata.keys.is_empty());
    assert_eq!(Value::Object(alone.traits), json!({"plan": "gold", "city": "Bergen"}));
    assert_eq!(Value::Object(alone.data), json!({}));
    assert_eq!((alone.stats.visits, alone.stats.views, alone.metadata.time.visit.count), (1, 3, 1));
    assert_eq!(serde_json::to_value(&alone.interests).unwrap(), json!({"boats": 1}));
}
