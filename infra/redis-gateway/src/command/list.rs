//! The commands of a request in one buffer, with every word as Redis gets it.
//!
//! A word is written once, in RESP2, and found again by its place: so what a policy looks at are the very bytes that
//! are sent, and a request costs as many allocations with a thousand words as with two.

use std::ops::Range;

use crate::resp::{encode_header, encode_word};

/// The commands of one request. Each has a name, which may be empty.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Commands {
    /// All words, each a bulk string of RESP2.
    bytes: Vec<u8>,
    /// Where in `bytes` each of them is, without what RESP2 puts around it.
    words: Vec<Range<usize>>,
    /// Where each command ends.
    ends: Vec<End>,
}

/// An end, or the beginning of what follows, in bytes and in words.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct End {
    bytes: usize,
    words: usize,
}

impl Commands {
    /// None yet, with room for about so many bytes.
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Commands { bytes: Vec::with_capacity(bytes), words: Vec::new(), ends: Vec::new() }
    }

    /// Adds a word to the command that has not ended.
    pub(super) fn push(&mut self, word: &[u8]) {
        let end = encode_word(&mut self.bytes, word);
        self.words.push(end - word.len()..end);
    }

    /// How many words the command has that has not ended.
    pub(super) fn words_so_far(&self) -> usize {
        self.words.len() - self.begin().words
    }

    /// The words since the last end are a command.
    pub(super) fn end(&mut self) {
        self.ends.push(End { bytes: self.bytes.len(), words: self.words.len() });
    }

    /// How many commands there are.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The commands in the order in which they came.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Command<'_>> {
        let begins = [End::default()].into_iter().chain(self.ends.iter().copied());
        begins.zip(&self.ends).map(|(begin, end)| Command {
            all: &self.bytes,
            encoded: self.bytes.get(begin.bytes..end.bytes).unwrap_or_default(),
            words: self.words.get(begin.words..end.words).unwrap_or_default(),
        })
    }

    /// About how many bytes they are in RESP2.
    pub(crate) fn encoded_len(&self) -> usize {
        // Each begins with a line of its own.
        self.bytes.len() + self.ends.len() * 8
    }

    fn begin(&self) -> End {
        self.ends.last().copied().unwrap_or_default()
    }
}

/// One command of a request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Command<'a> {
    all: &'a [u8],
    encoded: &'a [u8],
    words: &'a [Range<usize>],
}

impl<'a> Command<'a> {
    /// The command's name as it was sent, in whatever case.
    pub(crate) fn name(self) -> &'a [u8] {
        self.words().next().unwrap_or_default()
    }

    /// What follows the name.
    pub(crate) fn arguments(self) -> impl Iterator<Item = &'a [u8]> {
        self.words().skip(1)
    }

    /// The name and all that follows it.
    pub(crate) fn words(self) -> impl Iterator<Item = &'a [u8]> {
        self.words.iter().map(move |place| self.all.get(place.clone()).unwrap_or_default())
    }

    /// Appends the command in RESP2.
    pub(crate) fn encode(self, out: &mut Vec<u8>) {
        encode_header(out, b'*', self.words.len());
        out.extend_from_slice(self.encoded);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resp::encode_command;

    #[test]
    fn commands_are_encoded_as_their_words_are() {
        let lines: [&[&[u8]]; 3] = [&[b"SET", b"k", b"a\r\n$1\r\n"], &[b""], &[b"GET", b"\xff\0"]];
        let (mut commands, mut expected) = (Commands::default(), Vec::new());
        for words in lines {
            words.iter().for_each(|word| commands.push(word));
            assert_eq!(commands.words_so_far(), words.len());
            commands.end();
            encode_command(&mut expected, words);
        }
        let mut encoded = Vec::new();
        commands.iter().for_each(|command| command.encode(&mut encoded));
        assert_eq!(encoded, expected);
        let words: Vec<Vec<&[u8]>> = commands.iter().map(|command| command.words().collect()).collect();
        assert_eq!(words, lines);
        assert_eq!(commands.iter().map(|command| command.arguments().count()).collect::<Vec<_>>(), [2, 0, 1]);
    }
}
