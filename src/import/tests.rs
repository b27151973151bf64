//! Files as people have them, row by row.

use std::io::Cursor;

use jiff::civil::datetime;
use proptest::prelude::*;

use super::*;
use crate::domain::money::Money;
use crate::store::Orders;
use crate::store::sqlite::SqliteStore;

const HEADER: &str = "Order ID,Customer ID,Platform,Order Date & Time,Delivery Time (Minutes),Product Category,\
    Order Value (INR),Customer Feedback,Service Rating,Delivery Delay,Refund Requested";

fn reader(bytes: impl Into<Vec<u8>>) -> Result<OrderReader, ImportError> {
    OrderReader::new("orders.csv", Cursor::new(bytes.into()))
}

/// Every row: the order's identifier and feedback, or the error as it is shown.
fn rows(bytes: impl Into<Vec<u8>>) -> Vec<Result<Order, String>> {
    let mut reader = reader(bytes).unwrap();
    std::iter::from_fn(|| reader.read_next().unwrap()).map(|row| row.map_err(|error| error.to_string())).collect()
}

fn row(id: &str) -> String {
    format!("{id},CUST1,JioMart,19:29.5,30,Dairy,279,Fine,5,No,No")
}

#[test]
fn a_row_becomes_an_order() {
    let text = format!("{HEADER}\n ord000003 ,CUST1,JioMart,2025-06-01 18:05,30.0,Beverages,\"1,299.50\",,5.0,yes,0\n");
    let order = rows(text).remove(0).unwrap();
    assert_eq!(order.id.as_str(), "ORD000003");
    assert_eq!(order.value, Some(Money::from_minor_units(129_950)));
    assert_eq!((order.delivery_minutes, order.rating), (Some(30), Some(5)));
    assert_eq!((order.delayed, order.refund_requested), (Some(true), Some(false)));
    assert_eq!(order.placed, "2025-06-01 18:05");
    assert_eq!(order.placed_at, Some(datetime(2025, 6, 1, 18, 5, 0, 0)));
    assert_eq!((order.phone, order.date, order.status), (None, None, None));
}

#[test]
fn optional_columns_and_other_orders_of_columns() {
    let text = "delivery status\tREFUND REQUESTED\tdelivery delay\tService Rating\tcustomer feedback\tOrder Value (INR)\t\
        Product Category\tDelivery Time (Minutes)\tOrder Date & Time\tPlatform\tCustomer ID\t Order  ID \tCustomer Phone\tX\n\
        Packed\tNo\tNo\t\t\t12.5\tDairy\t\t18:05\tBlinkit\tCUST9\tORD000009\t+91 11 0123 4567\t1\n";
    let mut reader = reader(text).unwrap();
    let order = reader.read_next().unwrap().unwrap().unwrap();
    assert_eq!(order.status.as_deref(), Some("Packed"));
    assert_eq!(order.phone.as_deref(), Some("+91 11 0123 4567"));
    assert_eq!((order.rating, order.delivery_minutes, order.value), (None, None, Some(Money::from_minor_units(1_250))));
    assert_eq!(reader.summary().unknown_columns, ["X"]);
    assert_eq!(reader.summary().dates_not_readable, 1);
}

#[test]
fn line_numbers_are_those_of_an_editor() {
    let mixed = "ORD2,C,P,,1,Dairy,1,\"two\r\nlines\",5,No,No";
    for end in ["\n", "\r\n"] {
        let lines = [HEADER, &row("ORD1"), "", mixed, &row(""), "", "", ",,,,,,,,,,", &row(""), mixed, &row("")];
        let text = lines.map(|line| line.replace("\r\n", end)).join(end);
        for text in [text.clone(), format!("{text}{end}"), format!("{end}{text}{end}{end}")] {
            let shift = u64::from(text.starts_with(end));
            let found = rows(text);
            let bad: Vec<String> = found.iter().filter_map(|row| row.clone().err()).collect();
            let expected = [6, 10, 13].map(|line| format!("orders.csv:{}: Order ID: the cell is empty", line + shift));
            assert_eq!(bad, expected, "{end:?}");
            assert_eq!(found.len(), 6);
        }
    }
}

