//! The adapter by itself: variables in, environment out.

use std::collections::BTreeMap;

use xtask::artifacts::Artifacts;

use crate::host::{Host, Variables};
use crate::manifest::Manifest;

async fn environment(variables: Variables) -> (Vec<(String, String)>, String) {
    let adapter = std::fs::read(Artifacts::existing().unwrap().spin_config).unwrap();
    let mut host = Host::new(&adapter, variables);
    let environment = host.environment(&Manifest::read().dependency().export).await;
    (environment, host.log())
}

fn given(values: &[(&str, &str)]) -> Variables {
    Variables::Given(values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
}

#[tokio::test]
async fn settings_come_from_variables_of_their_names_in_lower_case() {
    let variables = given(&[
        ("upstash_redis_rest_token", "hush"),
        ("tideline_lanes", ""),
        ("tideline_region", "eu"),
        ("somebody_elses", "secret"),
    ]);
    let (environment, log) = environment(variables).await;
    let expected = [("UPSTASH_REDIS_REST_TOKEN", "hush"), ("TIDELINE_REGION", "eu")];
    assert_eq!(environment, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert_eq!(log, "");
}

#[tokio::test]
async fn every_variable_of_the_manifest_is_passed_on() {
    let values: BTreeMap<_, _> =
        Manifest::read().values("x").into_iter().map(|(name, _)| (name, "x".to_owned())).collect();
    let (environment, _) = environment(Variables::Given(values.clone())).await;
    let names: BTreeMap<_, _> =
        environment.into_iter().map(|(name, value)| (name.to_lowercase(), value)).collect();
    assert_eq!(names, values);
}

#[tokio::test]
async fn an_empty_environment_is_never_silent() {
    let table = [
        (given(&[("tideline_lanes", "")]), "declare them"),
        (Variables::OutOfReach, "the vault is sealed"),
        (Variables::Denied, "`inherit_configuration`"),
    ];
    for (variables, reason) in table {
        let (environment, log) = environment(variables).await;
        assert_eq!(environment, []);
        assert!(log.contains(reason) && log.lines().count() == 1, "{log}");
    }
}
