//! Which column of a file holds what: by a preset, by `--map`, by names, by what the cells look like. What is certain is taken; what is not
//! is suggested.

mod cells;
mod choices;
mod lacks;

use std::collections::HashSet;

use serde::Serialize;

use self::cells::{all, is_count, is_date, is_email, is_phone, is_plausible, is_utc, level_of, looks_like, numbered};
pub(super) use self::cells::{figure, is_vague_total};
use super::error::ImportError;
use super::field::{Field, Kind, is_net, plain, recognized, similar};
use super::preset::{AMAZON_PARTS, Part, Preset};
use crate::domain::words::excerpt;

/// Names at least this similar (0 to 1) are suggested.
const SIMILAR: f64 = 0.72;
/// Examples of a column that are shown.
const EXAMPLES: usize = 2;

/// What somebody said about a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// Its name in the file.
    pub column: String,
    /// What it holds; `None`: nothing that is used.
    pub field: Option<Field>,
    /// Whether it must be there.
    pub required: bool,
}

impl Choice {
    /// Reads `Total=Order Value (INR)`; the text after the last `=` names the field, or `ignore`.
    ///
    /// # Errors
    /// What is wrong with it, as a sentence.
    pub fn parse(text: &str) -> Result<Self, String> {
        let Some((column, field)) = text.rsplit_once('=').map(|(column, field)| (column.trim(), field.trim())) else {
            return Err(format!("“{}” is not COLUMN=FIELD", excerpt(text, 40)));
        };
        if column.is_empty() {
            return Err(format!("“{}” names no column before the =", excerpt(text, 40)));
        }
        Self::new(column, field)
    }

    /// The column with this name holds the field of this name, or `ignore`.
    ///
    /// # Errors
    /// When there is no such field.
    pub fn new(column: &str, field: &str) -> Result<Self, String> {
        let choice = |field| Ok(Self { column: column.to_owned(), field, required: true });
        if ["ignore", "none", "-"].contains(&field.to_lowercase().as_str()) {
            return choice(None);
        }
        if let Some(field) = Field::parse(field) {
            return choice(Some(field));
        }
        let near = similar(field).filter(|(_, much)| *much > 0.5);
        let near = near.map(|(field, _)| format!("; did you mean “{}”?", field.name())).unwrap_or_default();
        Err(format!("there is no field “{}”{near}", excerpt(field, 40)))
    }
}

/// How it is known what a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum How {
    /// The export is known.
    Preset,
    /// Its name says it.
    Name,
    /// Somebody said it.
    Map,
    /// Its cells show it.
    Content,
}

/// One column that is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Use {
    pub(super) column: usize,
    pub(super) field: Field,
    /// Which line of the order it is about, where columns are numbered.
    pub(super) slot: usize,
    pub(super) how: How,
}

/// A column that may hold something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Suggestion {
    /// Its name in the file.
    pub column: String,
    /// What it may hold.
    pub field: &'static str,
    /// Some of its cells.
    pub examples: Vec<String>,
}

/// Which column of a file holds what.
#[derive(Debug, Clone, Default)]
pub(super) struct Mapping {
    pub(super) names: Vec<String>,
    /// In order of their precedence.
    pub(super) uses: Vec<Use>,
    pub(super) preset: Option<Preset>,
    /// Columns that an order's amounts are added up from.
    pub(super) parts: Vec<(usize, Part)>,
    /// Columns whose names say that their times are in UTC.
    pub(super) utc: HashSet<usize>,
    /// Whether several rows can be about one order.
    pub(super) has_lines: bool,
    pub(super) suggestions: Vec<Suggestion>,
    /// What is said of the choice of columns, with the column that it is about.
    pub(super) notes: Vec<(usize, String)>,
}

/// Cells of a column.
pub(super) type Samples = Vec<Vec<String>>;

