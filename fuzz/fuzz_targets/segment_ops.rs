//! Any life of a segment: its bytes, the requests made of them and their JSON say what plain values say.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tare_fuzz::model::{Life, Pair};

fuzz_target!(|life: Life<'_>| {
    let mut pair = Pair::new(&life);
    for step in &life.steps {
        pair.take(step);
    }
    pair.requests();
});
