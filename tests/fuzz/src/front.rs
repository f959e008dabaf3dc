//! What precedes HTTP on a connection.

use tideline_http_front::parse_proxy_header;

/// What a proxy says of a connection, or somebody who claims to be one. The header ends where it ends, whatever is
/// behind it.
pub fn proxy_header(input: &[u8]) {
    let Ok(Some((client, length))) = parse_proxy_header(input) else { return };
    let (header, _) = input.split_at_checked(length).expect("a header that is in the input");
    let alone = parse_proxy_header(header);
    assert!(matches!(alone, Ok(Some(same)) if same == (client, length)), "{alone:?}");
    for shorter in 0..length {
        let part = parse_proxy_header(input.get(..shorter).unwrap_or_default());
        assert!(!matches!(part, Ok(Some(_))), "{shorter} of {length} bytes are no header");
    }
}
