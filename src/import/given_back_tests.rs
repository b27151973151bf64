//! Whatever a file says of money given back, its order is never plainly paid.

use super::formats_tests::read;
use crate::domain::money::Money;
use crate::domain::order::{OrderState, PaymentState};

fn payments(text: &str) -> Vec<(String, Option<PaymentState>)> {
    read(text).0.into_iter().map(|order| (order.id.as_str().to_owned(), order.details.payment_state)).collect()
}

#[test]
fn a_column_about_refunds_is_heeded_whatever_it_is_called() {
    use PaymentState::{Paid, PartiallyRefunded, Refunded, Unknown};
    for (column, cell, expected) in [
        ("Total Refunded", "599", Refunded),
        ("Total Refunds", "100.00", PartiallyRefunded),
        ("Refund Amount", "(599.00)", Refunded),
        ("Refund Amount", "-5", PartiallyRefunded),
        ("Refund Amount", "0.00", Paid),
        ("Refund Amount", "full", Unknown),
        ("Refund Amount", "100%", Unknown),
        ("Refund Status", "Refunded", Refunded),
        ("Refund Status", "not refunded", Paid),
        ("Refunded", "Yes", Unknown),
        ("Refunded", "No", Paid),
        ("Refund", "599", Refunded),
        ("Refund Date", "2025-11-30", Unknown),
        ("Return Status", "Returned and refunded", Unknown),
        ("Return Status", "N/A", Paid),
        ("Erstattungsstatus", "Erstattet", Refunded),
        ("Financial Status", "Refunded", Unknown),
        ("Financial Status", "paid", Paid),
        ("Order Status", "Refunded", Unknown),
        ("Order Status", "Shipped", Paid),
    ] {
        let file = format!(
            "Order ID,Total,Delivery Status,Payment Status,{column}\n1001,599,Delivered,Paid,{cell}\n1002,599,Delivered,Paid,\n"
        );
        assert_eq!(
            payments(&file),
            [("1001".to_owned(), Some(expected)), ("1002".to_owned(), Some(Paid))],
            "{column}: {cell}"
        );
    }
}

#[test]
fn a_column_that_may_be_about_refunds_is_pointed_out() {
    let notes = |columns: &str| {
        let (_, _, summary) = read(format!("Order ID,Total,{columns}\n1001,599,a,b\n"));
        summary.notes.into_iter().filter_map(|note| note.column).collect::<Vec<_>>()
    };
    assert_eq!(notes("Refund Remarks,Refund Policy"), ["Refund Remarks"]);
    assert_eq!(notes("Return Reason,Return Address"), ["Return Reason"]);
    assert_eq!(notes("Gift Note,Remarks"), [""; 0]);
}

#[test]
fn a_row_about_money_given_back_is_no_order_and_its_order_is_in_doubt() {
    use PaymentState::{Paid, Unknown};
    let expected = [("1001".to_owned(), Some(Unknown)), ("1002".to_owned(), Some(Paid))];
    for rows in [
        "1001,Order,2025-11-20,599,Paid\n1001,Refund,2025-11-25,-599,Paid\n1002,Order,2025-11-21,699,Paid\n",
        "1001,Refund,2025-11-25,-599,Paid\n1001,Order,2025-11-20,599,Paid\n1002,Order,2025-11-21,699,Paid\n",
        "1001,Order,2025-11-20,599,Paid\n1001,Refund,2025-11-25,599,Paid\n1002,Order,2025-11-21,699,Paid\n",
        "1001,,2025-11-20,599,Paid\n1002,,2025-11-21,699,Paid\n1001,,2025-11-25,(599.00),Paid\n",
    ] {
        let file = format!("Order ID,Type,Order Date,Total,Payment Status\n{rows}");
        let (orders, errors, _) = read(&file);
        assert_eq!(errors.len(), 1, "{errors:?}");
        assert_eq!(payments(&file), expected, "{rows}");
        assert_eq!(orders[0].value, Some(Money::from_rupees(599)));
        assert_eq!(orders[0].placed_at.map(jiff::civil::DateTime::day), Some(20), "the order's own date");
    }
    let parent = "Order ID,Type,Parent Order ID,Total,Payment Status\n1001,shop_order,0,599,Paid\n\
                  1002,shop_order_refund,1001,-599,\n1003,shop_order,0,5,Paid\n";
    assert_eq!(payments(parent), [("1001".to_owned(), Some(Unknown)), ("1003".to_owned(), Some(Paid))]);
    let lines = "Order ID,Item Name,Total,Payment Status\n#1001,Tea,599,Paid\n1001,Tea,-599,\n1002,Mug,5,Paid\n";
    assert_eq!(payments(lines), [("#1001".to_owned(), Some(Unknown)), ("1002".to_owned(), Some(Paid))]);
}

