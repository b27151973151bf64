//! Prints how long a forward pass takes, ours beside burn's, in one run and taking turns; and what int8 costs.
//!
//! ```text
//! cargo bench --bench latency -- [MODEL] [SECONDS PER SHAPE] [CSV]
//! ```
//! One line per shape: rows x tokens, then minimum and median in milliseconds of ours, of ours with int8 and of burn.
//! With a data set, then the accuracy with and without int8.
#![expect(clippy::print_stdout, reason = "the measured numbers are its output")]

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use ecomres::nlu::{
    Arithmetic, Columns, Dataset, Engine, EvaluationOptions, ModelLocation, NluError, TaskReport, compare_speed,
    evaluate,
};

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
    let data = arguments.get(2).map(PathBuf::from);
    match ModelLocation::find(folder.as_deref()).and_then(|model| show(&model, budget, data)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn show(model: &ModelLocation, budget: Duration, data: Option<PathBuf>) -> Result<(), NluError> {
    let timings = compare_speed(model, &SHAPES, budget)?;
    println!("{:<8}{:>20}{:>20}{:>20}", "shape", "packed", "int8", "burn");
    for timing in timings {
        print!("{:<8}", format!("{}x{}", timing.rows, timing.tokens));
        for times in [&timing.packed, &timing.int8, &timing.reference] {
            let [least, median] = [times[0], times[times.len() / 2]].map(|time| time.as_secs_f64() * 1e3);
            print!("{least:>10.2}{median:>10.2}");
        }
        println!();
    }
    if let Some(data) = data {
        let dataset = Dataset::read(&[data], &Columns::default())?;
        for arithmetic in [Arithmetic::Full, Arithmetic::Int8] {
            let evaluation = evaluate(&Engine::load_with(model, arithmetic)?, &dataset, &EvaluationOptions::default())?;
            let accuracy = |report: Option<TaskReport>| {
                report.map_or("none".to_owned(), |report| format!("{:.4} of {}", report.accuracy, report.rows))
            };
            println!(
                "accuracy {arithmetic:?}: intent {}, sentiment {}",
                accuracy(evaluation.intent_classification),
                accuracy(evaluation.sentiment_classification)
            );
        }
    }
    Ok(())
}
