//! Runs `directory_sync::fuzzing::answer` on whatever the fuzzer makes up.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| directory_sync::fuzzing::answer::run(data));
