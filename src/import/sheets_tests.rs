//! Workbooks with more than one sheet of orders, and what number formats show. All of it is made up here.

use super::formats_tests::{read, xlsx, zip};

#[test]
fn sheets_with_the_same_header_are_one_table() {
    let head: &[&str] = &["Order ID", "Date", "Total"];
    let book = xlsx(&[
        ("Oct", &[&["Sales"], head, &["O-1001", "2026-10-20", "n:100"]]),
        ("Read me", &[&["made by Asha"]]),
        ("Nov", &[head, &["O-1002", "2026-11-20", "n:100"], &["", "", "n:7"]]),
        ("Returns", &[&["Order ID", "Reason", "Status"], &["O-1002", "broken", "x"]]),
    ]);
    let (orders, errors, summary) = read(&book);
    let ids: Vec<_> = orders.iter().map(|order| order.id.as_str()).collect();
    assert_eq!(ids, ["O-1001", "O-1002"]);
    assert_eq!(errors, ["a.csv: sheet “Nov” row 3: Order ID: the cell is empty"]);
    assert_eq!(
        (summary.format.as_str(), summary.sheets_not_read.as_slice()),
        ("XLSX, sheets “Oct”, “Nov” of 4", &["Returns".to_owned()][..])
    );
}

#[test]
fn cells_are_read_as_their_number_formats_show_them() {
    let book = xlsx(&[(
        "Orders",
        &[
            &["Order ID", "Total", "Shipping"],
            &["inv:43", "n:100", "n:5"],
            &["inv:44", "euro:100", "n:5"],
            &["inv:45", "sum:B2:B3", "e:#REF!"],
            &["", "sum:B2:B4"],
        ],
    )]);
    let (orders, errors, summary) = read(&book);
    let ids: Vec<_> = orders.iter().map(|order| (order.id.as_str(), order.value.is_some())).collect();
    assert_eq!(ids, [("INV-0045", false)], "the sum below has no value, and is no row");
    assert!(errors[0].contains("row 2: Total: “100” names no currency"), "{errors:?}");
    assert!(
        errors[1].contains("row 3: Total: “€ 100” is not in INR") && errors[1].contains("[shop] currency"),
        "{errors:?}"
    );
    assert_eq!(errors.len(), 2, "{errors:?}");
    let notes: Vec<_> = summary.notes.iter().map(ToString::to_string).collect();
    assert!(notes[1].contains("row 4: Total: the formula has no value in the file"), "{notes:?}");
    assert!(notes[0].contains("row 4: Shipping: “#REF!” is an error of a formula: left out"), "{notes:?}");
    assert_eq!(summary.values_left_out, 2);
}

#[test]
fn the_currency_of_a_cell_of_an_ods_file_is_its_own() {
    let spaces = "xmlns:office=\"urn:oasis:names:tc:opendocument:xmlns:office:1.0\" xmlns:table=\"urn:oasis:names:tc:opendocument:xmlns:table:1.0\" xmlns:text=\"urn:oasis:names:tc:opendocument:xmlns:text:1.0\"";
    let text = |text: &str| {
        format!("<table:table-cell office:value-type=\"string\"><text:p>{text}</text:p></table:table-cell>")
    };
    let amount = |amount: &str, currency: &str| {
        format!(
            "<table:table-cell office:value-type=\"currency\" office:currency=\"{currency}\" office:value=\"{amount}\"><text:p>{amount}</text:p></table:table-cell>"
        )
    };
    let rows = [
        format!(
            "<table:table-row table:number-rows-repeated=\"2\"/><table:table-row>{}{}</table:table-row>",
            text("Order ID"),
            text("Total")
        ),
        format!("<table:table-row>{}{}</table:table-row>", text("A-1"), amount("1299.5", "INR")),
        format!("<table:table-row>{}{}</table:table-row>", text("A-2"), amount("20", "EUR")),
    ];
    let content = format!(
        "<office:document-content {spaces}><office:body><office:spreadsheet><table:table table:name=\"Orders\">{}</table:table></office:spreadsheet></office:body></office:document-content>",
        rows.concat()
    );
    let (orders, errors, _) = read(zip(&[
        ("mimetype", "application/vnd.oasis.opendocument.spreadsheet"),
        ("content.xml", &content),
        (
            "META-INF/manifest.xml",
            "<manifest:manifest xmlns:manifest=\"urn:oasis:names:tc:opendocument:xmlns:manifest:1.0\"/>",
        ),
    ]));
    assert_eq!(orders.len(), 1, "{errors:?}");
    assert_eq!(orders[0].value.unwrap().minor_units(), 129_950);
    assert!(errors[0].contains("“EUR 20” is not in INR"), "{errors:?}");
}
