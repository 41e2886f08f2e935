//! Fuzzes `siltstone_torture::decoders::log_read`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| siltstone_torture::decoders::log_read(data));
