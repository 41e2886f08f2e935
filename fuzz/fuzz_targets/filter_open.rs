//! Fuzzes `siltstone_torture::decoders::filter_open`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| siltstone_torture::decoders::filter_open(data));
