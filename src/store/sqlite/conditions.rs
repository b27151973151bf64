//! Builds the WHERE clause of a search with optional conditions: only those that are set are written out, so that the
//! planner can choose an index. Values are bound as parameters, never written into the text of a statement.

use rusqlite::types::Value;

/// Conditions that are joined with AND, and the values of their parameters.
#[derive(Debug, Default)]
pub(super) struct Conditions {
    conditions: Vec<String>,
    values: Vec<Value>,
}

impl Conditions {
    /// Adds a condition without a value.
    pub(super) fn add(&mut self, condition: &str) {
        self.conditions.push(condition.to_owned());
    }

    /// Adds a condition; `?#` in it stands for the value.
    pub(super) fn with(&mut self, condition: &str, value: impl Into<Value>) {
        let parameter = self.value(value);
        self.conditions.push(condition.replace("?#", &parameter));
    }

    /// Adds a value, and returns the parameter that stands for it in a condition.
    pub(super) fn value(&mut self, value: impl Into<Value>) -> String {
        self.values.push(value.into());
        format!("?{}", self.values.len())
    }

    /// The condition as SQL, with the values of its parameters.
    pub(super) fn finish(self) -> (String, Vec<Value>) {
        let sql = if self.conditions.is_empty() { "true".to_owned() } else { self.conditions.join(" AND ") };
        (sql, self.values)
    }
}

/// A `LIKE` pattern, with the backslash as escape character, that finds `text` anywhere.
pub(super) fn contains_pattern(text: &str) -> String {
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
        assert_eq!(contains_pattern("5%_\\"), "%5\\%\\_\\\\%");
    }
}
