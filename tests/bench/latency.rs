//! Prints how long a forward pass takes, ours beside burn's, in one run and taking turns.
//!
//! ```text
//! cargo bench --bench latency -- [MODEL] [SECONDS PER SHAPE]
//! ```
//! One line per shape: rows x tokens, then minimum and median in milliseconds of ours and of burn.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use ecomres::nlu::{compare_speed, locate_model};

/// As in the command-line program: page faults of the system's allocator cost burn an eighth.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const SHAPES: [(usize, usize); 3] = [(1, 16), (1, 32), (32, 32)];

fn main() -> ExitCode {
    // cargo adds `--bench`.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let seconds = arguments.get(1).map_or(Ok(5.0), |text| text.parse());
    let Some(budget) = seconds.ok().and_then(|seconds: f64| Duration::try_from_secs_f64(seconds).ok()) else {
        eprintln!("the second argument is the number of seconds for each shape");
        return ExitCode::from(2);
    };
    let folder = arguments.first().map(PathBuf::from);
    let timings = locate_model(folder.as_deref()).and_then(|folder| compare_speed(&folder, &SHAPES, budget));
    let timings = match timings {
        Ok(timings) => timings,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    println!("{:<8}{:>12}{:>14}{:>12}{:>14}", "shape", "packed min", "packed median", "burn min", "burn median");
    for timing in timings {
        let figures = [&timing.packed, &timing.reference]
            .map(|times| (times[0].as_secs_f64() * 1e3, times[times.len() / 2].as_secs_f64() * 1e3));
        let [(packed, packed_median), (burn, burn_median)] = figures;
        let shape = format!("{}x{}", timing.rows, timing.tokens);
        println!("{shape:<8}{packed:>12.2}{packed_median:>14.2}{burn:>12.2}{burn_median:>14.2}");
    }
    ExitCode::SUCCESS
}
