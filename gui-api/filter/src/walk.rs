//! Where a field leads in a document (`docs/filter.md` §2).

use serde_json::Value;

/// Whether `holds` is true of a value that the steps lead to. An array on the way is entered, so that there may be
/// many; one at the end is given as a whole.
pub(crate) fn any_at<'a>(
    document: &'a Value,
    steps: &[String],
    holds: &mut dyn FnMut(&'a Value) -> bool,
) -> bool {
    let Some((step, rest)) = steps.split_first() else { return holds(document) };
    match document {
        Value::Object(object) => object.get(step).is_some_and(|value| any_at(value, rest, holds)),
        Value::Array(elements) => elements.iter().any(|element| any_at(element, steps, holds)),
        _ => false,
    }
}

/// Whether `holds` is true of the value, or of an element when it is an array.
pub(crate) fn any_element<'a>(value: &'a Value, holds: &mut dyn FnMut(&'a Value) -> bool) -> bool {
    match value {
        Value::Array(elements) => elements.iter().any(|element| any_element(element, holds)),
        value => holds(value),
    }
}

/// Whether a value that is no array is one: null is none, nor is an object without fields.
pub(crate) fn is_there(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Object(object) => !object.is_empty(),
        _ => true,
    }
}

/// Whether `holds` is true of a text, number or truth value, however deep in `value`.
pub(crate) fn any_leaf<'a>(value: &'a Value, holds: &mut dyn FnMut(&'a Value) -> bool) -> bool {
    match value {
        Value::Null => false,
        Value::Array(elements) => elements.iter().any(|element| any_leaf(element, holds)),
        Value::Object(object) => object.values().any(|value| any_leaf(value, holds)),
        leaf => holds(leaf),
    }
}
