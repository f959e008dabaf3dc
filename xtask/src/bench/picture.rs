//! The picture: CPU for each request as bars, one for each line of the table.

use std::fmt::Write as _;

use super::figures::{Figures, Line};

const WIDTH: f64 = 860.0;
const LEFT: f64 = 400.0;
const RIGHT: f64 = 150.0;
const TOP: f64 = 56.0;
const STEP: f64 = 22.0;
const BAR: f64 = 15.0;

/// Colours that people with any kind of colour vision tell apart, on light and on dark.
const PARTS: [(&str, &str); 3] = [("edge", "#3b7dd8"), ("gateway", "#e0a030"), ("Redis", "#b8433a")];

/// An SVG document.
pub(super) fn draw(figures: &Figures) -> String {
    let widest = figures.lines.iter().map(Line::cpu_us).fold(1.0, f64::max);
    let scale = (WIDTH - LEFT - RIGHT) / widest;
    let height = TOP + STEP * figures.lines.len() as f64 + 12.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n\
         <text x=\"12\" y=\"22\" font-size=\"14\">CPU microseconds for each acknowledged request</text>\n"
    );
    let mut at = LEFT;
    for (name, colour) in PARTS {
        rectangle(&mut svg, (at, 30.0), 12.0, colour);
        text(&mut svg, (at + 18.0, 42.0), "start", name);
        at += 80.0;
    }
    for (number, line) in figures.lines.iter().enumerate() {
        let y = TOP + STEP * number as f64;
        text(
            &mut svg,
            (LEFT - 8.0, y + 12.0),
            "end",
            &format!("{}: {}", line.title.replace('`', ""), line.load),
        );
        let mut x = LEFT;
        for (name, colour) in PARTS {
            if let Some(process) = line.process(name) {
                rectangle(&mut svg, (x, y), process.cpu_us * scale, colour);
                x += process.cpu_us * scale;
            }
        }
        let batch = line.batch.map(|batch| format!(" (batch {batch:.1})")).unwrap_or_default();
        text(&mut svg, (x + 6.0, y + 12.0), "start", &format!("{:.0}{batch}", line.cpu_us()));
    }
    svg.push_str("</svg>\n");
    svg
}

fn rectangle(svg: &mut String, (x, y): (f64, f64), width: f64, colour: &str) {
    // Writing to a string does not fail.
    let _ = writeln!(
        svg,
        "<rect x=\"{x:.1}\" y=\"{y}\" width=\"{width:.1}\" height=\"{BAR}\" fill=\"{colour}\"/>"
    );
}

fn text(svg: &mut String, (x, y): (f64, f64), anchor: &str, text: &str) {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    let _ = writeln!(svg, "<text x=\"{x:.1}\" y=\"{y}\" text-anchor=\"{anchor}\">{text}</text>");
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn each_line_has_a_bar_of_its_processes() {
        let mut figures = sample::figures();
        figures.lines[0].title = "a < b & c".into();
        let svg = draw(&figures);
        // The background, the legend, and three processes for each of two lines.
        assert_eq!(svg.matches("<rect").count(), 1 + 3 + 6, "{svg}");
        assert!(svg.contains(">a &lt; b &amp; c: 64 connections<"), "{svg}");
        assert!(svg.contains(">62 (batch 32.0)<"), "{svg}");
        assert!(svg.trim_end().ends_with("</svg>"));
    }
}
