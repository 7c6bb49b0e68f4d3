//! A fixed amount of encoding work, for counting instructions (`benches/instructions.sh`).
//!
//! `encode patch|rebuild|prost ITERATIONS` encodes that many scrapes of 250 resources x 20 points into
//! requests and prints the number of points. Without arguments it checks that all ways give the same request.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for the command line")]
#![expect(clippy::cast_possible_wrap, clippy::cast_precision_loss, reason = "small, made-up figures")]

use std::hint::black_box;
use std::process::ExitCode;

mod workload;

use workload::{POINTS, Prost, RESOURCES, Segments};

/// Every scrape reports the same series: values are patched.
fn patch(iterations: usize) -> usize {
    let mut segments = Segments::new();
    for _ in 0..iterations {
        segments.scrape(POINTS);
        black_box(segments.request());
    }
    iterations * RESOURCES * POINTS
}

/// One series of every segment comes and goes: each scrape is laid out anew.
fn rebuild(iterations: usize) -> usize {
    let mut segments = Segments::new();
    let mut points = 0;
    for iteration in 0..iterations {
        let each = POINTS - iteration % 2;
        segments.scrape(each);
        black_box(segments.request());
        points += RESOURCES * each;
    }
    points
}

/// Structs are built and encoded by prost.
fn prost(iterations: usize) -> usize {
    let mut prost = Prost::new();
    for _ in 0..iterations {
        black_box(prost.request());
    }
    iterations * RESOURCES * POINTS
}

/// Whether patched, laid-out and built requests are the same.
fn check() -> bool {
    let mut segments = Segments::new();
    let mut prost = Prost::new();
    (0..3).all(|_| {
        segments.scrape(POINTS);
        workload::same(&segments.request(), &prost.request())
    })
}

fn main() -> ExitCode {
    // Cargo adds `--bench`.
    let arguments: Vec<_> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let way: fn(usize) -> usize = match arguments.first() {
        Some(&"patch") => patch,
        Some(&"rebuild") => rebuild,
        Some(&"prost") => prost,
        Some(_) => return usage(),
        None if check() => {
            println!("patched, laid-out and built requests are the same");
            return ExitCode::SUCCESS;
        }
        None => {
            eprintln!("the requests differ");
            return ExitCode::FAILURE;
        }
    };
    match arguments.get(1).map(|count| count.parse()) {
        Some(Ok(iterations)) => {
            println!("{}", way(iterations));
            ExitCode::SUCCESS
        }
        _ => usage(),
    }
}

fn usage() -> ExitCode {
    eprintln!("usage: encode [patch|rebuild|prost ITERATIONS]");
    ExitCode::from(64)
}
