//! A relay between two processes, whose connections can be cut from outside.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use anyhow::Result;

use crate::ports::at;

/// Passes bytes on to one address until it is dropped.
pub(super) struct Relay {
    address: SocketAddr,
    state: Arc<State>,
}

struct State {
    target: SocketAddr,
    over: AtomicBool,
    open: Mutex<Vec<TcpStream>>,
}

impl Relay {
    /// Listens on a free port.
    ///
    /// # Errors
    /// The system has none.
    pub(super) fn start(target: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind(at(0))?;
        let address = listener.local_addr()?;
        let state = Arc::new(State { target, over: AtomicBool::new(false), open: Mutex::default() });
        let accepting = state.clone();
        thread::spawn(move || {
            for client in listener.incoming() {
                if accepting.over.load(Ordering::Relaxed) {
                    return;
                }
                // A client that cannot be served finds its connection closed.
                let _ = client.and_then(|client| accepting.pass_on(client));
            }
        });
        Ok(Self { address, state })
    }

    /// Where it listens.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Cuts all connections, whatever is on its way; returns how many there were.
    pub(super) fn cut(&self) -> usize {
        let mut open = self.state.open();
        // One that has ended by itself cannot be cut.
        open.drain(..).filter(|stream| stream.shutdown(Shutdown::Both).is_ok()).count()
    }
}

impl State {
    fn pass_on(self: &Arc<Self>, client: TcpStream) -> io::Result<()> {
        let server = TcpStream::connect(self.target)?;
        self.open().push(client.try_clone()?);
        for (from, to) in [(&client, &server), (&server, &client)] {
            from.set_nodelay(true)?;
            let (mut from, mut to) = (from.try_clone()?, to.try_clone()?);
            thread::spawn(move || {
                let _ = io::copy(&mut from, &mut to);
                // One side has ended: so has the other.
                let _ = to.shutdown(Shutdown::Both);
                let _ = from.shutdown(Shutdown::Both);
            });
        }
        Ok(())
    }

    fn open(&self) -> MutexGuard<'_, Vec<TcpStream>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.state.over.store(true, Ordering::Relaxed);
        self.cut();
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(self.address);
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};

    use super::*;

    #[test]
    fn bytes_pass_both_ways_until_the_connection_is_cut() {
        let server = TcpListener::bind(at(0)).unwrap();
        let relay = Relay::start(server.local_addr().unwrap()).unwrap();
        let mut client = TcpStream::connect(relay.address()).unwrap();
        let (mut accepted, _) = server.accept().unwrap();
        let mut heard = [0; 4];
        client.write_all(b"ping").unwrap();
        accepted.read_exact(&mut heard).unwrap();
        accepted.write_all(b"pong").unwrap();
        client.read_exact(&mut heard).unwrap();
        assert_eq!(&heard, b"pong");

        assert_eq!(relay.cut(), 1);
        assert_eq!(client.read(&mut heard).unwrap_or(0), 0);
        assert_eq!(accepted.read(&mut heard).unwrap_or(0), 0);
        let mut again = TcpStream::connect(relay.address()).unwrap();
        let (mut accepted, _) = server.accept().unwrap();
        again.write_all(b"ping").unwrap();
        accepted.read_exact(&mut heard).unwrap();
    }
}
