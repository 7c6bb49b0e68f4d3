//! Any bytes as a configuration: refused with words for people, or accepted and printed as the same one.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tare::config::{self, Environment, print};

fuzz_target!(|input: &[u8]| {
    let environment = Environment::default();
    let loaded = match config::load("fuzzed.yaml", input, &environment) {
        Ok(loaded) => loaded,
        Err(problems) => {
            assert!(!problems.to_string().trim().is_empty(), "a refusal says why");
            return;
        }
    };
    let printed = print::print(&loaded.effective);
    let again = config::load("printed.yaml", printed.as_bytes(), &environment)
        .unwrap_or_else(|problems| panic!("what is printed is not accepted: {problems}\n{printed}"));
    assert_eq!(print::print(&again.effective), printed, "what is printed is printed again as the same");
    // Values of headers are hidden, which makes another configuration.
    let outputs = loaded.effective.outputs.as_deref().unwrap_or_default();
    if outputs.iter().all(|output| {
        output.otlp.as_ref().and_then(|otlp| otlp.headers.as_ref()).is_none_or(|headers| headers.is_empty())
    }) {
        assert_eq!(again.effective, loaded.effective, "what is printed is the configuration\n{printed}");
    }
});
