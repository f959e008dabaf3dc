//! Sends `PING` to the address in the environment, and answers with how that ended.
#![cfg(target_family = "wasm")]

use std::env::var;
use std::time::Duration;

use tideline_redis_rest::{Client, Deadlines, Endpoint, WasiP3Transport};
use wasip3::http::types::{ErrorCode, Fields, Request, Response};
use wasip3::{wit_future, wit_stream};
use wit_bindgen::spawn_local;

struct Component;

wasip3::http::service::export!(Component);

impl wasip3::exports::http::handler::Guest for Component {
    async fn handle(_request: Request) -> Result<Response, ErrorCode> {
        let setting = |name: &str| var(name).unwrap_or_default();
        let endpoint =
            Endpoint::new(&setting("UPSTASH_REDIS_REST_URL"), &setting("UPSTASH_REDIS_REST_TOKEN"))
                .map_err(|error| ErrorCode::InternalError(Some(error.to_string())))?;
        let client = Client::new(endpoint, WasiP3Transport::new(Deadlines::default()));
        let reply = client.command(vec!["PING".to_owned()], Duration::from_millis(2500)).await;
        let body = format!("{reply:?}").into_bytes();

        let (trailers_writer, trailers_reader) = wit_future::new(|| Ok(None));
        drop(trailers_writer);
        let (mut writer, reader) = wit_stream::new();
        let (response, _transmitted) = Response::new(Fields::new(), Some(reader), trailers_reader);
        spawn_local(async move {
            writer.write_all(body).await;
        });
        Ok(response)
    }
}
