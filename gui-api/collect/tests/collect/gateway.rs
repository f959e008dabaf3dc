//! The real gateway, in this process. Also used by the tests of the binary.

use std::path::Path;

use clap::Parser as _;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tideline_redis_gateway::{Arguments, Gateway, Handle};

/// The token that it lets call the edge's functions.
pub(crate) const TOKEN: &str = "edge-token";

/// In front of the Redis at this URL, with what it needs in this folder.
pub(crate) async fn start(redis_url: &str, folder: &Path) -> Handle {
    let hash: String = Sha256::digest(TOKEN).iter().map(|byte| format!("{byte:02x}")).collect();
    let content = json!({ "tokens": [{ "name": "edge", "sha256": hash, "policy": "ingest" }] });
    let tokens = folder.join("tokens.json");
    std::fs::write(&tokens, content.to_string()).unwrap();
    // Some tests stop Redis for a while.
    let fixed = ["gateway", "--listen", "127.0.0.1:0", "--command-timeout-ms", "30000"];
    let arguments = [&fixed[..], &["--tokens-file", tokens.to_str().unwrap()]].concat();
    let arguments = Arguments::try_parse_from(arguments).unwrap();
    Gateway::start(arguments.into_options(Some(redis_url.to_owned())).unwrap()).await.unwrap()
}