#[test]
fn bad_rows_say_what_and_why() {
    let cases = [
        (",C,P,,1,Dairy,1,,5,No,No", "Order ID: the cell is empty"),
        ("O1,C,P,,1,Dairy,,,5,No,No", "Order Value (INR): the cell is empty"),
        ("O1,C,P,,1,Dairy,abc,,5,No,No", "Order Value (INR): “abc” is not an amount"),
        ("O1,C,P,,1,Dairy,-5,,5,No,No", "Order Value (INR): “-5” is negative: an order's amount is what was paid"),
        ("O1,C,P,,1,Dairy,5.9999,,5,No,No", "Order Value (INR): “5.9999” has more decimals than INR has"),
        (
            "O1,C,P,,1,Dairy,5.999,,5,No,No",
            "Order Value (INR): “5.999” can be 5999 or 5.999: write it without a separator of thousands, and with two decimals, or add --decimal comma or --decimal point",
        ),
        ("O1,C,P,,1,Dairy,1,,6,No,No", "Service Rating: “6” is not a whole number of stars from 1 to 5"),
        ("O1,C,P,,1,Dairy,1,,4.5,No,No", "Service Rating: “4.5” is not a whole number of stars from 1 to 5"),
        ("O1,C,P,,-3,Dairy,1,,5,No,No", "Delivery Time (Minutes): “-3” is not a whole number of minutes"),
        ("O1,C,P,,1,Dairy,1,,5,maybe,No", "Delivery Delay: “maybe” is neither Yes nor No"),
        ("O1,C,P,,1,Dairy,1", "the row has 7 cells, the header names 11 columns"),
        ("O1,C,P,,1,Dairy,1,,5,No,No,more", "the row has 12 cells, the header names 11 columns"),
    ];
    for (row, message) in cases {
        assert_eq!(rows(format!("{HEADER}\n{row}\n")), [Err(format!("orders.csv:2: {message}"))], "{row}");
    }
    assert!(rows(format!("{HEADER}\n{},,\n", row("O1"))).remove(0).is_ok(), "empty cells at the end are no harm");
}

#[test]
fn gaps_are_allowed_where_a_fact_is_optional() {
    for nothing in ["", "NaN", "null", "N/A", "-"] {
        let text = format!("{HEADER}\nO1,,,,{nothing},,0,,{nothing},{nothing},{nothing}\n");
        let order = rows(text).remove(0).unwrap();
        assert_eq!(
            (order.rating, order.delivery_minutes, order.delayed, order.refund_requested),
            (None, None, None, None)
        );
    }
}

#[test]
fn a_quote_that_is_never_closed_is_found() {
    let open = "ORD1,C,P,,1,Dairy,1,\"oops,5,No,No";
    let found = rows(format!("{HEADER}\n{}\n{open}\n{}\n", row("ORD0"), row("ORD2")));
    assert_eq!(found.len(), 2);
    assert!(found[1].as_ref().unwrap_err().starts_with("orders.csv:3: a quote is opened"), "{found:?}");

    // In a last column that holds text, what was swallowed would otherwise look like a good cell.
    let found = rows(format!("{HEADER},Delivery Status\n{},\"Packed\n{},Packed\n", row("ORD1"), row("ORD2")));
    assert!(found[0].as_ref().unwrap_err().starts_with("orders.csv:2: a quote is opened"), "{found:?}");
    let found = rows(format!("{HEADER},Delivery Status\n{},\"Packed\n\"", row("ORD1")));
    assert!(found[0].is_ok(), "{found:?}");

    let long = format!("{HEADER}\n{open}\n{}", "x".repeat(5 * 1024 * 1024));
    let failed = reader(long).map(|_| ()).unwrap_err();
    assert!(failed.to_string().starts_with("orders.csv:2: cannot be read on: a row is longer"), "{failed}");
}

#[test]
fn encodings() {
    let text = format!("{HEADER}\nORD1,C,P,,1,Café,1,“très” bien €,5,No,No\n");
    let wide =
        |bytes: fn(u16) -> [u8; 2]| "\u{FEFF}".encode_utf16().chain(text.encode_utf16()).flat_map(bytes).collect();
    let cases: [(Vec<u8>, &str); 5] = [
        (text.clone().into_bytes(), "UTF-8"),
        (format!("\u{FEFF}{text}").into_bytes(), "UTF-8 with BOM"),
        (wide(u16::to_le_bytes), "UTF-16LE"),
        (wide(u16::to_be_bytes), "UTF-16BE"),
        (encoding_rs::WINDOWS_1252.encode(&text).0.into_owned(), "Windows-1252 (1 row is not UTF-8)"),
    ];
    for (bytes, encoding) in cases {
        let mut reader = reader(bytes).unwrap();
        let order = reader.read_next().unwrap().unwrap().unwrap();
        assert_eq!((order.category.as_str(), order.feedback.as_str()), ("Café", "“très” bien €"), "{encoding}");
        assert_eq!(reader.summary().encoding, encoding);
        assert!(reader.read_next().unwrap().is_none());
    }
}

