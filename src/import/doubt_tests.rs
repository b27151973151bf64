//! What a file leaves open is asked about, or left out by row: other people's orders, totals that may be those of items, currencies, dates
//! that a spreadsheet changed. All of it is made up here.

use std::io::Cursor;

use super::formats_tests::{read, xlsx};
use super::*;
use crate::domain::ids::OrderId;
use crate::domain::money::Money;
use crate::domain::order::PaymentState;
use crate::store::Orders as _;
use crate::store::sqlite::SqliteStore;

fn refusal(text: &str) -> ImportError {
    OrderReader::new("a.csv", Cursor::new(text.as_bytes().to_vec())).expect_err(text)
}

/// The ids and totals in whole units.
fn totals(orders: &[Order]) -> Vec<(&str, Option<i64>)> {
    orders.iter().map(|order| (order.id.as_str(), order.value.map(|value| value.minor_units() / 100))).collect()
}

#[test]
fn rows_of_two_customers_are_no_order() {
    let head = "Order ID,Order Date,Customer ID,Name,Phone,Product,Qty,Price";
    for (other, what) in [
        ("1001,2026-11-20,,Asha,9876543210,Bowl,1,599", "dates"),
        ("1001,2025-11-20,,Asha,9876543211,Bowl,1,599", "telephone numbers"),
        ("1001,2025-11-20,C2,Asha,9876543210,Bowl,1,599", "customers"),
        ("1001,2025-11-20,,Bina,,Bowl,1,599", "customers"),
    ] {
        let first = if what == "customers" && !other.contains("C2") {
            "1001,2025-11-20,C1,Asha,,Mug,1,599"
        } else {
            "1001,2025-11-20,C1,Asha,9876543210,Mug,1,599"
        };
        for between in ["", "1002,2025-11-21,C3,Cara,9876543215,Mug,1,250\n"] {
            let (orders, errors, _) = read(format!("{head}\n{first}\n{between}{other}\n"));
            assert!(!orders.iter().any(|order| order.id.as_str() == "1001"), "{other}: {orders:?}");
            assert!(errors.len() == 1 && errors[0].contains(&format!("different {what}")), "{errors:?}");
        }
    }
    // One number is written in two ways, and a name in two.
    let (orders, errors, _) = read(format!(
        "{head}\n1001,2025-11-20,C1,Asha,9876543210,Mug,1,599\n1001,2025-11-20,,Asha K,+91 98765 43210,Bowl,1,599\n"
    ));
    assert_eq!((orders.len(), errors.len()), (1, 0), "{errors:?}");
}

#[test]
fn one_id_in_rows_that_are_whole_orders() {
    let head = "Order ID,Order Date,Phone,Status,Total,Updated At";
    let (first, last) = ("1001,2025-11-20,9876543210,Packed,599,", "1001,2025-11-20,9876543210,Shipped,599,");
    let between = "1001,2025-11-20,9876543210,Sent,599,\n1002,2025-11-20,9876543211,Sent,599,\n";
    let (orders, errors, _) = read(format!("{head}\n{first}\n{between}{last}\n"));
    let status: Vec<_> = orders.iter().map(|order| (order.id.as_str(), order.status.as_deref().unwrap())).collect();
    assert_eq!(status, [("1002", "Sent"), ("1001", "Packed"), ("1001", "Shipped")], "{errors:?}");
    for other in [
        "1001,2026-11-20,9876543210,Sent,599,",
        "1001,2025-11-20,9876543211,Sent,599,",
        "1001,2025-11-20,9876543210,Sent,899,",
    ] {
        let (orders, errors, _) = read(format!("{head}\n{first}\n{other}\n"));
        assert_eq!((orders.len(), errors.len()), (0, 1), "{errors:?}");
    }
    // The shop changed the order: the newer total counts.
    let (orders, errors, _) =
        read(format!("{head}\n{first}2025-11-20 10:00\n1001,2025-11-20,9876543210,Sent,899,2025-11-21 10:00\n"));
    assert_eq!(totals(&orders), [("1001", Some(599)), ("1001", Some(899))], "{errors:?}");
}

#[test]
fn the_total_of_an_item_is_not_that_of_its_order() {
    let rows = |column: &str, other: &str| {
        read(format!(
            "Order ID,Date,Phone,Product,{column}\n1001,2026-11-20,9876543210,Mug,250\n1001,2026-11-20,9876543210,Bowl,250\n\
             1002,2026-11-21,9876543211,Mug,125\n{other}"
        ))
    };
    let (orders, errors, _) = rows("Total", "");
    assert_eq!((totals(&orders), errors.len()), (vec![("1001", Some(250)), ("1002", Some(125))], 0), "{errors:?}");
    // Another order shows what the column is.
    let (orders, errors, _) =
        rows("Total", "1003,2026-11-21,9876543212,Mug,125\n1003,2026-11-21,9876543212,Bowl,500\n");
    assert_eq!((totals(&orders), errors.len()), (vec![("1002", Some(125))], 2), "{errors:?}");
    assert!(errors.iter().all(|error| error.contains("--map \"Total=Item Total\"")), "{errors:?}");
    // A name that can mean either.
    let (orders, errors, _) = rows("Amount", "");
    assert_eq!((totals(&orders), errors.len()), (vec![("1002", Some(125))], 1), "{errors:?}");
    assert!(errors[0].contains("--map \"Amount=Order Value (INR)\""), "{errors:?}");
}

