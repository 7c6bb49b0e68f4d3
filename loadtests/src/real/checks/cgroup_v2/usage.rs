//! The one row that no file holds: CPU cores in use, which is CPU time by time.

use super::figures::Level;
use super::samples::Sample;

/// How far the quotient of two points may lie from it, relative and absolute: each point bears the moment of the
/// scrape, not that of its file.
const RELATIVE: f64 = 0.1;
const ABSOLUTE: f64 = 0.01;

/// Compares each value with its object's CPU time at the same moment and the one before. Gives how many agreed.
///
/// # Errors
/// The first value that does not agree, or that there is none.
pub(super) fn agrees(level: Level, mine: &[&Sample]) -> Result<usize, String> {
    let name = |row: &str| match level {
        Level::Pod => format!("k8s.pod.cpu.{row}"),
        Level::Container => format!("container.cpu.{row}"),
    };
    let of = |row: &str| {
        let mut all: Vec<_> = mine.iter().filter(|sample| sample.metric == name(row)).collect();
        all.sort_by_key(|sample| sample.time);
        all
    };
    let (times, usages) = (of("time"), of("usage"));
    let mut agreed = 0;
    for pair in times.windows(2) {
        let [before, now] = pair else { continue };
        let Some(usage) = usages.iter().find(|usage| usage.time == now.time) else {
            return Err(format!("no {} at {}", name("usage"), now.time));
        };
        let seconds = std::time::Duration::from_nanos(now.time - before.time).as_secs_f64();
        let cores = (now.value - before.value) / seconds;
        if (usage.value - cores).abs() > ABSOLUTE + RELATIVE * cores {
            return Err(format!("{} is {}, and {cores} by {}", name("usage"), usage.value, name("time")));
        }
        agreed += 1;
    }
    if agreed == 0 { Err(format!("{}: never twice", name("time"))) } else { Ok(agreed) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(metric: &str, second: u64, value: f64) -> Sample {
        let (resource, attributes) = Default::default();
        Sample { resource, metric: metric.to_owned(), attributes, time: second * 1_000_000_000, value }
    }

    #[test]
    fn usage_is_the_quotient_of_two_points_of_cpu_time() {
        let time = [sample("container.cpu.time", 10, 5.0), sample("container.cpu.time", 12, 6.0)];
        let judged = |usage: f64| {
            let usage = sample("container.cpu.usage", 12, usage);
            agrees(Level::Container, &[&time[0], &time[1], &usage])
        };
        assert_eq!(judged(0.5), Ok(1));
        assert!(judged(0.6).is_err());
        assert!(agrees(Level::Container, &[&time[0], &time[1]]).is_err(), "it is missing");
        assert!(agrees(Level::Container, &[&time[0]]).is_err(), "nothing to compare with");
    }
}
