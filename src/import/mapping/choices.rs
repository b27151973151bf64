//! What somebody said about columns: for this file (`--map`), or for an earlier one (kept in the settings). What was said for another
//! file never outdoes a known export, nor is it silent where a column says of itself that it holds the same.

use std::collections::HashSet;

use super::{Choice, How, Mapping, Samples, Use, looks_like};
use crate::domain::words::excerpt;
use crate::import::error::ImportError;
use crate::import::field::{Field, plain, recognized};

/// A choice, and the column that it is about.
type Placed<'a> = (&'a Choice, usize);

impl Mapping {
    /// Takes the columns that somebody chose.
    pub(super) fn add_choices(
        &mut self,
        file: &str,
        plains: &[String],
        samples: &Samples,
        choices: &[Choice],
    ) -> Result<HashSet<usize>, ImportError> {
        let mut placed: Vec<Placed<'_>> = Vec::new();
        for choice in choices {
            let wanted = plain(&choice.column);
            let exact = self.names.iter().position(|name| *name == choice.column);
            match exact.or_else(|| plains.iter().position(|name| *name == wanted)) {
                Some(column) => placed.push((choice, column)),
                None if choice.required => {
                    let (column, found) = (choice.column.clone(), self.names.clone());
                    return Err(ImportError::NoColumn { file: file.to_owned(), column, found });
                }
                None => {}
            }
        }
        let mut taken = HashSet::new();
        for (choice, column) in &placed {
            if !choice.required && self.stands_back(file, (choice, *column), plains, samples, &placed)? {
                continue;
            }
            taken.insert(*column);
            if let Some(field) = choice.field {
                self.uses.push(Use { column: *column, field, slot: 0, how: How::Map });
            }
        }
        Ok(taken)
    }

