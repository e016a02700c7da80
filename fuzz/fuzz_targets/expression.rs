//! Runs `directory_sync::fuzzing::expression` on whatever the fuzzer makes up.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| directory_sync::fuzzing::expression::run(data));