#[test]
fn columns_that_can_each_be_the_total() {
    for (one, other) in [("Order Value", "Order Total"), ("Order Amount", "Total Amount"), ("Total EUR", "Total (INR)")]
    {
        let error = refusal(&format!("Order ID,{one},{other}\n1001,500,590\n1002,600,708\n"));
        assert!(matches!(error, ImportError::SeveralTotals { .. }), "{error}");
        assert!(error.to_string().contains("500 and 590") || error.to_string().contains("590 and 500"), "{error}");
        assert!(error.hint().unwrap().contains("=Order Value (INR)\""), "{error}");
        let (orders, _, _) = read(
            format!("Order ID,{one},{other},Currency\n1001,500,500.00,\n")
                .replace(" EUR", "")
                .replace(" (INR)", " Amount"),
        );
        assert_eq!(totals(&orders), [("1001", Some(500))], "they say the same");
    }
    let error = refusal("Order ID,Phone,Total,Total\n1001,9876543210,599,699\n");
    assert!(matches!(error, ImportError::DuplicateColumn { .. }), "{error}");
    // What is without taxes, paid in advance, or may be of an item is not the order's total beside one that is.
    for other in ["Order Total (ex tax)", "Order Amount (net)", "Amount", "Amount Paid", "Total excl. VAT"] {
        for header in [format!("{other},Order Total (inc tax)"), format!("Order Total (inc tax),{other}")] {
            let cells = if header.starts_with("Order Total (inc") { "590,500" } else { "500,590" };
            let (orders, _, _) = read(format!("Order ID,{header}\n1001,{cells}\n"));
            assert_eq!(totals(&orders), [("1001", Some(590))], "{header}");
        }
    }
}

#[test]
fn a_header_names_the_unit_of_its_amounts() {
    for (name, code) in [
        ("Total (€)", Some("EUR")),
        ("Total EUR", Some("EUR")),
        ("Total in EUR", Some("EUR")),
        ("Total (usd)", Some("USD")),
        ("Total [USD]", Some("USD")),
        ("Total (Rs.)", None),
        ("Total (₹)", None),
        ("Total (incl. GST)", None),
        ("Total (all)", None),
    ] {
        let (orders, errors, _) = read(format!("Order ID,{name}\n1001,59.90\n"));
        let currency = orders[0].details.currency.map(|currency| currency.code().to_owned());
        assert_eq!(
            (currency.as_deref(), orders[0].value),
            (code, Some(Money::from_minor_units(5_990))),
            "{name} {errors:?}"
        );
    }
    for name in ["Total ($)", "Total (in '000)", "Total (paise)", "Total (₹ in lakh)"] {
        let error = refusal(&format!("Order ID,{name}\n1001,59.90\n"));
        assert!(matches!(error, ImportError::Unit { .. }) && error.hint().is_some(), "{name}: {error}");
    }
}

#[test]
fn a_row_whose_currency_is_open_is_left_out() {
    let (orders, errors, _) = read("Order ID,Total,Currency\n1001,599,INR\n1002,5.99,USD\n1003,5.99,\n1004,,\n");
    assert_eq!(totals(&orders), [("1001", Some(599)), ("1002", Some(5)), ("1004", None)]);
    assert!(errors.len() == 1 && errors[0].contains("other rows name a currency"), "{errors:?}");
    let (orders, errors, _) = read("Order ID,Total,Currency\n1001,599,INR\n1003,5.99,\n");
    assert_eq!((orders.len(), errors.len()), (2, 0), "all of it is the shop's");
    let (orders, errors, _) = read("Order ID,Total (INR),Currency\n1001,599,INR\n1002,599,EUR\n");
    assert_eq!((totals(&orders), errors.len()), (vec![("1001", Some(599))], 1), "{errors:?}");
}

#[test]
fn dates_that_a_spreadsheet_exchanged() {
    let rows = |cells: [&str; 3]| {
        let [one, two, three] = cells;
        let rows: &[&[&str]] = &[&["Order ID", "Date"], &["1001", one], &["1002", two], &["1003", three]];
        let book = xlsx(&[("Orders", rows)]);
        OrderReader::new("a.xlsx", Cursor::new(book)).map(drop)
    };
    // 46034 is 12 January 2026, 46056 is 3 February, 46073 is 20 February.
    let error = rows(["d:46034", "13/11/2026", "d:46056"]).unwrap_err();
    assert!(
        matches!(&error, ImportError::SwappedDates { text, date, .. } if text == "13/11/2026" && date.starts_with("2026-01-12")),
        "{error}"
    );
    assert!(error.hint().unwrap().contains("--map \"Date=ignore\""));
    rows(["d:46034", "13/11/2026", "d:46073"]).unwrap();
    rows(["d:46034", "d:46056", "d:46073"]).unwrap();
    rows(["2026-01-12", "13/11/2026", "05/11/2026"]).unwrap();
}

