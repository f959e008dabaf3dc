//! The binary: what it logs, how it stops, and what it says when it cannot run.

use std::process::Stdio;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr, Command};
use tokio::time::timeout;

use crate::client::Client;
use crate::server::{ADMIN, DEADLINE, EDGE, Redis, hash, tokens_json};

fn gateway(redis: &Redis) -> Command {
    let tokens = redis.directory().join("tokens.json");
    std::fs::write(&tokens, tokens_json()).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_tideline-gateway"));
    command
        .env_clear()
        .env("GATEWAY_LISTEN", "127.0.0.1:0")
        .env("GATEWAY_TOKENS_FILE", tokens)
        .env("GATEWAY_REDIS_URL", redis.url())
        .env("GATEWAY_QUERY_TOKEN", "true")
        .env("GATEWAY_LOG", "debug")
        .env("GATEWAY_ACCESS_LOG", "true")
        .env("GATEWAY_RELOAD_MS", "600000")
        .env("GATEWAY_LOG_FORMAT", "json")
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

struct Running {
    process: Child,
    lines: Lines<BufReader<ChildStderr>>,
    log: Vec<String>,
}

impl Running {
    fn start(redis: &Redis) -> Running {
        let mut process = gateway(redis).spawn().unwrap();
        let lines = BufReader::new(process.stderr.take().unwrap()).lines();
        Running { process, lines, log: Vec::new() }
    }

    /// The fields of the first log line with this message, that was or will be.
    async fn line(&mut self, message: &str) -> Value {
        let fields = |line: &String| serde_json::from_str::<Value>(line).unwrap()["fields"].take();
        let is_it = |fields: &Value| fields["message"] == message;
        if let Some(found) = self.log.iter().map(fields).find(is_it) {
            return found;
        }
        while let Some(line) = timeout(DEADLINE, self.lines.next_line()).await.expect(message).unwrap() {
            let fields = fields(&line);
            self.log.push(line);
            if is_it(&fields) {
                return fields;
            }
        }
        panic!("no line {message:?} in {:?}", self.log)
    }

    /// Ends the process with a signal; its exit code, and all that it logged.
    async fn end(mut self, signal: &str) -> (Option<i32>, String) {
        let pid = self.process.id().unwrap().to_string();
        assert!(std::process::Command::new("kill").args([signal, &pid]).status().unwrap().success());
        while let Some(line) = timeout(DEADLINE, self.lines.next_line()).await.unwrap().unwrap() {
            self.log.push(line);
        }
        (self.process.wait().await.unwrap().code(), self.log.join("\n"))
    }
}

#[tokio::test]
async fn it_says_where_it_listens_logs_no_secret_and_exits_0_on_a_signal() {
    let redis = Redis::start().await;
    for signal in ["-TERM", "-INT"] {
        let mut running = Running::start(&redis);
        let address = running.line("listening").await["address"].as_str().unwrap().parse().unwrap();
        let answer = Client::connect(address, ADMIN).await.command(&["ECHO", "body-of-a-request"]).await;
        assert_eq!(answer.status, 200);
        let path = format!("/echo/address-of-a-request?_token={ADMIN}");
        assert_eq!(Client::connect(address, "").await.send("GET", &path, "").await.status, 200);
        assert_eq!(Client::connect(address, "wrong-token").await.command(&["PING"]).await.status, 401);
        running
            .line("a request had no valid token: check the token of this client and the tokens file")
            .await;
        let (code, log) = running.end(signal).await;
        assert_eq!(code, Some(0));
        assert!(log.contains("\"answered\"") && log.contains("127.0.0.1"), "{log}");
        let sent = ["body-of-a-request", "address-of-a-request", "wrong-token", "Bearer", "_token"];
        for secret in [EDGE, ADMIN, "p@ss", "p%40ss"].iter().chain(&sent) {
            assert!(!log.contains(secret), "{secret} in {log}");
        }
    }
}

#[tokio::test]
async fn it_reads_its_tokens_again_on_sighup_and_goes_on() {
    let redis = Redis::start().await;
    let mut running = Running::start(&redis);
    let address = running.line("listening").await["address"].as_str().unwrap().parse().unwrap();
    let file = redis.directory().join("tokens.json");
    std::fs::write(&file, tokens_json().replace(&hash(ADMIN), &hash("new-token"))).unwrap();
    let pid = running.process.id().unwrap().to_string();
    assert!(std::process::Command::new("kill").args(["-HUP", &pid]).status().unwrap().success());
    running.line("the tokens were replaced").await;
    assert_eq!(Client::connect(address, "new-token").await.command(&["PING"]).await.status, 200);
    assert_eq!(Client::connect(address, ADMIN).await.command(&["PING"]).await.status, 401);
}

#[tokio::test]
async fn it_starts_without_redis_and_says_so_once() {
    let mut redis = Redis::start().await;
    redis.kill();
    let mut running = Running::start(&redis);
    running.line("listening").await;
    let message = "redis is not reachable: requests are answered with 503 until it is";
    running.line(message).await;
    redis.restart().await;
    running.line("redis is reachable").await;
    let (code, log) = running.end("-TERM").await;
    assert_eq!(code, Some(0));
    assert_eq!(log.matches(message).count(), 1, "{log}");
}

#[tokio::test]
async fn it_refuses_to_run_with_the_sentence_that_mends_it() {
    let redis = Redis::start().await;
    let table = [
        ("GATEWAY_REDIS_URL", "", "set GATEWAY_REDIS_URL="),
        ("GATEWAY_REDIS_URL", "http://u:hidden@h", "use redis://"),
        (
            "GATEWAY_TOKENS_FILE",
            "/nonexistent/tokens.json",
            "set GATEWAY_TOKENS_FILE to a readable JSON file",
        ),
        ("GATEWAY_MAX_IN_FLIGHT", "0", "give at least 1"),
        ("GATEWAY_LISTEN", "192.0.2.1:1", "choose another address with GATEWAY_LISTEN"),
        ("GATEWAY_LOG", "=", "give info or debug"),
    ];
    for (variable, value, expected) in table {
        let output = gateway(&redis).env(variable, value).output().await.unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{variable}={value}: {text}");
        assert!(text.contains(expected) && !text.contains("hidden"), "{variable}={value}: {text}");
    }
}
