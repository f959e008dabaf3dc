//! What a real browser sent (`tests/data/visits.jsonl`), from the edge to the API.

use reqwest::Method;
use serde_json::{Value, json};
use tideline_e2e::{Answer, Tideline, Visitor, eventually};
use uuid::Uuid;
use xtask::run::root;
use xtask::stack::Part;

/// One recorded request.
#[derive(Clone)]
struct Recorded {
    method: Method,
    path: String,
    headers: Vec<(String, String)>,
    body: String,
}

impl Recorded {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    /// The profile id that the recording's collector had answered before.
    fn profile(&self) -> Option<String> {
        self.json()["profile"]["id"].as_str().map(str::to_owned)
    }

    fn event_types(&self) -> Vec<String> {
        let body = self.json();
        let types =
            body["events"].as_array().unwrap().iter().map(|event| event["type"].as_str().unwrap().to_owned());
        types.collect()
    }

    /// The same with an id for each event, as our tracker sends it.
    fn with_event_ids(&self) -> Self {
        let mut body = self.json();
        for event in body["events"].as_array_mut().unwrap() {
            event["id"] = Uuid::new_v5(&Uuid::NAMESPACE_OID, event.to_string().as_bytes()).to_string().into();
        }
        Self { body: body.to_string(), ..self.clone() }
    }

    /// Sends it, with the profile id that this edge answered in place of the recorded one.
    async fn replay(&self, visitor: &Visitor, profile: Option<&str>) -> Answer {
        let body = match (self.profile(), profile) {
            (Some(recorded), Some(answered)) => self.body.replace(&recorded, answered),
            _ => self.body.clone(),
        };
        // The client sets these itself.
        let own = ["host", "content-length", "accept-encoding", "connection"];
        let headers: Vec<_> =
            self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let headers: Vec<_> = headers.into_iter().filter(|(name, _)| !own.contains(name)).collect();
        visitor.send(self.method.clone(), &self.path, &headers, body).await
    }
}

fn recording() -> Vec<Recorded> {
    let text = std::fs::read_to_string(root().join("tests/data/visits.jsonl")).unwrap();
    let read = |line: &str| {
        let line: Value = serde_json::from_str(line).unwrap();
        let field = |name: &str| line[name].as_str().unwrap().to_owned();
        let headers = line["headers"].as_object().unwrap().iter();
        Recorded {
            method: field("method").parse().unwrap(),
            path: field("path"),
            headers: headers
                .map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()))
                .collect(),
            body: field("body"),
        }
    };
    text.lines().map(read).collect()
}

