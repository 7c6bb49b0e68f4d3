//! The log: one subscriber, installed once, that writes to standard error.
//!
//! Text on a terminal and JSON otherwise, one line an event, in UTC. Nothing else is global. What may repeat at the
//! pace of the data goes through [`limit`] first.

pub mod limit;

use std::io::{self, IsTerminal as _};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::config::values::{LogFormat, LogLevel};

/// The log is installed already.
#[derive(Debug, thiserror::Error)]
#[error("another log is installed already")]
pub struct InstalledAlready;

/// Installs the log of this process.
///
/// # Errors
/// [`InstalledAlready`] the second time.
pub fn install(level: LogLevel, format: LogFormat) -> Result<(), InstalledAlready> {
    let terminal = io::stderr().is_terminal();
    let subscriber = subscriber(level, is_json(format, terminal), terminal, io::stderr);
    tracing::subscriber::set_global_default(subscriber).map_err(|_| InstalledAlready)
}

const fn is_json(format: LogFormat, terminal: bool) -> bool {
    match format {
        LogFormat::Auto => !terminal,
        LogFormat::Text => false,
        LogFormat::Json => true,
    }
}

fn subscriber<W>(
    level: LogLevel,
    json: bool,
    colours: bool,
    writer: W,
) -> Box<dyn tracing::Subscriber + Send + Sync>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let builder = tracing_subscriber::fmt()
        .with_max_level(filter(level))
        .with_ansi(colours && !json)
        .with_writer(writer);
    if json { Box::new(builder.json().flatten_event(true).finish()) } else { Box::new(builder.finish()) }
}

const fn filter(level: LogLevel) -> LevelFilter {
    match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(level: LogLevel, json: bool) -> String {
        let lines = Lines::default();
        let writer = lines.clone();
        tracing::subscriber::with_default(subscriber(level, json, false, move || writer.clone()), || {
            tracing::info!(output = "default", "sent");
            tracing::warn!(suppressed = 3, "reads failed");
        });
        String::from_utf8(lines.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn json_lines_carry_message_and_fields_at_the_top_level() {
        let text = logged(LogLevel::Info, true);
        let lines: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0]["message"], "sent");
        assert_eq!(lines[0]["output"], "default");
        assert_eq!(lines[1]["level"], "WARN");
        assert_eq!(lines[1]["suppressed"], 3);
    }

    #[test]
    fn what_is_below_the_level_is_not_logged() {
        let text = logged(LogLevel::Warn, false);
        assert!(text.contains("reads failed") && !text.contains("sent"), "{text}");
        assert!(!text.contains('\u{1b}'), "no colours without a terminal: {text}");
    }

    #[test]
    fn auto_is_text_on_a_terminal_and_json_elsewhere() {
        assert!(is_json(LogFormat::Auto, false) && !is_json(LogFormat::Auto, true));
        assert!(is_json(LogFormat::Json, true) && !is_json(LogFormat::Text, false));
    }
}
