//! The commands of a request in one buffer, as Redis gets them.
//!
//! A word is written once, in RESP2, and found again by its place: so what a policy looks at are the very bytes that
//! are sent, and a command costs about as many allocations with a thousand words as with two.

use std::ops::Range;

use crate::resp::{encode_header, encode_word};

/// `*`, a number, and the end of a line.
const LONGEST_HEADER: usize = 23;

/// The commands of one request. Each has a name, which may be empty.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Commands {
    /// All commands in RESP2, and the words of the one that has not ended.
    bytes: Vec<u8>,
    /// Where each word is, counted from where the words of its command begin, without what RESP2 puts around it.
    words: Vec<Range<usize>>,
    /// Where each command ends.
    ends: Vec<End>,
}

/// An end, or the beginning of what follows, in bytes and in words.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct End {
    bytes: usize,
    words: usize,
    /// How long the line is with which the command begins.
    header: usize,
}

impl Commands {
    /// None yet, of a request of so many bytes.
    pub(super) fn of_request(bytes: usize) -> Self {
        // Short words grow in RESP2, escapes shrink.
        Commands { bytes: Vec::with_capacity(bytes.saturating_add(bytes / 2)), ..Commands::default() }
    }

    /// Adds a word to the command that has not ended.
    pub(super) fn push(&mut self, word: &[u8]) {
        let end = encode_word(&mut self.bytes, word) - self.begin().bytes;
        self.words.push(end - word.len()..end);
    }

    /// How many words the command has that has not ended.
    pub(super) fn words_so_far(&self) -> usize {
        self.words.len() - self.begin().words
    }

    /// The words since the last end are a command.
    pub(super) fn end(&mut self) {
        let begin = self.begin().bytes;
        let mut header = Vec::with_capacity(LONGEST_HEADER);
        encode_header(&mut header, b'*', self.words_so_far());
        // Their number stands in front of them.
        self.bytes.splice(begin..begin, header.iter().copied());
        let (bytes, words, header) = (self.bytes.len(), self.words.len(), header.len());
        self.ends.push(End { bytes, words, header });
    }

    /// How many commands there are.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The commands in the order in which they came.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Command<'_>> {
        let begins = [End::default()].into_iter().chain(self.ends.iter().copied());
        begins.zip(&self.ends).map(|(begin, end)| Command {
            encoded: self.bytes.get(begin.bytes..end.bytes).unwrap_or_default(),
            header: end.header,
            words: self.words.get(begin.words..end.words).unwrap_or_default(),
        })
    }

    /// All of them in RESP2.
    pub(crate) fn encoded(&self) -> &[u8] {
        &self.bytes
    }

    /// All of them in RESP2.
    pub(crate) fn into_encoded(self) -> Vec<u8> {
        self.bytes
    }

    fn begin(&self) -> End {
        self.ends.last().copied().unwrap_or_default()
    }
}

/// One command of a request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Command<'a> {
    encoded: &'a [u8],
    header: usize,
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
        let words = self.encoded.get(self.header..).unwrap_or_default();
        self.words.iter().map(|place| words.get(place.clone()).unwrap_or_default())
    }

    /// The command in RESP2.
    pub(crate) fn encoded(self) -> &'a [u8] {
        self.encoded
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
        let each: Vec<&[u8]> = commands.iter().map(Command::encoded).collect();
        assert_eq!((each.concat(), commands.encoded()), (expected.clone(), &expected[..]));
        let words: Vec<Vec<&[u8]>> = commands.iter().map(|command| command.words().collect()).collect();
        assert_eq!(words, lines);
        assert_eq!(commands.iter().map(|command| command.arguments().count()).collect::<Vec<_>>(), [2, 0, 1]);
    }
}
