//! Tests of the tools.

use serde_json::json;

use super::*;
use crate::domain::caller::{Caller, Showing};
use crate::domain::ids::QuoteId;
use crate::domain::order::{OrderLine, OrderState};
use crate::domain::sentences::Language;
use crate::knowledge::{Chunk, Translation};
use crate::testing::{Shop, customer};

fn operator(shop: &Shop) -> Context {
    Context { caller: Caller::Operator { name: "tester".into() }, now: shop.now }
}

#[test]
fn the_catalogue_is_the_documented_one() {
    let specs: Vec<Value> = catalogue()
        .into_iter()
        .map(|spec| json!({"name": spec.name, "description": spec.description, "input": spec.input, "output": spec.output, "writes": spec.writes}))
        .collect();
    insta::assert_json_snapshot!("catalogue", specs);
}

#[tokio::test]
async fn every_tool_answers_the_documented_json() {
    let shop = Shop::open().await;
    let toolbox = shop.toolbox();
    let call = async |name: &str, arguments: Value| toolbox.call(&operator(&shop), name, arguments).await.value;
    let triage = call(TRIAGE, json!({"text": "where is my order"})).await;
    assert_eq!(
        triage,
        json!({"intent": "track_order", "intent_confidence": 0.95, "sentiment": "neutral", "sentiment_confidence": 0.8})
    );
    let order = call(ORDER, json!({"order_id": "ord000003"})).await;
    assert_eq!(order["Order ID"], "ORD000003");
    assert_eq!(order["Order Value (INR)"], 599);
    assert_eq!(order["Product Category"], "Beverages");
    let quote = call(CHECK_REFUND, json!({"order_id": "ORD000003"})).await;
    for field in ["eligible", "order_value", "refund_amount", "shipping_fee", "reason", "quote_id", "expires_at"] {
        assert!(!quote[field].is_null(), "{field}");
    }
    let refund = call(REFUND, json!({"order_id": "ORD000003", "amount": 599, "reason": "missing"})).await;
    assert_eq!(refund["status"], "success");
    assert_eq!(refund["transaction_id"], "RFND_20260601100000_ORD000003");
    assert_eq!(refund["amount_refunded"], 599);
    assert_eq!(refund["currency"], "INR");
    assert_eq!(refund["estimated_arrival"], "3-5 business days");
    let again = call(REFUND, json!({"order_id": "ORD000003", "amount": 599.0, "reason": "missing"})).await;
    assert_eq!(again["status"], "already_refunded");
    assert_eq!(again["transaction_id"], refund["transaction_id"]);
    let status = call(REFUND_STATUS, json!({"order_id": "ORD000003"})).await;
    let expected = json!({
        "order_id": "ORD000003", "state": "paid", "amount": 599, "currency": "INR", "transaction_id": refund["transaction_id"],
        "requested_at": "2026-06-01T10:00:00Z", "expected_by": "2026-06-08", "simulated": true,
    });
    assert_eq!((status, &refund["state"], &refund["simulated"]), (expected, &json!("paid"), &json!(true)));
    let none = call(REFUND_STATUS, json!({"order_id": "ORD000004"})).await;
    assert_eq!((&none["state"], &none["amount"]), (&json!("none"), &Value::Null));
    let unknown = call(REFUND_STATUS, json!({"order_id": "ORD000999"})).await;
    assert!(unknown["error"].is_string());
    let alert = call(HUMAN, json!({"user_id": "42", "reason": "x", "last_message": "y", "priority": "high"})).await;
    assert_eq!(alert["status"], "success");
    assert!(alert["alert_id"].as_str().unwrap().starts_with("ALERT_"));
}

