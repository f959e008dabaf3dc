//! Whether Redis can be reached with the collector's settings.

use std::time::Duration;

use tideline_redis_rest::{Client, Deadlines, Endpoint, Error, ReqwestTransport};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_millis(2500);

/// Asks Redis, over HTTP and with the collector's token, to answer.
///
/// # Errors
/// It does not, or refuses the token; the text says which.
pub async fn ping(endpoint: &Endpoint) -> Result<(), Error> {
    let transport = ReqwestTransport::new(Deadlines::default())?;
    Client::new(endpoint.clone(), transport).command(vec!["PING".to_owned()], PATIENCE).await.map(|_pong| ())
}
