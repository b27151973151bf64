//! Reads tensors from a weights file one at a time, in the number format they have there. A file on the disk is never in
//! memory as a whole; one inside the program is read where it lies, and its pages are given back once it has been read.

#![expect(unsafe_code, reason = "the operating system is told which pages are needed no more")]

use std::borrow::Cow;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;

use half::slice::HalfFloatSliceExt;
use half::{bf16, f16};
use safetensors::tensor::{Dtype, Metadata};

use crate::NluError;
use crate::model::location::{ModelLocation, WEIGHTS};
use crate::model::weights::{Precision, Weights};

/// An open `safetensors` file.
pub(crate) struct Source {
    path: PathBuf,
    bytes: Bytes,
    /// Where the tensors begin.
    start: u64,
    metadata: Metadata,
}

/// Where the bytes of a file are.
enum Bytes {
    /// On the disk: each tensor is read when it is taken.
    File(File),
    /// In the program: what follows the header, from which tensors are borrowed.
    Program(&'static [u8]),
}

/// Bytes of the prefix that gives the length of the header, and the longest header that the format allows.
const PREFIX: usize = 8;
const MAX_HEADER: u64 = 100_000_000;

impl Source {
    /// Opens the weights of a model and reads what they say they hold.
    ///
    /// # Errors
    /// The file is missing, cut off or damaged.
    pub(crate) fn open(location: impl Into<ModelLocation>) -> Result<Self, NluError> {
        let location = location.into();
        let path = location.path(WEIGHTS);
        let (mut bytes, header) = if let Some(all) = location.read_built_in(WEIGHTS) {
            (Bytes::Program(all), header(all, all.len() as u64))
        } else {
            let file = File::open(&path).map_err(|error| NluError::io(&path, error))?;
            let length = file.metadata().map_err(|error| NluError::io(&path, error))?.len();
            let header = header(&file, length);
            (Bytes::File(file), header)
        };
        let Some((start, metadata)) = header else {
            // The reader of whole files describes what exactly is wrong with it.
            return Err(match Weights::of(&location) {
                Err(error) => error,
                Ok(_) => NluError::format(&path, "was changed while it was read", "try again"),
            });
        };
        if let Bytes::Program(all) = &mut bytes {
            // The tensors end where the file ends.
            *all = &all[all.len() - metadata.data_len()..];
        }
        Ok(Self { path, bytes, start, metadata })
    }

    /// Number of rows of a tensor, where it exists.
    pub(crate) fn rows(&self, name: &str) -> Option<usize> {
        self.metadata.info(name).and_then(|info| info.shape.first().copied())
    }

    /// Number of weights.
    pub(crate) fn parameters(&self) -> usize {
        let tensors = self.metadata.tensors();
        tensors.values().filter(|info| is_float(info.dtype)).map(|info| info.shape.iter().product::<usize>()).sum()
    }

    /// Number format of the file (of its largest tensor).
    pub(crate) fn precision(&self) -> Precision {
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
        let bytes = match &mut self.bytes {
            Bytes::Program(tensors) => Cow::Borrowed(&tensors[from..to]),
            Bytes::File(file) => {
                let mut bytes = vec![0; to - from];
                file.seek(SeekFrom::Start(self.start + from as u64))
                    .and_then(|_| file.read_exact(&mut bytes))
                    .map_err(|error| NluError::io(&self.path, error))?;
                Cow::Owned(bytes)
            }
        };
        Ok(Tensor { dtype: info.dtype, columns: shape.last().copied().unwrap_or(1), bytes })
    }
}

impl Drop for Source {
    /// Gives the pages of weights inside the program back: their numbers were copied into the layout of the kernels, but for the
    /// rows of embeddings, which are read again as words need them.
    fn drop(&mut self) {
        if let Bytes::Program(tensors) = self.bytes {
            give_back(tensors);
        }
    }
}

/// Tells the operating system that the whole pages of these bytes, which lie in the program's own file, need not stay in memory.
#[cfg(target_os = "linux")]
fn give_back(bytes: &'static [u8]) {
    let page = rustix::param::page_size();
    let before = bytes.as_ptr().align_offset(page);
    let Some(whole) = bytes.get(before..).map(|rest| &rest[..rest.len() / page * page]) else { return };
    let start = whole.as_ptr().cast_mut().cast();
    // SAFETY: the range lies within bytes of the program that nobody can write, and that are mapped from its file: whoever reads
    // them later gets the same bytes from there. It is a hint, and nothing depends on its outcome.
    let _ = unsafe { rustix::mm::madvise(start, whole.len(), rustix::mm::Advice::LinuxDontNeed) };
}

/// Nothing to tell: the pages are the operating system's to drop.
#[cfg(not(target_os = "linux"))]
fn give_back(_bytes: &'static [u8]) {}

/// Where the tensors begin and what they are; `None` where the file is not what its header announces.
fn header(mut file: impl Read, length: u64) -> Option<(u64, Metadata)> {
    let mut prefix = [0; PREFIX];
    file.read_exact(&mut prefix).ok()?;
    let size = u64::from_le_bytes(prefix);
    if size > MAX_HEADER || size.checked_add(PREFIX as u64)? > length {
        return None;
    }
    let mut text = vec![0; usize::try_from(size).ok()?];
    file.read_exact(&mut text).ok()?;
    let metadata: Metadata = serde_json::from_slice(&text).ok()?;
    let start = PREFIX as u64 + size;
    (start.checked_add(metadata.data_len() as u64)? == length).then_some((start, metadata))
}

fn is_float(dtype: Dtype) -> bool {
    matches!(dtype, Dtype::F32 | Dtype::F16 | Dtype::BF16 | Dtype::F64)
}

/// One tensor as it is in the file: rows of `columns` numbers.
pub(super) struct Tensor {
    dtype: Dtype,
    columns: usize,
    bytes: Cow<'static, [u8]>,
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
            Dtype::F16 => widen(bytes.as_chunks().0, out, f16::from_le_bytes, HalfFloatSliceExt::convert_to_f32_slice),
            Dtype::BF16 => {
                widen(bytes.as_chunks().0, out, bf16::from_le_bytes, HalfFloatSliceExt::convert_to_f32_slice);
            }
            Dtype::F64 => {
                #[expect(clippy::cast_possible_truncation, reason = "the network computes in f32")]
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
    let mut buffer = [T::default(); 64];
    for (from, to) in from.chunks(buffer.len()).zip(to.chunks_mut(buffer.len())) {
        buffer.iter_mut().zip(from).for_each(|(number, two)| *number = read(*two));
        convert(&buffer[..from.len()], to);
    }
}
