//! See `response_head` in the library.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| everbeat_fuzz::response_head(data));
