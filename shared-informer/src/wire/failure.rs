//! Why there is no answer: the errors of every layer of the client, sorted into the closed set.

use std::error::Error;
use std::io;

use crate::client::CredentialError;
use crate::gate::GateError;
use crate::informer::event::Failure;

/// The innermost cause that has a name of its own decides.
pub(super) fn classify(error: &(dyn Error + 'static)) -> Failure {
    let mut found = Failure::Connection;
    let mut next = Some(error);
    while let Some(error) = next {
        if error.is::<GateError>() {
            return Failure::Gate;
        }
        if error.is::<CredentialError>() {
            return Failure::Credential;
        }
        if error.is::<rustls::Error>() {
            return Failure::Tls;
        }
        let io = error.downcast_ref::<io::Error>();
        if io.is_some_and(|error| error.kind() == io::ErrorKind::ConnectionRefused) {
            found = Failure::Refused;
        }
        // An I/O error's source is the cause of what it wraps, not the wrapped error itself.
        next = match io.and_then(io::Error::get_ref) {
            Some(wrapped) => Some(wrapped),
            None => error.source(),
        };
    }
    found
}
