//! Decides how tensors are read from a weights file one at a time, in the number format they have there.
//!
//! It must never hold more of the file in memory than the tensor that is asked for.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use half::slice::HalfFloatSliceExt;
use half::{bf16, f16};
use safetensors::tensor::{Dtype, Metadata};

use crate::nlu::NluError;
use crate::nlu::weights::{Precision, Weights};

/// An open `safetensors` file.
pub(in crate::nlu) struct Source {
    path: PathBuf,
    file: File,
    /// Where the tensors begin.
    start: u64,
    metadata: Metadata,
}

/// Bytes of the number of bytes of the header, and the longest header that the format allows.
const PREFIX: u64 = 8;
const LONGEST: u64 = 100_000_000;

impl Source {
    /// Opens a file and reads what it says it holds.
    ///
    /// # Errors
    /// The file is missing, cut off or damaged.
    pub(in crate::nlu) fn open(path: &Path) -> Result<Self, NluError> {
        let mut file = File::open(path).map_err(|error| NluError::io(path, error))?;
        let Some((start, metadata)) = header(&mut file) else {
            // What exactly is wrong with it is known to who reads the whole file.
            return Err(match Weights::read(path) {
                Err(error) => error,
                Ok(_) => NluError::format(path, "was changed while it was read", "try again"),
            });
        };
        Ok(Self { path: path.to_owned(), file, start, metadata })
    }

    /// Number of rows of a tensor, where it is there.
    pub(in crate::nlu) fn rows(&self, name: &str) -> Option<usize> {
        self.metadata.info(name).and_then(|info| info.shape.first().copied())
    }

    /// Number of weights.
    pub(in crate::nlu) fn parameters(&self) -> usize {
        let tensors = self.metadata.tensors();
        tensors.values().filter(|info| is_float(info.dtype)).map(|info| info.shape.iter().product::<usize>()).sum()
    }

    /// Number format of the file (of its largest tensor).
    pub(in crate::nlu) fn precision(&self) -> Precision {
        let tensors = self.metadata.tensors();
        let largest = tensors.values().max_by_key(|info| info.data_offsets.1 - info.data_offsets.0);
        match largest.map(|info| info.dtype) {
            Some(Dtype::F16) => Precision::F16,
            Some(Dtype::BF16) => Precision::Bf16,
            _ => Precision::F32,
        }
    }

    /// Reads one tensor.
    ///
    /// # Errors
    /// It is not there, has another shape, or cannot be read.
    pub(super) fn take(&mut self, name: &str, shape: &[usize]) -> Result<Tensor, NluError> {
        let Some(info) = self.metadata.info(name).filter(|info| is_float(info.dtype)) else {
            return Err(NluError::MissingTensor { path: self.path.clone(), name: name.to_owned() });
        };
        if info.shape != shape {
            return Err(NluError::WrongShape {
                path: self.path.clone(),
                name: name.to_owned(),
                found: info.shape.clone(),
                expected: shape.to_vec(),
            });
        }
        let (from, to) = info.data_offsets;
        let mut bytes = vec![0; to - from];
        self.file
            .seek(SeekFrom::Start(self.start + from as u64))
            .and_then(|_| self.file.read_exact(&mut bytes))
            .map_err(|error| NluError::io(&self.path, error))?;
        Ok(Tensor { dtype: info.dtype, columns: shape.last().copied().unwrap_or(1), bytes })
    }
}

/// Where the tensors begin and what they are; nothing where the file is not what its header announces.
fn header(file: &mut File) -> Option<(u64, Metadata)> {
    let length = file.metadata().ok()?.len();
    let mut prefix = [0; PREFIX as usize];
    file.read_exact(&mut prefix).ok()?;
    let size = u64::from_le_bytes(prefix);
    if size > LONGEST || size.checked_add(PREFIX)? > length {
        return None;
    }
    let mut text = vec![0; size as usize];
    file.read_exact(&mut text).ok()?;
    let metadata: Metadata = serde_json::from_slice(&text).ok()?;
    let start = PREFIX + size;
    (start.checked_add(metadata.data_len() as u64)? == length).then_some((start, metadata))
}

fn is_float(dtype: Dtype) -> bool {
    matches!(dtype, Dtype::F32 | Dtype::F16 | Dtype::BF16 | Dtype::F64)
}

/// One tensor as it is in the file: rows of `columns` numbers.
pub(super) struct Tensor {
    dtype: Dtype,
    columns: usize,
    bytes: Vec<u8>,
}

impl Tensor {
    /// Whether these are IEEE half-precision numbers.
    pub(super) fn is_half(&self) -> bool {
        self.dtype == Dtype::F16
    }

    fn bytes_of(&self, row: usize) -> &[u8] {
        let width = self.columns * (self.dtype.bitsize() / 8);
        &self.bytes[row * width..][..width]
    }

    /// One row as `f32`.
    pub(super) fn row(&self, row: usize, out: &mut [f32]) {
        let bytes = self.bytes_of(row);
        match self.dtype {
            Dtype::F16 => widen(bytes.as_chunks().0, out, f16::from_le_bytes, |from, to| from.convert_to_f32_slice(to)),
            Dtype::BF16 => {
                widen(bytes.as_chunks().0, out, bf16::from_le_bytes, |from, to| from.convert_to_f32_slice(to));
            }
            Dtype::F64 => {
                let numbers = bytes.as_chunks().0.iter().map(|eight| f64::from_le_bytes(*eight) as f32);
                out.iter_mut().zip(numbers).for_each(|(out, number)| *out = number);
            }
            _ => {
                let numbers = bytes.as_chunks().0.iter().map(|four| f32::from_le_bytes(*four));
                out.iter_mut().zip(numbers).for_each(|(out, number)| *out = number);
            }
        }
    }

    /// One row as the bits of IEEE half-precision numbers, which it must be.
    pub(super) fn half_row(&self, row: usize, out: &mut [u16]) {
        debug_assert!(self.is_half());
        let numbers = self.bytes_of(row).as_chunks().0.iter().map(|two| u16::from_le_bytes(*two));
        out.iter_mut().zip(numbers).for_each(|(out, number)| *out = number);
    }

    /// All numbers as `f32`.
    pub(super) fn to_vec(&self) -> Vec<f32> {
        let mut values = vec![0.0; self.bytes.len() * 8 / self.dtype.bitsize()];
        values.chunks_exact_mut(self.columns).enumerate().for_each(|(row, out)| self.row(row, out));
        values
    }
}

/// Converts 16-bit numbers a few at a time: the conversion of slices uses the processor's instruction where it has one.
fn widen<T: Copy + Default>(from: &[[u8; 2]], to: &mut [f32], read: fn([u8; 2]) -> T, convert: fn(&[T], &mut [f32])) {
    let mut few = [T::default(); 64];
    for (from, to) in from.chunks(few.len()).zip(to.chunks_mut(few.len())) {
        few.iter_mut().zip(from).for_each(|(few, two)| *few = read(*two));
        convert(&few[..from.len()], to);
    }
}
