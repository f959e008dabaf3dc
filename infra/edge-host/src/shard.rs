//! A shard: one thread with its own listener, instances and outgoing connections. Shards share nothing
//! but the compiled components and the limits of the whole process.

use std::convert::Infallible;
use std::sync::{Arc, mpsc};

use hyper::service::service_fn;
use tideline_http_front::{Bodies, Connections, Front, Peer};
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::{mpsc as proposals, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use crate::application::{Application, Policy};
use crate::components::ComponentOptions;
use crate::connection::{Desk, Visitor};
use crate::engine::Program;
use crate::guest::Nursery;
use crate::host::Drained;
use crate::keeper::Proposal;
use crate::metrics::{ComponentMetrics, Metrics};
use crate::outbound::Outbound;
use crate::probe::probe;
use crate::routes::RouteTable;
use crate::switchboard::Switchboard;
use crate::{Error, GuestEnvironment, Options};

/// Connections that the system keeps for us until they are accepted.
const BACKLOG: u32 = 1024;

/// One component in one shard.
pub(crate) struct Deployment {
    pub(crate) component: ComponentOptions,
    pub(crate) environment: GuestEnvironment,
    /// Its connections outlive its versions.
    pub(crate) outbound: Outbound,
    pub(crate) metrics: ComponentMetrics,
    /// Its first version.
    pub(crate) program: Arc<Program>,
}

/// What a shard is made of.
pub(crate) struct Shard {
    /// In the routes' order.
    pub(crate) deployments: Vec<Deployment>,
    pub(crate) routes: RouteTable,
    pub(crate) options: Arc<Options>,
    pub(crate) bodies: Bodies,
    /// Its limits are those of all shards.
    pub(crate) front: Front,
    pub(crate) metrics: Metrics,
    /// Changes, or closes, when the shard is to stop.
    pub(crate) stop: watch::Receiver<bool>,
}

impl Shard {
    /// Starts the thread, which takes over new versions that are proposed to it. `ready` hears whether the
    /// shard serves; the receiver hears how it ended.
    pub(crate) fn spawn(
        self,
        socket: TcpSocket,
        proposals: proposals::Receiver<Proposal>,
        ready: mpsc::SyncSender<Result<(), Error>>,
    ) -> Result<oneshot::Receiver<Drained>, Error> {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Error::Thread)?;
        let (ended, end) = oneshot::channel();
        std::thread::Builder::new()
            .name("shard".into())
            .spawn(move || {
                let drained = runtime.block_on(self.run(socket, proposals, ready));
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
    async fn run(
        self,
        socket: TcpSocket,
        mut proposals: proposals::Receiver<Proposal>,
        ready: mpsc::SyncSender<Result<(), Error>>,
    ) -> Option<Drained> {
        let mut tasks = JoinSet::new();
        let (switchboard, listener) = match self.start(socket, &mut tasks).await {
            Ok(started) => started,
            Err(error) => {
                let _ = ready.send(Err(error));
                return None;
            }
        };
        let _ = ready.send(Ok(()));
        let mut connections = Connections::new(self.front.clone());
        let mut stop = self.stop.clone();
        tokio::select! {
            // An error means that the handle is gone, which is a reason to stop as well.
            _ = stop.wait_for(|stop| *stop) => {}
            never = self.accept(&listener, &mut connections, &switchboard) => match never {},
            never = self.renew(&mut proposals, &switchboard, &mut tasks) => match never {},
        }
        drop(listener);
        let end = Instant::now() + self.options.drain_limit();
        let mut complete = connections.finish(end).await;
        // Without a way in, the instances end as soon as everything is answered.
        drop(switchboard);
        let all = async { while tasks.join_next().await.is_some() {} };
        complete &= timeout_at(end, all).await.is_ok();
        Some(if complete { Drained::Complete } else { Drained::CutOff })
    }

    async fn start(
        &self,
        socket: TcpSocket,
        tasks: &mut JoinSet<()>,
    ) -> Result<(Arc<Switchboard>, TcpListener), Error> {
        let mut applications = Vec::new();
        for deployment in &self.deployments {
            applications.push(self.application(deployment, Arc::clone(&deployment.program), tasks).await?);
        }
        let listener = socket
            .listen(BACKLOG)
            .map_err(|source| Error::Listen { address: self.options.listen, source })?;
        Ok((Arc::new(Switchboard::new(self.routes.clone(), applications)), listener))
    }

    /// A version of a component at work.
    async fn application(
        &self,
        deployment: &Deployment,
        program: Arc<Program>,
        tasks: &mut JoinSet<()>,
    ) -> Result<Application, Error> {
        let (environment, outbound) = (deployment.environment.clone(), deployment.outbound.clone());
        let metrics = deployment.metrics.clone();
        let nursery = Nursery::new(program, environment, outbound, metrics, &self.options);
        Application::start(nursery, Policy::new(&self.options), tasks).await
    }

    /// Tries new versions, and has them take over.
    async fn renew(
        &self,
        proposals: &mut proposals::Receiver<Proposal>,
        switchboard: &Switchboard,
        tasks: &mut JoinSet<()>,
    ) -> Infallible {
        while let Some(Proposal { component, program, ready, go }) = proposals.recv().await {
            // Of versions before, those that have answered everything.
            while tasks.try_join_next().is_some() {}
            let Some(deployment) = self.deployments.get(component) else { continue };
            let made = self.application(deployment, program, tasks).await;
            let tried = match (made, &deployment.component.probe) {
                (Ok(application), Some(path)) => probe(&application, path).await.map(|()| application),
                (made, _) => made,
            };
            let (outcome, application) =
                tried.map_or_else(|error| (Err(error), None), |made| (Ok(()), Some(made)));
            if ready.send(outcome).is_ok()
                && let (Ok(()), Some(application)) = (go.await, application)
            {
                switchboard.replace(component, application);
            }
        }
        std::future::pending().await
    }

    /// Accepts visitors, whose requests the applications answer.
    async fn accept(
        &self,
        listener: &TcpListener,
        connections: &mut Connections,
        switchboard: &Arc<Switchboard>,
    ) -> Infallible {
        let desk = Arc::new(Desk {
            switchboard: Arc::clone(switchboard),
            bodies: self.bodies.clone(),
            max_body_bytes: self.options.max_body_bytes as usize,
            access_log: self.options.entrance.access_log,
            metrics: self.metrics.clone(),
        });
        let welcome = move |peer: &Peer| {
            let visitor = Visitor::new(peer, Arc::clone(&desk));
            service_fn(move |request| visitor.clone().answer(request))
        };
        connections.accept(listener, welcome).await
    }
}
