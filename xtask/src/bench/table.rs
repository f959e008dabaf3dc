//! The table, as Markdown that a terminal shows as well.

use super::figures::{Figures, Line};

const HEAD: [&str; 13] = [
    "",
    "load",
    "requests/s",
    "events/s",
    "p50 ms",
    "p99",
    "p99.9",
    "CPU µs/request",
    "edge",
    "gateway",
    "Redis",
    "batch",
    "peak MB",
];

/// Processes that have a column of their own.
const PROCESSES: [&str; 3] = ["edge", "gateway", "Redis"];

/// The table and the remarks below it.
pub(super) fn write(figures: &Figures) -> String {
    let mut rows = vec![HEAD.map(str::to_owned)];
    let mut title = "";
    for line in &figures.lines {
        rows.push(cells(line, line.title != title));
        title = &line.title;
    }
    let mut text = aligned(&rows);
    let remarks = figures
        .lines
        .iter()
        .filter_map(|line| line.warning().map(|warning| format!("{}, {}: {warning}.", line.title, line.load)))
        .chain(
            figures.skipped.iter().map(|skipped| format!("Not measured: {} ({}).", skipped.row, skipped.why)),
        );
    for remark in remarks {
        text.push_str(&format!("\n- {remark}"));
    }
    text.push('\n');
    text
}

fn cells(line: &Line, first: bool) -> [String; 13] {
    let optional =
        |value: Option<f64>, digits| value.map_or_else(|| "–".to_owned(), |value| decimal(value, digits));
    let cpu = |name| optional(line.process(name).map(|process| process.cpu_us), 1);
    let [edge, gateway, redis] = PROCESSES.map(cpu);
    let memory =
        PROCESSES.iter().filter_map(|name| line.process(name)).map(|process| decimal(process.peak_mb, 0));
    [
        if first { line.title.clone() } else { String::new() },
        line.load.clone(),
        decimal(line.requests_per_second, 0),
        decimal(line.events_per_second, 0),
        optional(line.p50_ms, 2),
        optional(line.p99_ms, 1),
        optional(line.p999_ms, 1),
        decimal(line.cpu_us(), 1),
        edge,
        gateway,
        redis,
        optional(line.batch, 1),
        memory.collect::<Vec<_>>().join(" + "),
    ]
}

/// Columns of one width each; numbers to the right.
fn aligned(rows: &[[String; 13]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths: Vec<_> = (0..HEAD.len()).map(width).collect();
    let mut text = String::new();
    for (number, row) in rows.iter().enumerate() {
        let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, width))| match column {
            0 | 1 => format!(" {cell:<width$} "),
            _ => format!(" {cell:>width$} "),
        });
        text.push_str(&format!("|{}|\n", cells.collect::<Vec<_>>().join("|")));
        if number == 0 {
            let rule = widths.iter().enumerate().map(|(column, width)| match column {
                0 | 1 => "-".repeat(width + 2),
                _ => "-".repeat(width + 1) + ":",
            });
            text.push_str(&format!("|{}|\n", rule.collect::<Vec<_>>().join("|")));
        }
    }
    text
}

/// A number with commas between thousands.
fn decimal(value: f64, digits: usize) -> String {
    let text = format!("{value:.digits$}");
    let (whole, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
    let mut grouped = String::new();
    for (number, digit) in whole.chars().enumerate() {
        if number > 0 && (whole.len() - number) % 3 == 0 && !grouped.ends_with('-') {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped + rest
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn numbers_have_commas_between_thousands() {
        let shown = [(0.26, 1), (999.0, 0), (1_000.0, 0), (1_234_567.8, 1)]
            .map(|(value, digits)| decimal(value, digits));
        assert_eq!(shown, ["0.3", "999", "1,000", "1,234,567.8"]);
    }

    #[test]
    fn a_line_shows_its_processes_and_their_sum_and_remarks_follow() {
        let text = write(&sample::figures());
        let lines: Vec<_> = text.lines().collect();
        assert!(lines[2].contains("64 connections |     20,000 |"), "{text}");
        assert!(lines[2].contains("|           62.5 | 40.0 |"), "{text}");
        assert!(text.contains("2000/s: overloaded: 17 requests were due and never sent."), "{text}");
        assert!(text.contains("Not measured: wasmtime (not installed)."), "{text}");
        let widths: Vec<_> = lines.iter().take(4).map(|line| line.chars().count()).collect();
        assert!(widths.windows(2).all(|pair| pair[0] == pair[1]), "{text}");
    }
}