#[tokio::test]
async fn documents_answer_and_what_they_do_not_is_kept() {
    let shop = Shop::open().await;
    let chunk = |name: &str, text: &str| crate::knowledge::built_in(name, "", text);
    let chunks = vec![
        chunk("Shipping", "Shipping costs ₹79. It takes 4 days."),
        chunk("Order id", "An order id looks like ORD123456, and stands in the mail."),
    ];
    let library = Arc::new(crate::knowledge::Library::open(None, chunks));
    let toolbox = Toolbox::new(shop.support().with_knowledge(library), Arc::new(crate::testing::WordList));
    let ask =
        async |context: &Context, query: &str| toolbox.call(context, KNOWLEDGE, json!({"query": query})).await.value;
    let asker = customer("919876543210", 3, "", &[], shop.now);
    let found = ask(&asker, "what does shipping of ORD000003 cost?").await;
    let passage = json!({
        "id": "built-in:Shipping", "title": "Shipping", "text": "Shipping costs ₹79. It takes 4 days.", "source": "built-in",
        "score": found["passages"][0]["score"], "part": 0,
    });
    assert_eq!(found, json!({"answerable": true, "passages": [passage]}));
    let nothing = json!({"answerable": false, "passages": []});
    for (context, query) in [
        (&asker, "do you rent yachts? ORD000003 9845012345"),
        // Once a turn; an operator's question is no customer's; a greeting is no question.
        (&asker, "do you rent yachts? ORD000003"),
        (&operator(&shop), "do you sell whales"),
        (&asker, "hello there"),
    ] {
        assert_eq!(ask(context, query).await, nothing, "{query}");
    }
    let kept = shop.store.unanswered(9).await.unwrap();
    let texts: Vec<&str> = kept.iter().map(|one| one.text.as_str()).collect();
    assert_eq!((texts.len(), kept[0].turn), (1, 3), "{texts:?}");
    assert!(!texts[0].contains("ORD000003") && !texts[0].contains("98450"), "{texts:?}");
    assert!(ask(&asker, " ").await["error"].as_str().unwrap().starts_with("query: "));
}

#[tokio::test]
async fn a_built_in_answer_is_in_the_language_of_the_conversation() {
    let shop = Shop::open().await;
    let spanish = Translation {
        language: "es".to_owned(),
        title: "Número de pedido".to_owned(),
        text: "Es como ORD123456.".to_owned(),
    };
    let chunk = Chunk {
        translations: vec![spanish],
        ..crate::knowledge::built_in("Order id", "", "An order id looks like ORD123456.")
    };
    let library = Arc::new(crate::knowledge::Library::open(None, vec![chunk]));
    let toolbox = Toolbox::new(shop.support().with_knowledge(library), Arc::new(crate::testing::WordList));
    for (language, title, begins) in [
        (Language::English, "Order id", "An order id looks like"),
        (Language::Spanish, "Número de pedido", "Es como"),
        (Language::Hindi, "Order id", "An order id looks like"),
    ] {
        let mut asker = customer("919876543210", 3, "", &[], shop.now);
        if let Caller::Customer(customer) = &mut asker.caller {
            customer.language = language;
        }
        let found = toolbox.call(&asker, KNOWLEDGE, json!({"query": "what does an order id look like?"})).await.value;
        let passage = &found["passages"][0];
        assert_eq!(passage["title"], title, "{found}");
        assert!(passage["text"].as_str().unwrap().starts_with(begins), "{found}");
    }
}

