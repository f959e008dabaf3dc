//! What authors of filters are told (`docs/filter.md` 1.7 and 1.8).

use tideline_filter::{Filter, FilterError, MAX_CONDITIONS, MAX_DEPTH, MAX_TEXT_BYTES, MAX_VALUES};

fn error(text: &str) -> FilterError {
    match Filter::parse(text) {
        Ok(filter) => panic!("`{text}` was read as `{filter}`"),
        Err(error) => error,
    }
}

#[test]
fn a_mistake_is_shown_where_it_is_with_what_may_have_been_meant() {
    // The part that is wrong stands between the bars.
    let table = [
        ("type |CONTAIN| \"a\"", "`CONTAIN` is no operator", Some("CONTAINS")),
        ("type |lke| \"a\"", "an operator such as = is missing behind `type`", None),
        ("type = |purchase|", "texts go in quotes", Some("\"purchase\"")),
        ("|purchase|", "alone is no condition", Some("\"purchase\"")),
        ("|anna@shop.de| = 1", "is no document", Some("\"anna@shop.de\"")),
        ("|profle@id| = 1", "is no document", Some("profile@id")),
        ("|flow@a| = 1", "workflows", None),
        ("|\"type\"| = \"a\"", "without quotes", Some("type")),
        ("a = 1 |ADN| b = 2", "AND or OR is missing", Some("AND")),
        ("a = 1 |b| = 2", "AND or OR is missing", Some("AND b")),
        ("a = 1 |&&| b = 2", "written AND", Some("AND")),
        ("a |:| 1", "with =", Some("=")),
        ("|!|a = 1", "written NOT", Some("NOT")),
        ("a = |“|x”", "typographic", Some("\"")),
        ("a = |\"x|", "no \" at its end", None),
        ("a = \"x|\\q|\"", "backslash", Some("\\\\")),
        ("|(|a = 1", "never closed", None),
        ("a = 1|)|", "never opened", None),
        ("a IN |(|1, 2", "never closed", None),
        ("a IN (1 |2|)", "comma is missing", None),
        ("a IN |1|", "values in brackets", None),
        ("a = |(|1, 2)", "a list of values follows IN", None),
        ("a BETWEEN 1 |UND| 2", "AND is missing", Some("AND")),
        ("a STARTS |WIHT| \"x\"", "WITH is missing", Some("WITH")),
        ("a STARTS WITH |x|", "a text in quotes", Some("\"x\"")),
        ("a CONTAINS |\"\"|", "EXISTS", None),
        ("a MATCHES |\"!\"|", "no word", None),
        ("|\"…\"|", "no word", None),
        ("a > now-|30|", "a duration is expected", None),
        ("a > now - |30|", "a duration is expected", None),
        ("a > |5M|", "no unit of time", Some("5mo")),
        ("a > |90sec|", "no unit of time", Some("90s")),
        ("a > |2mo|", "say it in days", None),
        ("a > |99999999d|", "longer than the calendar", None),
        ("a > |2026-02-30|", "no day or time of the calendar", None),
        ("a > datetime(|\"soon\"|)", "is no date", None),
        ("a = |12-abc|", "no number, date or duration", Some("\"12-abc\"")),
        ("a = |007|", "no number", Some("\"007\"")),
        ("a < |NULL|", "IS NULL", None),
        ("a < |TRUE|", "nothing is more or less", None),
        ("a < |[|1]", "nothing is more or less than a list", None),
        ("a NOT |LIKE| \"x\"", "behind NOT stands", None),
        ("a IS |5|", "behind IS stands", None),
        ("a[|0|] = 1", "not numbered", None),
        ("|a..b| = 1", "single dots", None),
        ("|AND| a = 1", "missing before AND", None),
        ("|=| 1", "begins with a field", None),
        ("a = 1 AND||", "the filter ends where a condition is expected", None),
        ("a =||", "the filter ends where a value is expected", None),
        ("||", "empty", None),
        ("a = |event@|", "name is missing", None),
        ("a = |#|", "means nothing here", None),
    ];
    for (marked, message, suggestion) in table {
        let mut parts = marked.split('|');
        let (before, wrong) = (parts.next().unwrap(), parts.next().unwrap());
        let text = marked.replace('|', "");
        let error = error(&text);
        assert_eq!(error.bytes, before.len()..before.len() + wrong.len(), "{text}: {error}");
        assert!(error.message.contains(message), "{text}: {error}");
        assert_eq!(error.suggestion.as_deref(), suggestion, "{text}: {error}");
    }
}

#[test]
fn a_place_is_told_in_characters_and_lines() {
    let error = error("größe = \"ü\"\n  AND x =");
    assert_eq!((error.line, error.column, error.characters.clone()), (2, 10, 21..21));
    assert_eq!(error.to_string(), "the filter ends where a value is expected (at character 10 of line 2)");
    assert_eq!(
        self::error("tüp = x").to_string(),
        "`x` is no value: texts go in quotes, and a field behind an operator is written with its document, as in \
         event@type (at character 7): did you mean `\"x\"`?"
    );
}

#[test]
fn what_is_too_long_too_deep_or_too_much_is_refused_clause_1_7() {
    let conditions = |count: usize| vec!["a=1"; count].join(" OR ");
    let nested = |depth: usize| format!("{}a=1{}", "(".repeat(depth), ")".repeat(depth));
    let values = |count: usize| format!("a IN ({})", vec!["1"; count].join(","));
    for (largest, larger, message) in [
        (conditions(MAX_CONDITIONS), conditions(MAX_CONDITIONS + 1), "200 conditions"),
        (nested(MAX_DEPTH), nested(MAX_DEPTH + 1), "32 deep"),
        (
            format!("{}a=1", "NOT ".repeat(MAX_DEPTH)),
            format!("{}a=1", "NOT ".repeat(MAX_DEPTH + 1)),
            "32 deep",
        ),
        (values(MAX_VALUES), values(MAX_VALUES + 1), "500 values"),
        (format!("a{}=1", ".b".repeat(31)), format!("a{}=1", ".b".repeat(32)), "32 steps"),
        (format!("\"{}\"", "a ".repeat(32)), format!("\"{}\"", "a ".repeat(33)), "32 words"),
        (
            format!("{:1$}", "a=1", MAX_TEXT_BYTES),
            format!("{:1$}", "a=1", MAX_TEXT_BYTES + 1),
            "8192 are the most",
        ),
    ] {
        assert!(Filter::parse(&largest).is_ok(), "{largest}");
        assert!(error(&larger).message.contains(message), "{}", error(&larger));
    }
}
