//! `ecomres model check`: whether a model still computes what its reference says. A folder without a reference, such as one of
//! the original, is offered one.

use std::io::{IsTerminal as _, Write as _};

use super::super::output::Output;
use super::super::{Global, InputError};
use crate::nlu::{
    Check, DeviceCheck, DeviceChoice, ModelLocation, NluError, check, check_device, compare_computations,
    write_reference,
};

/// How far the computation that serves may be from that of training, in logits.
const ALLOWED: f32 = 0.05;

pub(super) fn run(
    location: &ModelLocation,
    device: DeviceChoice,
    global: &Global,
    output: &mut Output,
) -> anyhow::Result<()> {
    if device != DeviceChoice::Cpu {
        return show_device(location, &check_device(location, device)?, global, output);
    }
    match check(location) {
        Ok(outcome) => show(location, &outcome, global, output),
        Err(NluError::Missing { path }) if path.ends_with("reference_logits.json") && location.folder().is_some() => {
            let (texts, difference) = compare_computations(location)?;
            if difference.is_nan() || difference > ALLOWED {
                let message = format!(
                    "{location}: the computation that serves differs from that of training by {difference:.1e}, allowed are \
                     {ALLOWED:.0e}"
                );
                return Err(InputError::with_hint(message, "the weights may hold values that no training gives").into());
            }
            let found = format!(
                "{location} has no reference_logits.json. {texts} texts were computed in both ways, largest difference \
                 {difference:.1e}"
            );
            if !(global.yes || agreed(&found)?) {
                let hint =
                    "add --yes to write what it computes now as its reference: later checks tell whether that changed";
                return Err(InputError::with_hint(found, hint).into());
            }
            write_reference(location)?;
            show(location, &check(location)?, global, output)
        }
        Err(error) => Err(error.into()),
    }
}

/// Asks where somebody is there to answer.
fn agreed(found: &str) -> anyhow::Result<bool> {
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return Ok(false);
    }
    let mut terminal = std::io::stderr();
    write!(terminal, "{found}.\nWrite what it computes now as its reference? [y/N] ")?;
    terminal.flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

fn show_device(
    location: &ModelLocation,
    found: &DeviceCheck,
    global: &Global,
    output: &mut Output,
) -> anyhow::Result<()> {
    if global.json {
        return Ok(output.json(found)?);
    }
    output.line(format!(
        "{location}: {} texts on {} agree with the processor, largest difference {:.1e} (allowed {:.0e})",
        found.cases, found.device, found.largest_difference, found.tolerance
    ))?;
    Ok(())
}

fn show(location: &ModelLocation, outcome: &Check, global: &Global, output: &mut Output) -> anyhow::Result<()> {
    if global.json {
        return Ok(output.json(outcome)?);
    }
    output.line(format!(
        "{location}: {} texts agree with the reference, largest difference {:.1e} (allowed {:.0e}), made by {}",
        outcome.cases, outcome.largest_difference, outcome.tolerance, outcome.made_by
    ))?;
    Ok(())
}