#[test]
fn headers_that_do_not_fit() {
    let error = reader("Ref,Amount\nA-1,5\nA-2,6\n").unwrap_err();
    assert_eq!(error.to_string(), "orders.csv: no column is certainly “Order ID”; the header holds “Ref”, “Amount”");
    assert_eq!(error.hint().unwrap(), "if “Ref” is what customers write, add --map \"Ref=Order ID\"");
    let error = reader(HEADER.replace("Platform", "order id")).unwrap_err();
    assert_eq!(error.to_string(), "orders.csv: the header names column “Order ID” more than once");
    for blank in ["", "\n\r\n ,,\n"] {
        assert!(matches!(reader(blank), Err(ImportError::Empty { .. })), "{blank:?}");
    }
    assert!(matches!(reader("PK\u{3}\u{4}\0\0"), Err(ImportError::Workbook { .. })));
    assert!(matches!(reader("%PDF-1.7\0\0"), Err(ImportError::NoTable { what: "a PDF", .. })));
    assert!(matches!(reader("{\"json\": 1}"), Err(ImportError::NoId { .. })));
}

#[test]
fn only_an_id_is_compulsory() {
    let order = rows("order_id,Order value\nA-1,5\nA-2,\n");
    assert_eq!(order[0].as_ref().unwrap().value, Some(Money::from_rupees(5)));
    assert_eq!(order[1].as_ref().unwrap().value, None, "what a file does not know is not known");
    assert_eq!(rows("Bestellnummer\nA-1\n").len(), 1);
    let without = format!("{}\n", HEADER.replace(",Service Rating", ""));
    assert!(rows(format!("{without}O1,C,P,,1,Dairy,5,,No,No\n")).remove(0).is_ok());
}

#[tokio::test]
async fn an_import_is_whole_or_nothing() {
    let store = SqliteStore::scratch().unwrap();
    let file = |rows: &[String]| vec![reader(format!("{HEADER}\n{}\n", rows.join("\n"))).unwrap()];
    let run = async |rows: &[String], options: ImportOptions| {
        let mut heard = Vec::new();
        let outcome = import(&store, file(rows), options, |row| heard.push(row.to_string())).await;
        (outcome, heard)
    };
    let good: Vec<String> = (1..=4_500).map(|number| row(&format!("ORD{number:06}"))).collect();
    let options = ImportOptions::default();

    let (summary, _) = run(&good, ImportOptions { dry_run: true, ..options }).await;
    assert_eq!((summary.unwrap().added, store.count_orders().await.unwrap()), (4_500, 0));

    let mut mixed = good.clone();
    mixed.insert(4_000, row(""));
    mixed.push(row("ORD000001").replace("Dairy", "Snacks"));
    let (strict, heard) = run(&mixed, ImportOptions { strict: true, ..options }).await;
    assert!(matches!(strict, Err(ImportError::BadRow(ref row)) if row.line == 4_002), "{strict:?}");
    assert_eq!((heard.len(), store.count_orders().await.unwrap()), (0, 0));

    let (summary, heard) = run(&mixed, options).await;
    let summary = summary.unwrap();
    assert_eq!(heard, ["orders.csv:4002: Order ID: the cell is empty"]);
    assert_eq!((summary.rows, summary.added, summary.repeated, summary.bad_rows), (4_502, 4_500, 1, 1));
    assert_eq!(summary.dates_not_readable, 4_501);
    let first = store.order(&crate::domain::ids::OrderId::new("ORD000001")).await.unwrap().unwrap();
    assert_eq!(first.category, "Snacks", "the later row wins");

    let replace = ImportOptions { mode: ImportMode::Replace, ..options };
    assert!(matches!(run(&[], replace).await.0, Err(ImportError::NothingToReplaceWith { .. })));
    assert!(matches!(run(&[row("")], replace).await.0, Err(ImportError::AllBad { .. })));
    assert_eq!(store.count_orders().await.unwrap(), 4_500);
    assert_eq!(run(&[], options).await.0.unwrap().rows, 0);
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400), headed in any::<bool>()) {
        let mut source = if headed { format!("{HEADER},Order Date\n").into_bytes() } else { Vec::new() };
        source.extend(bytes);
        if let Ok(mut reader) = reader(source) {
            while let Ok(Some(_)) = reader.read_next() {}
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in "([A-Z0-9,;:\"'\\n\\r.₹ é-]|,|\\PC){0,300}") {
        let mut reader = reader(format!("{HEADER}\n{text}")).unwrap();
        let lines = text.lines().count() as u64 + 1;
        while let Ok(Some(row)) = reader.read_next() {
            if let Err(error) = row {
                prop_assert!((2..=lines.max(2)).contains(&error.line), "{error} of {lines}");
            }
        }
    }

    #[test]
    fn every_text_comes_back(feedback in "\\PC{0,60}", category in "[ -~\\n]{0,30}") {
        let quoted = |cell: &str| format!("\"{}\"", cell.replace('"', "\"\""));
        let text = format!("{HEADER}\nO1,C,P,,,{},1,{},,,\n", quoted(&category), quoted(&feedback));
        let order = rows(text.into_bytes()).remove(0).unwrap();
        prop_assert_eq!((order.feedback.as_str(), order.category.as_str()), (feedback.trim(), category.trim()));
    }
}
