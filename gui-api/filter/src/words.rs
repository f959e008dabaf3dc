//! Words of texts: what MATCHES and a text alone search for (`docs/filter.md` §3.5).

/// The words of a text in lower case: letters and digits, whatever is between them.
pub(crate) fn of(text: &str) -> impl Iterator<Item = String> {
    text.split(|character: char| !character.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
}

/// Words that are looked for, and which of them were found.
pub(crate) struct Hunt<'a> {
    wanted: &'a [String],
    found: Vec<bool>,
}

impl<'a> Hunt<'a> {
    pub(crate) fn new(wanted: &'a [String]) -> Self {
        Self { wanted, found: vec![false; wanted.len()] }
    }

    /// Looks for them in one more text; whether all have been found by now.
    pub(crate) fn look_in(&mut self, text: &str) -> bool {
        for word in of(text) {
            for (wanted, found) in self.wanted.iter().zip(&mut self.found) {
                *found |= *wanted == word;
            }
        }
        self.found.iter().all(|found| *found)
    }
}