    /// Whether what the settings say of a column is not followed in this file; it is said why, and also where it decides.
    fn stands_back(
        &mut self,
        file: &str,
        (choice, column): Placed<'_>,
        plains: &[String],
        samples: &Samples,
        placed: &[Placed<'_>],
    ) -> Result<bool, ImportError> {
        let said = choice.field.map_or("ignore", Field::name);
        let mut note = |why: String| self.notes.push((column, why));
        if let Some(preset) = self.preset {
            let there = |names: &[&str]| names.iter().any(|name| plains.contains(&plain(name)));
            let of_column =
                |names: &[&str]| plains.get(column).is_some_and(|own| names.iter().any(|name| plain(name) == *own));
            let known = preset.columns().iter().find(|(field, names)| {
                of_column(names) || (Some(*field) == choice.field && !field.takes_several() && there(names))
            });
            if let Some((field, _)) = known.filter(|(field, names)| Some(*field) != choice.field || !of_column(names)) {
                note(format!(
                    "[import.columns] of the settings say {said}, which is not followed: an export of {} has its own {}",
                    preset.name(),
                    field.name()
                ));
                return Ok(true);
            }
        }
        let Some(field) = choice.field.filter(|field| !field.takes_several()) else { return Ok(false) };
        if placed.iter().any(|(other, _)| other.required && other.field == Some(field)) {
            note(format!(
                "[import.columns] of the settings say {said}, which is not followed: --map names another column"
            ));
            return Ok(true);
        }
        let chosen = |place: usize| placed.iter().find(|(_, column)| *column == place).map(|(choice, _)| choice.field);
        let rival = (0..self.names.len()).find(|place| {
            let named = self.names.get(*place).and_then(|name| recognized(name)).map(|found| found.0);
            let cells = samples.get(*place).map(Vec::as_slice).unwrap_or_default();
            *place != column
                && named == Some(field)
                && looks_like(field, cells)
                && chosen(*place).is_none_or(|chosen| chosen == Some(field))
        });
        let Some(rival) = rival else { return Ok(false) };
        let named = self.names.get(rival).cloned().unwrap_or_default();
        let own = self.names.get(column).and_then(|name| recognized(name)).map(|found| found.0);
        // Both say it of themselves: the settings decide between them.
        if own == Some(field) {
            note(format!("{said}, and not “{}”, as [import.columns] of the settings say", excerpt(&named, 40)));
            return Ok(false);
        }
        if chosen(rival).is_some() {
            note(format!(
                "[import.columns] of the settings say {said}, and the same of “{}”, whose name says so, too: that one is taken",
                excerpt(&named, 40)
            ));
            return Ok(true);
        }
        if field == Field::OrderId {
            let kept = self.names.get(column).cloned().unwrap_or_default();
            return Err(ImportError::TwoIds { file: file.to_owned(), kept, named });
        }
        note(format!("{said}, and not “{}”, as [import.columns] of the settings say", excerpt(&named, 40)));
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::preset::Preset;

    fn mapped(rows: &[&[&str]], choices: &[(&str, &str, bool)]) -> Result<Mapping, ImportError> {
        let names: Vec<String> = rows[0].iter().map(|name| (*name).to_owned()).collect();
        let cells = |place: usize| rows[1..].iter().map(|row| row[place].to_owned()).collect();
        let samples: Samples = (0..names.len()).map(cells).collect();
        let choices: Vec<Choice> = choices
            .iter()
            .map(|(column, field, required)| Choice { required: *required, ..Choice::new(column, field).unwrap() })
            .collect();
        Mapping::new("a.csv", &names, &samples, None, &choices)
    }

    fn of(mapping: &Mapping, field: Field) -> Vec<&str> {
        mapping.of(field).map(|found| mapping.names[found.column].as_str()).collect()
    }

    const SHEET: &[&[&str]] = &[&["ID", "Order No", "Total"], &["7", "1001", "599"], &["7", "1002", "699"]];

    #[test]
    fn what_was_said_of_another_file_decides_no_id() {
        let kept = ("ID", "Order ID", false);
        let error = mapped(SHEET, &[kept]).unwrap_err();
        assert!(matches!(&error, ImportError::TwoIds { kept, named, .. } if kept == "ID" && named == "Order No"));
        assert_eq!(
            error.hint().unwrap(),
            "add --map \"Order No=Order ID\", or --map \"Order No=ignore\" where the settings are right"
        );
        // Whatever is answered is kept, and holds the next time.
        for (answer, id) in [(("Order No", "Order ID"), "Order No"), (("Order No", "ignore"), "ID")] {
            for required in [true, false] {
                let found = mapped(SHEET, &[(answer.0, answer.1, required), kept]).unwrap();
                assert_eq!(of(&found, Field::OrderId), [id], "{answer:?} {required}");
            }
        }
        assert_eq!(
            of(&mapped(SHEET, &[("ID", "Order ID", true), ("Order No", "ignore", false)]).unwrap(), Field::OrderId),
            ["ID"]
        );
    }

    #[test]
    fn a_known_export_keeps_its_columns() {
        let shopify: &[&[&str]] = &[
            &["Name", "Id", "Financial Status", "Fulfillment Status", "Lineitem name", "Total"],
            &["#1001", "450000000001", "paid", "fulfilled", "Mug", "61.00"],
        ];
        for kept in [("Id", "Order ID", false), ("Name", "Customer Name", false), ("Name", "ignore", false)] {
            let found = mapped(shopify, &[kept]).unwrap();
            assert_eq!((found.preset, of(&found, Field::OrderId)), (Some(Preset::Shopify), vec!["Name"]), "{kept:?}");
            assert_eq!(found.notes.len(), 1, "{kept:?}");
        }
        assert_eq!(of(&mapped(shopify, &[("Id", "Order ID", true)]).unwrap(), Field::OrderId), ["Id"]);
    }

    #[test]
    fn it_is_said_where_settings_decide() {
        let sheet: &[&[&str]] = &[&["Order No", "Total", "Payable"], &["1001", "599", "500"], &["1002", "699", "600"]];
        let found = mapped(sheet, &[("Payable", "Order Value (INR)", false)]).unwrap();
        assert_eq!(of(&found, Field::Value), ["Payable"]);
        assert!(found.notes[0].1.contains("“Total”"), "{:?}", found.notes);
        assert!(mapped(sheet, &[("Payable", "Order Value (INR)", true)]).unwrap().notes.is_empty());
    }
}