/// Some cells of a column, for a person to recognise it.
pub(super) fn examples(cells: &[String]) -> Vec<String> {
    let mut shown: Vec<String> = Vec::new();
    for cell in cells {
        let cell = excerpt(cell, 24);
        if shown.len() < EXAMPLES && !shown.contains(&cell) {
            shown.push(cell);
        }
    }
    shown
}

impl Mapping {
    /// Finds out what the columns hold. `from`: whose export it is, where somebody said it.
    pub(super) fn new(
        file: &str,
        names: &[String],
        samples: &Samples,
        from: Option<Preset>,
        choices: &[Choice],
    ) -> Result<Self, ImportError> {
        let plains: Vec<String> = names.iter().map(|name| plain(name)).collect();
        let mut found =
            Self { names: names.to_vec(), preset: from.or_else(|| Preset::detect(names)), ..Self::default() };
        let mut taken = found.add_choices(file, &plains, samples, choices)?;
        if let Some(preset) = found.preset {
            found.add_preset(file, preset, &plains, &mut taken)?;
        }
        found.add_names(file, &plains, samples, &mut taken)?;
        found.drop_generic_date(&plains, samples);
        found.add_content(samples, &mut taken);
        found.propose(&plains, samples, &taken);
        found.utc = (0..names.len()).filter(|column| names.get(*column).is_some_and(|name| is_utc(name))).collect();
        found.has_lines = found.uses.iter().any(|used| used.field.of_line() && used.slot == 0);
        Ok(found)
    }

    /// The columns that hold a field, in order of their precedence.
    pub(super) fn of(&self, field: Field) -> impl Iterator<Item = &Use> {
        self.uses.iter().filter(move |found| found.field == field)
    }

    pub(super) fn has(&self, field: Field) -> bool {
        self.of(field).next().is_some()
    }

    fn take(&mut self, column: usize, field: Field, how: How, taken: &mut HashSet<usize>) {
        taken.insert(column);
        self.uses.push(Use { column, field, slot: 0, how });
    }

    fn add_preset(
        &mut self,
        file: &str,
        preset: Preset,
        plains: &[String],
        taken: &mut HashSet<usize>,
    ) -> Result<(), ImportError> {
        for (field, names) in preset.columns() {
            if self.has(*field) && !field.takes_several() {
                continue;
            }
            for name in *names {
                let wanted = plain(name);
                let mut places = (0..plains.len()).filter(|place| plains.get(*place) == Some(&wanted));
                let place = places.next();
                if preset == Preset::Original && places.next().is_some() {
                    return Err(ImportError::DuplicateColumn { file: file.to_owned(), column: (*name).to_owned() });
                }
                if let Some(place) = place.filter(|place| !taken.contains(place)) {
                    self.take(place, *field, How::Preset, taken);
                    // An id of another kind never stands in for one.
                    if *field == Field::OrderId {
                        break;
                    }
                }
            }
        }
        if preset == Preset::Amazon {
            for (name, part) in AMAZON_PARTS {
                if let Some(place) = plains.iter().position(|found| *found == plain(name)) {
                    taken.insert(place);
                    self.parts.push((place, *part));
                }
            }
            if self.uses.iter().any(|found| found.field == Field::Value) {
                self.parts.clear();
            }
        }
        Ok(())
    }

