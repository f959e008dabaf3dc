//! A redis-server of the test's own. Also used by the tests of the binary.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, FromRedisValue};
use tempfile::TempDir;

use super::until;

/// Listens on a socket in a folder of its own; gone when dropped.
pub(crate) struct RedisServer {
    folder: TempDir,
    options: Vec<String>,
    process: Child,
}

impl RedisServer {
    pub(crate) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// With these options beside our own.
    pub(crate) async fn start_with(options: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options: Vec<String> = options.iter().map(|option| (*option).to_owned()).collect();
        let process = spawn(folder.path(), &options);
        let server = Self { folder, options, process };
        server.answers().await;
        server
    }

    pub(crate) fn url(&self) -> String {
        format!("unix://{}", self.folder.path().join("s").display())
    }

    pub(crate) fn client(&self) -> Client {
        Client::open(self.url()).unwrap()
    }

    /// A connection that is patient: tests that run beside this one must not make it fail.
    pub(crate) async fn connection(&self) -> MultiplexedConnection {
        let patient = AsyncConnectionConfig::new().set_response_timeout(Some(Duration::from_secs(20)));
        self.client().get_multiplexed_async_connection_with_config(&patient).await.unwrap()
    }

    /// What it answers to this command, a word an argument.
    pub(crate) async fn ask<T: FromRedisValue>(&self, command: &[&str]) -> T {
        let mut connection = self.connection().await;
        redis::cmd(command[0]).arg(&command[1..]).query_async(&mut connection).await.unwrap()
    }

    /// Ends it as SIGKILL does.
    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Starts it again with what is on its disk.
    pub(crate) async fn start_again(&mut self) {
        self.process = spawn(self.folder.path(), &self.options);
        self.answers().await;
    }

    async fn answers(&self) {
        until("redis answers", async || match self.client().get_multiplexed_async_connection().await {
            Ok(mut connection) => redis::cmd("PING").exec_async(&mut connection).await.is_ok(),
            Err(_) => false,
        })
        .await;
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
    }
}

fn spawn(folder: &Path, options: &[String]) -> Child {
    Command::new("redis-server")
        .args([
            "--port",
            "0",
            "--unixsocket",
            "s",
            "--save",
            "",
            "--appendonly",
            "yes",
            "--appendfsync",
            "no",
        ])
        .args(["--maxmemory-policy", "noeviction"])
        .args(options)
        .current_dir(folder)
        .stdout(Stdio::null())
        .spawn()
        .expect("redis-server must be installed")
}
