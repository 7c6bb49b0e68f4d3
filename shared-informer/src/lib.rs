//! The declared API-cost budget: what a fleet of agents may ask of the API server, and when.
//!
//! This crate is the only code of tare that may talk to the API server. Its core is pure: everything that decides takes
//! time and input as parameters, does no I/O, keeps no global state, and can be run for thousands of agents in one
//! process. Around it lies a thin shell: [`driver`] runs an [`informer`], [`client`] and [`gate`] let its requests out,
//! [`wire`] reads what comes back, [`clocks`] reads the time.
//!
//! The way from one declared number to one request:
//! 1. [`declaration`]: what the operator declared, checked.
//! 2. [`size`]: how many nodes there are, as far as anybody knows, erring on the large side.
//! 3. [`mod@derive`]: turn period, watch lifetime and kubelet period from these two ([`chernoff`] has the arithmetic).
//! 4. [`phase`] and [`turns`]: when this node's turn is, and whether it may be taken now; [`renewal`]: in which
//!    of them the watch is renewed; [`activation`]: from when on a newly installed agent takes part.
//! 5. [`ledger`]: a permit for each request of a turn, checked again by [`guard`], counted under [`counts`];
//!    [`reviews`] knows what a scrape of the kubelet causes, [`scraping`] when it has to stop, [`carried`] what
//!    an open watch may bring.
//! 6. [`distress`]: how the agent steps back when the server is in trouble.
//!
//! [`plan`] is the same arithmetic, written down as a bill before anything is installed; [`usage`] and [`freshness`] are
//! what it came to, and what was known for it.
//!
//! What the watch brings is kept lean: [`pod`] parses a slim pod straight from the bytes, [`index`] answers
//! look-ups from immutable snapshots, [`remembered`] keeps it across lives of the agent.

pub mod activation;
pub mod carried;
pub mod chernoff;
pub mod client;
pub mod clock;
pub mod clocks;
pub mod counts;
pub mod declaration;
pub mod derive;
pub mod distress;
pub mod driver;
pub mod freshness;
pub mod gate;
pub mod guard;
pub mod index;
pub mod informer;
pub mod ledger;
pub mod phase;
pub mod plan;
pub mod pod;
pub mod remembered;
pub mod renewal;
pub mod reviews;
pub mod scraping;
mod siphash;
pub mod size;
pub mod turns;
pub mod usage;
mod window;
pub mod wire;
