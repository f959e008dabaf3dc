//! What filters say of documents, clause by clause of `docs/filter.md`.

use jiff::Timestamp;
use serde_json::{Value, json};
use tideline_filter::{Document, Documents, Filter, Prepared};

fn matches(filter: &str, document: &Value) -> bool {
    let parsed = Filter::parse(filter).unwrap_or_else(|error| panic!("{filter}: {error}"));
    let now: Timestamp = "2026-01-31T12:00:00Z".parse().unwrap();
    Prepared::at(&parsed, now).matches(&Documents::only(Document::Event, document))
}

/// Each filter, and whether it is true of the document.
fn check(document: &Value, table: &[(&str, bool)]) {
    for (filter, expected) in table {
        assert_eq!(matches(filter, document), *expected, "{filter}");
    }
}

#[test]
fn not_binds_most_then_and_then_or_clause_1_1() {
    check(
        &json!({"a": 1, "b": 0, "c": 0}),
        &[
            ("a = 1 OR b = 1 AND c = 1", true),
            ("(a = 1 OR b = 1) AND c = 1", false),
            ("NOT a = 1 AND b = 1 OR a = 1", true),
            ("NOT (a = 1 AND b = 0) OR c = 1", false),
            ("NOT NOT a = 1", true),
            ("a = 1 AND b = 0 AND NOT c = 1", true),
        ],
    );
}

#[test]
fn keywords_are_read_in_any_case_and_fields_in_theirs_clause_1_2() {
    check(
        &json!({"a": "x", "A": "y"}),
        &[
            ("a in (\"x\") and not A is null or a exists", true),
            ("A = \"x\"", false),
            ("a Starts With \"x\" Or A eNds wITH \"z\"", true),
        ],
    );
}

