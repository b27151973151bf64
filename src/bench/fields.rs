//! Reads the fields of a case from JSON. What is wrong is told with the field and what it should be.

use serde_json::{Map, Value};

use super::text::Pattern;
use crate::domain::words::excerpt;

/// What is wrong with a case, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wrong {
    /// The field, such as `expect.must[0].re`; empty where it is the whole.
    pub(super) field: String,
    /// What is wrong.
    pub(super) problem: String,
    /// What to do about it.
    pub(super) hint: String,
}

/// A value, and where in the case it is.
#[derive(Debug, Clone)]
pub(super) struct Field<'a> {
    pub(super) value: &'a Value,
    path: String,
}

impl<'a> Field<'a> {
    /// The case itself.
    pub(super) fn whole(value: &'a Value) -> Self {
        Self { value, path: String::new() }
    }

    /// Says what is wrong with it.
    pub(super) fn wrong(&self, problem: impl Into<String>, hint: impl Into<String>) -> Wrong {
        Wrong { field: self.path.clone(), problem: problem.into(), hint: hint.into() }
    }

    fn is_no(&self, wanted: &str, example: &str) -> Wrong {
        self.wrong(format!("{} is no {wanted}", excerpt(&self.value.to_string(), 60)), format!("such as {example}"))
    }

    fn below(&self, name: &str, value: &'a Value) -> Self {
        let dot = if self.path.is_empty() { "" } else { "." };
        Self { value, path: format!("{}{dot}{name}", self.path) }
    }

    fn map(&self) -> Result<&'a Map<String, Value>, Wrong> {
        self.value.as_object().ok_or_else(|| self.is_no("object", r#"{"outcome": "answered"}"#))
    }

    /// One of its fields; none where it is left out or null.
    pub(super) fn get(&self, name: &str) -> Result<Option<Self>, Wrong> {
        let found = self.map()?.get(name).filter(|value| !value.is_null());
        Ok(found.map(|value| self.below(name, value)))
    }

    /// One of its fields, which must be there.
    pub(super) fn need(&self, name: &str, example: &str) -> Result<Self, Wrong> {
        self.get(name)?.ok_or_else(|| self.below(name, self.value).wrong("it is missing", format!("such as {example}")))
    }

    /// All of its fields.
    pub(super) fn fields(&self) -> Result<impl Iterator<Item = (&'a str, Self)>, Wrong> {
        let map = self.map()?;
        Ok(map.iter().map(|(name, value)| (name.as_str(), self.below(name, value))))
    }

    /// The fields that it has and that are not among the known ones.
    pub(super) fn others(&self, known: &[&str]) -> Result<Vec<&'a str>, Wrong> {
        Ok(self.map()?.keys().map(String::as_str).filter(|name| !known.contains(name)).collect())
    }

    /// Refuses fields that are not among the known ones: a mistyped one would be an expectation that nothing checks.
    pub(super) fn only(&self, known: &[&str]) -> Result<(), Wrong> {
        match self.others(known)?.first() {
            None => Ok(()),
            Some(other) => Err(self
                .below(other, self.value)
                .wrong("there is no such field", format!("there are {}", known.join(", ")))),
        }
    }

    /// A text that is not empty.
    pub(super) fn text(&self) -> Result<&'a str, Wrong> {
        let text = self.value.as_str().filter(|text| !text.trim().is_empty());
        text.ok_or_else(|| self.is_no("text", r#""where is my order""#))
    }

    /// A list, or one value in place of a list with one.
    pub(super) fn each(&self) -> Vec<Self> {
        match self.value.as_array() {
            None => vec![self.clone()],
            Some(items) => {
                let place = |index: usize| format!("{}[{index}]", self.path);
                items.iter().enumerate().map(|(index, value)| Self { value, path: place(index) }).collect()
            }
        }
    }

    /// One or more texts.
    pub(super) fn texts(&self) -> Result<Vec<String>, Wrong> {
        self.each().iter().map(|field| field.text().map(str::to_owned)).collect()
    }

    /// Yes or no.
    pub(super) fn flag(&self) -> Result<bool, Wrong> {
        self.value.as_bool().ok_or_else(|| self.is_no("yes or no", "true"))
    }

    /// A count from 1 on.
    pub(super) fn count(&self) -> Result<usize, Wrong> {
        let count = self.value.as_u64().filter(|count| *count > 0).and_then(|count| usize::try_from(count).ok());
        count.ok_or_else(|| self.is_no("number from 1 on", "2"))
    }

    /// An amount of money, not below zero.
    pub(super) fn amount(&self) -> Result<f64, Wrong> {
        self.value.as_f64().filter(|amount| *amount >= 0.0).ok_or_else(|| self.is_no("amount", "60 or 599.5"))
    }

    /// One of some words.
    pub(super) fn one_of(&self, words: &[&'static str]) -> Result<&'static str, Wrong> {
        let text = self.text()?;
        words.iter().find(|word| **word == text).copied().ok_or_else(|| {
            self.wrong(format!("“{}” is not known", excerpt(text, 60)), format!("there are {}", words.join(", ")))
        })
    }

    /// A regular expression.
    pub(super) fn pattern(&self) -> Result<Pattern, Wrong> {
        self.pattern_of(self.text()?)
    }

    /// A part of its text as a regular expression.
    pub(super) fn pattern_of(&self, text: &str) -> Result<Pattern, Wrong> {
        Pattern::new(text).map_err(|wrong| self.wrong(wrong.problem, wrong.hint))
    }
}

/// Reads a field where it is there.
pub(super) trait Given<'a> {
    /// What `read` makes of it, or the default.
    fn read<T: Default>(self, read: impl FnOnce(&Field<'a>) -> Result<T, Wrong>) -> Result<T, Wrong>;
}

impl<'a> Given<'a> for Result<Option<Field<'a>>, Wrong> {
    fn read<T: Default>(self, read: impl FnOnce(&Field<'a>) -> Result<T, Wrong>) -> Result<T, Wrong> {
        self?.map_or_else(|| Ok(T::default()), |field| read(&field))
    }
}
