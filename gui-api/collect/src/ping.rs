//! Whether Redis can be reached with the collector's settings.

use tideline_redis_rest::{Client, Deadlines, Endpoint, Error, ReqwestTransport};

/// Asks Redis, over HTTP and with the collector's token, to answer.
///
/// # Errors
/// It does not, or refuses the token; the text says which.
pub async fn ping(endpoint: &Endpoint) -> Result<(), Error> {
    let transport = ReqwestTransport::new(Deadlines::default())?;
    Client::new(endpoint.clone(), transport).command(vec!["PING".to_owned()]).await.map(|_pong| ())
}
