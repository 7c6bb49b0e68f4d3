//! Any bytes as a request to be written as JSON: written as what the reference reads in them, or refused.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tare_fuzz::check;

fuzz_target!(|input: &[u8]| {
    check::same_as_json(input);
});
