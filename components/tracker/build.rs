//! Says what to do where the script is not built: it is made by Node, not by cargo.

use std::path::Path;

fn main() {
    for name in ["tracker.js", "tracker.js.gz", "tracker.js.br", "tracker.hash"] {
        let file = Path::new("dist").join(name);
        println!("cargo::rerun-if-changed={}", file.display());
        if !file.is_file() {
            println!(
                "cargo::error=the tracker is not built ({} is missing): `npm --prefix components/tracker ci && npm --prefix components/tracker run build`",
                file.display()
            );
        }
    }
}
