//! A shard: one thread with its own listener, instance and outgoing connections. Shards share nothing
//! but the compiled component and the limits of the whole process.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, mpsc};

use hyper::service::service_fn;
use tideline_http_front::{Bodies, Connections, Patience, visitor};
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::{Semaphore, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use crate::application::{Application, Isolated, Policy, Supervisor};
use crate::connection::Visitor;
use crate::engine::Program;
use crate::guest::Nursery;
use crate::host::Drained;
use crate::outbound::Outbound;
use crate::{Error, GuestEnvironment, Options};

/// Connections that the system keeps for us until they are accepted.
const BACKLOG: u32 = 1024;

/// What a shard is made of.
pub(crate) struct Shard {
    pub(crate) program: Arc<Program>,
    pub(crate) environment: GuestEnvironment,
    pub(crate) options: Arc<Options>,
    pub(crate) bodies: Bodies,
    pub(crate) connections: Arc<Semaphore>,
    /// Changes, or closes, when the shard is to stop.
    pub(crate) stop: watch::Receiver<bool>,
}

impl Shard {
    /// Starts the thread. `ready` hears whether the shard serves; the receiver hears how it ended.
    pub(crate) fn spawn(
        self,
        socket: TcpSocket,
        ready: mpsc::SyncSender<Result<(), Error>>,
    ) -> Result<oneshot::Receiver<Drained>, Error> {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Error::Thread)?;
        let (ended, end) = oneshot::channel();
        std::thread::Builder::new()
            .name("shard".into())
            .spawn(move || {
                let drained = runtime.block_on(self.run(socket, ready));
                // What was cut off is dropped with the runtime, before anybody hears of the end.
                drop(runtime);
                if let Some(drained) = drained {
                    let _ = ended.send(drained);
                }
            })
            .map_err(Error::Thread)?;
        Ok(end)
    }

    /// Serves until told to stop; `None` if it could not start.
    async fn run(self, socket: TcpSocket, ready: mpsc::SyncSender<Result<(), Error>>) -> Option<Drained> {
        let (application, supervisor, listener) = match self.start(socket).await {
            Ok(started) => started,
            Err(error) => {
                let _ = ready.send(Err(error));
                return None;
            }
        };
        let _ = ready.send(Ok(()));
        let mut connections =
            Connections::new(visitor::http(self.options.header_timeout()), Arc::clone(&self.connections));
        let mut stop = self.stop.clone();
        tokio::select! {
            // An error means that the handle is gone, which is a reason to stop as well.
            _ = stop.wait_for(|stop| *stop) => {}
            never = self.accept(&listener, &mut connections, &application) => match never {},
        }
        drop(listener);
        let end = Instant::now() + self.options.drain_limit();
        let mut complete = connections.finish(end).await;
        // Without a way in, the supervisor ends as soon as everything is answered.
        drop(application);
        if let Some(supervisor) = supervisor {
            complete &= timeout_at(end, supervisor).await.is_ok();
        }
        Some(if complete { Drained::Complete } else { Drained::CutOff })
    }

    async fn start(
        &self,
        socket: TcpSocket,
    ) -> Result<(Application, Option<JoinHandle<()>>, TcpListener), Error> {
        let (application, supervisor) = self.application().await?;
        let listener = socket
            .listen(BACKLOG)
            .map_err(|source| Error::Listen { address: self.options.listen, source })?;
        Ok((application, supervisor, listener))
    }

    async fn application(&self) -> Result<(Application, Option<JoinHandle<()>>), Error> {
        let policy = Policy::new(&self.options);
        let nursery = Nursery::new(
            &self.program,
            self.environment.clone(),
            Outbound::new(&self.options)?,
            &self.options,
        );
        if !self.program.shares_instances() {
            let isolated = Isolated::start(nursery, policy).await?;
            return Ok((Application::Isolated(isolated), None));
        }
        let (shared, supervisor) = Supervisor::start(nursery, policy).await?;
        let supervisor = tokio::spawn(supervisor.run());
        Ok((Application::Shared(shared), Some(supervisor)))
    }

    /// Accepts visitors, whose requests the application answers.
    async fn accept(
        &self,
        listener: &TcpListener,
        connections: &mut Connections,
        application: &Application,
    ) -> Infallible {
        let welcome = |peer: SocketAddr| {
            let most = self.options.max_body_bytes as usize;
            let visitor = Visitor::new(peer.ip(), application.clone(), self.bodies.clone(), most);
            let service = service_fn(move |request| visitor.clone().answer(request));
            (Patience::with_reader(self.options.write_timeout()), service)
        };
        connections.accept(listener, welcome).await
    }
}