#[tokio::test]
async fn wrong_calls_name_the_field_and_change_nothing() {
    let shop = Shop::open().await;
    let toolbox = shop.toolbox();
    for (name, arguments, expected) in [
        (ORDER, json!({"order_id": "42"}), "order_id"),
        (ORDER, json!({}), "order_id"),
        (ORDER, json!({"order_id": 5}), "string"),
        (ORDER, json!({"order_id": "ORD000003", "user": "x"}), "user"),
        (ORDER, json!([1]), "arguments"),
        (REFUND, json!({"order_id": "ORD000003", "amount": "lots"}), "amount"),
        (REFUND, json!({"order_id": "ORD000003", "amount": 5.99999}), "decimals"),
        (HUMAN, json!({"reason": "x", "priority": "urgent"}), "urgent"),
        (HUMAN, json!({"reason": "x"}), "user_id"),
        ("drop_tables", json!({}), "there is no tool"),
    ] {
        let result = toolbox.call(&operator(&shop), name, arguments.clone()).await;
        assert!(result.is_error(), "{name} {arguments}");
        let error = result.value["error"].as_str().unwrap();
        assert!(error.contains(expected), "{name} {arguments}: {error}");
    }
    assert_eq!(shop.store.refunds(10).await.unwrap(), []);
    assert_eq!(shop.store.alerts(10).await.unwrap(), []);
}

#[tokio::test]
async fn a_customer_finds_the_orders_of_their_number_alone() {
    let shop = Shop::open().await;
    let mut newer = crate::testing::order(10, "Dairy", 129);
    newer.phone = Some("098765 43210".to_owned());
    newer.placed_at = Some(jiff::civil::date(2026, 5, 30).at(9, 0, 0, 0));
    newer.value = None;
    newer.details.display_id = Some("#1001".to_owned());
    newer.details.state = Some(OrderState::OutForDelivery);
    newer.details.lines = vec![OrderLine { name: "Milk".to_owned(), quantity: 2, ..OrderLine::default() }];
    newer.details.address = Some("12 MG Road".to_owned());
    shop.store.upsert_order(&newer).await.unwrap();
    let toolbox = shop.toolbox();
    let expected = json!({"orders": [
        {
            "order_id": "ORD000010", "display_id": "#1001", "date": "2026-05-30", "status": "out for delivery", "total": null,
            "items": [{"name": "Milk", "quantity": 2}],
        },
        {"order_id": "ORD000009", "date": null, "status": "delivered", "total": 250},
    ]});
    let find = async |context: &Context, arguments: Value| toolbox.call(context, FIND_ORDERS, arguments).await;
    let own = customer("919876543210", 1, "", &[], shop.now);
    assert_eq!(find(&own, json!({})).await.value, expected);
    // What a model names as the number counts for nothing.
    let stranger = customer("919845012345", 1, "", &[], shop.now);
    assert_eq!(find(&stranger, json!({"user_id": "919876543210"})).await.value, json!({"orders": []}));
    assert_eq!(find(&customer("tester", 1, "", &[], shop.now), json!({})).await.value, json!({"orders": []}));
    assert_eq!(find(&operator(&shop), json!({"user_id": "+919876543210"})).await.value, expected);
    for wrong in [json!({}), json!({"user_id": "Asha"}), json!({"user_id": "98"})] {
        let result = find(&operator(&shop), wrong).await;
        assert!(result.value["error"].as_str().unwrap().starts_with("user_id: "), "{}", result.value);
    }
}

#[tokio::test]
async fn unknown_and_foreign_orders_look_the_same() {
    let shop = Shop::open().await;
    let toolbox = shop.toolbox();
    toolbox.call(&customer("a", 1, "", &[], shop.now), ORDER, json!({"order_id": "ORD000001"})).await;
    for tool in [ORDER, CHECK_REFUND, REFUND] {
        let ask = async |id: &str| {
            let result = toolbox.call(&customer("b", 1, "", &[], shop.now), tool, json!({"order_id": id})).await;
            result.value.to_string().replace(id, "ID")
        };
        assert_eq!(ask("ORD000001").await, ask("ORD999999").await, "{tool}");
    }
}

#[tokio::test]
async fn another_amount_is_refused_with_the_right_one() {
    let shop = Shop::open().await;
    let toolbox = shop.toolbox();
    let result = toolbox.call(&operator(&shop), REFUND, json!({"order_id": "ORD000003", "amount": 5_990})).await.value;
    assert_eq!((result["status"].as_str(), result["code"].as_str()), (Some("denied"), Some("wrong_amount")));
    assert_eq!(result["refund_amount"], 599);
    assert!(shop.store.refunds(10).await.unwrap().is_empty());
}