/// The requests of each session, in the order they were sent.
fn recorded_sessions() -> Vec<(String, Vec<Recorded>)> {
    let mut sessions: Vec<(String, Vec<Recorded>)> = Vec::new();
    for request in recording().into_iter().filter(|request| request.method == Method::POST) {
        let id = request.json()["session"]["id"].as_str().unwrap().to_owned();
        match sessions.iter_mut().find(|(known, _)| *known == id) {
            Some((_, requests)) => requests.push(request),
            None => sessions.push((id, vec![request])),
        }
    }
    sessions
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_recorded_visit_becomes_one_profile_one_session_and_its_events_in_order() {
    let tideline = Tideline::start();
    let (visitor, analyst) = (tideline.visitor(), tideline.analyst());

    for (session, mut requests) in recorded_sessions() {
        let last = requests.last_mut().unwrap();
        *last = last.with_event_ids();

        let mut profile: Option<String> = None;
        for request in &requests {
            let answer = request.replay(&visitor, profile.as_deref()).await;
            assert_eq!((answer.status, answer.session()), (200, session.clone()), "{answer:?}");
            assert_eq!(*profile.get_or_insert_with(|| answer.profile()), answer.profile());
        }
        let profile = profile.unwrap();
        // As a tracker does that got no answer: however often, it is stored once.
        for _ in 0..3 {
            let answer = requests.last().unwrap().replay(&visitor, Some(&profile)).await;
            assert_eq!((answer.status, answer.profile()), (200, profile.clone()));
        }

        let sent: Vec<_> = requests.iter().flat_map(Recorded::event_types).collect();
        let stored = analyst.sent_events(&session, sent.len()).await;
        let types: Vec<_> = stored.iter().map(|event| event["type"].as_str().unwrap().to_owned()).collect();
        assert_eq!(types, sent, "session {session}");
        assert!(stored.iter().all(|event| event["profile"]["id"] == profile.as_str()), "session {session}");

        let document = analyst.session(&session).await;
        assert_eq!(document["profile"]["id"], profile.as_str());
        assert_eq!(document["stats"]["events"], sent.len());
        let document = analyst.profile(&profile).await;
        assert_eq!(document["stats"]["counters"]["events"], sent.len());
        assert_eq!(document["stats"]["visits"], 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_recorded_preflight_is_granted() {
    let tideline = Tideline::start();
    let visitor = tideline.visitor();
    for preflight in recording().iter().filter(|request| request.method == Method::OPTIONS) {
        let answer = preflight.replay(&visitor, None).await;
        assert_eq!(
            (answer.status, answer.header("access-control-allow-origin")),
            (200, Some("http://shop.localhost:9001"))
        );
        let allowed = answer.header("access-control-allow-headers").unwrap();
        assert!(allowed.contains("content-type"), "{allowed}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_parallel_first_requests_of_a_session_make_one_profile() {
    let tideline = Tideline::start();
    let (visitor, analyst) = (tideline.visitor(), tideline.analyst());
    let requests: Vec<_> = (0..20)
        .map(|number| {
            let visitor = visitor.clone();
            tokio::spawn(
                async move { visitor.event("twenty", &format!("event-{number}"), "page-view").await },
            )
        })
        .collect();
    let mut profiles = Vec::new();
    for request in requests {
        let answer = request.await.unwrap();
        assert_eq!(answer.status, 200);
        profiles.push(answer.profile());
    }
    profiles.sort();
    profiles.dedup();
    assert_eq!(profiles.len(), 1);

    analyst.sent_events("twenty", 20).await;
    let document = analyst.profile(&profiles[0]).await;
    assert_eq!(
        (&document["stats"]["counters"]["events"], &document["stats"]["visits"]),
        (&20.into(), &1.into())
    );
    for added in ["profile-created", "session-opened", "visit-started"] {
        assert_eq!(analyst.events(&format!("session=twenty&type={added}")).await.len(), 1, "{added}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_signs_in_on_two_devices_is_one_person_and_the_edge_answers_so() {
    let mut tideline = Tideline::start_parts(&[Part::Redis]);
    tideline.know_people();
    for part in [Part::Gateway, Part::Service, Part::Edge] {
        tideline.start(part).unwrap();
    }
    let (visitor, analyst) = (tideline.visitor(), tideline.analyst());
    let sign_in = async |device: &str| {
        let event = json!({"type": "sign-in", "properties": {"email": {"main": "ada@mail.example"}}});
        let body = json!({"source": {"id": "shop-web"}, "session": {"id": device}, "events": [event]});
        visitor.track(&body).await.profile()
    };
    let laptop = sign_in("laptop").await;
    analyst.profile(&laptop).await;
    let phone = sign_in("phone").await;
    assert_ne!(laptop, phone, "nobody knows yet");
    let ada = eventually("one person", || async {
        Some(analyst.profile(&phone).await).filter(|profile| profile["id"] == laptop.as_str())
    })
    .await;
    assert_eq!(ada["ids"], json!([laptop, phone]));
    assert_eq!((&ada["stats"]["visits"], &ada["stats"]["counters"]["events"]), (&json!(2), &json!(2)));
    let later = visitor.event("phone", "later", "page-view").await;
    assert_eq!(later.profile(), laptop);
    let of_ada = analyst.events(&format!("profile={phone}&type=sign-in")).await;
    assert_eq!(of_ada.len(), 2, "events are those of all ids");
}
