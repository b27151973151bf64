//! Reads and writes tensors in `safetensors` files.
//!
//! A value changes by no more than the rounding of the stored number format; half a file is never left behind.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use half::slice::HalfFloatSliceExt;
use half::{bf16, f16};
use rayon::prelude::*;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};

use crate::NluError;
use crate::model::location::{ModelLocation, WEIGHTS};

/// Number format of stored weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// 32-bit floating point.
    F32,
    /// 16-bit floating point with a 10-bit fraction.
    F16,
    /// 16-bit floating point with the exponent range of `f32`; read, never written.
    Bf16,
}

impl std::fmt::Display for Precision {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::Bf16 => "bf16",
        })
    }
}

/// One tensor: its shape and its values in row-major order.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct StoredTensor {
    /// Length of each axis.
    pub(crate) shape: Vec<usize>,
    /// The values, last axis fastest.
    pub(crate) values: Vec<f32>,
}

/// Named tensors of one file, as `f32` whatever the file holds.
#[derive(Debug, Clone)]
pub(crate) struct Weights {
    path: PathBuf,
    /// Number format of the file (of its largest tensor).
    pub(crate) precision: Precision,
    /// The tensors by name.
    pub(crate) tensors: BTreeMap<String, StoredTensor>,
    /// Text stored beside the tensors.
    pub(crate) metadata: BTreeMap<String, String>,
}

const HINT: &str = "the file is damaged or was cut off while copying; copy it again";

impl Weights {
    /// No tensors yet; `path` is what errors will name.
    pub(crate) fn empty(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), precision: Precision::F32, tensors: BTreeMap::new(), metadata: BTreeMap::new() }
    }

    /// Reads a whole `safetensors` file.
    ///
    /// # Errors
    /// The file is missing, cut off, damaged, or holds a number format other than f32, f16 and bf16.
    pub(crate) fn read(path: &Path) -> Result<Self, NluError> {
        Self::parse(path, &std::fs::read(path).map_err(|error| NluError::io(path, error))?)
    }

    /// The same for the weights of a model.
    ///
    /// # Errors
    /// As [`Weights::read`].
    pub(crate) fn of(location: &ModelLocation) -> Result<Self, NluError> {
        Self::parse(&location.path(WEIGHTS), &location.read(WEIGHTS)?)
    }

    /// As [`Weights::read`], from the bytes of the file at `path`.
    pub(crate) fn parse(path: &Path, bytes: &[u8]) -> Result<Self, NluError> {
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(|error| explain(path, bytes.len(), &error))?;
        let file = SafeTensors::deserialize(bytes).map_err(|error| explain(path, bytes.len(), &error))?;
        let views = file.tensors();
        let largest = views.iter().max_by_key(|(_, view)| view.data().len()).map(|(_, view)| view.dtype());
        let precision = match largest {
            Some(Dtype::F16) => Precision::F16,
            Some(Dtype::BF16) => Precision::Bf16,
            _ => Precision::F32,
        };
        let tensors = views
            .into_par_iter()
            .filter(|(_, view)| matches!(view.dtype(), Dtype::F32 | Dtype::F16 | Dtype::BF16 | Dtype::F64))
            .map(|(name, view)| {
                let stored = StoredTensor { shape: view.shape().to_vec(), values: to_f32(&view) };
                (name, stored)
            })
            .collect();
        let metadata = header.metadata().clone().unwrap_or_default().into_iter().collect();
        Ok(Self { path: path.to_owned(), precision, tensors, metadata })
    }

    /// Takes one tensor out.
    ///
    /// # Errors
    /// It is not there, or has another shape.
    pub(crate) fn take(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>, NluError> {
        let Some(stored) = self.tensors.remove(name) else {
            return Err(NluError::MissingTensor { path: self.path.clone(), name: name.to_owned() });
        };
        if stored.shape != shape {
            return Err(NluError::WrongShape {
                path: self.path.clone(),
                name: name.to_owned(),
                found: stored.shape,
                expected: shape.to_vec(),
            });
        }
        Ok(stored.values)
    }

    /// Adds or replaces one tensor.
    pub(crate) fn put(&mut self, name: impl Into<String>, shape: impl Into<Vec<usize>>, values: Vec<f32>) {
        let shape = shape.into();
        debug_assert_eq!(shape.iter().product::<usize>(), values.len());
        self.tensors.insert(name.into(), StoredTensor { shape, values });
    }

    /// Number of rows of a tensor, where it is there.
    pub(crate) fn rows(&self, name: &str) -> Option<usize> {
        self.tensors.get(name).and_then(|stored| stored.shape.first().copied())
    }

    /// Writes a `safetensors` file that `transformers` accepts, beside the target and then renamed onto it.
    ///
    /// # Errors
    /// The folder cannot be written to.
    pub(crate) fn write(&self, path: &Path, precision: Precision) -> Result<(), NluError> {
        let encoded: Vec<(&String, &StoredTensor, Vec<u8>)> =
            self.tensors.par_iter().map(|(name, stored)| (name, stored, from_f32(&stored.values, precision))).collect();
        let dtype = match precision {
            Precision::F32 => Dtype::F32,
            Precision::F16 => Dtype::F16,
            Precision::Bf16 => Dtype::BF16,
        };
        let views = encoded
            .iter()
            .map(|(name, stored, bytes)| {
                TensorView::new(dtype, stored.shape.clone(), bytes).map(|view| (name.as_str(), view))
            })
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| NluError::Internal(format!("weights do not fit their shapes: {error}")))?;
        let mut metadata: std::collections::HashMap<String, String> =
            self.metadata.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
        metadata.insert("format".to_owned(), "pt".to_owned());
        let bytes = safetensors::tensor::serialize(views, Some(metadata))
            .map_err(|error| NluError::Internal(format!("weights cannot be encoded: {error}")))?;
        write_beside(path, &bytes)
    }
}

