//! Every target with every input that is known to be nasty, and with many that are like them. The same inputs each
//! time: what fails here fails again.

use std::collections::BTreeSet;
use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tideline_fuzz::TARGETS;

/// Mutations of each target. More are cargo-fuzz's work.
const MUTATIONS: usize = 500;

/// The longest input that is mutated, in bytes: long ones cost time and break no other way.
const LONGEST: usize = 2048;

/// What parsers stumble over.
const TOKENS: [&[u8]; 38] = [
    b"\"",
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b":",
    b",",
    b"\\u0000",
    b"\\ud800",
    b"\\udc00",
    b"\\u",
    b"1e999",
    b"-",
    b"12345678901234567890",
    b"null",
    b"\0",
    b"\xff",
    b"\xef\xbb\xbf",
    b"\r\n",
    b"\n",
    b"--x",
    b"--x--",
    b"=",
    b"&",
    b"%",
    b"$-1\r\n",
    b"*2\r\n",
    b"+QUEUED\r\n",
    b"%2F",
    b"_token=",
    b"\"$serde_json::private::RawValue\":",
    b" ",
    b"(",
    b" NOT ",
    b" OR ",
    b"now-1mo",
    b"@",
];

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../data")
}

/// The hostile bodies, those that browsers and clients really sent, and an example of each other format.
fn corpus() -> Vec<Vec<u8>> {
    let hostile =
        fs::read_dir(data().join("hostile")).unwrap().map(|file| fs::read(file.unwrap().path()).unwrap());
    let recorded = ["visits.jsonl", "answers.jsonl", "hostile/cases.jsonl"].into_iter().flat_map(|name| {
        let text = fs::read_to_string(data().join(name)).unwrap();
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        lines.into_iter().flat_map(|line| {
            let text = |key: &str| line[key].as_str().map(|text| text.as_bytes().to_vec());
            [text("body"), text("path"), Some(heads(&line["headers"]))]
        })
    });
    let examples: [&[u8]; 17] = [
        b"v=1\nid=00000000-0000-0000-0000-000000000001\nat=1\nsrc=s\nses=s\npro=p\nnew=3\ntra=1\nn=1\nip=::1\nhdr=[[\"dnt\",\"1\"]]\nbody={}",
        b"1795372946098-7",
        b"018f3b5e-6c00-8a0b-8c0d-000000000000",
        b"00112233445566778899aabbccddeeff,ffeeddccbbaa99887766554433221100",
        br#"[{"result":[["accepted","p","0","1-0"]]},{"error":"OOM no"}]"#,
        br#"[["identify","","a.b c","1"]]"#,
        b"*3\r\n$1\r\na\r\n*2\r\n:1\r\n-ERR no\r\n$-1\r\n+OK\r\n",
        br#"[["FCALL","track_v1",1,"k\u0000",1e5,true],["PING"]]"#,
        b"/set/a%2Fb/%00?EX=100&NX&_token=t+%41\n\0\xff raw",
        b"*4\r\n$8\r\npmessage\r\n$2\r\nc*\r\n$1\r\nc\r\n$4\r\na\r\nb\r\n*2\r\n$4\r\npong\r\n$0\r\n\r\n+1.5 [0 lua] \"GET\"\r\n",
        b"+OK\r\n+QUEUED\r\n*1\r\n*2\r\n:1\r\n$-1\r\n+OK\r\n-ERR no\r\n-EXECABORT Transaction discarded\r\n",
        b"-NOPERM multi\r\n:1\r\n-ERR EXEC without MULTI\r\n",
        b"PROXY TCP6 2001:db8::7 ::1 5000 443\r\nGET / HTTP/1.1\r\n",
        b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0f\xcb\0\x71\x07\x0a\0\0\x01\x1f\x90\x01\xbb\x04\0\0GET / HTTP/1.1\r\n",
        b"type = \"a\" AND (a.b[\"c d\"] >= -1.50e3 OR NOT event@t BETWEEN now-30d AND today + 1h30m) AND \"x y\"",
        b"a IN ('x', 2, TRUE, 2026-01-31T12:00:00+01:00) OR a NOT CONTAINS \"\\\"\" OR b = [15m, datetime('2026-01-31 12:00')]",
        b"a IS NOT NULL AND b NOT EXISTS AND c STARTS WITH 'x' AND datetime(d) < profile@e.f AND g MATCHES \"h\"",
    ];
    let mut inputs: Vec<_> =
        hostile.chain(recorded.flatten()).chain(examples.into_iter().map(<[u8]>::to_vec)).collect();
    inputs.sort();
    inputs.dedup();
    inputs
}