    /// Columns whose names say what they hold, the most telling first.
    fn add_names(
        &mut self,
        file: &str,
        plains: &[String],
        samples: &Samples,
        taken: &mut HashSet<usize>,
    ) -> Result<(), ImportError> {
        let mut named: Vec<(usize, usize, Field, usize)> = Vec::new();
        for (column, name) in self.names.iter().enumerate().filter(|(column, _)| !taken.contains(column)) {
            let numbered = numbered(name);
            let found = match recognized(name) {
                Some((field, rank)) => Some((rank, field, 0)),
                None => numbered.and_then(|(base, slot)| {
                    let (field, rank) = recognized(base)?;
                    (field.of_line() || field == Field::Items).then_some((rank, field, slot))
                }),
            };
            if let Some((rank, field, slot)) = found.filter(|(_, field, slot)| self.admits(*field, *slot, name)) {
                named.push((rank, column, field, slot));
            }
        }
        let level = |column: usize, field: Field| match (self.names.get(column), plains.get(column)) {
            (Some(name), Some(plain)) if field.kind() == Kind::Amount => level_of(name, plain),
            _ => 0,
        };
        let mut named: Vec<_> = named
            .into_iter()
            .map(|(rank, column, field, slot)| (level(column, field), rank, column, field, slot))
            .collect();
        named.sort_unstable_by_key(|(level, rank, column, ..)| (*level, *rank, *column));
        for (level, rank, column, field, slot) in named {
            let Some(name) = plains.get(column) else { continue };
            let twice = self.of(field).any(|found| found.slot == slot && plains.get(found.column) == Some(name));
            // Twice the same name: nobody can say which one is right.
            if twice && rank == 0 {
                let column = self.names.get(column).cloned().unwrap_or_default();
                return Err(ImportError::DuplicateColumn { file: file.to_owned(), column });
            }
            let there = self.of(field).any(|found| found.slot == slot);
            let cells = samples.get(column).map(Vec::as_slice).unwrap_or_default();
            if field == Field::Value && there {
                self.check_totals(file, (column, level), plains, samples)?;
            }
            if there && field == Field::OrderId && !self.has(Field::DisplayId) && looks_like(field, cells) {
                self.take(column, Field::DisplayId, How::Name, taken);
            } else if (!there || field.takes_several())
                && (self.preset.is_some() || rank == 0 || looks_like(field, cells))
            {
                taken.insert(column);
                self.uses.push(Use { column, field, slot, how: How::Name });
            } else if field == Field::RefundedAmount {
                // Words in the place of amounts say as well that money went back.
                self.take(column, Field::RefundState, How::Name, taken);
            }
        }
        Ok(())
    }

    /// Refuses a file in which a further column can as well be the total of an order, and is another amount.
    fn check_totals(
        &self,
        file: &str,
        (column, level): (usize, u8),
        plains: &[String],
        samples: &Samples,
    ) -> Result<(), ImportError> {
        let Some(chosen) = self.of(Field::Value).find(|found| found.how == How::Name).map(|found| found.column) else {
            return Ok(());
        };
        let (Some(one), Some(other)) = (self.names.get(chosen), self.names.get(column)) else { return Ok(()) };
        let (Some(cells), Some(others)) = (samples.get(chosen), samples.get(column)) else { return Ok(()) };
        let same_level = plains.get(chosen).is_some_and(|plain| level_of(one, plain) == level);
        if !same_level || !looks_like(Field::Value, others) || cells.iter().map(figure).eq(others.iter().map(figure)) {
            return Ok(());
        }
        if plains.get(chosen) == plains.get(column) {
            return Err(ImportError::DuplicateColumn { file: file.to_owned(), column: other.clone() });
        }
        let pair = cells.iter().zip(others).find(|(cell, other)| figure(cell) != figure(other));
        let examples =
            pair.map_or_else(String::new, |(cell, other)| format!("{} and {}", excerpt(cell, 24), excerpt(other, 24)));
        Err(ImportError::SeveralTotals { file: file.to_owned(), columns: [one.clone(), other.clone()], examples })
    }

    /// “Order Date” is when an order was placed; “Date”, “Timestamp” and “Created On” beside it can be of anything else.
    fn drop_generic_date(&mut self, plains: &[String], samples: &Samples) {
        const GENERIC: &[&str] = &[
            "date",
            "datum",
            "fecha",
            "data",
            "datetime",
            "timestamp",
            "createdat",
            "createdon",
            "creationdate",
            "datecreated",
        ];
        let dated = |column: usize| samples.get(column).is_some_and(|cells| all(cells, is_date));
        if self.preset.is_some() || !self.of(Field::Date).any(|found| dated(found.column)) {
            return;
        }
        let generic = |column: usize| plains.get(column).is_some_and(|name| GENERIC.contains(&name.as_str()));
        // Where it holds times of day alone, both together say when.
        self.uses.retain(|found| {
            found.field != Field::Placed || found.how != How::Name || !generic(found.column) || !dated(found.column)
        });
    }

