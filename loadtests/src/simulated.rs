//! A control plane that is simulated, over real sockets: an API server and a kubelet that speak the real protocol for
//! what tare uses, with TLS, tokens and the refusals of the real ones.
//!
//! [`apiserver`] holds pods and one DaemonSet in memory and charges for each request what [`crate::prices`] says;
//! [`kubelet`] keeps the caches of reviews of a real one and asks the API server as a real one does. Both listen on
//! loopback only, and end with their handles. What they count, they count on their own: no code of `shared-informer`
//! takes part, so that neither can hide what the other does.

pub mod apiserver;
pub mod authority;
pub(crate) mod conformance;
pub mod host;
pub mod kubelet;
pub mod pods;
