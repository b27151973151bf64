//! Everything of an order comes back, orders are found by what customers know of them, and an order that is sent again
//! replaces only what is older.

use super::*;
use crate::domain::currency::Currency;
use crate::domain::order::{OrderDetails, OrderLine, OrderState, PaymentState, UpsertOutcome};
use crate::domain::phone::Country;

fn india() -> Country {
    Country::parse("IN").unwrap()
}

/// An order with everything that an order can have.
fn whole(number: u32) -> Order {
    let details = OrderDetails {
        display_id: Some(format!("#{}", 1_000 + number)),
        shop_id: Some(format!("{}", 6_000 + number)),
        customer_name: Some("Asha “A.” Rao".to_owned()),
        email: Some("asha@example.com".to_owned()),
        other_phones: vec!["+91 98450 00001".to_owned(), "080 2345 6789".to_owned()],
        state: Some(OrderState::OutForDelivery),
        lines: vec![
            OrderLine {
                sku: Some("0012".to_owned()),
                name: "दूध 1 l".to_owned(),
                quantity: 2,
                price: Some(Money::from_minor_units(6_450)),
            },
            OrderLine { sku: None, name: "Eggs, 12".to_owned(), quantity: 1, price: None },
        ],
        shipping: Some(Money::from_rupees(40)),
        tax: Some(Money::from_minor_units(1_299)),
        discount: Some(Money::ZERO),
        currency: Currency::new("USD"),
        payment_method: Some("UPI".to_owned()),
        payment_state: Some(PaymentState::PartiallyRefunded),
        payment_id: Some("pay_29QQoUBi66xm2f".to_owned()),
        address: Some("12, MG Road\nBengaluru".to_owned()),
        postal_code: Some("560001".to_owned()),
        carrier: Some("Delhivery".to_owned()),
        tracking_number: Some("00123".to_owned()),
        tracking_url: Some("https://track.example/00123".to_owned()),
        invoice_url: Some("https://shop.example/invoices/00123.pdf".to_owned()),
        delivered_at: Some(jiff::civil::datetime(2025, 6, 2, 9, 30, 0, 0)),
        updated_at: Some(at(0)),
    };
    Order { value: None, phone: Some("098450 12345".to_owned()), details, ..order(number) }
}

pub(in crate::store) async fn every_detail_of_an_order_comes_back(fresh: TestStore) {
    let nameless = Order { value: Some(Money::from_minor_units(101)), ..Order::new(id(3)) };
    import(&fresh.store, ImportMode::Upsert, vec![whole(1), nameless.clone()]).await;
    assert_eq!(fresh.store.upsert_order(&whole(2)).await.unwrap(), UpsertOutcome::Added);
    for store in [fresh.store.clone(), (fresh.again)()] {
        assert_eq!(store.order(&id(1)).await.unwrap(), Some(whole(1)));
        assert_eq!(store.order(&id(2)).await.unwrap(), Some(whole(2)));
        assert_eq!(store.order(&id(3)).await.unwrap(), Some(nameless.clone()));
    }
    // What a later file no longer has is gone; the numbers stay, and so does the time of the last change.
    for mode in [ImportMode::Upsert, ImportMode::Append] {
        import(&fresh.store, mode, vec![order(1)]).await;
        let mut kept = order(1);
        kept.phone = whole(1).phone;
        kept.details.other_phones = whole(1).details.other_phones;
        kept.details.updated_at = whole(1).details.updated_at;
        assert_eq!(fresh.store.order(&id(1)).await.unwrap(), Some(kept), "{mode:?}");
    }
}

pub(in crate::store) async fn orders_are_found_by_every_name(fresh: TestStore) {
    let store = &fresh.store;
    let shown = |number, shown: &str| {
        let mut order = order(number);
        order.details.display_id = Some(shown.to_owned());
        order
    };
    let marked = Order { id: OrderId::new("#77"), ..order(4) };
    import(store, ImportMode::Upsert, vec![order(1), shown(2, "#1001-a"), shown(3, "1001-A"), marked]).await;
    store.upsert_order(&shown(5, "wc 12")).await.unwrap();
    let named = async |name: &str| store.orders_named(name).await.unwrap();
    assert_eq!(named("ord000001").await, [id(1)]);
    assert_eq!(named(" #ORD000001 ").await, [id(1)]);
    assert_eq!(named("#1001-A").await, [id(2), id(3)], "two orders of one name");
    assert_eq!(named("1001-a").await, [id(2), id(3)]);
    assert_eq!(named("77").await, [OrderId::new("#77")]);
    assert_eq!(named("#77").await, [OrderId::new("#77")]);
    assert_eq!(named("WC 12").await, [id(5)]);
    for nobody in ["", "#", "1001", "ORD00000", "%", "wc"] {
        assert!(named(nobody).await.is_empty(), "{nobody}");
    }
    // An order that is named anew is no longer found by its former name.
    store.upsert_order(&shown(5, "wc 13")).await.unwrap();
    assert!(named("wc 12").await.is_empty() && named("#WC 13").await == [id(5)]);
    for number in 10..30 {
        store.upsert_order(&shown(number, "same")).await.unwrap();
    }
    assert_eq!(named("same").await.len(), NAMED_ALIKE as usize);
}