/// Writes a file beside its target and renames it, so that a crash leaves the old file or the new one.
pub(crate) fn write_beside(path: &Path, bytes: &[u8]) -> Result<(), NluError> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".partial");
    let beside = PathBuf::from(beside);
    let write = || {
        let mut file = File::create(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&beside, path)
    };
    write().map_err(|source| {
        let _ = std::fs::remove_file(&beside);
        NluError::Io { path: path.to_owned(), source }
    })
}

fn explain(path: &Path, length: usize, error: &safetensors::SafeTensorError) -> NluError {
    use safetensors::SafeTensorError as E;
    let reason = match error {
        E::HeaderTooSmall => format!("is no safetensors file: {length} bytes are too few"),
        E::MetadataIncompleteBuffer => format!("is cut off: {length} bytes are not what its header announces"),
        E::InvalidHeaderLength | E::HeaderTooLarge => {
            format!("is cut off or no safetensors file: its header is longer than its {length} bytes")
        }
        other => format!("is no readable safetensors file: {other}"),
    };
    NluError::format(path, reason, HINT)
}

#[expect(clippy::cast_possible_truncation, reason = "the weights are computed with as f32")]
fn to_f32(view: &TensorView<'_>) -> Vec<f32> {
    let bytes = view.data();
    match view.dtype() {
        // The bytes may start at any address, so the numbers are assembled, which compiles to a plain copy.
        Dtype::F32 => bytes.as_chunks().0.iter().map(|four| f32::from_le_bytes(*four)).collect(),
        Dtype::F64 => bytes.as_chunks().0.iter().map(|eight| f64::from_le_bytes(*eight) as f32).collect(),
        Dtype::F16 => {
            let halves: Vec<f16> = bytes.as_chunks().0.iter().map(|two| f16::from_le_bytes(*two)).collect();
            let mut values = vec![0.0; halves.len()];
            values.par_chunks_mut(1 << 16).zip(halves.par_chunks(1 << 16)).for_each(|(to, from)| {
                from.convert_to_f32_slice(to);
            });
            values
        }
        Dtype::BF16 => {
            let halves: Vec<bf16> = bytes.as_chunks().0.iter().map(|two| bf16::from_le_bytes(*two)).collect();
            halves.to_f32_vec()
        }
        other => unreachable!("{other:?} tensors are filtered out before"),
    }
}

