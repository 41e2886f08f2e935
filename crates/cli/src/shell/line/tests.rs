//! What lines mean, and what is wrong with wrong ones.

use super::*;

#[track_caller]
fn parsed(line: &str) -> Command<'_> {
    parse(line.as_bytes()).unwrap().unwrap()
}

#[track_caller]
fn refused(line: impl AsRef<[u8]>, expected: &str) {
    let line = line.as_ref();
    let error = parse(line).unwrap_err().to_string();
    assert_eq!(error, expected, "{}", String::from_utf8_lossy(line));
}

fn bytes(text: &str) -> Bytes<'_> {
    Cow::Borrowed(text.as_bytes())
}

fn put<'a>(key: &'a str, value: &'a str) -> Command<'a> {
    Command::Write(vec![Write::Put(bytes(key), value.as_bytes().into())])
}

#[test]
fn a_blank_line_asks_for_nothing() {
    for line in ["", " ", "\t \t"] {
        assert_eq!(parse(line.as_bytes()), Ok(None));
    }
}

#[test]
fn a_value_is_the_rest_of_the_line() {
    assert_eq!(parsed("put k v"), put("k", "v"));
    assert_eq!(
        parsed(r#"put user {"name": "A  B", "tags": ["x\n", "y"]} "#),
        put("user", r#"{"name": "A  B", "tags": ["x\n", "y"]} "#)
    );
    assert_eq!(parsed("put k  two  blanks "), put("k", " two  blanks "));
    assert_eq!(parsed(r#"  put   k "quoted\x41""#), put("k", r#""quoted\x41""#));
    assert_eq!(parsed("put k "), put("k", ""));
    assert_eq!(parsed("put\tk\tv\tw"), put("k", "v\tw"));
    assert_eq!(parsed("put k \"no end"), put("k", "\"no end"));
    assert_eq!(
        parse(b"put k \xff\x00"),
        Ok(Some(Command::Write(vec![Write::Put(bytes("k"), b"\xff\x00".into())])))
    );
}

#[test]
fn keys_may_be_quoted() {
    assert_eq!(parsed(r#"put "a b" c d"#), put("a b", "c d"));
    assert_eq!(parsed(r#"put "" v"#), put("", "v"));
    assert_eq!(parsed(r#"put "--x" v"#), put("--x", "v"));
    assert_eq!(parsed("put --x v"), put("--x", "v"));
    assert_eq!(parsed(r#"get "\"\\\n\t\x7f""#), Command::Get(bytes("\"\\\n\t\x7f")));
    assert_eq!(parse(b"delete \"\\xff\""), Ok(Some(Command::Write(vec![Write::Delete(b"\xff".into())]))));
    assert_eq!(parse(b"get \xff"), Ok(Some(Command::Get(Cow::Borrowed(b"\xff")))));
}

#[test]
fn case_does_not_matter() {
    assert_eq!(parsed("PUT K V"), put("K", "V"));
    assert_eq!(parsed("gEt K"), Command::Get(bytes("K")));
    assert_eq!(parsed("QUIT"), Command::Exit);
    assert_eq!(parsed("Exit "), Command::Exit);
    assert!(matches!(parsed("HELP Put"), Command::Help(Some(entry)) if entry.name == Name::Put));
}

#[test]
fn every_command_without_arguments_is_a_word() {
    for (line, command) in [
        ("begin", Command::Begin),
        ("commit", Command::Commit),
        ("abort", Command::Abort),
        ("stats", Command::Stats),
        ("compact", Command::Compact),
        ("flush", Command::Flush),
        ("sync", Command::Sync),
        ("verify", Command::Verify),
        ("keyspaces", Command::Keyspaces),
        ("ping", Command::Ping),
        ("help", Command::Help(None)),
        ("exit", Command::Exit),
    ] {
        assert_eq!(parsed(line), command);
        assert!(parse(format!("{line} more").as_bytes()).is_err(), "{line}");
    }
}

#[test]
fn a_scan_has_ends_or_a_prefix_and_options_anywhere() {
    let scan = |line| match parsed(line) {
        Command::Scan(selection) => selection,
        other => panic!("{line}: {other:?}"),
    };
    let (start, end) = (Some(bytes("a")), Some(bytes("c")));
    assert_eq!(scan("scan"), Selection::default());
    assert_eq!(scan("scan a"), Selection { start: start.clone(), ..Selection::default() });
    let both = Selection { start: start.clone(), end: end.clone(), ..Selection::default() };
    assert_eq!(scan("range a c"), both);
    assert_eq!(scan(r#"scan "a" "c""#), both);
    let full = Selection { limit: Some(5), order: Order::Descending, ..both };
    for line in [
        "scan a c --limit 5 --reverse",
        "scan --reverse a --limit 5 c",
        "scan --limit 7 --limit 5 a c --reverse",
    ] {
        assert_eq!(scan(line), full, "{line}");
    }
    let prefix = Selection { prefix: Some(bytes("a b")), order: Order::Descending, ..Selection::default() };
    assert_eq!(scan(r#"scan --reverse --prefix "a b""#), prefix);
    let dashes = Selection { start: Some(bytes("--limit")), ..Selection::default() };
    assert_eq!(scan(r#"scan "--limit""#), dashes);
}

#[test]
fn a_batch_is_pairs_of_words() {
    let pair = |key, value| Write::Put(bytes(key), bytes(value));
    assert_eq!(parsed("batch a 1"), Command::Write(vec![pair("a", "1")]));
    assert_eq!(
        parsed(r#"BATCH "a b" "1\n2"  c 3 --d "" "#),
        Command::Write(vec![pair("a b", "1\n2"), pair("c", "3"), pair("--d", "")])
    );
}

#[test]
fn a_keyspace_may_have_any_name() {
    assert_eq!(parsed("use users"), Command::Use("users".to_owned()));
    assert_eq!(parsed(r#"use "größte  Namen""#), Command::Use("größte  Namen".to_owned()));
    refused(b"use \xff", "column 5: a keyspace's name must be UTF-8");
}

#[test]
fn unknown_commands_get_a_hint() {
    refused("gte k", "column 1: there is no command gte; did you mean get?");
    refused("  Scna", "column 3: there is no command Scna; did you mean scan?");
    refused("select * from t", "column 1: there is no command select; help lists the commands");
    refused("help me", "column 6: there is no command me; help lists the commands");
    refused(b"\xff\xfe", r#"column 1: there is no command "\xff\xfe"; help lists the commands"#);
    let long = "x".repeat(100_000);
    refused(&long, &format!("column 1: there is no command {}...; help lists the commands", &long[..40]));
}

#[test]
fn what_is_missing_is_named() {
    refused("put", "column 4: KEY is missing: put KEY VALUE");
    refused("put ", "column 5: KEY is missing: put KEY VALUE");
    refused("put k", "column 6: VALUE is missing: put KEY VALUE");
    refused(r#"put "größe""#, "column 12: VALUE is missing: put KEY VALUE");
    refused("get", "column 4: KEY is missing: get KEY");
    refused("DELETE", "column 7: KEY is missing: delete KEY");
    refused("use", "column 4: NAME is missing: use NAME");
    refused("batch", "column 6: KEY is missing: batch KEY VALUE [KEY VALUE ...]");
    refused("batch a", "column 8: VALUE is missing: batch KEY VALUE [KEY VALUE ...]");
    refused("batch a 1 b", "column 12: the key b has no value");
    refused("scan --prefix", "column 14: P is missing: --prefix P");
    refused("scan a --limit", "column 15: N is missing: --limit N");
}

#[test]
fn what_is_too_much_is_named() {
    refused("get a b", "column 7: b is too much: get KEY; what holds blanks stands in quotes");
    refused("delete a b", "column 10: b is too much: delete KEY; what holds blanks stands in quotes");
    refused("ping ping", "column 6: ping is too much: ping");
    refused("help put get", "column 10: get is too much: help [COMMAND]");
    let scan = "scan [START [END]] [--prefix P] [--limit N] [--reverse]; what holds blanks stands in quotes";
    refused("scan a b c", &format!("column 10: c is too much: {scan}"));
    refused("scan a b --reverse c", &format!("column 20: c is too much: {scan}"));
}

#[test]
fn wrong_options_are_named() {
    refused("scan --prefix a b", "column 17: --prefix cannot be used with START or END");
    refused("scan a --prefix b", "column 8: --prefix cannot be used with START or END");
    refused("scan --limit ten", "column 14: ten is no number of rows: --limit N");
    refused("scan --limit -1", "column 14: -1 is no number of rows: --limit N");
    refused(
        "scan --limit 99999999999999999999",
        "column 14: 99999999999999999999 is no number of rows: --limit N",
    );
    refused(
        "scan a --revers",
        "column 8: there is no option \"--revers\", only --prefix P, --limit N and --reverse; a key that begins with -- stands in quotes",
    );
}

#[test]
fn wrong_quotes_are_named_by_column() {
    refused(r#"put "a b"#, "column 5: the quote that begins here has no end");
    refused(r#"put "a"b c"#, "column 8: a blank must follow a closing quote");
    refused(r#"get "a\xzz""#, r"column 7: \x must be followed by two hexadecimal digits");
    refused(r#"batch a "b c" "d"#, "column 15: the quote that begins here has no end");
}