#[tokio::test]
async fn the_quote_in_the_arguments_means_nothing() {
    let shop = Shop::open().await;
    let toolbox = shop.toolbox();
    let forged = QuoteId::new("QUOTE_forged");
    let result =
        toolbox.call(&customer("a", 2, "yes", &[&forged], shop.now), REFUND, json!({"order_id": "ORD000003"})).await;
    assert_eq!(result.value["code"], "no_quote");
}

#[tokio::test]
async fn every_call_is_on_record_and_writing_calls_twice() {
    let shop = Shop::open().await;
    let toolbox = shop.toolbox();
    toolbox.call(&operator(&shop), ORDER, json!({"order_id": "ORD000003"})).await;
    toolbox.call(&operator(&shop), REFUND, json!({"order_id": "ORD000003"})).await;
    toolbox.call(&operator(&shop), "nonsense", json!({})).await;
    let entries = shop.store.audit_entries(1, 100).await.unwrap();
    let shown: Vec<(String, AuditPhase)> =
        entries.iter().map(|entry| entry.record().map(|record| (record.action, record.phase)).unwrap()).collect();
    assert_eq!(
        shown,
        [
            (ORDER.to_owned(), AuditPhase::Finished),
            (REFUND.to_owned(), AuditPhase::Started),
            (REFUND.to_owned(), AuditPhase::Finished),
            ("nonsense".to_owned(), AuditPhase::Finished),
        ]
    );
    let check = shop.store.check_audit().await.unwrap();
    assert_eq!((check.entries, check.broken), (4, None));
}

#[tokio::test]
async fn sixty_four_calls_at_once_pay_once() {
    let shop = Shop::open().await;
    let toolbox = shop.toolbox();
    let calls = (0..64).map(|_| {
        let (toolbox, context) = (toolbox.clone(), operator(&shop));
        tokio::spawn(async move { toolbox.call(&context, REFUND, json!({"order_id": "ORD000003"})).await.value })
    });
    let mut statuses = Vec::new();
    for call in calls.collect::<Vec<_>>() {
        statuses.push(call.await.unwrap()["status"].as_str().unwrap().to_owned());
    }
    assert_eq!(statuses.iter().filter(|status| *status == "success").count(), 1);
    assert_eq!(statuses.iter().filter(|status| *status == "already_refunded").count(), 63);
    assert_eq!(shop.store.refunds(10).await.unwrap().len(), 1);
}

/// A shop with an order on its way, one that is packed, and one that came.
async fn desk() -> Shop {
    let shop = Shop::open().await;
    for (number, state) in [(20, OrderState::Packed), (21, OrderState::OutForDelivery), (22, OrderState::Delivered)] {
        let mut order = crate::testing::order(number, "Dairy", 262);
        order.delivery_minutes = None;
        order.placed_at = Some(jiff::civil::date(2026, 5, 30).at(9, 0, 0, 0));
        order.details.state = Some(state);
        order.details.payment_state = Some(crate::domain::order::PaymentState::Paid);
        let line = |sku: &str, name: &str, quantity, price| OrderLine {
            sku: Some(sku.to_owned()),
            name: name.to_owned(),
            quantity,
            price: Some(crate::domain::money::Money::from_rupees(price)),
        };
        order.details.lines =
            vec![line("MLK", "Toned Milk", 2, 58), line("BRD", "Brown Bread", 1, 50), line("EGG", "Eggs", 1, 96)];
        shop.store.upsert_order(&order).await.unwrap();
    }
    shop
}

