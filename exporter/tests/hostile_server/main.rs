//! The exporter against backends on loopback, good and bad, through its public face.

#[cfg(test)]
mod client;
#[cfg(test)]
mod conservation;
#[cfg(test)]
mod grpc;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod http2;
#[cfg(test)]
mod names;
#[cfg(test)]
mod proxies;
#[cfg(test)]
mod recover;
#[cfg(test)]
mod requests;
#[cfg(test)]
mod server;
#[cfg(test)]
mod tls;