pub(in crate::store) async fn orders_under_another_id_are_found(fresh: TestStore) {
    let store = &fresh.store;
    let of = |id: &str, phone: &str| {
        let mut order = Order { id: OrderId::new(id), customer_id: String::new(), ..order(1) };
        order.phone = Some(phone.to_owned()).filter(|phone| !phone.is_empty());
        order
    };
    let mut shown = of("4500000001", "");
    (shown.details.display_id, shown.details.shop_id) = (Some("#2001".to_owned()), Some("88001".to_owned()));
    import(store, ImportMode::Upsert, vec![of("#1001", "9876543210"), of("000042", "9876543210"), shown]).await;
    let twins = async |id: &str, phone: &str| {
        let found = store.twins_of(&[of("9999", ""), of(id, phone)]).await.unwrap();
        found.into_iter().map(|(own, known)| (own.to_string(), known.to_string())).collect::<Vec<_>>()
    };
    for (id, known) in [("1001", "#1001"), ("42", "000042"), ("2001", "4500000001"), ("88001", "4500000001")] {
        assert_eq!(twins(id, "+919876543210").await, [(id.to_owned(), known.to_owned())]);
    }
    for own in ["#1001", "1002", "88002"] {
        assert!(twins(own, "9876543210").await.is_empty(), "{own}");
    }
}

pub(in crate::store) async fn an_order_is_found_by_what_the_shop_calls_it(fresh: TestStore) {
    let store = &fresh.store;
    let called = |number, shop_id: &str, changed| {
        let mut order = order(number);
        order.details.shop_id = Some(shop_id.to_owned());
        order.details.updated_at = Some(at(changed));
        order
    };
    import(store, ImportMode::Upsert, vec![called(1, "820982911946154508", 0), order(2)]).await;
    store.upsert_orders(&[called(3, "gid://shop/7", 0), called(4, "gid://shop/7", 5)]).await.unwrap();
    let found = async |shop_id: &str| store.order_of_shop(shop_id).await.unwrap().map(|order| order.id);
    assert_eq!(found("820982911946154508").await, Some(id(1)));
    assert_eq!(found("gid://shop/7").await, Some(id(4)), "the one that changed last");
    for nobody in ["", "ORD000001", "7", "%"] {
        assert_eq!(found(nobody).await, None, "{nobody}");
    }
    store.upsert_order(&called(1, "1", 9)).await.unwrap();
    assert_eq!((found("820982911946154508").await, found("1").await), (None, Some(id(1))));
}

pub(in crate::store) async fn orders_are_found_by_their_numbers(fresh: TestStore) {
    let store = &fresh.store;
    let of = |number, phone: &str, day: Option<i8>| Order {
        phone: Some(phone.to_owned()),
        placed_at: day.map(|day| jiff::civil::datetime(2025, 6, day, 12, 0, 0, 0)),
        ..order(number)
    };
    let mut other = of(4, "+1 650 253 0000", Some(9));
    other.details.other_phones = vec!["not a number".to_owned(), "(098450) 12345".to_owned()];
    let orders = vec![
        of(1, "+91 98450 12345", Some(1)),
        of(2, "98450-12345", Some(3)),
        of(3, "09845012345.0", None),
        other,
        // The same last digits, and another number.
        of(5, "+91 88450 12345", Some(5)),
        of(6, "+49 1520 5012345", Some(6)),
        order(7),
    ];
    import(store, ImportMode::Upsert, orders).await;
    let found = async |number: &str, limit| -> Vec<String> {
        let orders = store.orders_of_number(number, india(), limit).await.unwrap();
        orders.iter().map(|order| order.id.to_string()[8..].to_owned()).collect()
    };
    assert_eq!(found("+919845012345", 10).await, ["4", "2", "1", "3"], "the latest first, those without a date last");
    assert_eq!(found("919845012345", 2).await, ["4", "2"]);
    assert_eq!(found("+16502530000", 10).await, ["4"]);
    assert_eq!(found("+918845012345", 10).await, ["5"]);
    for nobody in ["+919845012346", "9845012345", "", "+", "12345", "rubbish"] {
        assert!(found(nobody, 10).await.is_empty(), "{nobody}");
    }
    // Orders move to other numbers, by any way of writing, and are found in every process.
    store.upsert_order(&of(2, "+91 98450 99999", Some(3))).await.unwrap();
    import(store, ImportMode::Upsert, vec![of(3, "9845099999", Some(4)), order(1)]).await;
    assert_eq!(found("+919845012345", 10).await, ["4", "1"], "without a number in the file, the stored one stays");
    let again = (fresh.again)();
    let orders = again.orders_of_number("+919845099999", india(), 10).await.unwrap();
    assert_eq!(orders.iter().map(|order| order.id.clone()).collect::<Vec<_>>(), [id(3), id(2)]);
    import(store, ImportMode::Replace, vec![order(3)]).await;
    assert_eq!(found("+919845099999", 10).await, ["3"]);
    assert!(found("+919845012345", 10).await.is_empty());
}