#[tokio::test]
async fn whatever_changes_an_order_waits_for_a_yes_and_is_done_once() {
    let shop = desk().await;
    let toolbox = shop.toolbox();
    let id = |text: &Value| QuoteId::new(text.as_str().unwrap());
    let call = async |turn: u64, said: &str, offered: &[&QuoteId], name: &str, arguments: &Value| {
        toolbox.call(&customer("a", turn, said, offered, shop.now), name, arguments.clone()).await.value
    };
    for (name, arguments, yes) in [
        (CHANGE, json!({"order_id": "ORD000020", "address": "9 Hill View, Pune 411045"}), "yes, change it"),
        (CANCEL, json!({"order_id": "ORD000020", "reason": "by mistake"}), "haan, cancel kar do"),
        (RETURN, json!({"order_id": "ORD000022", "resolution": "replacement", "items": ["brown bread"]}), "yes"),
        (
            RETURN,
            json!({"order_id": "ORD000022", "resolution": "refund", "items": [{"sku": "MLK", "quantity": 1}]}),
            "yes",
        ),
    ] {
        let proposed = call(1, "please", &[], name, &arguments).await;
        assert_eq!(proposed["status"], "needs_confirmation", "{proposed}");
        for field in ["proposal_id", "kind", "order_id", "summary", "expires_at"] {
            assert!(proposed[field].is_string(), "{field}: {proposed}");
        }
        let offer = id(&proposed["proposal_id"]);
        for (turn, said, offered) in
            [(1, "yes", vec![&offer]), (2, "hmm", vec![&offer]), (2, "yes", vec![]), (2, "no", vec![&offer])]
        {
            let again = call(turn, said, &offered, name, &arguments).await;
            assert_eq!(again["status"], "needs_confirmation", "{said}: {again}");
        }
        let mut other = arguments.clone();
        if name == CHANGE {
            other["address"] = "10 Hill View, Pune 411045".into();
            let other = call(2, "yes", &[&offer], name, &other).await;
            assert_eq!(other["status"], "needs_confirmation", "not what was agreed to: {other}");
        }
        let done = call(2, yes, &[&offer], name, &arguments).await;
        assert_eq!((&done["status"], &done["kind"]), (&json!("success"), &proposed["kind"]), "{done}");
        let again = call(3, "yes", &[&offer], name, &arguments).await;
        assert_eq!((&again["status"], &again["action_id"]), (&json!("already_done"), &done["action_id"]), "{again}");
        assert_eq!(done["amount_refunded"], if name == CANCEL { json!(262) } else { Value::Null }, "{done}");
    }
    let stored = shop.store.order(&OrderId::new("ORD000020")).await.unwrap().unwrap();
    assert_eq!(stored.reached(), Some(OrderState::Cancelled));
    assert_eq!(stored.details.address.as_deref(), Some("9 Hill View, Pune 411045"));
    assert_eq!(shop.store.refunds(9).await.unwrap().len(), 1);
    assert_eq!(shop.store.actions(true, 9).await.unwrap().len(), 4);
    assert_eq!(shop.store.check_refunds().await.unwrap(), None, "the trail vouches for the refund of the cancellation");
}

