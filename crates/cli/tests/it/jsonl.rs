//! `import` and `export` of jsonl.

use crate::Place;

#[test]
fn lines_are_read_and_written_as_the_page_says() {
    let place = Place::new();
    let lines = "{\"key\":\"apple\",\"value\":\"green\"}\r\n\
                 { \"value_hex\": \"C3 28\", \"key\": \"skipped\" }\n";
    place.write("wrong.jsonl", lines);
    let run = place.run(&["import", "--db", "db", "wrong.jsonl"]);
    run.assert_fails_with(&["wrong.jsonl line 2: value_hex: ` ` at position 3 is no hexadecimal digit"]);

    let lines = "{\"key\":\"apple\",\"value\":\"green\"}\r\n\
                 { \"value_hex\": \"C328\", \"key_hex\": \"00FF\" }\n\
                 {\"key\":\"\\u00e9\\n\\ud83e\\udd80\",\"value\":\"\\\"\\/\"}\n\
                 {\"key\":\"\",\"value\":\"\"}";
    place.write("lines.jsonl", lines);
    let run = place.run(&["import", "--db", "db", "lines.jsonl"]);
    assert!(run.out().starts_with("imported 4 records, 23 bytes in "), "{} {}", run.out(), run.err);
    place.run(&["export", "--db", "db", "--format", "jsonl"]).assert_prints(
        "{\"key\":\"\",\"value\":\"\"}\n\
         {\"key_hex\":\"00ff\",\"value_hex\":\"c328\"}\n\
         {\"key\":\"apple\",\"value\":\"green\"}\n\
         {\"key\":\"é\\n🦀\",\"value\":\"\\\"/\"}\n",
    );
    place.run(&["get", "--db", "db", "--hex", "00ff"]).assert_prints("c328\n");
}

#[test]
fn the_format_comes_from_the_option_or_the_name() {
    let place = Place::new();
    place.write("tsv.jsonl", "{\tbrace\n");
    place.run(&["import", "--db", "db", "--format", "tsv", "tsv.jsonl"]).assert_status(0);
    place.run(&["get", "--db", "db", "{"]).assert_prints("brace\n");
    let json = b"{\"key\":\"k\",\"value\":\"v\"}\n";
    place.write("json.txt", json);
    let run = place.run(&["import", "--db", "db", "json.txt"]);
    run.assert_fails_with(&["json.txt line 1: there is no tab", "--format jsonl"]);
    place.run(&["import", "--db", "db", "--format", "jsonl", "json.txt"]).assert_status(0);
    place.run_with_input(&["import", "--db", "db", "--format", "jsonl", "-"], json).assert_status(0);
    place.run(&["get", "--db", "db", "k"]).assert_prints("v\n");
}

#[test]
fn a_wrong_line_ends_the_import_before_its_batch() {
    let place = Place::new();
    let mut lines = crate::lines(0..5, |number| format!("{{\"key\":\"{number}\",\"value\":\"v\"}}\n"));
    lines.push_str("{\"key\":\"5\",\"valeu\":\"v\"}\n");
    place.write("lines.jsonl", lines);
    let run = place.run(&["import", "--db", "db", "--batch", "2", "lines.jsonl"]);
    run.assert_fails_with(&["lines.jsonl line 6: column 18: unknown field `valeu`"]);
    place.run(&["scan", "--db", "db", "--keys-only"]).assert_prints("0\n1\n2\n3\n");
}

#[test]
fn a_key_that_is_too_long_is_named_with_its_line() {
    let place = Place::new();
    place.write("lines.jsonl", format!("{{\"key\":\"{}\",\"value\":\"v\"}}\n", "k".repeat(65_537)));
    let run = place.run(&["import", "--db", "db", "lines.jsonl"]);
    run.assert_fails_with(&["lines.jsonl line 1: the key has 65537 bytes, the limit is 65536"]);
}
