//! Replies of Redis, as they come, and what becomes of them in each form.

use super::*;
use crate::resp::Decoder;

fn render(mut answer: Answer, replies: &[u8]) -> (u16, String) {
    let (mut decoder, mut input) = (Decoder::new(50), replies);
    loop {
        let step = decoder.next(input).unwrap();
        if step.needs_input() {
            break;
        }
        input = &input[step.consumed..];
        if let Some(token) = step.token {
            answer.accept(token);
            if decoder.at_boundary() {
                answer.reply_ended();
            }
        }
    }
    assert_eq!(answer.awaited(), 0);
    let finished = answer.finish();
    (finished.status.as_u16(), String::from_utf8(finished.body).unwrap())
}

#[test]
fn each_resp2_shape_has_one_json_shape() {
    let table: [(&[u8], u16, &str); 10] = [
        (b"+OK\r\n", 200, r#"{"result":"OK"}"#),
        (b":9007199254740993\r\n", 200, r#"{"result":9007199254740993}"#),
        (b":-9223372036854775808\r\n", 200, r#"{"result":-9223372036854775808}"#),
        (b"$-1\r\n", 200, r#"{"result":null}"#),
        (b"$4\r\na\xff\"\n\r\n", 200, "{\"result\":\"a\u{fffd}\\\"\\n\"}"),
        (b"*0\r\n", 200, r#"{"result":[]}"#),
        (b"*3\r\n$1\r\na\r\n*2\r\n:1\r\n*0\r\n$-1\r\n", 200, r#"{"result":["a",[1,[]],null]}"#),
        (b"*2\r\n-ERR inner\r\n:1\r\n", 200, r#"{"result":[{"error":"ERR inner"},1]}"#),
        (b"-WRONGTYPE no \"such\" thing\r\n", 400, r#"{"error":"WRONGTYPE no \"such\" thing"}"#),
        (b"-OOM not now\r\n", 503, r#"{"error":"OOM not now"}"#),
    ];
    for (reply, status, json) in table {
        assert_eq!(render(Answer::single(1000, Format::Json), reply), (status, json.to_owned()));
    }
}

#[test]
fn a_pipeline_answers_each_item_in_order_with_200() {
    let refused = || Item::Refused(Refusal::new("NOPERM no"));
    let items = vec![refused(), Item::Reply, refused(), refused(), Item::Reply, Item::Reply, refused()];
    let json = r#"[{"error":"NOPERM no"},{"result":1},{"error":"NOPERM no"},{"error":"NOPERM no"},{"error":"OOM x"},{"result":[]},{"error":"NOPERM no"}]"#;
    let answer = Answer::pipeline(1000, Format::Json, items);
    assert_eq!(answer.awaited(), 3);
    assert_eq!(render(answer, b":1\r\n-OOM x\r\n*0\r\n"), (200, json.to_owned()));
    assert_eq!(render(Answer::pipeline(1000, Format::Json, Vec::new()), b""), (200, "[]".to_owned()));
    let all_refused = vec![refused(), refused()];
    assert_eq!(
        render(Answer::pipeline(1000, Format::Json, all_refused), b""),
        (200, r#"[{"error":"NOPERM no"},{"error":"NOPERM no"}]"#.to_owned())
    );
}

#[test]
fn an_item_over_the_limit_is_replaced_and_the_others_stay() {
    let error = r#"{"error":"ERR max response size exceeded. Limit: 40 bytes"}"#;
    let large_string = format!("$45\r\n{}\r\n", "x".repeat(45));
    let passed_over = format!("*2\r\n$60\r\n{}\r\n:1\r\n", "x".repeat(60));
    let escaped = format!("$30\r\n{}\r\n", "\u{1}".repeat(30));
    let many = format!("*30\r\n{}", ":1\r\n".repeat(30));
    for reply in [&large_string, &passed_over, &escaped, &many] {
        assert_eq!(render(Answer::single(40, Format::Json), reply.as_bytes()), (400, error.to_owned()));
    }
    let replies = format!(":1\r\n{many}:2\r\n");
    let (status, json) = render(
        Answer::pipeline(40, Format::Json, vec![Item::Reply, Item::Reply]),
        &replies.as_bytes()[..replies.len() - 4],
    );
    assert_eq!((status, json), (200, format!(r#"[{{"result":1}},{error}]"#)));
}

#[test]
fn base64_is_every_string_but_a_status_ok_that_is_a_whole_reply() {
    let table: [(&[u8], &str); 8] = [
        (b"+OK\r\n", r#"{"result":"OK"}"#),
        (b"$2\r\nOK\r\n", r#"{"result":"T0s="}"#),
        (b"*1\r\n+OK\r\n", r#"{"result":["T0s="]}"#),
        (b"+PONG\r\n", r#"{"result":"UE9ORw=="}"#),
        (b"$0\r\n\r\n", r#"{"result":""}"#),
        (b"$3\r\na\xff\0\r\n", r#"{"result":"Yf8A"}"#),
        (b"*4\r\n$1\r\na\r\n:1\r\n*-1\r\n*1\r\n$1\r\nb\r\n", r#"{"result":["YQ==",1,null,["Yg=="]]}"#),
        (b"-ERR no\r\n", r#"{"error":"ERR no"}"#),
    ];
    for (reply, json) in table {
        assert_eq!(render(Answer::single(1000, Format::Base64), reply).1, json);
    }
    let large = format!("$31\r\n{}\r\n", "x".repeat(31));
    let (status, json) = render(Answer::single(50, Format::Base64), large.as_bytes());
    assert_eq!((status, json.contains("max response size")), (400, true), "{json}");
}

#[test]
fn resp2_is_what_redis_said() {
    let replies: [&[u8]; 6] = [
        b"+OK\r\n",
        b":-9223372036854775808\r\n",
        b"$-1\r\n",
        b"*-1\r\n",
        b"*3\r\n$4\r\na\r\nb\r\n*0\r\n-ERR inner\r\n",
        b"-ERR no\r\n",
    ];
    for reply in replies {
        let (status, body) = render(Answer::single(1000, Format::Resp2), reply);
        assert_eq!((status, body.as_bytes()), (if reply[0] == b'-' { 400 } else { 200 }, reply));
    }
    let items = vec![Item::Reply, Item::Refused(Refusal::new("NOPERM no\r\n+OK")), Item::Reply];
    let answer = Answer::pipeline(1000, Format::Resp2, items);
    assert_eq!(
        render(answer, b":1\r\n$1\r\nx\r\n"),
        (200, ":1\r\n-NOPERM no  +OK\r\n$1\r\nx\r\n".to_owned())
    );
    let many = format!("*30\r\n{}", ":1\r\n".repeat(30));
    assert_eq!(
        render(Answer::single(40, Format::Resp2), many.as_bytes()),
        (400, "-ERR max response size exceeded. Limit: 40 bytes\r\n".to_owned())
    );
}

#[test]
fn a_transaction_is_answered_with_the_replies_in_exec() {
    let table: [(&[u8], usize, u16, &str); 7] = [
        (
            b"+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n:1\r\n+OK\r\n",
            2,
            200,
            r#"[{"result":1},{"result":"OK"}]"#,
        ),
        (
            b"+OK\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n*3\r\n*2\r\n*0\r\n$-1\r\n-WRONGTYPE no\r\n*-1\r\n",
            3,
            200,
            r#"[{"result":[[],null]},{"error":"WRONGTYPE no"},{"result":null}]"#,
        ),
        (b"+OK\r\n*0\r\n", 0, 200, "[]"),
        (
            b"+OK\r\n+QUEUED\r\n-ERR first\r\n-ERR second\r\n-EXECABORT Transaction discarded because of previous errors.\r\n",
            3,
            400,
            r#"{"error":"ERR first"}"#,
        ),
        (
            b"+OK\r\n-OOM no\r\n-EXECABORT Transaction discarded because of previous errors.\r\n",
            1,
            503,
            r#"{"error":"OOM no"}"#,
        ),
        (
            b"-NOPERM multi\r\n:1\r\n*1\r\n:5\r\n-ERR EXEC without MULTI\r\n",
            2,
            400,
            r#"{"error":"ERR redis refused MULTI, the commands were executed one by one and their replies dropped: NOPERM multi"}"#,
        ),
        (
            b"+OK\r\n+QUEUED\r\n-NOPERM exec\r\n",
            1,
            400,
            r#"{"error":"ERR redis refused EXEC, nothing was executed: NOPERM exec"}"#,
        ),
    ];
    for (replies, commands, status, json) in table {
        let answer = Answer::transaction(1000, Format::Json, commands);
        assert_eq!(render(answer, replies), (status, json.to_owned()));
    }
    let large = format!("+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n*1\r\n$50\r\n{}\r\n:2\r\n", "x".repeat(50));
    let (status, json) = render(Answer::transaction(40, Format::Json, 2), large.as_bytes());
    let error = r#"{"error":"ERR max response size exceeded. Limit: 40 bytes"}"#;
    assert_eq!((status, json), (200, format!(r#"[{error},{error}]"#)));
}

#[test]
fn only_an_exec_that_did_not_end_it_leaves_a_transaction_open() {
    let open = |exec: &str| {
        let mut answer = Answer::transaction(1000, Format::Json, 0);
        for reply in [Token::Status(b"OK"), Token::Error(exec.as_bytes())] {
            answer.accept(reply);
            answer.reply_ended();
        }
        answer.leaves_the_transaction_open()
    };
    assert!(open("NOPERM this user has no permissions"));
    assert!(!open("EXECABORT Transaction discarded because of previous errors."));
}