#[test]
fn the_date_of_the_order_goes_before_others() {
    for other in ["Date", "Timestamp", "Created On"] {
        let (orders, _, _) = read(format!("{other},Order ID,Order Date\n2026-11-30 10:00,1001,2026-10-01\n"));
        assert_eq!(orders[0].placed_at.unwrap().date(), jiff::civil::date(2026, 10, 1), "{other}");
    }
}

#[test]
fn a_column_that_may_count_pieces_is_pointed_out() {
    let (orders, _, summary) = read("Order ID,Product,Cnt,Price\n1001,Mug,3,125\n1002,Bowl,1,300\n");
    assert_eq!((orders.len(), summary.suggestions[0].column.as_str()), (2, "Cnt"));
    assert_eq!(summary.suggestions[0].field, "Item Quantity");
    let (orders, ..) = read("Order ID,Product,Nos,Price\n1001,Mug,3,125\n");
    assert_eq!(orders[0].details.lines[0].quantity, 3);
}

#[test]
fn sheets_of_other_purposes_change_no_order() {
    let head: &[&str] = &["Order ID", "Date", "Total"];
    let (old, new): (&[&str], &[&str]) = (&["O-1001", "2025-10-20", "n:1"], &["O-1001", "2026-10-20", "n:100"]);
    let (orders, _, summary) = read(xlsx(&[("Orders", &[head, new]), ("Old\" state=\"hidden", &[head, old])]));
    assert_eq!((totals(&orders), summary.sheets_hidden), (vec![("O-1001", Some(100))], vec!["Old".to_owned()]));
    let (orders, ..) = read(xlsx(&[("Old\" state=\"hidden", &[head, old])]));
    assert_eq!(totals(&orders), [("O-1001", Some(1))], "all there is");
    for (head, rows) in
        [(head, [new, new]), (&["Order ID", "Product", "Total"][..], [&["O-1001", "Mug", "n:1"][..]; 2])]
    {
        let (orders, errors, _) = read(xlsx(&[("Orders", &[head, rows[0]]), ("Returns", &[head, rows[1]])]));
        assert_eq!((orders.len(), errors.len()), (0, 1), "{errors:?}");
        assert!(errors[0].contains("sheet “Returns” row 2: order O-1001 is on sheet “Orders” as well"), "{errors:?}");
    }
}

async fn imported(store: &SqliteStore, text: &str) -> ImportSummary {
    let reader = OrderReader::new("a.csv", Cursor::new(text.as_bytes().to_vec())).unwrap();
    import(store, vec![reader], ImportOptions::default(), |_| {}).await.unwrap()
}

#[tokio::test]
async fn what_a_file_does_not_say_stays() {
    let store = SqliteStore::scratch().unwrap();
    imported(
        &store,
        "Order ID,Order Date,Name,Phone,Total,Status,Payment Status,Product\n1001,2026-11-28,Asha,9876543210,599,Delivered,Refunded,Mug\n",
    )
    .await;
    let order = async || store.order(&OrderId::new("1001")).await.unwrap().unwrap();
    let before = order().await;
    imported(&store, "Order ID,Courier,AWB Number,Status\n1001,Delhivery,DL123,Shipped\n").await;
    let mut expected = before.clone();
    (expected.details.carrier, expected.details.tracking_number) = (Some("Delhivery".into()), Some("DL123".into()));
    expected.status = Some("Shipped".into());
    let mut after = order().await;
    (after.details.state, expected.details.state) = (None, None);
    assert_eq!(after, expected);
    // A column that is there and empty is empty.
    imported(&store, "Order ID,Courier,Total,Payment Status\n1001,,899,Paid\n").await;
    let after = order().await;
    assert_eq!((after.details.carrier, after.details.tracking_number.as_deref()), (None, Some("DL123")));
    assert_eq!((after.value, after.details.payment_state), (Some(Money::from_rupees(899)), Some(PaymentState::Paid)));
    assert_eq!(after.details.lines, before.details.lines);
}

#[tokio::test]
async fn an_order_under_another_id_is_pointed_out() {
    let store = SqliteStore::scratch().unwrap();
    let rows = "Order ID,Phone,Total\n#1001,9876543210,599\n1002,9876543211,599\n";
    assert_eq!(imported(&store, rows).await.twins, 0);
    assert_eq!(imported(&store, rows).await.twins, 0, "they are known");
    let summary = imported(&store, "Order ID,Phone,Total\n1001,9876543210,599\n1003,9876543211,599\n").await;
    assert_eq!((summary.twins, summary.first_twins), (1, vec![("1001".to_owned(), "#1001".to_owned())]));
}
