//! What a person on the node may ask of a running agent, and the switch that stops it: no network, no API, no DNS.
//!
//! [`pause`] decides from a file's content whether the agent is paused; [`switch`] looks at that file and is told to
//! write it. [`socket`] owns the unix socket, [`protocol`] what is said over it, [`server`] answers for the agent,
//! [`client`] asks for the command line. [`panel`] is what an agent knows of itself; [`status`] the form in which it tells.
//!
//! Invariant: nothing here waits for anything remote, and whoever may connect (mode 0600: the owner and root) can
//! neither make an answer unbounded nor keep the agent from its work.

pub mod client;
pub mod panel;
pub mod pause;
pub mod protocol;
pub mod server;
pub mod socket;
pub mod status;
pub mod switch;
pub mod time;

/// Where the socket is unless the command line says otherwise.
pub const DEFAULT_SOCKET: &str = "/run/tare/tare.sock";
