//! Asks a new version of a component for its word before visitors do.

use bytes::Bytes;
use http::Request;
use tideline_http_front::{Held, HeldBody, visitor};

use crate::Error;
use crate::application::Application;
use crate::refusal::Refusal;

/// Whether the application answers `path` with less than 500.
pub(crate) async fn probe(application: &Application, path: &str) -> Result<(), Error> {
    let body = HeldBody { bytes: Bytes::new(), held: Held::default() };
    // The client is the host itself; a component may refuse requests that come from nowhere.
    let request = Request::get(format!("http://localhost{path}"))
        .header("host", "localhost")
        .header(visitor::CLIENT_ADDRESS, "127.0.0.1")
        .body(body)
        .map_err(|error| Error::Options(format!("{path:?} cannot be probed: {error}")))?;
    let status = application.answer(request).await.unwrap_or_else(Refusal::response).status();
    if status.is_server_error() {
        return Err(Error::Probe { path: path.to_owned(), status: status.as_u16() });
    }
    Ok(())
}
