//! `tideline serve`: the parts that its roles name, from listening to the last answer.

use std::process::ExitCode;
use std::time::Duration;

use tideline_collect::Service;

use crate::private_service::PrivateService;
use crate::settings::{Role, ServeSettings};
use crate::stop_signal;
use crate::wiring::Parts;

/// What the parts may take to end beyond the drain that they were given.
const GRACE: Duration = Duration::from_secs(5);

pub(crate) async fn run(settings: ServeSettings) -> anyhow::Result<ExitCode> {
    let roles = settings.roles()?;
    let mut parts = Parts::new();
    stop_signal::forward_to(parts.stop())?;
    let collector =
        if roles.has(Role::Collect) { Some(Service::bind(settings.collector()?).await?) } else { None };
    let private =
        if roles.are_private() { Some(PrivateService::bind(&settings, roles).await?) } else { None };

    if let Some(collector) = collector {
        let address = collector.address();
        tracing::info!(%address, "collecting");
        parts.spawn(|drain| collector.run(drain));
    }
    let ran = match private {
        Some(private) => private.run(&mut parts).await,
        None => {
            parts.asked_to_stop().await;
            Ok(())
        }
    };
    let ended = parts.end(settings.drain() + GRACE).await;
    ran.and(ended).map(|()| ExitCode::SUCCESS)
}
