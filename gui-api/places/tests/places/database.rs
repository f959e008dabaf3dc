//! Files in MaxMind's format, as small as can be (<https://maxmind.github.io/MaxMind-DB/>): IPv4, records of 24 bits.

use std::net::Ipv4Addr;

use serde_json::{Value, json};

/// What a record of a town says.
pub(crate) fn kiel() -> Value {
    json!({
        "city": {"names": {"de": "Kiel", "en": "Kiel"}},
        "country": {"iso_code": "DE", "names": {"en": "Germany"}},
        "subdivisions": [{"names": {"en": "Schleswig-Holstein"}}, {"names": {"en": "Kiel, District"}}],
        "postal": {"code": "24103"},
        "location": {"latitude": 54.323, "longitude": 10.135, "time_zone": "Europe/Berlin"},
    })
}

/// Where a bit leads.
#[derive(Clone, Copy)]
enum Side {
    Nowhere,
    Node(usize),
    Data(usize),
}

/// A file of this kind that knows these networks: address, bits that count, record.
pub(crate) fn database(kind: &str, networks: &[(&str, u32, Value)]) -> Vec<u8> {
    let (mut nodes, mut data) = (vec![[Side::Nowhere; 2]], Vec::new());
    for (address, bits, record) in networks {
        let address = address.parse::<Ipv4Addr>().unwrap().to_bits();
        let bit = |number: u32| (address >> (31 - number) & 1) as usize;
        let mut node = 0;
        for number in 0..bits - 1 {
            node = match nodes[node][bit(number)] {
                Side::Node(next) => next,
                _ => {
                    nodes.push([Side::Nowhere; 2]);
                    let next = nodes.len() - 1;
                    nodes[node][bit(number)] = Side::Node(next);
                    next
                }
            };
        }
        nodes[node][bit(bits - 1)] = Side::Data(data.len());
        encode(record, &mut data);
    }
    let mut file = Vec::new();
    for side in nodes.iter().flatten() {
        let value = match side {
            Side::Nowhere => nodes.len(),
            Side::Node(node) => *node,
            Side::Data(offset) => nodes.len() + 16 + offset,
        };
        file.extend(&u32::try_from(value).unwrap().to_be_bytes()[1..]);
    }
    file.extend([0; 16]);
    file.extend(data);
    file.extend(b"\xab\xcd\xefMaxMind.com");
    let metadata = json!({
        "node_count": nodes.len(), "record_size": 24, "ip_version": 4, "database_type": kind, "languages": ["en"],
        "binary_format_major_version": 2, "binary_format_minor_version": 0, "build_epoch": 1, "description": {"en": "test"},
    });
    encode(&metadata, &mut file);
    file
}

fn encode(value: &Value, into: &mut Vec<u8>) {
    match value {
        Value::String(text) => {
            control(2, text.len(), into);
            into.extend(text.as_bytes());
        }
        Value::Object(members) => {
            control(7, members.len(), into);
            for (key, value) in members {
                encode(&json!(key), into);
                match (key.as_str(), value.as_u64()) {
                    ("node_count", Some(number)) => integer(6, &number.to_be_bytes()[4..], into),
                    ("build_epoch", Some(number)) => integer(9, &number.to_be_bytes(), into),
                    (_, Some(number)) => integer(5, &number.to_be_bytes()[6..], into),
                    _ => encode(value, into),
                }
            }
        }
        Value::Array(values) => {
            control(11, values.len(), into);
            values.iter().for_each(|value| encode(value, into));
        }
        Value::Number(number) if number.is_f64() => {
            control(3, 8, into);
            into.extend(number.as_f64().unwrap().to_be_bytes());
        }
        other => panic!("{other}"),
    }
}

fn integer(kind: u8, bytes: &[u8], into: &mut Vec<u8>) {
    control(kind, bytes.len(), into);
    into.extend(bytes);
}

fn control(kind: u8, size: usize, into: &mut Vec<u8>) {
    assert!(size < 29, "larger sizes are written otherwise");
    let size = u8::try_from(size).unwrap();
    // Kinds above seven follow in a byte of their own.
    if kind > 7 { into.extend([size, kind - 7]) } else { into.push(kind << 5 | size) }
}
