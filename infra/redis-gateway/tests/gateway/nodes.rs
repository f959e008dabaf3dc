//! Real servers on ports of the loopback address: masters, replicas, sentinels and nodes of a cluster.

use std::fmt::Write as _;
use std::io;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::server::until;

/// A server in a directory of its own.
pub(crate) struct Node {
    pub(crate) port: u16,
    directory: TempDir,
    process: Option<Child>,
}

/// A port that nobody listens on.
pub(crate) fn free_port() -> u16 {
    // A node of a cluster takes a second one, ten thousand above.
    loop {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        if port < 55_000 && TcpListener::bind(("127.0.0.1", port + 10_000)).is_ok() {
            return port;
        }
    }
}

impl Node {
    /// A redis-server with these lines of configuration.
    pub(crate) async fn start(settings: &[&str]) -> Node {
        Node::with(free_port(), settings, &[]).await
    }

    /// A sentinel that watches `mymaster` at a port.
    pub(crate) async fn sentinel(master: u16) -> Node {
        let monitor = format!("sentinel monitor mymaster 127.0.0.1 {master} 2");
        let settings = [
            monitor.as_str(),
            "sentinel down-after-milliseconds mymaster 500",
            "sentinel failover-timeout mymaster 3000",
        ];
        Node::with(free_port(), &settings, &["--sentinel"]).await
    }

    async fn with(port: u16, settings: &[&str], arguments: &[&str]) -> Node {
        let directory = tempfile::tempdir().unwrap();
        let mut text = format!("port {port}\nbind 127.0.0.1\ndir {}\n", directory.path().display());
        settings.iter().for_each(|line| writeln!(text, "{line}").unwrap());
        std::fs::write(directory.path().join("node.conf"), text).unwrap();
        let mut node = Node { port, directory, process: None };
        node.spawn(arguments);
        until("a server", async || TcpStream::connect(("127.0.0.1", port)).await.is_ok()).await;
        node
    }

    fn spawn(&mut self, arguments: &[&str]) {
        let process = Command::new("redis-server")
            .arg(self.directory.path().join("node.conf"))
            .args(arguments)
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server is installed");
        self.process = Some(process);
    }

    /// The reply to one command, as Redis wrote it: the first line, and the string that it announces. Nothing if the
    /// node ends the connection, as a sentinel has it do when its part changes.
    pub(crate) async fn tell(&self, line: &str) -> String {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).await.unwrap();
        ask(stream, line).await.unwrap_or_default()
    }

    pub(crate) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }
}

async fn ask(mut stream: TcpStream, line: &str) -> io::Result<String> {
    stream.write_all(format!("{line}\r\n").as_bytes()).await?;
    let mut reader = BufReader::new(stream);
    let mut reply = String::new();
    reader.read_line(&mut reply).await?;
    let reply = reply.trim_end().to_owned();
    let Some(length) = reply.strip_prefix('$').and_then(|length| length.parse::<usize>().ok()) else {
        return Ok(reply);
    };
    let mut text = vec![0; length];
    reader.read_exact(&mut text).await?;
    Ok(String::from_utf8(text).unwrap())
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
    }
}
