//! `docs/performance.md`: prose that people write, and between two marks the figures of one run.

use std::fs;

use anyhow::{Context as _, Result, bail};

use super::figures::Figures;
use super::{picture, table, targets};
use crate::run::root;

const DOCUMENT: &str = "docs/performance.md";
const PICTURE: &str = "docs/performance.svg";
const BEGIN: &str = "<!-- figures: written by `cargo xtask bench --write-docs` -->\n";
const END: &str = "<!-- end of figures -->";

/// Writes the figures into the document, and the picture beside it.
///
/// # Errors
/// The document has no marks, or cannot be written.
pub(super) fn write(figures: &Figures) -> Result<()> {
    let path = root().join(DOCUMENT);
    let document = fs::read_to_string(&path).with_context(|| format!("{DOCUMENT} cannot be read"))?;
    fs::write(&path, replace(&document, &section(figures))?)?;
    fs::write(root().join(PICTURE), picture::draw(figures))?;
    Ok(())
}

/// All that is said of a run.
pub(super) fn section(figures: &Figures) -> String {
    let machine = &figures.machine;
    let unoptimised =
        if machine.unoptimised { " **Unoptimised programs: not figures, a rehearsal.**" } else { "" };
    format!(
        "One run on {}, revision {}: {}, {} cores, {}, Redis {}, {}. A 4 kB write with `fdatasync` took {:.2} ms there (p99 {:.1}). \
         Each line was measured for {} s, with {} event(s) in a request.{unoptimised}\n\n{}\n{}",
        machine.day,
        machine.revision,
        machine.processor,
        machine.cores,
        machine.kernel,
        machine.redis,
        machine.rust,
        machine.sync_p50_ms,
        machine.sync_p99_ms,
        figures.seconds,
        figures.events,
        table::write(figures),
        targets::write(figures),
    )
}

fn replace(document: &str, section: &str) -> Result<String> {
    let Some((before, rest)) = document.split_once(BEGIN) else { bail!("{DOCUMENT} has no line {BEGIN}") };
    let Some((_, after)) = rest.split_once(END) else { bail!("{DOCUMENT} has no {END}") };
    Ok([before, BEGIN, section, END, after].concat())
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn the_document_has_a_place_for_the_figures_and_keeps_what_is_around_it() {
        let document = fs::read_to_string(root().join(DOCUMENT)).unwrap();
        let written = replace(&document, "new\n").unwrap();
        assert_eq!(replace(&written, "newer\n").unwrap(), written.replace("new\n", "newer\n"));
        assert!(written.starts_with(document.split_once(BEGIN).unwrap().0));
        assert!(replace("no marks", "").is_err());
    }

    #[test]
    fn a_rehearsal_says_that_it_is_one() {
        let mut figures = sample::figures();
        assert!(!section(&figures).contains("Unoptimised"));
        figures.machine.unoptimised = true;
        assert!(section(&figures).contains("Unoptimised programs"));
    }
}
