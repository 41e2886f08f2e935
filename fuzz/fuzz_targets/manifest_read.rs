//! Fuzzes `siltstone_torture::decoders::manifest_read`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| siltstone_torture::decoders::manifest_read(data));
