//! An error as one sentence.

/// The error and its causes, without causes that only repeat what the error says already: the Redis
/// client's errors do.
pub(crate) fn of(error: &anyhow::Error) -> String {
    let mut sentence = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if sentence.is_empty() {
            sentence = cause;
        } else if !sentence.ends_with(&cause) {
            sentence = format!("{sentence}: {cause}");
        }
    }
    sentence
}

#[cfg(test)]
mod tests {
    use std::io;

    #[derive(Debug, thiserror::Error)]
    #[error("outer: {0}")]
    struct Repeating(#[source] io::Error);

    #[test]
    fn causes_are_said_once() {
        let error = anyhow::Error::from(Repeating(io::Error::other("inner"))).context("cannot do it");
        assert_eq!(super::of(&error), "cannot do it: outer: inner");
    }
}
