//! Answers every request with one word. `cargo xtask bench` compares `/track` with it.
#![cfg(target_family = "wasm")]

use wasip3::http::types::{ErrorCode, Fields, Request, Response};
use wasip3::{wit_future, wit_stream};
use wit_bindgen::spawn_local;

const ANSWER: &[u8] = b"hello";

struct Component;

wasip3::http::service::export!(Component);

impl wasip3::exports::http::handler::Guest for Component {
    async fn handle(_request: Request) -> Result<Response, ErrorCode> {
        let length = ("content-length".to_owned(), ANSWER.len().to_string().into_bytes());
        let fields = Fields::from_list(&[length])
            .map_err(|error| ErrorCode::InternalError(Some(format!("{error:?}"))))?;
        let (trailers_writer, trailers_reader) = wit_future::new(|| Ok(None));
        drop(trailers_writer);
        let (mut writer, reader) = wit_stream::new();
        let (response, _transmitted) = Response::new(fields, Some(reader), trailers_reader);
        spawn_local(async move {
            writer.write_all(ANSWER.to_vec()).await;
        });
        Ok(response)
    }
}
