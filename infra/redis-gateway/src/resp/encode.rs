//! A command as RESP2: an array of bulk strings.

/// Appends one command to `out`.
pub(crate) fn encode_command<A: AsRef<[u8]>>(out: &mut Vec<u8>, words: &[A]) {
    encode_header(out, b'*', words.len());
    for word in words {
        encode_word(out, word.as_ref());
    }
}

/// Appends one word of a command, and returns where it ends, without the line end that follows it.
pub(crate) fn encode_word(out: &mut Vec<u8>, word: &[u8]) -> usize {
    encode_header(out, b'$', word.len());
    out.extend_from_slice(word);
    let end = out.len();
    out.extend_from_slice(b"\r\n");
    end
}

/// Appends the line in front of a word (`$`), or of a command's words (`*`).
pub(crate) fn encode_header(out: &mut Vec<u8>, kind: u8, length: usize) {
    out.push(kind);
    out.extend_from_slice(itoa::Buffer::new().format(length).as_bytes());
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_count_bytes_and_line_ends_inside_arguments_stay() {
        let mut out = Vec::new();
        encode_command(&mut out, &["SET", "é", "a\r\nb", ""]);
        assert_eq!(out, "*4\r\n$3\r\nSET\r\n$2\r\né\r\n$4\r\na\r\nb\r\n$0\r\n\r\n".as_bytes());
    }
}
