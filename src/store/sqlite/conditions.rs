//! Decides how a search with parts that may be left out becomes SQL: only what matters is written out, so that the planner
//! sees which index serves.
//!
//! It must never write a value into the text of a statement.

use rusqlite::types::Value;

/// What rows have to fit.
#[derive(Debug, Default)]
pub(super) struct Conditions {
    wanted: Vec<String>,
    values: Vec<Value>,
}

impl Conditions {
    /// Adds a condition without a value.
    pub(super) fn add(&mut self, condition: &str) {
        self.wanted.push(condition.to_owned());
    }

    /// Adds a condition; `?#` in it stands for the value.
    pub(super) fn with(&mut self, condition: &str, value: impl Into<Value>) {
        let place = self.value(value);
        self.wanted.push(condition.replace("?#", &place));
    }

    /// Adds a value, and says what stands for it in a condition.
    pub(super) fn value(&mut self, value: impl Into<Value>) -> String {
        self.values.push(value.into());
        format!("?{}", self.values.len())
    }

    /// The condition as SQL, with the values of its parameters.
    pub(super) fn finish(self) -> (String, Vec<Value>) {
        let sql = if self.wanted.is_empty() { "true".to_owned() } else { self.wanted.join(" AND ") };
        (sql, self.values)
    }
}

/// `text` as a part of a `LIKE` pattern whose escape character is the backslash.
pub(super) fn literally(text: &str) -> String {
    let mut pattern = String::from("%");
    for c in text.chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern + "%"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_numbered_and_text_is_taken_as_it_stands() {
        let mut conditions = Conditions::default();
        assert_eq!(Conditions::default().finish().0, "true");
        conditions.with("a = ?#", 1);
        conditions.add("b IS NULL");
        conditions.with("(c = ?# OR d = ?#)", "x".to_owned());
        let (sql, values) = conditions.finish();
        assert_eq!(sql, "a = ?1 AND b IS NULL AND (c = ?2 OR d = ?2)");
        assert_eq!(values, [Value::from(1), Value::from("x".to_owned())]);
        assert_eq!(literally("5%_\\"), "%5\\%\\_\\\\%");
    }
}
