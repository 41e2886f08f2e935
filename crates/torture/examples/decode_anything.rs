//! Runs the decoders on bytes that may be anything: the example of the README, in full.
#![expect(clippy::print_stdout, reason = "an example that shows what it does")]

use siltstone_torture::decoders;

fn main() {
    // A write batch of two entries: decoded, compared with the page on the format, and encoded again.
    decoders::batch_decode(b"\x01\x02\0\0\0\x01\0\x01k\x01v\x02\xac\x02\x03old");
    // Not a table. That is said in an error with an offset and a rule, or the function panics.
    decoders::table_open(b"SILTSST\n");

    for (name, run) in decoders::TARGETS {
        println!("{name}");
        run(b"any bytes");
    }
}
