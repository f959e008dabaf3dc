//! Says what to do when the script is not built: what is embedded is made by npm.

use std::path::Path;

const FILES: [&str; 4] = ["tracker.js", "tracker.js.gz", "tracker.js.br", "tracker.hash"];

fn main() -> Result<(), String> {
    println!("cargo::rerun-if-changed=dist");
    for file in FILES {
        if !Path::new("dist").join(file).exists() {
            return Err(format!(
                "dist/{file} is missing: build the tracker with `npm --prefix components/tracker ci && npm --prefix components/tracker run build`"
            ));
        }
    }
    Ok(())
}