#[tokio::test]
async fn refusals_have_a_code_and_an_operator_needs_no_consent() {
    let shop = desk().await;
    let toolbox = shop.toolbox();
    let call = async |name: &str, arguments: Value| toolbox.call(&operator(&shop), name, arguments).await.value;
    for (name, arguments, code) in [
        (CANCEL, json!({"order_id": "ORD000021"}), "out_for_delivery"),
        (CANCEL, json!({"order_id": "ORD000022"}), "delivered"),
        (CHANGE, json!({"order_id": "ORD000021", "phone": "9123400567"}), "out_for_delivery"),
        (RETURN, json!({"order_id": "ORD000021", "resolution": "refund"}), "not_delivered"),
        (RETURN, json!({"order_id": "ORD000022", "resolution": "refund", "items": ["cheese"]}), "item_unknown"),
        (CANCEL, json!({"order_id": "ORD000999"}), "not_found"),
    ] {
        let refused = call(name, arguments.clone()).await;
        assert_eq!((&refused["status"], &refused["code"]), (&json!("refused"), &json!(code)), "{arguments}: {refused}");
        assert!(refused["reason"].is_string());
    }
    for wrong in [json!({"order_id": "ORD000020"}), json!({"order_id": "ORD000020", "phone": "9", "address": "x"})] {
        assert!(toolbox.call(&operator(&shop), CHANGE, wrong).await.is_error());
    }
    assert_eq!(shop.store.actions(false, 9).await.unwrap(), []);
    let cancelled = call(CANCEL, json!({"order_id": "ORD000020", "reason": "asked by mail"})).await;
    assert_eq!((&cancelled["status"], &cancelled["amount_refunded"]), (&json!("success"), &json!(262)));
    // Cancelled and paid back: nothing is paid again.
    let refund = call(REFUND, json!({"order_id": "ORD000020"})).await;
    assert_eq!(refund["status"], "already_refunded");
    let back = call(RETURN, json!({"order_id": "ORD000022", "resolution": "refund", "items": ["eggs"]})).await;
    assert_eq!(
        (&back["status"], &back["amount"], &back["transaction_id"]),
        (&json!("success"), &json!(96), &Value::Null)
    );
    let check = call(CHECK_REFUND, json!({"order_id": "ORD000022", "items": ["eggs"]})).await;
    assert_eq!((&check["eligible"], &check["code"]), (&json!(false), &json!("under_way")));
}

#[tokio::test]
async fn a_part_of_an_order_is_refunded_once() {
    let shop = desk().await;
    let toolbox = shop.toolbox();
    let call = async |turn: u64, said: &str, offered: &[&QuoteId], name: &str, arguments: Value| {
        toolbox.call(&customer("a", turn, said, offered, shop.now), name, arguments).await.value
    };
    let eggs = json!({"order_id": "ORD000022", "items": [{"name": "Eggs"}]});
    let offer = call(1, "the eggs were broken", &[], CHECK_REFUND, eggs.clone()).await;
    assert_eq!((&offer["refund_amount"], &offer["items"][0]["name"]), (&json!(96), &json!("Eggs")), "{offer}");
    let quote = QuoteId::new(offer["quote_id"].as_str().unwrap());
    let milk = call(2, "yes", &[&quote], REFUND, json!({"order_id": "ORD000022", "items": ["milk"]})).await;
    assert_eq!(milk["code"], "quote_outdated", "not what was agreed to: {milk}");
    let paid = call(2, "yes", &[&quote], REFUND, json!({"order_id": "ORD000022"})).await;
    assert_eq!((&paid["status"], &paid["amount_refunded"]), (&json!("success"), &json!(96)), "{paid}");
    let again = call(3, "yes", &[&quote], REFUND, eggs).await;
    assert_eq!(again["status"], "already_refunded");
    let more = call(3, "and the milk", &[], CHECK_REFUND, json!({"order_id": "ORD000022", "items": ["milk"]})).await;
    assert_eq!(
        (&more["eligible"], &more["code"], &more["needs_person"]),
        (&json!(false), &json!("limit"), &json!(true))
    );
    assert_eq!(shop.store.check_refunds().await.unwrap(), None);
}