fn from_f32(values: &[f32], precision: Precision) -> Vec<u8> {
    match precision {
        Precision::F32 => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
        Precision::F16 => values.iter().flat_map(|value| f16::from_f32(*value).to_le_bytes()).collect(),
        Precision::Bf16 => values.iter().flat_map(|value| bf16::from_f32(*value).to_le_bytes()).collect(),
    }
}

/// The transpose of a row-major matrix with `rows` rows and `columns` columns.
pub(crate) fn transpose(values: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    const BLOCK: usize = 32;
    debug_assert_eq!(values.len(), rows * columns);
    let mut out = vec![0.0; values.len()];
    // One band of output rows per task, read in square blocks so that both sides stay in the cache.
    out.par_chunks_mut(BLOCK * rows).enumerate().for_each(|(band, out)| {
        let first = band * BLOCK;
        let width = out.len() / rows;
        for block in (0..rows).step_by(BLOCK) {
            for row in block..(block + BLOCK).min(rows) {
                let from = &values[row * columns + first..row * columns + first + width];
                for (column, value) in from.iter().enumerate() {
                    out[column * rows + row] = *value;
                }
            }
        }
    });
    out
}

#[cfg(test)]
#[expect(clippy::cast_precision_loss, clippy::float_cmp, reason = "small whole numbers are exact")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sample() -> Weights {
        let mut weights = Weights::empty("test");
        weights.put("a", [2, 3], vec![1.0, -2.5, 0.0, 3.25, 1e-3, 65000.0]);
        weights.put("b", [1], vec![0.5]);
        weights
    }

    #[test]
    fn written_and_read_again_is_the_same_to_the_precision() {
        let dir = tempfile::tempdir().expect("temporary folder");
        for (precision, tolerance) in [(Precision::F32, 0.0), (Precision::F16, 1e-3), (Precision::Bf16, 1e-2)] {
            let path = dir.path().join("w.safetensors");
            sample().write(&path, precision).expect("written");
            let again = Weights::read(&path).expect("read");
            assert_eq!(again.precision, precision);
            assert_eq!(again.metadata.get("format").map(String::as_str), Some("pt"));
            for (name, stored) in &sample().tensors {
                let read = &again.tensors[name];
                assert_eq!((&read.shape, read.values.len()), (&stored.shape, stored.values.len()));
                for (a, b) in read.values.iter().zip(&stored.values) {
                    assert!((a - b).abs() <= tolerance * b.abs(), "{precision}: {a} {b}");
                }
            }
            assert!(!dir.path().join("w.safetensors.partial").exists());
        }
    }

    #[test]
    fn every_cut_of_a_file_is_an_error_that_names_it() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let path = dir.path().join("w.safetensors");
        sample().write(&path, Precision::F32).expect("written");
        let whole = std::fs::read(&path).expect("read");
        for length in 0..whole.len() {
            std::fs::write(&path, &whole[..length]).expect("written");
            let error = Weights::read(&path).expect_err("cut off");
            assert!(error.to_string().contains("w.safetensors"), "{error}");
            assert!(error.hint().is_some());
        }
    }

    proptest! {
        #[test]
        fn noise_is_never_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let dir = tempfile::tempdir().expect("temporary folder");
            let path = dir.path().join("w.safetensors");
            std::fs::write(&path, &bytes).expect("written");
            let _ = Weights::read(&path);
        }

        #[test]
        fn transposing_moves_every_element(rows in 1usize..70, columns in 1usize..70) {
            let values: Vec<f32> = (0..rows * columns).map(|n| n as f32).collect();
            let turned = transpose(&values, rows, columns);
            for row in 0..rows {
                for column in 0..columns {
                    prop_assert_eq!(turned[column * rows + row], values[row * columns + column]);
                }
            }
        }
    }
}
