//! The names and values of queries and forms. Reading never fails: a malformed escape is taken as it stands.

use std::collections::BTreeMap;

use crate::domain::words::excerpt;

/// Filters that go on record, and characters of each.
const MOST_FILTERS: usize = 30;
const LONGEST_FILTER: usize = 300;

/// Names and values, in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Fields(Vec<(String, String)>);

impl Fields {
    /// Reads the query of an address, or the body of a form.
    pub(super) fn read(text: &str) -> Self {
        Self(form_urlencoded::parse(text.as_bytes()).into_owned().collect())
    }

    /// The value of a name, without white space around it; empty where there is none.
    pub(super) fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.trim())
    }

    /// The value of a name as it was written, with the white space around it.
    pub(super) fn whole(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// Whether every value is empty.
    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(|(_, value)| value.trim().is_empty())
    }

    /// Every name with a value, as it goes on record: each value once, and shortened.
    pub(super) fn filters(&self) -> BTreeMap<&str, String> {
        let given = self.0.iter().filter(|(_, value)| !value.trim().is_empty()).take(MOST_FILTERS);
        given.map(|(name, value)| (name.as_str(), excerpt(value.trim(), LONGEST_FILTER))).collect()
    }

    /// Every name, once for each value.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    /// All values of a name that are not empty.
    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        let named = self.0.iter().filter(move |(known, _)| known == name);
        named.map(|(_, value)| value.trim()).filter(|value| !value.is_empty())
    }

    /// The value of a name that is not empty.
    pub(super) fn some(&self, name: &str) -> Option<&str> {
        Some(self.get(name)).filter(|value| !value.is_empty())
    }
}

/// A value as it may stand in the query of an address.
pub(super) fn encode(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn forms_are_read() {
        let fields = Fields::read("a=1+2&b=%E2%82%B9%205%2&&c&a=9");
        assert_eq!((fields.get("a"), fields.get("b"), fields.get("c"), fields.get("d")), ("1 2", "₹ 5%2", "", ""));
        assert_eq!((fields.some("a"), fields.some("c")), (Some("1 2"), None));
        assert_eq!(fields.all("a").collect::<Vec<_>>(), ["1 2", "9"]);
    }

    proptest! {
        #[test]
        fn what_is_encoded_comes_back(text in ".{0,80}") {
            let fields = Fields::read(&format!("name={}", encode(&text)));
            prop_assert_eq!(fields.get("name"), text.trim());
        }

        #[test]
        fn nothing_makes_it_panic(text in ".{0,80}") {
            let _ = Fields::read(&text);
        }
    }
}
