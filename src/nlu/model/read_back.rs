//! The one place where values come from a device back to the host, which counts how often.
//!
//! On a graphics card each of these waits until everything before it is computed, so a training step must have none.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use burn::tensor::{Tensor, TensorData, Transaction};

use crate::NluError;

thread_local! {
    /// Of this thread, so that tests side by side do not count each other's.
    static READ_BACKS: Cell<u64> = const { Cell::new(0) };
}

/// Read-backs of this thread so far.
#[cfg(test)]
pub(crate) fn count() -> u64 {
    READ_BACKS.get()
}

/// The values of one tensor.
///
/// # Errors
/// The device failed; what it did before may show only here.
#[expect(clippy::disallowed_methods, reason = "this is the place that counts")]
pub(crate) fn read<const D: usize>(tensor: Tensor<D>) -> Result<TensorData, NluError> {
    READ_BACKS.set(READ_BACKS.get() + 1);
    let read = catch_unwind(AssertUnwindSafe(|| tensor.try_into_data())).map_err(|panic| panicked(panic.as_ref()))?;
    read.map_err(|error| failed(&error.to_string()))
}

/// The values of a tensor that is on the CPU, moved where nothing else holds them.
#[expect(clippy::disallowed_methods, reason = "this is the place that counts")]
pub(crate) fn read_on_cpu<const D: usize>(tensor: Tensor<D>) -> TensorData {
    READ_BACKS.set(READ_BACKS.get() + 1);
    tensor.into_data()
}

/// The same as [`read`], as numbers.
///
/// # Errors
/// As [`read`].
pub(crate) fn read_values<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>, NluError> {
    read(tensor)?.try_into_vec::<f32>().map_err(|error| NluError::Internal(format!("no numbers were read: {error:?}")))
}

/// The numbers of several tensors, with one wait for all.
///
/// # Errors
/// As [`read`].
#[expect(clippy::disallowed_methods, reason = "this is the place that counts")]
pub(crate) fn read_all<const D: usize>(tensors: Vec<Tensor<D>>) -> Result<Vec<Vec<f32>>, NluError> {
    READ_BACKS.set(READ_BACKS.get() + 1);
    let all = tensors.into_iter().fold(Transaction::default(), Transaction::register);
    let values = |data: TensorData| {
        data.try_into_vec::<f32>().map_err(|error| NluError::Internal(format!("no numbers were read: {error:?}")))
    };
    let read = catch_unwind(AssertUnwindSafe(|| all.try_execute())).map_err(|panic| panicked(panic.as_ref()))?;
    read.map_err(|error| failed(&error.to_string()))?.into_iter().map(values).collect()
}

/// What a panic of burn says, which is how it reports some failures of a device.
pub(crate) fn panicked(panic: &(dyn std::any::Any + Send)) -> NluError {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    failed(text.unwrap_or("unknown cause"))
}

fn failed(error: &str) -> NluError {
    NluError::Device {
        reason: format!("the device failed: {}", error.split_whitespace().collect::<Vec<_>>().join(" ")),
        hint: "use a smaller --batch-size, or --device cpu".to_owned(),
    }
}