#[tokio::test]
async fn who_names_an_amount_gets_that_or_nothing() {
    let shop = desk().await;
    let toolbox = shop.toolbox();
    let call = async |name: &str, arguments: Value| toolbox.call(&operator(&shop), name, arguments).await.value;
    let back =
        |amount: Value| json!({"order_id": "ORD000022", "resolution": "refund", "items": ["eggs"], "amount": amount});
    for (name, arguments) in [
        (CANCEL, json!({"order_id": "ORD000020", "amount": 261})),
        (CANCEL, json!({"order_id": "ORD000020", "amount": "0"})),
        (RETURN, back(json!(95.5))),
    ] {
        let refused = call(name, arguments.clone()).await;
        assert_eq!((&refused["status"], &refused["code"]), (&json!("refused"), &json!("wrong_amount")), "{arguments}");
    }
    assert!(call(CANCEL, json!({"order_id": "ORD000020", "amount": "lots"})).await["error"].is_string());
    assert_eq!((shop.store.actions(false, 9).await.unwrap().len(), shop.store.refunds(9).await.unwrap().len()), (0, 0));
    for (name, arguments) in [(CANCEL, json!({"order_id": "ORD000020", "amount": 262})), (RETURN, back(json!("96.00")))]
    {
        assert_eq!(call(name, arguments).await["status"], "success", "{name}");
    }
}

#[tokio::test]
async fn a_call_that_names_an_order_otherwise_is_on_record_by_its_id() {
    let shop = Shop::open().await;
    let mut named = crate::testing::order(30, "Dairy", 262);
    named.details.display_id = Some("#1001".to_owned());
    shop.store.upsert_order(&named).await.unwrap();
    let refund = shop.toolbox().call(&operator(&shop), REFUND, json!({"order_id": "1001", "amount": 262})).await.value;
    assert_eq!((&refund["status"], &refund["order_id"]), (&json!("success"), &json!("ORD000030")), "{refund}");
    for entry in shop.store.audit_entries(1, 9).await.unwrap() {
        assert_eq!(entry.record().unwrap().arguments["order_id"], "ORD000030");
    }
    assert_eq!(shop.store.check_refunds().await.unwrap(), None);
}

#[test]
fn operators_read_that_the_first_call_acts() {
    for spec in catalogue() {
        let (asks, told) = (spec.description.contains("needs_confirmation"), spec.for_operators().description);
        assert_eq!(asks, [CANCEL, CHANGE, RETURN].contains(&spec.name.as_ref()), "{}", spec.name);
        assert!(!told.contains("needs_confirmation") && told.contains(actions::AT_ONCE) == asks, "{told}");
    }
}

#[tokio::test]
async fn what_has_to_be_shown_is_not_paid_without_a_photo_of_that_order() {
    let shop = Shop::open().await;
    let toolbox = shop.toolbox();
    let order = |number: u32| Some(OrderId::new(&format!("ORD{number:06}")));
    let quote = toolbox
        .call(&customer("a", 1, "refund ORD000003", &[], shop.now), CHECK_REFUND, json!({"order_id": "ORD000003"}))
        .await;
    let Outcome::Quoted(quote) = quote.outcome else { panic!("{quote:?}") };
    let pay = async |faults: Vec<Option<OrderId>>, photos: Vec<Option<OrderId>>| {
        let mut context = customer("a", 2, "yes", &[&quote.id], shop.now);
        let Caller::Customer(customer) = &mut context.caller else { unreachable!() };
        customer.showing = Showing { faults, photos };
        toolbox.call(&context, REFUND, json!({"order_id": "ORD000003", "reason": "broken"})).await
    };
    for (faults, photos) in [
        (vec![order(3)], vec![]),
        (vec![order(3)], vec![order(5)]),
        (vec![None], vec![order(5)]),
        (vec![order(5), order(3)], vec![order(5)]),
    ] {
        let result = pay(faults, photos).await;
        assert!(matches!(result.outcome, Outcome::PhotoAwaited(_)), "{result:?}");
    }
    assert!(shop.store.refunds(9).await.unwrap().is_empty());
    // A fault of another order needs no photo of this one.
    let paid = pay(vec![order(5)], vec![]).await;
    assert!(matches!(paid.outcome, Outcome::Refunded { .. }), "{paid:?}");
    for photos in [vec![order(3)], vec![None]] {
        assert!(matches!(pay(vec![order(3)], photos).await.outcome, Outcome::Refunded { already: true, .. }));
    }
}
