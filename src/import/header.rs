//! Decides which column of a file holds what.
//!
//! It must never take a column whose name only comes close: it names it instead.

use super::ImportError;
use crate::domain::order::column;

/// Names closer than this (normalised Damerau-Levenshtein similarity, 0 to 1) are offered as what was meant.
const NEAR: f64 = 0.6;

/// Where the columns are.
#[derive(Debug, Clone)]
pub(super) struct Header {
    /// The place of each required column, in the order of [`column::REQUIRED`].
    pub(super) required: [usize; column::REQUIRED.len()],
    /// The place of each optional column, in the order of [`column::OPTIONAL`].
    pub(super) optional: [Option<usize>; column::OPTIONAL.len()],
    /// How many columns the header names.
    pub(super) width: usize,
    /// Columns that mean nothing here.
    pub(super) unknown: Vec<String>,
}

fn normal(name: &str) -> String {
    name.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

impl Header {
    /// Finds the columns in the names of a header.
    pub(super) fn read(file: &str, found: &[String]) -> Result<Self, ImportError> {
        let names: Vec<String> = found.iter().map(|name| normal(name)).collect();
        let place = |column: &'static str| -> Result<Option<usize>, ImportError> {
            let wanted = normal(column);
            let mut places = names.iter().enumerate().filter(|(_, name)| **name == wanted).map(|(place, _)| place);
            match (places.next(), places.next()) {
                (first, None) => Ok(first),
                _ => Err(ImportError::DuplicateColumn { file: file.to_owned(), column }),
            }
        };
        let mut required = [0; column::REQUIRED.len()];
        let mut missing = Vec::new();
        for (slot, column) in required.iter_mut().zip(column::REQUIRED) {
            match place(column)? {
                Some(found) => *slot = found,
                None => missing.push(column),
            }
        }
        let mut optional = [None; column::OPTIONAL.len()];
        for (slot, column) in optional.iter_mut().zip(column::OPTIONAL) {
            *slot = place(column)?;
        }
        let known = |place: &usize| required.contains(place) || optional.contains(&Some(*place));
        if !missing.is_empty() {
            let known: Vec<String> =
                column::REQUIRED.iter().chain(&column::OPTIONAL).map(|name| normal(name)).collect();
            let spare = || names.iter().zip(found).filter(|(name, shown)| !shown.is_empty() && !known.contains(name));
            let near = missing.iter().filter_map(|column| {
                let wanted = normal(column);
                let (closeness, shown) = spare()
                    .map(|(name, shown)| (closeness(name, &wanted), shown))
                    .max_by(|a, b| a.0.total_cmp(&b.0))?;
                (closeness >= NEAR).then(|| (shown.clone(), *column))
            });
            return Err(ImportError::MissingColumns {
                file: file.to_owned(),
                near: near.collect(),
                missing,
                found: found.iter().filter(|name| !name.is_empty()).cloned().collect(),
            });
        }
        let unknown = (0..found.len()).filter(|place| !known(place)).filter_map(|place| found.get(place));
        let unknown = unknown.filter(|name| !name.is_empty()).cloned().collect();
        Ok(Self { required, optional, width: found.len(), unknown })
    }
}

fn closeness(name: &str, wanted: &str) -> f64 {
    // A name without its unit is near, however long the unit is.
    let bare = |text: &str| text.split('(').next().unwrap_or_default().replace(['_', '-'], " ").trim().to_owned();
    strsim::normalized_damerau_levenshtein(name, wanted)
        .max(strsim::normalized_damerau_levenshtein(&bare(name), &bare(wanted)))
}