    /// Whether a column may be taken by its name alone: a known export leaves few to be found.
    fn admits(&self, field: Field, slot: usize, name: &str) -> bool {
        let name = name.trim().to_lowercase();
        match self.preset {
            None => true,
            Some(Preset::WooCommerce) if slot > 0 => true,
            Some(Preset::Original) => plain(field.name()) == plain(&name),
            Some(_) => {
                let extra = [
                    Field::Category,
                    Field::Carrier,
                    Field::TrackingNumber,
                    Field::TrackingUrl,
                    Field::InvoiceUrl,
                    Field::DeliveredAt,
                    Field::UpdatedAt,
                    Field::Feedback,
                    Field::Rating,
                    Field::CustomerId,
                    Field::PaymentState,
                    Field::RefundedAmount,
                    Field::RefundState,
                ];
                // “Shipping Company” is the customer's employer there.
                extra.contains(&field)
                    && (!self.has(field) || field.takes_several())
                    && !name.starts_with("shipping")
                    && !name.starts_with("billing")
            }
        }
    }

    /// A column of e-mail addresses is one whatever its name.
    fn add_content(&mut self, samples: &Samples, taken: &mut HashSet<usize>) {
        if self.preset.is_some() || self.has(Field::Email) {
            return;
        }
        let free = (0..self.names.len()).filter(|column| !taken.contains(column));
        let emails = free.filter(|column| samples.get(*column).is_some_and(|cells| all(cells, is_email)));
        if let [column] = emails.collect::<Vec<_>>().as_slice() {
            self.take(*column, Field::Email, How::Content, taken);
        }
    }

