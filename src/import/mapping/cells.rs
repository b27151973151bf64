//! What names and cells of columns show.

use std::collections::HashSet;

use crate::import::field::{Field, Kind, is_net};

/// How surely a column of amounts is what its name says, 0 the most: names without a word for the order may be of its items, what was
/// paid may be a part, and what is without taxes is not what the customer pays.
pub(super) fn level_of(name: &str, plain: &str) -> u8 {
    if is_net(name) {
        3
    } else if ["amountpaid", "totalpaid"].contains(&plain) {
        2
    } else {
        u8::from(is_vague_total(plain))
    }
}

/// Whether a name, without case and punctuation, may as well be that of an item's amount.
pub(in crate::import) fn is_vague_total(plain: &str) -> bool {
    ["amount", "betrag", "montant", "importe", "monto", "valor", "importo", "kwota", "summe", "suma", "राशि"]
        .contains(&plain)
}

/// An amount as two cells of a file are compared: without what stands beside its digits, and without decimals that are zeros.
pub(in crate::import) fn figure<T: AsRef<str> + ?Sized>(cell: &T) -> String {
    let digits: String = cell.as_ref().chars().filter(|c| c.is_numeric() || matches!(c, '.' | ',' | '-')).collect();
    let whole =
        digits.strip_suffix('0').and_then(|text| text.strip_suffix('0')).and_then(|text| text.strip_suffix(['.', ',']));
    whole.unwrap_or(&digits).to_owned()
}

/// Whether cells are what a suggestion says, where names are only alike: numbers are no names, and amounts no ids.
pub(super) fn is_plausible(field: Field, cells: &[String]) -> bool {
    let most = |is: fn(&str) -> bool| cells.iter().filter(|cell| is(cell)).count() * 2 > cells.len();
    let is_price = |cell: &str| {
        let end = cell.rsplit_once(['.', ',']).map(|(_, end)| end);
        let digits = cell.chars().filter(char::is_ascii_digit).count();
        end.is_some_and(|end| (1..=2).contains(&end.len()) && end.bytes().all(|byte| byte.is_ascii_digit()))
            && cell.chars().all(|c| c.is_ascii_digit() || ".,-₹$€£ ".contains(c))
            && digits > 0
    };
    match field.kind() {
        Kind::Id => !most(is_date) && !most(is_price),
        Kind::Text => !most(|cell| !cell.chars().any(char::is_alphabetic)) || field == Field::PostalCode,
        _ => true,
    }
}

/// Small whole numbers that are not all 1: pieces of an item.
pub(super) fn is_count(cells: &[String]) -> bool {
    let number = |cell: &String| cell.parse::<u32>().ok();
    !cells.is_empty()
        && cells.iter().all(|cell| number(cell).is_some_and(|number| (1..=99).contains(&number)))
        && cells.iter().any(|cell| number(cell) != Some(1))
}

/// `Item Name #2`, `line_item_2`, `SKU 2`: what is numbered, and the number.
pub(super) fn numbered(name: &str) -> Option<(&str, usize)> {
    let base = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let number = name.get(base.len()..)?.parse().ok().filter(|number| (1..=999).contains(number))?;
    Some((base.trim_end_matches(['#', ' ', '_', '-', '.']), number))
}

pub(super) fn is_utc(name: &str) -> bool {
    let name = name.to_lowercase();
    ["_gmt", "_utc", "(utc)", "(gmt)", " utc", " gmt"].iter().any(|end| name.ends_with(end))
}

pub(super) fn all(cells: &[String], is: impl Fn(&str) -> bool) -> bool {
    // One in ten may be a note or a typing error.
    !cells.is_empty() && cells.iter().filter(|cell| is(cell)).count() * 10 >= cells.len() * 9
}

/// Whether the cells of a column can be what its name says; those of an empty column can be anything.
pub(super) fn looks_like(field: Field, cells: &[String]) -> bool {
    if cells.is_empty() {
        return true;
    }
    let half = |is: fn(&str) -> bool| cells.iter().filter(|cell| is(cell)).count() * 2 >= cells.len();
    match field.kind() {
        Kind::Email => half(is_email),
        // A number that cannot be read refuses its row; a column of them is never passed over.
        Kind::Phone => half(|cell| !cell.contains('@') && !is_date(cell)),
        Kind::Date => half(is_date),
        Kind::Amount => half(|cell| cell.chars().any(char::is_numeric) && !is_date(cell)),
        Kind::Whole | Kind::YesNo | Kind::Text => true,
        Kind::Id if field == Field::OrderId => half(is_id) || are_codes(cells),
        Kind::Id => half(|cell| !cell.contains('@') && cell.chars().count() <= 64),
    }
}

fn is_id(cell: &str) -> bool {
    let shown = cell.chars().count() <= 40 && cell.split_whitespace().count() <= 3 && !cell.contains('@');
    shown && cell.chars().any(char::is_numeric) && !is_date(cell)
}

/// Codes of capital letters, each another one, as `PrestaShop`'s references.
fn are_codes(cells: &[String]) -> bool {
    let code = |cell: &str| (6..=16).contains(&cell.len()) && cell.bytes().all(|letter| letter.is_ascii_uppercase());
    let different: HashSet<&String> = cells.iter().collect();
    all(cells, code) && different.len() * 2 > cells.len() && different.len() > 1
}

pub(super) fn is_email(cell: &str) -> bool {
    let Some((name, host)) = cell.split_once('@') else { return false };
    !name.is_empty() && host.contains('.') && !cell.contains(char::is_whitespace)
}

pub(super) fn is_phone(cell: &str) -> bool {
    let digits = cell.chars().filter(char::is_ascii_digit).count();
    (8..=15).contains(&digits) && cell.chars().all(|c| c.is_ascii_digit() || "+-() .'".contains(c)) && !is_date(cell)
}

/// Three groups of numbers (or a month's name among them) with a day's separators, or a day and a time.
pub(super) fn is_date(cell: &str) -> bool {
    let day = cell.split([' ', 'T', ',']).next().unwrap_or_default();
    let groups: Vec<&str> = day.split(['-', '/', '.']).collect();
    let number = |group: &str| !group.is_empty() && group.len() <= 4 && group.chars().all(char::is_numeric);
    let month = |group: &str| (3..=9).contains(&group.chars().count()) && group.chars().all(char::is_alphabetic);
    match groups.as_slice() {
        [first, second, third] => number(first) && (number(second) || month(second)) && number(third),
        [_] => {
            let words: Vec<&str> = cell.split([' ', ',']).filter(|word| !word.is_empty()).take(3).collect();
            matches!(words.as_slice(), [a, b, c] if (number(a) && month(b) || month(a) && number(b)) && number(c))
        }
        _ => false,
    }
}