#[test]
fn a_word_that_is_not_known_is_told_once_and_no_date_of_delivery_speaks_over_it() {
    let (orders, _, summary) = read(
        "Order ID,Total,Status,Delivered At\n1001,5,Settled by hub,2025-11-20\n1002,5,Settled by hub,\n1003,5,,2025-11-20\n1004,5,Shipped,\n",
    );
    let states: Vec<_> = orders.iter().map(|order| order.details.state).collect();
    assert_eq!(states, [None, None, Some(OrderState::Delivered), Some(OrderState::OutForDelivery)]);
    assert_eq!(summary.notes.len(), 1);
    assert!(summary.notes[0].reason.contains("is no status that is known here"));
}

#[test]
fn of_several_columns_the_one_that_says_that_it_is_over_counts() {
    let (orders, _, _) = read(
        "Order ID,Total,Delivery Status,Order Status\n1001,5,Shipped,Cancelled\n1002,5,Shipped,Processing\n1003,5,Delivered,Maharashtra\n",
    );
    let told: Vec<_> = orders.iter().map(|order| (order.details.state, order.status.as_deref())).collect();
    assert_eq!(
        told,
        [
            (Some(OrderState::Cancelled), Some("Cancelled")),
            (Some(OrderState::OutForDelivery), Some("Shipped")),
            (Some(OrderState::Delivered), Some("Delivered")),
        ]
    );
}

#[test]
fn an_order_of_the_future_has_no_date() {
    let year = jiff::Zoned::now().year();
    let soon = year + 1;
    let (orders, _, summary) =
        read(format!("Order ID,Order Date,Total\n1001,{soon}-06-20,5\n1002,{}-11-20,5\n", year - 1));
    let dated: Vec<_> = orders.iter().map(|order| order.placed_at.is_some()).collect();
    // In December the next June is within a year, and was taken for a day on which it can have been placed.
    assert_eq!((dated, summary.dates_not_readable), (vec![false, true], 1));
    assert_eq!(orders[0].date.as_deref(), Some(format!("{soon}-06-20").as_str()));
}

#[test]
fn sums_are_no_orders_wherever_their_word_stands() {
    let (orders, _, summary) =
        read("Sr No,Order ID,Order Date,Total\n1,1001,2025-11-20,599\n2,1002,2025-11-21,299\nTotal,2,,898\n");
    assert_eq!((orders.len(), summary.sums_left_out), (2, 1));
    let (orders, _, summary) = read(
        "Order ID,Order Date,Total\n1001,2025-11-20,599\nSUBTOTAL,,599\nDECEMBER,,\n1002,2025-12-01,5\nTOTAL,,604\nGrand Total,,604\n",
    );
    assert_eq!((orders.len(), summary.sums_left_out), (2, 4));
}

#[test]
fn of_a_json_order_what_is_left_counts() {
    let file = r##"[{"id": 1, "name": "#1001", "order_number": 1001, "financial_status": "partially_refunded", "total_price": "599.00",
        "current_total_price": "250.00", "line_items": [{"name": "Tea", "quantity": 2, "current_quantity": 1, "price": "250.00"},
        {"name": "Mug", "quantity": 1, "current_quantity": 0, "price": "99.00"}]}]"##;
    let (orders, _, _) = read(file);
    assert_eq!(orders[0].value, Some(Money::from_rupees(250)));
    let lines: Vec<_> = orders[0].details.lines.iter().map(|line| (line.name.as_str(), line.quantity)).collect();
    assert_eq!(lines, [("Tea", 1)]);
}
