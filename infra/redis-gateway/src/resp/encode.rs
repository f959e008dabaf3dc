//! A command as RESP2: an array of bulk strings.

/// Appends one command to `out`.
pub(crate) fn encode_command<A: AsRef<[u8]>>(out: &mut Vec<u8>, arguments: &[A]) {
    let mut digits = itoa::Buffer::new();
    let mut header = |out: &mut Vec<u8>, kind: u8, length: usize| {
        out.push(kind);
        out.extend_from_slice(digits.format(length).as_bytes());
        out.extend_from_slice(b"\r\n");
    };
    header(out, b'*', arguments.len());
    for argument in arguments {
        let bytes = argument.as_ref();
        header(out, b'$', bytes.len());
        out.extend_from_slice(bytes);
        out.extend_from_slice(b"\r\n");
    }
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
