//! What the service consists of: which parts a role has, what they share, and how they end together.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tideline_api::{ApiOptions, Obstacle, Options};
use tideline_intake::Intake;
use tideline_protocol::Lanes;
use tideline_services::Scheduler;
use tideline_store::Store;
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tokio::time::timeout;

use crate::processing_settings::ProcessingSettings;
use crate::settings::{Role, Roles, ServeSettings};

/// The HTTP service of a process with these roles.
pub(crate) fn api_options(
    settings: &ServeSettings,
    roles: &Roles,
    redis: &redis::Client,
    lanes: &Lanes,
    processing: tideline_pipeline::Settings,
) -> anyhow::Result<Options> {
    let api = if roles.has(Role::Api) {
        Some(ApiOptions {
            tokens: settings.api_tokens()?,
            lanes: lanes.clone(),
            processing,
            most_live_readers: ApiOptions::MOST_LIVE_READERS,
            gui_dir: settings.gui_dir.clone(),
        })
    } else {
        None
    };
    let (listen, redis, drain) = (settings.listen, redis.clone(), settings.drain());
    Ok(Options { listen, redis, obstacle: None, drain, api })
}

/// How `/readyz` learns whether Redis is prepared, and the intake works if there is one.
pub(crate) fn obstacle(is_prepared: Arc<AtomicBool>, intake: Option<&Intake>) -> Obstacle {
    let handle = intake.map(Intake::handle);
    Arc::new(move || {
        if !is_prepared.load(Ordering::Relaxed) {
            return Some("redis is not prepared yet: functions, lanes and event sources");
        }
        let works = handle.as_ref().is_none_or(|handle| handle.snapshot().working);
        (!works)
            .then_some("the intake stands still: redis or the store refuses its work, and the log says why")
    })
}

/// The intake of all lanes.
pub(crate) fn intake(
    settings: tideline_pipeline::Settings,
    redis: &redis::Client,
    lanes: &Lanes,
    store: &Arc<dyn Store>,
) -> anyhow::Result<Intake> {
    let options =
        tideline_intake::Options { settings, ..tideline_intake::Options::new(redis.clone(), lanes.clone()) };
    Ok(Intake::new(options, Arc::clone(store))?)
}

/// What is done without being asked for.
pub(crate) fn scheduler(
    processing: &ProcessingSettings,
    redis: &redis::Client,
    lanes: &Lanes,
    store: &Arc<dyn Store>,
) -> anyhow::Result<Scheduler> {
    let options = tideline_services::Options {
        silence: processing.silence(),
        ..tideline_services::Options::new(redis.clone(), lanes.clone())
    };
    Ok(Scheduler::new(options, Arc::clone(store))?)
}

/// The parts that run, and the one word that ends them all.
pub(crate) struct Parts {
    stop: watch::Sender<bool>,
    running: JoinSet<()>,
    failed: bool,
}

impl Parts {
    pub(crate) fn new() -> Self {
        Self { stop: watch::Sender::new(false), running: JoinSet::new(), failed: false }
    }

    /// Set it to true, and all parts begin to end.
    pub(crate) fn stop(&self) -> watch::Sender<bool> {
        self.stop.clone()
    }

    /// Starts a part, which is given the future that tells it to drain.
    pub(crate) fn spawn<F>(&mut self, part: impl FnOnce(Drain) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.running.spawn(part(asked(self.stop.subscribe())));
    }

    /// Until somebody asks for the end, or a part ends without being asked.
    pub(crate) async fn asked_to_stop(&mut self) {
        let asked = asked(self.stop.subscribe());
        tokio::select! {
            () = asked => {}
            Some(ended) = self.running.join_next() => {
                // Parts may be so quick to end that both are true.
                if ended.is_err() || !*self.stop.borrow() {
                    self.failed(ended);
                }
            }
        }
    }

    /// Asks all parts to end, and waits for them no longer than `limit`.
    ///
    /// # Errors
    /// A part ended before it was asked, or by a panic.
    pub(crate) async fn end(mut self, limit: Duration) -> anyhow::Result<()> {
        self.stop.send_replace(true);
        let ended = async {
            while let Some(ended) = self.running.join_next().await {
                if ended.is_err() {
                    self.failed(ended);
                }
            }
        };
        match timeout(limit, ended).await {
            Ok(()) => tracing::info!("stopped"),
            Err(_) => tracing::warn!(seconds = limit.as_secs(), "stopped before all work had ended"),
        }
        anyhow::ensure!(!self.failed, "a part of the service ended by itself: the log says why");
        Ok(())
    }

    fn failed(&mut self, ended: Result<(), JoinError>) {
        tracing::error!(
            panic = ended.err().map(tracing::field::display),
            "a part of the service ended by itself"
        );
        self.failed = true;
    }
}

/// Ends when a part is to drain.
pub(crate) type Drain = Pin<Box<dyn Future<Output = ()> + Send>>;

fn asked(mut stop: watch::Receiver<bool>) -> Drain {
    Box::pin(async move {
        // An error means that nobody is left to ask, which is an end too.
        let _ = stop.wait_for(|stop| *stop).await;
    })
}