pub(in crate::store) async fn an_order_is_replaced_by_a_newer_one_only(fresh: TestStore) {
    let store = &fresh.store;
    let changed = |category: &str, second: Option<i64>| {
        let mut order = Order { category: category.to_owned(), ..order(1) };
        order.details.updated_at = second.map(at);
        order
    };
    let upsert = async |category: &str, second| store.upsert_order(&changed(category, second)).await.unwrap();
    let category = async || store.order(&id(1)).await.unwrap().unwrap().category;
    let first = Order { phone: Some("+91 98450 12345".to_owned()), ..changed("a", Some(10)) };
    assert_eq!(store.upsert_order(&first).await.unwrap(), UpsertOutcome::Added);
    store.bind_order(&id(1), &user(1), at(0)).await.unwrap();
    store.record_refund(approved(1)).await.unwrap();
    assert_eq!(store.upsert_order(&first).await.unwrap(), UpsertOutcome::Unchanged);
    assert_eq!(upsert("a", Some(10)).await, UpsertOutcome::Unchanged, "without a number, the stored one stays");
    assert_eq!(upsert("b", Some(12)).await, UpsertOutcome::Updated);
    assert_eq!((upsert("c", Some(11)).await, category().await.as_str()), (UpsertOutcome::Stale, "b"));
    assert_eq!(upsert("d", Some(12)).await, UpsertOutcome::Updated, "of the same moment, the later one counts");
    assert_eq!(upsert("e", None).await, UpsertOutcome::Updated, "what tells no time is of now");
    assert_eq!((upsert("f", Some(11)).await, category().await.as_str()), (UpsertOutcome::Stale, "e"));
    let stored = store.order(&id(1)).await.unwrap().unwrap();
    assert_eq!((stored.phone, stored.details.updated_at), (first.phone.clone(), Some(at(12))));

    // A file is no exception, unless it replaces everything.
    let written = import(store, ImportMode::Upsert, vec![changed("g", Some(11)), order(2)]).await;
    assert_eq!(written, BatchOutcome { added: 1, kept: 1, ..BatchOutcome::default() });
    assert_eq!(category().await, "e");
    import(store, ImportMode::Upsert, vec![changed("h", Some(13))]).await;
    assert_eq!((upsert("i", Some(12)).await, category().await.as_str()), (UpsertOutcome::Stale, "h"));
    // Nor where the shop sends it while the file is imported.
    let mut file = store.begin_import(ImportMode::Upsert).await.unwrap();
    file.write(vec![changed("j", Some(14))]).await.unwrap();
    assert_eq!(upsert("k", Some(15)).await, UpsertOutcome::Updated);
    file.commit().await.unwrap();
    assert_eq!(category().await, "k");
    import(store, ImportMode::Replace, vec![changed("l", Some(1))]).await;
    assert_eq!(category().await, "l");

    assert_eq!(store.bind_order(&id(1), &user(2), at(1)).await.unwrap(), user(1));
    assert!(store.refund_of(&id(1)).await.unwrap().is_some());
    assert_eq!(
        store.upsert_orders(&[order(2), order(3), order(3), changed("m", Some(0))]).await.unwrap(),
        [UpsertOutcome::Added, UpsertOutcome::Added, UpsertOutcome::Unchanged, UpsertOutcome::Stale]
    );
}

pub(in crate::store) async fn the_newest_of_many_upserts_stays(fresh: TestStore) {
    let other = (fresh.again)();
    let version = |second: i64| {
        let mut order = Order { feedback: format!("version {second}"), ..order(1) };
        order.details.updated_at = Some(at(second));
        order
    };
    let tasks: Vec<_> = (0..40_i64)
        .map(|number| {
            let store = if number % 2 == 0 { fresh.store.clone() } else { other.clone() };
            tokio::spawn(async move { store.upsert_order(&version(number * 7 % 40)).await.unwrap() })
        })
        .collect();
    let mut outcomes = Vec::new();
    for task in tasks {
        outcomes.push(task.await.unwrap());
    }
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == UpsertOutcome::Added).count(), 1);
    assert_eq!(fresh.store.order(&id(1)).await.unwrap(), Some(version(39)));
    assert_eq!(fresh.store.count_orders().await.unwrap(), 1);
}
