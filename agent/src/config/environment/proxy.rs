//! The usual variables that name proxies: `*_PROXY` in upper and lower case.
//!
//! What they mean is the exporter's business; here their errors become errors of the configuration. They hold
//! credentials, which no text shows.

use std::cell::RefCell;

use exporter::proxy::{Error, Proxy, from_environment};

use super::{Environment, VARIABLES, Variable};
use crate::config::check::Checker;
use crate::config::file::Output;

/// The proxies on the way to `outputs`; none where no variable names one, or where nothing is sent anywhere.
pub(in crate::config) fn proxy(
    outputs: &[Output],
    environment: &Environment,
    checker: &mut Checker<'_>,
) -> Option<Proxy> {
    if outputs.iter().all(|output| output.stdout.is_some()) {
        return None;
    }
    let checker = RefCell::new(checker);
    let read = from_environment(|name| {
        let text = environment.text(known(name)?, &mut checker.borrow_mut());
        text.map(str::to_owned)
    });
    read.unwrap_or_else(|Error { variable, what }| {
        if let Some(variable) = known(variable) {
            checker.borrow_mut().variable(variable, what);
        }
        None
    })
}

/// The variable of this name.
fn known(name: &str) -> Option<&'static Variable> {
    VARIABLES.iter().find(|variable| variable.name == name)
}
