//! Fuzzes `siltstone_torture::decoders::batch_decode`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| siltstone_torture::decoders::batch_decode(data));