#[test]
fn texts_keep_what_is_written_in_them_clause_1_3() {
    check(
        &json!({"a": "say \"it's\"\n\t\\"}),
        &[(r#"a = "say \"it's\"\n\t\\""#, true), (r#"a = 'say "it\'s"\n\t\\'"#, true)],
    );
}

#[test]
fn any_key_can_be_asked_for_clause_1_4() {
    check(
        &json!({"a-b_c": {"x.y": {"z": 1}, "404": {"": 2}}, "in": 3, "$ü": 4, "p": {"q r": [{"s": 5}]}}),
        &[
            (r#"a-b_c["x.y"].z = 1"#, true),
            (r#"a-b_c["404"][""] = 2"#, true),
            ("a-b_c.404 EXISTS", true),
            ("event@in = 3", true),
            (r#"event@["in"] = 3"#, true),
            ("$ü = 4", true),
            (r#"p["q r"].s = 5"#, true),
        ],
    );
}

#[test]
fn fields_are_compared_with_fields_of_documents_clauses_1_5_and_2_1() {
    let (event, profile) = (json!({"id": "e", "who": "p"}), json!({"id": "p", "n": "7", "m": 7}));
    let documents = Documents::only(Document::Event, &event).with(Document::Profile, &profile);
    for (filter, expected) in [
        ("who = profile@id", true),
        ("profile@id = event@who", true),
        ("id = profile@id", false),
        ("profile@m = profile@n AND profile@n >= profile@m", true),
        ("profile@m BETWEEN profile@n AND 8", true),
        ("session@id EXISTS", false),
        ("who = session@id", false),
        ("who != session@id", true),
    ] {
        let parsed = Filter::parse(filter).unwrap();
        assert_eq!(Prepared::at(&parsed, Timestamp::UNIX_EPOCH).matches(&documents), expected, "{filter}");
    }
}

#[test]
fn one_thing_is_said_in_several_ways_clause_1_6() {
    for (one, other) in [
        ("a = NULL", "a IS NULL"),
        ("a != null", "a IS NOT NULL"),
        ("a IS NULL", "a NOT EXISTS"),
        ("a IS NOT EMPTY", "a NOT EMPTY"),
        ("a == 1", "a = 1"),
        ("a => 1 AND b =< 2", "a >= 1 AND b <= 2"),
        ("a <> 1", "a != 1"),
        ("a != 1", "NOT a = 1"),
        ("a IN [1, 2]", "a IN (1, 2)"),
        ("datetime(event@a) > date(\"2026-01-31\")", "event@a > 2026-01-31"),
        ("a > yesterday", "a > today - 1d"),
        ("a > now - 36h", "a > now-1d12h"),
        ("((a = 1))", "a = 1"),
        ("a = 1.50", "a = 1.5"),
    ] {
        let [one, other] = [one, other].map(|text| Filter::parse(text).unwrap().expression().clone());
        assert_eq!(one, other);
    }
}

#[test]
fn one_of_many_values_is_enough_clauses_2_3_and_2_4() {
    check(
        &json!({"tags": ["new", "sale"], "items": [{"name": "shoe", "price": 50}, {"name": "coat", "price": [150, 10]}], "none": []}),
        &[
            ("tags = \"sale\"", true),
            ("tags = \"old\"", false),
            ("tags != \"sale\"", false),
            ("tags != \"old\"", true),
            ("items.price > 100", true),
            ("items.price < 20", true),
            ("items.name = \"shoe\" AND items.price > 100", true),
            ("items.price BETWEEN 60 AND 140", false),
            ("items.price > 60 AND items.price < 140", true),
            ("items.price NOT BETWEEN 1 AND 5", true),
            ("items IN (1, 2)", false),
            ("none = 1", false),
            ("none != 1", true),
        ],
    );
}

#[test]
fn values_of_other_kinds_do_not_match_clauses_3_1_and_3_2() {
    let document =
        json!({"text": "Oslo", "number": 5, "figure": "5", "truth": true, "null": null, "object": {"a": 1}});
    check(
        &document,
        &[
            ("text = \"Oslo\"", true),
            ("text = \"oslo\"", false),
            ("text > \"Bergen\" AND text < \"ab\"", true),
            ("text > 5", false),
            ("text < 5", false),
            ("number = \"5\"", false),
            ("figure = \"5\"", true),
            ("truth = \"true\"", false),
            ("truth = 1", false),
            ("event@null = \"null\"", false),
            ("object = 1", false),
            ("text.a = 1", false),
            ("missing = \"\"", false),
            ("missing < 5", false),
        ],
    );
}

#[test]
fn numbers_are_compared_to_the_digit_clause_3_3() {
    let document: Value = serde_json::from_str(
        r#"{"a": 9007199254740993, "b": 0.1, "c": 18446744073709551615, "d": "1e999", "e": 1e3, "f": "007", "g": -0.0,
            "h": "0.10000000000000000001"}"#,
    )
    .unwrap();
    check(
        &document,
        &[
            ("a = 9007199254740993", true),
            ("a = 9007199254740992", false),
            ("a > 9007199254740992.5", true),
            ("b = 0.1", true),
            ("b = 0.10", true),
            ("b > 0.1", false),
            ("b < 0.10000000000000000001", true),
            ("c > 18446744073709551614", true),
            ("c < 18446744073709551616", true),
            ("d > 1e998", true),
            ("d = 10e998", true),
            ("e = 1000", true),
            ("f = 7", false),
            ("g = 0", true),
            ("h > event@b", true),
            ("b < event@h", true),
            ("b IN (1, 0.1)", true),
        ],
    );
}

#[test]
fn moments_are_compared_as_such_clause_3_4() {
    let document = json!({
        "t": "2026-01-31T12:00:00Z", "zoned": "2026-01-31T13:00:00+01:00", "fraction": "2026-01-31T12:00:00.5Z",
        "day": "2026-01-30", "text": "soon", "seconds": 1769860800
    });
    check(
        &document,
        &[
            ("t = 2026-01-31T12:00:00Z", true),
            ("t = \"2026-01-31T13:00:00+01:00\"", true),
            ("zoned = event@t", true),
            ("fraction > event@t", true),
            ("fraction > \"2026-01-31T12:00:00Z\"", true),
            ("t >= now AND t <= now", true),
            ("t > today", true),
            ("day = yesterday", true),
            ("day >= now-1d", false),
            ("day >= now-2d AND day < today", true),
            ("t BETWEEN yesterday AND now+1h", true),
            ("t BETWEEN datetime(\"2026-01-31 11:59\") AND 2026-02-01", true),
            ("text > 2026-01-01", false),
            ("text > \"2026-01-01\"", true),
            ("seconds > 2026-01-01", false),
            ("t > now-1mo AND t > now-1y", true),
        ],
    );
}

#[test]
fn texts_are_searched_without_regard_to_case_clause_3_5() {
    let document =
        json!({"url": "https://Shop.example/Rote-Schuhe?x=1", "title": "Grüße aus ÅLESUND", "n": 12});
    check(
        &document,
        &[
            ("url CONTAINS \"shop.EXAMPLE\"", true),
            ("url STARTS WITH \"HTTPS://\"", true),
            ("url ENDS WITH \"X=1\"", true),
            ("url ENDS WITH \"x\"", false),
            ("url NOT CONTAINS \"blau\"", true),
            ("url MATCHES \"schuhe rote\"", true),
            ("url MATCHES \"schuh\"", false),
            ("title MATCHES \"ålesund grüße\"", true),
            ("n CONTAINS \"1\"", false),
            ("missing NOT STARTS WITH \"a\"", true),
        ],
    );
}

#[test]
fn durations_are_seconds_clause_3_6() {
    check(
        &json!({"duration": 901}),
        &[
            ("duration > 15m", true),
            ("duration < 1h30m", true),
            ("duration = 15m1s", true),
            ("duration IN (901s)", true),
        ],
    );
}

#[test]
fn a_list_is_compared_as_a_whole_clause_3_7() {
    check(
        &json!({"a": [1, "x", true], "b": [{"c": ["y"]}]}),
        &[
            ("a = [1, \"x\", TRUE]", true),
            ("a = [\"x\", 1, TRUE]", false),
            ("a = [1, \"x\"]", false),
            ("a != [1]", true),
            ("b.c = [\"y\"]", true),
        ],
    );
}

#[test]
fn what_is_not_there_clauses_4_1_to_4_3() {
    let document = json!({
        "null": null, "blank": " \n", "array": [], "nulls": [null, []], "object": {"a": {}, "b": null}, "zero": 0, "no": false, "some": [null, 1]
    });
    let of = |field: &str| {
        ["EXISTS", "EMPTY", "IS NULL", "= NULL"]
            .map(|what| matches(&format!("event@{field} {what}"), &document))
    };
    for nothing in ["missing", "null", "array", "nulls", "object.a", "object.b", "zero.x"] {
        assert_eq!(of(nothing), [false, true, true, true], "{nothing}");
    }
    for something in ["zero", "no", "some"] {
        assert_eq!(of(something), [true, false, false, false], "{something}");
    }
    for something_empty in ["blank", "object"] {
        assert_eq!(of(something_empty), [true, true, false, false], "{something_empty}");
    }
    check(
        &document,
        &[
            ("missing != 1", true),
            ("NOT missing > 1", true),
            ("missing NOT IN (1)", true),
            ("missing != 1 AND missing EXISTS", false),
        ],
    );
}

#[test]
fn a_text_alone_is_searched_everywhere_clause_4_4() {
    let document = json!({"a": {"b": ["Anna", {"c": "anna@shop.example"}]}, "order": 4711, "key": true});
    check(
        &document,
        &[
            ("\"anna\"", true),
            ("\"shop ANNA 4711\"", true),
            ("\"ann\"", false),
            ("\"key\"", false),
            ("\"order\"", false),
            ("NOT \"berta\" AND 'anna@shop.example'", true),
        ],
    );
}
