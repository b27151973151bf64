//! Columns of real files through the readers of values.

use std::path::Path;

use ecomres::domain::currency::Currency;
use ecomres::domain::phone::{self, Country, PhoneError};
use ecomres::import::values::{AmountColumn, AmountError, DateColumn, DateContext};
use jiff::civil::date;
use jiff::tz::TimeZone;

fn column(file: &str, name: &str) -> Vec<(String, String)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/cases").join(file);
    let mut reader = csv::Reader::from_path(path).unwrap();
    let place = reader.headers().unwrap().iter().position(|header| header == name).unwrap();
    reader.records().map(|row| row.unwrap()).map(|row| (row[0].to_owned(), row[place].to_owned())).collect()
}

fn dates(file: &str) -> Vec<String> {
    let cells = column(file, "Order Date & Time");
    let context = DateContext { zone: TimeZone::get("Asia/Kolkata").unwrap(), today: date(2026, 11, 30) };
    let decided = DateColumn::decide(cells.iter().map(|(_, cell)| cell.as_str()), &context).unwrap();
    cells.iter().map(|(_, cell)| decided.read(cell).unwrap().unwrap().to_string()).collect()
}

#[test]
#[ignore = "reads ../shared: .ci/run runs it"]
fn columns_of_the_cases() {
    assert_eq!(
        dates("23-us-dates.csv"),
        ["2025-12-01T18:05:00", "2025-12-31T10:00:00", "2026-11-20T09:00:00", "2026-01-02T09:00:00"]
    );
    assert_eq!(
        dates("24-two-digit-years.csv"),
        ["2026-11-20T18:05:00", "2026-11-20T00:00:00", "2026-11-20T00:00:00", "2026-03-05T00:00:00"]
    );

    let home = Country::parse("IN").unwrap();
    let phones: Vec<_> = column("26-phones-from-excel.csv", "Customer Phone")
        .into_iter()
        .map(|(_, cell)| phone::read_all(&cell, home))
        .collect();
    let number = |numbers: &[&str]| Ok(numbers.iter().map(|number| (*number).to_owned()).collect());
    assert_eq!(phones[0], Err(PhoneError::Shortened));
    assert_eq!(phones[1], number(&["919876543210"]), "all digits are there");
    assert_eq!(phones[2], Err(PhoneError::Shortened));
    for place in [3, 5, 6, 7] {
        assert_eq!(phones[place], number(&["919876543210"]), "{place}");
    }
    assert_eq!(phones[4], number(&["9607712345"]));
    assert_eq!(phones[8], number(&["919876543210", "919876543211"]));
    assert_eq!(phones[9], number(&["912223456789"]));
    assert_eq!(phones[10], Err(PhoneError::Letters));

    let cells = column("27-amounts.csv", "Order Value (INR)");
    let decided = AmountColumn::decide(cells.iter().map(|(_, cell)| cell.as_str()), Currency::INR);
    let read = |id: &str| {
        let (_, cell) = cells.iter().find(|(known, _)| known == id).unwrap();
        decided.read(cell, None).map(|amount| amount.unwrap().minor_units())
    };
    // The file writes decimals in both ways, so that nothing but a value itself says which it means.
    for (id, paise) in [
        ("ORD900100", 12_345_650),
        ("ORD900101", 129_900),
        ("ORD900102", 129_900),
        ("ORD900103", 59_900),
        ("ORD900104", 59_900),
        ("ORD900105", 123_456),
        ("ORD900106", 123_456),
        ("ORD900107", 123_450),
        ("ORD900115", 59_900),
        ("ORD900116", 59_900),
        ("ORD900117", 59_900),
        ("ORD900118", 59_950),
    ] {
        assert_eq!(read(id), Ok(paise), "{id}");
    }
    for id in ["ORD900108", "ORD900109", "ORD900114"] {
        assert!(matches!(read(id), Err(AmountError::Ambiguous { .. })), "{id}");
    }
    for id in ["ORD900110", "ORD900111"] {
        assert!(matches!(read(id), Err(AmountError::Negative(_))), "{id}");
    }
    assert!(matches!(read("ORD900112"), Err(AmountError::OtherCurrency { .. })));
    assert!(matches!(read("ORD900113"), Err(AmountError::Shortened(_))));
}
