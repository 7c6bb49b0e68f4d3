//! The shipped informer on the wire: driver, gate, client and parsers against a server that records every byte.
//!
//! The server is written by hand and shares no code with the client; what it saw is the truth, and the informer's own
//! counts have to say the same. Turns come when the test moves the clock, and at no other time.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is a failed test; the lints know only the test functions themselves"
)]

#[path = "wire/answers.rs"]
mod answers;
#[path = "wire/clock.rs"]
mod clock;
#[path = "wire/credentials.rs"]
mod credentials;
#[path = "wire/failures.rs"]
mod failures;
#[path = "wire/people.rs"]
mod people;
#[path = "wire/requests.rs"]
mod requests;
#[path = "wire/server.rs"]
mod server;
#[path = "wire/stream.rs"]
mod stream;
#[path = "wire/world.rs"]
mod world;
