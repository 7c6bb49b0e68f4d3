//! The embedded receiver, the demo and the real-cluster tier.
