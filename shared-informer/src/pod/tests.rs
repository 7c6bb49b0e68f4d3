//! Recorded pods of a real kubelet and hand-made ones, field by field; then the bounds.

mod bounds;
mod fields;

use super::{Pod, PodError, parse};

/// Keeps every label and annotation.
fn parsed(json: &str) -> Result<Pod, PodError> {
    parse(json.as_bytes(), &(|_: &str| true, |_: &str| true))
}

macro_rules! fixture {
    ($name:literal) => {
        crate::pod::tests::parsed(include_str!(concat!("../../../tests/fixtures/pods/", $name, ".json")))
            .unwrap()
    };
}
use fixture;