/// Headers, one a line; those that are no text are left out.
fn heads(headers: &Value) -> Vec<u8> {
    let line = |name: &str, value: &Value| value.as_str().map(|value| format!("{name}: {value}\n"));
    let lines: Vec<_> = match headers {
        Value::Object(headers) => headers.iter().filter_map(|(name, value)| line(name, value)).collect(),
        Value::Array(headers) => {
            headers.iter().filter_map(|header| line(header[0].as_str()?, &header[1])).collect()
        }
        _ => Vec::new(),
    };
    lines.concat().into_bytes()
}

/// Numbers that are the same in every run (xorshift64*, Vigna 2014).
struct Numbers(u64);

impl Numbers {
    /// Less than `end`, which is not zero.
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(number).unwrap() % end
    }

    fn range(&mut self, length: usize) -> std::ops::Range<usize> {
        let start = self.below(length + 1);
        start..start + self.below((length - start).min(64) + 1)
    }
}

fn mutated(corpus: &[Vec<u8>], numbers: &mut Numbers) -> Vec<u8> {
    let pick = |numbers: &mut Numbers| &corpus[numbers.below(corpus.len())];
    let mut input = pick(numbers).clone();
    input.truncate(LONGEST);
    for _ in 0..=numbers.below(4) {
        let range = numbers.range(input.len());
        match numbers.below(5) {
            0 if !input.is_empty() => {
                let at = numbers.below(input.len());
                input[at] ^= 1 << numbers.below(8);
            }
            1 => drop(
                input.splice(range.start..range.start, TOKENS[numbers.below(TOKENS.len())].iter().copied()),
            ),
            2 => drop(input.drain(range)),
            3 => {
                let again = input[range.clone()].repeat(1 + numbers.below(4));
                drop(input.splice(range, again));
            }
            _ => {
                let other = pick(numbers);
                let part = other[numbers.range(other.len())].to_vec();
                drop(input.splice(range, part));
            }
        }
    }
    input
}

/// Runs a target; says which input it does not take.
fn run(name: &str, target: fn(&[u8]), input: &[u8]) {
    if catch_unwind(|| target(input)).is_err() {
        panic!("`{name}` does not take these {} bytes: \"{}\"", input.len(), input.escape_ascii());
    }
}

#[test]
fn every_target_takes_the_corpus() {
    let corpus = corpus();
    assert!(corpus.len() > 200, "{}", corpus.len());
    for (name, target) in TARGETS {
        corpus.iter().for_each(|input| run(name, target, input));
    }
}

#[test]
fn every_target_takes_what_is_like_the_corpus() {
    let corpus: Vec<_> = corpus().into_iter().filter(|input| input.len() <= 8 * LONGEST).collect();
    for (number, (name, target)) in TARGETS.into_iter().enumerate() {
        let mut numbers = Numbers(0x7469_6465_6c69_6e65 + number as u64);
        for _ in 0..MUTATIONS {
            run(name, target, &mutated(&corpus, &mut numbers));
        }
    }
}

#[test]
fn cargo_fuzz_knows_every_target() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("libfuzzer");
    let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
    let files = fs::read_dir(folder.join("fuzz_targets")).unwrap();
    let files: BTreeSet<String> =
        files.map(|file| file.unwrap().file_name().into_string().unwrap().replace(".rs", "")).collect();
    let targets: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(files, targets);
    for name in targets {
        assert!(manifest.contains(&format!("path = \"fuzz_targets/{name}.rs\"")), "{name}");
        let text = fs::read_to_string(folder.join(format!("fuzz_targets/{name}.rs"))).unwrap();
        assert!(text.contains(&format!("tideline_fuzz::{name}(input)")), "{text}");
    }
}
