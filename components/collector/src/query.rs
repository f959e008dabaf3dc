//! Parameters of the query that switch something.

use crate::RequestHead;
use crate::fault::Fault;

const TRUE: [&str; 6] = ["true", "1", "yes", "on", "t", "y"];
const FALSE: [&str; 6] = ["false", "0", "no", "off", "f", "n"];

/// A parameter that is true or false; false if it is missing. Which words it may be is what clients of the protocol know.
pub(crate) fn truth(head: &RequestHead, name: &'static str) -> Result<bool, Fault> {
    let Some(value) = head.parameter(name) else { return Ok(false) };
    let lower = value.to_ascii_lowercase();
    match (TRUE.contains(&lower.as_str()), FALSE.contains(&lower.as_str())) {
        (true, _) => Ok(true),
        (_, true) => Ok(false),
        _ => Err(Fault::of_parameter(name, &value)),
    }
}

#[cfg(test)]
mod tests {
    use http::Method;
    use serde_json::json;

    use super::*;

    #[test]
    fn words_are_true_false_or_a_fault_of_the_query() {
        let read = |query: &str| {
            truth(&RequestHead::new(Method::POST, &format!("/track?{query}"), Vec::new()), "all")
                .map_err(|fault| serde_json::to_value(fault).unwrap())
        };
        for (query, expected) in
            [("", false), ("other=1", false), ("all=True", true), ("all=1", true), ("all=off", false)]
        {
            assert_eq!(read(query), Ok(expected), "{query}");
        }
        let fault = read("all=banana").unwrap_err();
        assert_eq!((&fault["type"], &fault["loc"]), (&json!("bool_parsing"), &json!(["query", "all"])));
        assert_eq!(fault["input"], "banana");
    }
}
