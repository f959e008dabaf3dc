//! What holds of any filter and any document: a filter that is printed is read as the same tree, asking it panics never,
//! and what an index may leave out does not match.

use jiff::Timestamp;
use serde_json::{Value, json};
use tideline_filter::{
    Anchor, Comparison, Condition, Document, Documents, Duration, Expression, Field, Filter, Literal,
    MAX_TEXT_BYTES, Moment, Number, Operand, Prepared, TextRelation, narrowing,
};

const RUNS: u64 = 4_000;

/// Numbers that are the same in every run (xorshift64*, Vigna 2014).
struct Numbers(u64);

impl Numbers {
    fn of_run(run: u64) -> Self {
        Self(0x7469_6465_6c69_6e65 ^ (run + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    /// Less than `end`.
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % end
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[usize::try_from(self.below(from.len() as u64)).unwrap()].clone()
    }

    fn many<T>(&mut self, least: u64, most: u64, mut make: impl FnMut(&mut Self) -> T) -> Vec<T> {
        let count = least + self.below(most - least + 1);
        (0..count).map(|_| make(self)).collect()
    }
}

/// Few keys, so that documents have what filters ask for.
const KEYS: [&str; 4] = ["id", "type", "t", "a"];
const ODD_KEYS: [&str; 7] = ["", "a.b", "x y", "ü", "\"q\"", "404", "no-de"];
const TEXTS: [&str; 12] = [
    "a",
    "B",
    "page view",
    "",
    " ",
    "\\\"'\n\t",
    "5",
    "0.50",
    "2026-01-31",
    "2026-01-31T12:00:00+01:00",
    "İ ß 東京",
    "now",
];
const FIGURES: [&str; 9] =
    ["0", "-1", "5", "0.5", "1e3", "-12.5e-7", "9007199254740993", "18446744073709551616", "1e-400"];

fn now() -> Timestamp {
    "2026-01-31T12:00:00Z".parse().unwrap()
}

fn expression(numbers: &mut Numbers, depth: u64) -> Expression {
    match numbers.below(if depth == 0 { 1 } else { 4 }) {
        0 => Expression::Is(condition(numbers)),
        1 => Expression::Not(Box::new(expression(numbers, depth - 1))),
        2 => Expression::All(numbers.many(2, 3, |numbers| expression(numbers, depth - 1))),
        _ => Expression::Any(numbers.many(2, 3, |numbers| expression(numbers, depth - 1))),
    }
}

fn condition(numbers: &mut Numbers) -> Condition {
    let field = field(numbers, true);
    match numbers.below(9) {
        0..=2 => {
            let with = operand(numbers);
            let comparisons = [
                Comparison::Equal,
                Comparison::Less,
                Comparison::AtMost,
                Comparison::Greater,
                Comparison::AtLeast,
            ];
            let comparison = match with {
                Operand::Literal(Literal::Boolean(_)) => Comparison::Equal,
                _ => numbers.pick(&comparisons),
            };
            Condition::Compare { field, comparison, with }
        }
        3 => {
            let mut bound = || loop {
                match operand(numbers) {
                    Operand::Literal(Literal::Boolean(_)) => {}
                    bound => return bound,
                }
            };
            Condition::Between { field, low: bound(), high: bound() }
        }
        4 => Condition::In { field, values: numbers.many(1, 3, literal) },
        5 => Condition::Same { field, values: numbers.many(1, 3, literal) },
        6 => {
            let relations = [
                TextRelation::Contains,
                TextRelation::StartsWith,
                TextRelation::EndsWith,
                TextRelation::Matches,
            ];
            Condition::Text {
                field,
                relation: numbers.pick(&relations),
                text: numbers.pick(&["a", "View", "ß x", "5"]).to_owned(),
            }
        }
        7 => match numbers.below(2) {
            0 => Condition::Exists(field),
            _ => Condition::Empty(field),
        },
        _ => Condition::Search(numbers.pick(&["a", "page", "View 5", "東京"]).to_owned()),
    }
}

fn field(numbers: &mut Numbers, may_be_plain: bool) -> Field {
    let documents = [None, Some(Document::Event), Some(Document::Session), Some(Document::Profile)];
    let document = if may_be_plain { numbers.pick(&documents) } else { numbers.pick(&documents[1..]) };
    let mut steps = numbers.many(0, 2, |numbers| match numbers.below(3) {
        0 => numbers.pick(&ODD_KEYS).to_owned(),
        _ => numbers.pick(&KEYS).to_owned(),
    });
    steps.insert(0, numbers.pick(&KEYS).to_owned());
    Field { document, steps }
}

fn operand(numbers: &mut Numbers) -> Operand {
    match numbers.below(5) {
        0 => Operand::Field(field(numbers, false)),
        _ => Operand::Literal(literal(numbers)),
    }
}

fn literal(numbers: &mut Numbers) -> Literal {
    match numbers.below(7) {
        0..=2 => Literal::Text(numbers.pick(&TEXTS).to_owned()),
        3 => Literal::Number(Number::read(numbers.pick(&FIGURES)).unwrap()),
        4 => Literal::Boolean(numbers.below(2) == 0),
        5 => Literal::Duration(Duration { months: 0, seconds: numbers.below(1_000_000) }),
        _ => Literal::Moment(moment(numbers)),
    }
}

fn moment(numbers: &mut Numbers) -> Moment {
    if numbers.below(2) == 0 {
        let seconds = i64::try_from(numbers.below(100_000_000)).unwrap();
        return Moment::At(Timestamp::new(1_730_000_000 + seconds, 123_456_000).unwrap());
    }
    let distance =
        Duration { months: numbers.below(2) * numbers.below(40), seconds: numbers.below(10_000_000) };
    let is_before = numbers.below(2) == 0 && distance != Duration::default();
    Moment::Relative { anchor: numbers.pick(&[Anchor::Now, Anchor::Today]), is_before, distance }
}

fn value(numbers: &mut Numbers, depth: u64) -> Value {
    match numbers.below(if depth == 0 { 5 } else { 8 }) {
        0 => Value::Null,
        1 => Value::Bool(numbers.below(2) == 0),
        2 => serde_json::from_str(numbers.pick(&FIGURES)).unwrap_or(json!(-0.0)),
        3 => json!(numbers.pick(&TEXTS)),
        4 => json!(moment(numbers).at(now()).to_string()),
        5 => numbers.many(0, 3, |numbers| value(numbers, depth - 1)).into(),
        _ => {
            let key = |numbers: &mut Numbers| match numbers.below(3) {
                0 => numbers.pick(&ODD_KEYS).to_owned(),
                _ => numbers.pick(&KEYS).to_owned(),
            };
            Value::Object(
                numbers.many(0, 4, |numbers| (key(numbers), value(numbers, depth - 1))).into_iter().collect(),
            )
        }
    }
}

/// Changes the fields that a tree asks about.
fn fields_of(tree: &mut Expression, change: &mut dyn FnMut(&mut Field)) {
    match tree {
        Expression::All(parts) | Expression::Any(parts) => {
            parts.iter_mut().for_each(|part| fields_of(part, change));
        }
        Expression::Not(inner) => fields_of(inner, change),
        Expression::Is(
            Condition::Compare { field, .. }
            | Condition::Between { field, .. }
            | Condition::In { field, .. }
            | Condition::Same { field, .. }
            | Condition::Text { field, .. }
            | Condition::Exists(field)
            | Condition::Empty(field),
        ) => change(field),
        Expression::Is(Condition::Search(_)) => {}
    }
}

/// A filter of any shape, read from what its tree is printed as.
fn filter(numbers: &mut Numbers) -> Option<Filter> {
    let tree = expression(numbers, 4);
    let text = tree.to_string();
    if text.len() > MAX_TEXT_BYTES {
        return None;
    }
    let filter = Filter::parse(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!(*filter.expression(), tree, "{text}");
    Some(filter)
}

#[test]
fn what_is_printed_is_read_as_the_same_tree() {
    let read = (0..RUNS).filter_map(|run| filter(&mut Numbers::of_run(run))).count();
    assert!(read > 3_000, "{read}");
}

#[test]
fn any_filter_can_be_asked_about_any_documents() {
    let mut matched = 0;
    for run in 0..RUNS {
        let mut numbers = Numbers::of_run(run);
        let Some(filter) = filter(&mut numbers) else { continue };
        let prepared = Prepared::at(&filter, now());
        let (event, profile) = (value(&mut numbers, 4), value(&mut numbers, 4));
        let documents = Documents::only(Document::Event, &event).with(Document::Profile, &profile);
        let holds = prepared.matches(&documents);
        let opposite = Filter::parse(&format!("NOT ({filter})"));
        if let Ok(opposite) = opposite {
            assert_ne!(Prepared::at(&opposite, now()).matches(&documents), holds, "{filter}");
        }
        matched += usize::from(holds);
    }
    assert!((500..3_500).contains(&matched), "{matched}");
}

#[test]
fn what_an_index_leaves_out_does_not_match() {
    let (mut narrowed, mut left_out) = (0, 0);
    for run in 0..RUNS {
        let mut numbers = Numbers::of_run(run);
        // As events are: an id that is a text, and a time.
        let mut event =
            json!({ "type": numbers.pick(&TEXTS), "t": moment(&mut numbers).at(now()).to_string() });
        event["a"] = value(&mut numbers, 2);
        let mut tree = expression(&mut numbers, 1);
        fields_of(&mut tree, &mut |field| {
            let known = Field { document: None, steps: vec![numbers.pick(&["type", "t", "a"]).to_owned()] };
            *field = if numbers.below(8) == 0 { field.clone() } else { known };
        });
        let Ok(filter) = Filter::parse(&tree.to_string()) else { continue };
        let texts = narrowing::texts(filter.expression(), Document::Event, &["type"]);
        let times = narrowing::times(filter.expression(), Document::Event, &["t"], now());
        let time: Timestamp = event["t"].as_str().unwrap().parse().unwrap();
        let is_left_out =
            texts.as_ref().is_some_and(|texts| !texts.contains(&event["type"].as_str().unwrap()))
                || times.from.is_some_and(|from| time < from)
                || times.to.is_some_and(|to| time > to);
        narrowed += usize::from(texts.is_some() || times != narrowing::Times::default());
        left_out += usize::from(is_left_out);
        let holds = Prepared::at(&filter, now()).matches(&Documents::only(Document::Event, &event));
        assert!(!(is_left_out && holds), "{filter} of {event}");
    }
    assert!(narrowed > 100 && left_out > 60, "{narrowed} {left_out}");
}
