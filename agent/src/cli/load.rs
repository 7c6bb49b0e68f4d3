//! Reads the configuration file of a command.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use super::Failure;
use crate::config::{Environment, Loaded, load, load_default, tree};

/// The configuration in the file `path` (`-` is standard input), or the default one, with `environment`.
pub(super) fn configuration(path: Option<&Path>, environment: &Environment) -> Result<Loaded, Failure> {
    Ok(identified(path, environment)?.loaded)
}

/// A configuration and how to tell it from another.
pub(super) struct Identified {
    /// The configuration.
    pub(super) loaded: Loaded,
    /// Its source, for people.
    pub(super) source: String,
    /// A checksum of its text; none for the defaults.
    pub(super) hash: Option<String>,
}

/// The name of a configuration's source.
pub(super) fn source(path: Option<&Path>) -> String {
    match path {
        None => "defaults".to_owned(),
        Some(path) if path == Path::new("-") => "<stdin>".to_owned(),
        Some(path) => path.display().to_string(),
    }
}

/// The same with its source and checksum.
pub(super) fn identified(path: Option<&Path>, environment: &Environment) -> Result<Identified, Failure> {
    let source = source(path);
    let Some(path) = path else {
        return Ok(Identified { loaded: load_default(environment)?, source, hash: None });
    };
    let text = text(path)?;
    let hash = Some(format!("crc32c:{:08x}", crc32c::crc32c(&text)));
    Ok(Identified { loaded: load(&source, &text, environment)?, source, hash })
}

/// What the file `path` holds (`-` is standard input).
pub(super) fn text(path: &Path) -> Result<Vec<u8>, Failure> {
    if path == Path::new("-") {
        read(io::stdin()).map_err(|error| Failure::file(Path::new("standard input"), error))
    } else {
        File::open(path).and_then(read).map_err(|error| Failure::file(path, error))
    }
}

/// Reads no more than it takes to see that there is too much.
fn read(source: impl io::Read) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    source.take(tree::MAX_BYTES as u64 + 1).read_to_end(&mut text)?;
    Ok(text)
}
