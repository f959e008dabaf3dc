//! The service: looks around whenever it is its turn, until the drain.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, RedisResult};
use tideline_store::Store;
use tokio::time::MissedTickBehavior;

use crate::segments::Segments;
use crate::silent_visits::{RemindError, SilentVisits};
use crate::turn::Turn;
use crate::{Options, OptionsError};

/// How long Redis may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Does what nobody asks for. Any number of replicas may run; one of them works at a time.
pub struct Scheduler {
    options: Options,
    turn: Turn,
    silent_visits: SilentVisits,
    segments: Segments,
    connection: Option<MultiplexedConnection>,
    in_trouble: bool,
}

impl Scheduler {
    /// A scheduler that does not run yet.
    ///
    /// # Errors
    /// Options that cannot work.
    pub fn new(options: Options, store: Arc<dyn Store>) -> Result<Self, OptionsError> {
        options.check()?;
        let silence = SignedDuration::try_from(options.silence);
        let silence = silence.map_err(|_| OptionsError::Silence(options.silence))?;
        let segments = Segments::new(Arc::clone(&store), options.lanes.clone());
        let silent_visits = SilentVisits::new(store, options.lanes.clone(), silence);
        let turn = Turn::new(&options.lanes, options.interval);
        Ok(Self { options, turn, silent_visits, segments, connection: None, in_trouble: false })
    }

    /// Runs until `drain` ends, then lets others have the turn. It never fails: what is out of reach is tried again, and said
    /// in the log. Dropping it is what a crash would be.
    pub async fn run(mut self, drain: impl Future<Output = ()> + Send) {
        tokio::select! {
            () = self.work() => {}
            () = drain => {}
        }
        if let Ok(mut redis) = self.connection().await
            && let Err(error) = self.turn.give_back(&mut redis).await
        {
            tracing::debug!(%error, "the turn could not be given back: it will end");
        }
    }

    /// Looks around, for ever.
    async fn work(&mut self) {
        let mut ticks = tokio::time::interval(self.options.interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let result = self.look_around().await;
            self.note(result);
        }
    }

    async fn look_around(&mut self) -> Result<(), RemindError> {
        let mut redis = self.connection().await?;
        if self.turn.take(&mut redis).await? {
            let silent = self.silent_visits.remind(&mut redis).await?;
            if silent > 0 {
                tracing::debug!(silent, "reminded of sessions that fell silent");
            }
            let moved = self.segments.recheck(&mut redis).await?;
            if moved > 0 {
                tracing::debug!(moved, "found profiles that belong to other segments");
            }
        }
        Ok(())
    }

    /// One log line for each change.
    fn note(&mut self, result: Result<(), RemindError>) {
        match result {
            Ok(()) if self.in_trouble => {
                tracing::info!("silent visits are ended and segments looked through again")
            }
            Ok(()) => {}
            Err(error) => {
                if matches!(error, RemindError::Redis(_)) {
                    self.connection = None;
                }
                if !self.in_trouble {
                    tracing::warn!(%error, "silent visits are not ended, and segments not looked through, until this is over");
                }
                self.in_trouble = true;
                return;
            }
        }
        self.in_trouble = false;
    }

    async fn connection(&mut self) -> RedisResult<MultiplexedConnection> {
        if let Some(connection) = &self.connection {
            return Ok(connection.clone());
        }
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(PATIENCE))
            .set_response_timeout(Some(PATIENCE));
        let made = self.options.redis.get_multiplexed_async_connection_with_config(&config).await?;
        Ok(self.connection.insert(made).clone())
    }
}
