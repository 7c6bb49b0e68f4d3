//! Reads the configuration file of a command.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use super::Failure;
use crate::config::{Environment, Loaded, load, load_default, tree};

/// The configuration in the file `path` (`-` is standard input), or the default one, with `environment`.
pub(super) fn configuration(path: Option<&Path>, environment: &Environment) -> Result<Loaded, Failure> {
    let Some(path) = path else { return Ok(load_default(environment)?) };
    if path == Path::new("-") {
        let text = read(io::stdin()).map_err(|error| Failure::file(Path::new("standard input"), error))?;
        return Ok(load("<stdin>", &text, environment)?);
    }
    let text = File::open(path).and_then(read).map_err(|error| Failure::file(path, error))?;
    Ok(load(&path.display().to_string(), &text, environment)?)
}

/// Reads no more than it takes to see that there is too much.
fn read(source: impl io::Read) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    source.take(tree::MAX_BYTES as u64 + 1).read_to_end(&mut text)?;
    Ok(text)
}
