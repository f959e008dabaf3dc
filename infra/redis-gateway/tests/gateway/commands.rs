//! What the gateway believes of commands, against what the server at hand says of them.

use std::collections::HashMap;

use serde_json::{Value, json};
use tideline_redis_gateway::fuzzing::known_commands;

use crate::server::{ADMIN, Setup, hash};

/// What `COMMAND` says of a command.
struct Said {
    arity: i64,
    reads: bool,
    more_keys: bool,
    keys: (i64, i64, i64),
}

/// Everything that the server knows, with sub-commands by themselves.
async fn said(setup: &Setup, token: &str) -> HashMap<String, Said> {
    let answer = setup.client(token).await.command(&["COMMAND"]).await;
    let whole: Value = serde_json::from_str(&answer.body).unwrap();
    let mut found = HashMap::new();
    let mut left: Vec<&Value> = whole["result"].as_array().unwrap().iter().collect();
    while let Some(command) = left.pop() {
        let has = |flag: &str| command[2].as_array().unwrap().contains(&json!(flag));
        let number = |position: usize| command[position].as_i64().unwrap();
        let said = Said {
            arity: number(1),
            reads: has("readonly"),
            more_keys: has("movablekeys"),
            keys: (number(3), number(4), number(5)),
        };
        found.insert(command[0].as_str().unwrap().to_owned(), said);
        left.extend(command[9].as_array().unwrap());
    }
    found
}

#[tokio::test]
async fn the_table_of_commands_says_what_redis_says() {
    let setup = Setup::start(&[]).await;
    let said = said(&setup, ADMIN).await;
    let mut compared = 0;
    for (name, reads, keys) in known_commands() {
        let Some(said) = said.get(name) else { continue };
        let harmless = name.starts_with("command") || ["echo", "ping", "time"].contains(&name);
        assert_eq!(reads, said.reads || harmless, "{name}");
        let keys = (keys.0 as i64, keys.1 as i64, keys.2 as i64);
        assert_eq!(keys, if keys.0 == 0 { (0, 0, 0) } else { said.keys }, "{name}");
        assert!(keys.0 > 0 || said.keys.0 == 0, "{name} has keys");
        compared += 1;
    }
    assert!(compared > 200, "{compared}");
}

#[tokio::test]
async fn a_readonly_token_sends_nothing_that_redis_says_writes() {
    let tokens = json!([
        {"name": "reader", "sha256": hash("reader-token"), "policy": "readonly"},
        {"name": "admin", "sha256": hash(ADMIN), "policy": "full"},
        {"name": "keys", "sha256": hash("keys-token"), "policy": {"commands": ["@readonly", "set", "sort", "georadius"], "keys": ["mine:*"]}},
    ]);
    let setup = Setup::with_tokens(&tokens, &["--command-timeout-ms", "20000"]).await;
    let commands = said(&setup, ADMIN).await;
    let (mut reader, mut limited) = (setup.client("reader-token").await, setup.client("keys-token").await);
    let mut passed = 0;
    for (name, said) in &commands {
        let mut words: Vec<&str> = name.split('|').collect();
        let length = usize::try_from(said.arity.abs()).unwrap();
        words.resize(length.max(words.len()), "other");
        let refused = |body: &str| body.starts_with(r#"{"error":"NOPERM "#);
        let answer = reader.command(&words).await;
        let harmless = name.starts_with("command") || ["echo", "ping", "time"].contains(&name.as_str());
        assert!(said.reads || harmless || refused(&answer.body), "{name}: {}", answer.body);
        passed += usize::from(!refused(&answer.body));
        let answer = limited.command(&words).await;
        assert!(harmless || refused(&answer.body), "{name} with another's key: {}", answer.body);
        assert!(!said.more_keys || refused(&answer.body), "{name} has keys in options");
    }
    assert!(passed > 80, "{passed} of {}", commands.len());
    assert_eq!(setup.redis.tell(&["DBSIZE"]).await, ":0");
}
