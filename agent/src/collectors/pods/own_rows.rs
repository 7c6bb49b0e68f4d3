//! Which of tare's own rows a cgroup's figures make: throttling, pressure, OOM kills, tasks, block I/O and swap.

use super::readings::seconds;
use crate::catalog::own::containers as own;
use crate::cgroup::{Figures, Io, Stall};
use crate::collectors::points::Point;

const READ: &[(&str, &str)] = &[("disk.io.direction", "read")];
const WRITE: &[(&str, &str)] = &[("disk.io.direction", "write")];

fn io(figures: &Figures, get: fn(&Io) -> u64) -> Option<u64> {
    figures.io.as_ref().map(get)
}

fn some(stall: Option<Stall>) -> Option<f64> {
    stall.map(|stall| seconds(stall.some_ns))
}

fn full(stall: Option<Stall>) -> Option<f64> {
    stall?.full_ns.map(seconds)
}

macro_rules! stall {
    ($resource:literal, $stall:literal) => {
        &[("resource", $resource), ("stall", $stall)]
    };
}
/// tare's own rows of one kind of object.
macro_rules! own {
    ($table:ident, $of:ident) => {
        pub(super) static $table: &[Point<Figures>] = &[
            Point::int(&own::$of::CPU_THROTTLING_PERIODS, &[], |figures| {
                Some(figures.cpu?.throttling?.periods)
            }),
            Point::int(&own::$of::CPU_THROTTLING_THROTTLED_PERIODS, &[], |figures| {
                Some(figures.cpu?.throttling?.throttled_periods)
            }),
            Point::double(&own::$of::CPU_THROTTLING_TIME, &[], |figures| {
                Some(seconds(figures.cpu?.throttling?.throttled_ns))
            }),
            Point::int(&own::$of::DISK_IO, READ, |figures| io(figures, |io| io.read_bytes)),
            Point::int(&own::$of::DISK_IO, WRITE, |figures| io(figures, |io| io.write_bytes)),
            Point::int(&own::$of::DISK_OPERATIONS, READ, |figures| io(figures, |io| io.reads)),
            Point::int(&own::$of::DISK_OPERATIONS, WRITE, |figures| io(figures, |io| io.writes)),
            Point::int(&own::$of::MEMORY_OOM_KILLS, &[], |figures| figures.oom_kills),
            Point::int(&own::$of::MEMORY_SWAP_USAGE, &[], |figures| figures.swap),
            Point::int(&own::$of::PIDS_COUNT, &[], |figures| Some(figures.pids?.current)),
            Point::int(&own::$of::PIDS_LIMIT, &[], |figures| figures.pids?.limit),
            Point::double(&own::$of::PRESSURE_TIME, stall!("cpu", "some"), |figures| {
                some(figures.pressure?.cpu)
            }),
            Point::double(&own::$of::PRESSURE_TIME, stall!("cpu", "full"), |figures| {
                full(figures.pressure?.cpu)
            }),
            Point::double(&own::$of::PRESSURE_TIME, stall!("memory", "some"), |figures| {
                some(figures.pressure?.memory)
            }),
            Point::double(&own::$of::PRESSURE_TIME, stall!("memory", "full"), |figures| {
                full(figures.pressure?.memory)
            }),
            Point::double(&own::$of::PRESSURE_TIME, stall!("io", "some"), |figures| {
                some(figures.pressure?.io)
            }),
            Point::double(&own::$of::PRESSURE_TIME, stall!("io", "full"), |figures| {
                full(figures.pressure?.io)
            }),
        ];
    };
}

own!(CONTAINER, container);
own!(POD, pod);
