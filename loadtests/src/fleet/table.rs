//! A run as a line of text.

use std::fmt::Write as _;

use super::verdict::Row;

/// What the columns are.
pub(super) fn head() -> String {
    format!(
        "{:27} {:>7} {:>7} | {:>13} {:>5} {:>5} {:>7} | {:>11} | {:>9} {:>9} {:>6} | {:>8} {:>7}",
        "scenario",
        "nodes",
        "hours",
        "worst 10 s",
        "own",
        "kube",
        "mean",
        "MiB in 60 s",
        "requests",
        "reviews",
        "lost",
        "sync s",
        "synced"
    )
}

/// The report.
pub(super) fn json(rows: &[Row], seed: u64) -> serde_json::Value {
    serde_json::json!({"schema": "tare.fleet/v1", "seed": seed, "rows": rows})
}

/// One row; what broke the promise follows on lines of its own.
pub(super) fn line(row: &Row) -> String {
    let mib = |bytes: u64| bytes.div_ceil(1 << 20);
    let worst = format!("{} of {}", row.worst.requests, row.ceiling);
    let bytes = format!("{} of {}", mib(row.worst.list_bytes), mib(row.byte_ceiling));
    let sync = row.sync_s.map_or("never".to_owned(), |seconds| format!("{seconds:.0}"));
    let mut text = format!(
        "{:27} {:>7} {:>7.1} | {:>13} {:>5} {:>5} {:>7.2} | {:>11} | {:>9} {:>9} {:>6} | {:>8} {:>7}",
        row.scenario,
        row.nodes,
        row.seconds / 3_600.0,
        worst,
        row.worst.own,
        row.worst.reviews,
        row.mean,
        bytes,
        row.counted.own,
        row.counted.reviews,
        row.lost,
        sync,
        row.synced
    );
    if row.judged.requests < row.worst.requests {
        let probed = row.probed_s.map_or("never".to_owned(), |seconds| format!("{seconds:.0} s"));
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "\n    {} in 10 s where the conditions of the promise hold; all had asked for the size at {probed}",
            row.judged.requests
        );
    }
    for note in &row.notes {
        let _ = write!(text, "\n    note: {note}");
    }
    for breach in &row.breaches {
        let _ = write!(text, "\n    BREACH: {breach}");
    }
    text
}