    fn propose(&mut self, plains: &[String], samples: &Samples, taken: &HashSet<usize>) {
        if self.preset == Some(Preset::Original) {
            return;
        }
        let mut suggested: Vec<(f64, usize, Field)> = Vec::new();
        for column in (0..self.names.len()).filter(|column| !taken.contains(column)) {
            let (Some(name), Some(shown)) = (plains.get(column), self.names.get(column)) else { continue };
            let cells = samples.get(column).map(Vec::as_slice).unwrap_or_default();
            if cells.is_empty() || shown.is_empty() {
                continue;
            }
            let missing = |field: Field| !self.has(field);
            let suits = |field| looks_like(field, cells) && is_plausible(field, cells);
            let id =
                ["id", "#", "no", "nr", "number", "ref", "reference", "code", "invoice", "invoiceno", "invoicenumber"];
            if missing(Field::OrderId)
                && (id.contains(&name.as_str()) || name.contains("order"))
                && suits(Field::OrderId)
            {
                suggested.push((0.9, column, Field::OrderId));
            } else if let Some((field, much)) =
                similar(shown).filter(|(field, much)| *much >= SIMILAR && missing(*field))
            {
                if self.preset.is_none() && suits(field) {
                    suggested.push((if is_net(shown) { much - 0.1 } else { much }, column, field));
                }
            } else if self.preset.is_none() && missing(Field::Phone) && all(cells, is_phone) {
                suggested.push((0.5, column, Field::Phone));
            } else if self.preset.is_none() && missing(Field::Placed) && missing(Field::Date) && all(cells, is_date) {
                suggested.push((0.5, column, Field::Placed));
            } else if self.preset.is_none()
                && missing(Field::ItemQuantity)
                && (self.has(Field::ItemName) || self.has(Field::ItemSku))
                && is_count(cells)
            {
                suggested.push((0.4, column, Field::ItemQuantity));
            } else if missing(Field::OrderId) && suits(Field::OrderId) {
                suggested.push((0.3, column, Field::OrderId));
            }
        }
        suggested.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut seen = HashSet::new();
        for (_, column, field) in suggested {
            if seen.insert(field)
                && let Some(name) = self.names.get(column)
            {
                let examples = samples.get(column).map(|cells| examples(cells)).unwrap_or_default();
                self.suggestions.push(Suggestion { column: name.clone(), field: field.name(), examples });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapping(names: &[&str], rows: &[&[&str]], choices: &[Choice]) -> Mapping {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let column =
            |place: usize| rows.iter().map(|row| row[place].to_owned()).filter(|cell| !cell.is_empty()).collect();
        let samples = (0..names.len()).map(column).collect();
        Mapping::new("a.csv", &names, &samples, None, choices).unwrap()
    }

    fn shown(mapping: &Mapping) -> Vec<(&str, &'static str)> {
        mapping.uses.iter().map(|found| (mapping.names[found.column].as_str(), found.field.name())).collect()
    }

    #[test]
    fn names_are_taken_and_likenesses_proposed() {
        let rows: &[&[&str]] = &[
            &["A-1", "20.11.2026", "12,50", "+49 30 1234567", "x@example.com", "9876543210"],
            &["A-2", "21.11.2026", "7,00", "", "y@example.com", "9876543211"],
        ];
        let names = ["Bestellnummer", "Bestelldatum", "Gesamtbetrag", "Telefon", "Adr.", "Custmer Mobil"];
        let found = mapping(&names, rows, &[]);
        let mut taken = shown(&found);
        taken.sort_unstable();
        assert_eq!(
            taken,
            [
                ("Adr.", "Customer Email"),
                ("Bestelldatum", "Order Date & Time"),
                ("Bestellnummer", "Order ID"),
                ("Gesamtbetrag", "Order Value (INR)"),
                ("Telefon", "Customer Phone"),
            ]
        );
        let choice = Choice::parse("Custmer Mobil=Other Phones").unwrap();
        assert!(shown(&mapping(&names, rows, &[choice])).contains(&("Custmer Mobil", "Other Phones")));
        let ignored = Choice::parse("Telefon=ignore").unwrap();
        assert!(!shown(&mapping(&names, rows, &[ignored])).iter().any(|(name, _)| *name == "Telefon"));
        assert!(Choice::parse("Total=Order Valu").unwrap_err().contains("did you mean “Order Value (INR)”?"));
    }

    #[test]
    fn an_id_without_a_telling_name_is_only_proposed() {
        let rows: &[&[&str]] = &[&["1001", "12.50"], &["1002", "7"]];
        let found = mapping(&["No", "Total"], rows, &[]);
        assert_eq!(shown(&found), [("Total", "Order Value (INR)")]);
        assert_eq!((found.suggestions[0].column.as_str(), found.suggestions[0].field), ("No", "Order ID"));
    }

    #[test]
    fn a_name_that_its_cells_contradict_is_not_taken() {
        let found =
            mapping(&["Order", "Order ID", "Total"], &[&["2026-11-20", "A1", "5"], &["2026-11-21", "A2", "6"]], &[]);
        assert!(shown(&found).contains(&("Order ID", "Order ID")));
        let found = mapping(&["Order", "Total"], &[&["2026-11-20", "5"], &["2026-11-21", "6"]], &[]);
        assert_eq!(shown(&found), [("Total", "Order Value (INR)")]);
    }

    #[test]
    fn numbered_columns_are_lines() {
        let found = mapping(&["Order ID", "Item Name #1", "Item Name #2"], &[&["A1", "Tea", "Ghee"]], &[]);
        let slots: Vec<usize> = found.of(Field::ItemName).map(|found| found.slot).collect();
        assert_eq!(slots, [1, 2]);
        assert!(!found.has_lines);
    }
}
