//! What is found in messages, for shops with ids of many kinds, and what never is.

use proptest::prelude::*;
use rstest::rstest;

use super::*;

/// The patterns of a shop that has these orders.
fn shop(ids: &[&str]) -> IdPatterns {
    IdPatterns::default().learnt(&IdForms::of(ids.iter().copied()))
}

fn many(ids: impl IntoIterator<Item = String>) -> IdPatterns {
    let mut forms = IdForms::default();
    for id in ids {
        forms.observe(&id, false);
    }
    IdPatterns::default().learnt(&forms)
}

fn found(patterns: &IdPatterns, text: &str, asked: bool) -> Vec<String> {
    patterns.orders_meant(text, asked).iter().map(ToString::to_string).collect()
}

fn examples(patterns: &IdPatterns) -> Vec<&str> {
    patterns.families().iter().map(Family::example).collect()
}

#[test]
fn the_original_ids_are_found_anywhere_in_any_case() {
    let patterns = IdPatterns::default();
    let text = "my ord000003, ORD000004 and Ord000003! not ORD00000 nor XORD000005";
    assert_eq!(found(&patterns, text, false), ["ORD000003", "ORD000004"]);
    assert!(patterns.is_order(" ord000003 ") && !patterns.is_order("ord000003 please"));
    assert_eq!((patterns.example(), patterns.source()), (Some("ORD123456"), Source::Default));
}

#[test]
fn ids_are_understood_as_people_write_them() {
    let patterns = IdPatterns::default();
    for text in [
        "ord 000003",
        "ORD-000003",
        "ORD# 000003",
        "Order ORD:000003 please",
        "order no 000003",
        "order number is 000003",
        "ORD 000 003",
        "ord 0 0 0 0 0 3",
        "ORD०००००३",
        "ORD٠٠٠٠٠٣",
        "ORD০০০০০৩",
        "ORD௦௦௦௦௦௩",
        "ＯＲＤ０００００３",
        "O\u{200B}RD000\u{2060}003",
        "https://shop.example/track/ORD000003?from=mail",
        "मेरा ऑर्डर ORD000003 कहाँ है?",
        "मेरा ऑर्डर 000003 कहाँ है?",
        "#000003",
        "000003",
    ] {
        assert_eq!(found(&patterns, text, false), ["ORD000003"], "{text}");
    }
    assert_eq!(found(&patterns, "000003", true), ["ORD000003"]);
    for text in ["my pin is 560001", "order came to 560001 late, call 9876543210", "pay 560001 now", "560001 rupees"] {
        assert!(found(&patterns, text, false).is_empty(), "{text}");
    }
    assert_eq!(found(&patterns, "ORD000003 to pin 560001", true), ["ORD000003"]);
}

#[rstest]
#[case(&["ORD000001", "ORD123456"], &["ORD123456"])]
#[case(&["#1001", "#1002", "#1003"], &["#1001"])]
#[case(&["1501", "1502", "1503"], &["1001"])]
#[case(&["402-1234567-1234567", "405-7654321-0000001"], &["100-1234567-1234567"])]
#[case(&["WC-2026-000123", "WC-2026-000124"], &["WC-2026-123456"])]
#[case(&["A1B2-C3D4", "AB12-XY99", "1234-Z9Z9"], &["A1B2-A1B2"])]
#[case(&["OD430012345678901000"], &["OD123456789012345678"])]
#[case(&["8f14e45f-ceea-467a-9575-1c2d3e4f5a6b", "c9f0f895-fb98-4b91-9f17-aa12bb34cc56"], &["A1B2C3D4-A1B2-A1B2-A1B2-A1B2C3D4A1B2"])]
#[case(&["#1001", "#1002", "EXT-77123", "EXT-77124", "EXT-77125", "#1003"], &["#1001", "EXT-12345"])]
#[case(&["hello", "none"], &["ORD123456"])]
fn forms_are_learnt(#[case] ids: &[&str], #[case] expected: &[&str]) {
    assert_eq!(examples(&shop(ids)), expected);
    for id in ids.iter().filter(|_| expected != ["ORD123456"] || ids[0].starts_with("ORD")) {
        let patterns = shop(ids);
        assert_eq!(patterns.order_of(id), Some(OrderId::new(id)), "{id}");
    }
}

#[test]
fn a_slip_is_no_family_and_many_words_are_any_word() {
    let mut ids: Vec<String> = (0..1_000).map(|number| format!("#{}", 1_001 + number)).collect();
    ids.push("O1RD-7".to_owned());
    let patterns = many(ids);
    assert_eq!(examples(&patterns), ["#1001"]);
    let cities = ["DEL", "BOM", "BLR", "MAA", "CCU", "HYD", "PNQ", "AMD"];
    let patterns = many((0..800).map(|number| format!("{}-{}", cities[number % 8], 10_001 + number)));
    assert_eq!(examples(&patterns), ["ABC-12345"]);
    assert_eq!(found(&patterns, "where is goi-20001?", false), ["GOI-20001"]);
    assert_eq!(found(&patterns, "where is bom 10002?", false), Vec::<String>::new(), "any word and a number");
    assert_eq!(found(&patterns, "order bom 10002", false), ["BOM-10002"]);
}

#[test]
fn numbers_grow_and_what_is_padded_does_not() {
    let patterns = shop(&["#9998", "#9999"]);
    assert_eq!(found(&patterns, "#10000", false), ["#10000"]);
    let padded = shop(&["ORD000001", "ORD000002"]);
    assert!(found(&padded, "ORD1234567", false).is_empty());
}

#[test]
fn a_shop_with_hash_numbers() {
    let patterns = shop(&["#1001", "#1002", "#1003"]);
    for text in [
        "where is order 1001",
        "1001",
        "it is 1001",
        "#1001",
        "where is #1001?",
        "# 1001",
        "order no. 1001",
        "order #1001 please",
        "no. 1001",
        "1001 order kahan hai",
        "मेरा ऑर्डर १००१",
        "my order is 1 0 0 1",
        "order 1,001 no sorry 1001 it is order 1001",
        "https://shop.example/orders/1001?key=5",
        "order 1001.",
        "订单1001在哪里",
        "pedido 1001",
    ] {
        assert_eq!(found(&patterns, text, false), ["#1001"], "{text}");
    }
    assert_eq!(found(&patterns, "orders 1001, 1002 and 1003", false), ["#1001", "#1002", "#1003"]);
    assert_eq!(found(&patterns, "1001 1002", true), ["#1001", "#1002"]);
    assert_eq!(found(&patterns, "1001,1002", true), ["#1001", "#1002"]);
}

#[test]
fn what_is_no_order_is_none() {
    let patterns = shop(&["1501", "1502", "2001", "560001", "560002", "560003"]);
    for text in [
        "I paid 1501 rupees",
        "paid ₹1501",
        "Rs. 1,501 was deducted",
        "1501/- is too much",
        "call 9876543210",
        "my number is 98765 43210",
        "+91 98765 43210",
        "on 15 November 2026 it came",
        "since 2026",
        "it was 15-11-2026",
        "November 2026",
        "my pin code is 560001",
        "pin 560001",
        "flat 1501, tower 2",
        "flat no 1501",
        "1501 items were missing",
        "2001 days late",
        "my otp is 150122",
        "at 10:30 or 1501 hrs",
        "customer id 1501",
        "invoice no. 1501",
        "tracking number 560001",
        "write to me1501@mail.example",
        "it costs 1501",
        "the price was 1501",
        "3.1501",
        "1501.50",
        "v1501",
        "I want refund 1501",
        "deliver to 560001 please",
    ] {
        assert!(found(&patterns, text, false).is_empty(), "{text}: {:?}", found(&patterns, text, false));
    }
    for text in ["I paid 1501 rupees", "my pin is 560001", "₹1501", "call 9876543210", "+919876543210", "2001 days"] {
        assert!(found(&patterns, text, true).is_empty(), "asked: {text}");
    }
    assert_eq!(found(&patterns, "I think it was 1501", true), ["1501"]);
    // A number that nothing is said of counts for who has such an order.
    let own = [OrderId::new("1501")];
    assert_eq!(found(&patterns.knowing(&OrderNames::default(), &own), "refund 1501", false), ["1501"]);
    assert!(found(&patterns.knowing(&OrderNames::default(), &own), "refund ₹1501", false).is_empty());
    // Where an amount was asked for, a number is one.
    assert_eq!(found(&patterns, "1501", false), ["1501"]);
    assert!(found(&patterns.without_lone_numbers(), "1501", false).is_empty());
}

#[test]
fn ids_as_long_as_telephone_numbers_need_a_word() {
    let patterns = shop(&["9812345601", "9812345602", "9812345603"]);
    assert_eq!(found(&patterns, "order 9812345602", false), ["9812345602"]);
    assert_eq!(found(&patterns, "9812345602", true), ["9812345602"]);
    for text in ["call me on 9812345602", "9812345602", "my number is 9812345602", "98123 45602"] {
        assert!(found(&patterns, text, false).is_empty(), "{text}");
    }
}

#[test]
fn grouped_and_coded_ids() {
    let amazon = shop(&["402-1234567-1234567", "405-7654321-0000001"]);
    for text in [
        "402-1234567-1234567",
        "where is 402–1234567–1234567?",
        "402 1234567 1234567",
        "order 40212345671234567",
        "(402-1234567-1234567)",
    ] {
        assert_eq!(found(&amazon, text, false), ["402-1234567-1234567"], "{text}");
    }
    assert!(found(&amazon, "card 4021 2345 6712 3456", false).is_empty());
    let woo = shop(&["WC-2026-000123", "WC-2026-000124"]);
    for text in ["wc-2026-000123", "WC 2026 000123", "WC2026000123", "wc/2026/000123", "order 2026-000123"] {
        assert_eq!(found(&woo, text, false), ["WC-2026-000123"], "{text}");
    }
    let codes = shop(&["A1B2-C3D4", "AB12-XY99", "1234-Z9Z9"]);
    assert_eq!(found(&codes, "where is a1b2-c3d4 please", false), ["A1B2-C3D4"]);
    assert_eq!(found(&codes, "order a1b2 c3d4", false), ["A1B2-C3D4"]);
    assert!(found(&codes, "this took some time, well-done then", false).is_empty());
}

#[test]
fn letters_for_digits_are_offered_back() {
    let patterns = IdPatterns::default();
    for text in ["ORDO00003", "ORD00OOO3", "0RD000003", "order OOO003"] {
        let mentions = patterns.mentions(text, false);
        assert_eq!(mentions.len(), 1, "{text}: {mentions:?}");
        assert_eq!((mentions[0].id.as_str(), mentions[0].certainty), ("ORD000003", Certainty::Alike), "{text}");
        assert!(found(&patterns, text, true).is_empty(), "never silently: {text}");
    }
    let hash = shop(&["#1001", "#1002", "#1003"]);
    assert_eq!(hash.mentions("order l0O1", false)[0].id, OrderId::new("#1001"));
    for text in ["order look", "lol 1", "oil", "order ill"] {
        assert!(hash.mentions(text, false).is_empty(), "{text}");
    }
}

#[test]
fn names_lead_to_the_order() {
    let mut names = OrderNames::default();
    names.add(OrderId::new("#1001"), OrderId::new("6001"));
    names.add(OrderId::new("#1002"), OrderId::new("#1002"));
    let patterns = shop(&["#1001", "#1002", "#1003"]).knowing(&names, []);
    assert_eq!(found(&patterns, "yes, order 1001 and #1002", false), ["6001", "#1002"]);
    assert_eq!(patterns.order_of("#1001"), Some(OrderId::new("6001")));
    let (id, other) = (OrderId::new("6001"), OrderId::new("7"));
    assert_eq!((names.name_of(&id).as_str(), names.name_of(&other)), ("#1001", &other));
}

#[test]
fn texts_without_ids() {
    let patterns = shop(&["#1001", "#1002", "#1003"]);
    assert_eq!(patterns.with_ids_as("Where is #1001, and cust0042?", "X"), "Where is X, and X?");
    assert_eq!(patterns.without_ids("yes #1001"), "yes  ");
    assert_eq!(patterns.without_ids("I paid 1001"), "I paid 1001");
    let long = IdPatterns::new(r"\bOD\d{18}\b", IdPatterns::CUSTOMER).unwrap();
    assert_eq!(long.with_ids_as("Where is OD430012345678901000", "X"), "Where is X");
}

#[rstest]
#[case(r"#\d{4,}", Some("#1234"))]
#[case(r"\bORD\d{6}\b", Some("ORD123456"))]
#[case(r"\bOD\d{18}\b", Some("OD123456789012345678"))]
#[case(r"\b(?:WEB\d{5})\b|\bAPP-[0-9]{4,6}\b", Some("WEB12345"))]
#[case(r"\b[A-Z]{2}-\d{5}\b", Some("AB-12345"))]
#[case(r"\b(\d{3})-?(\d{7})-?(\d{7})\b", Some("100-1234567-1234567"))]
#[case(r"\bX(?:A|B)+\d+\b", None)]
fn settings_are_read(#[case] pattern: &str, #[case] example: Option<&str>) {
    let patterns = IdPatterns::new(pattern, IdPatterns::CUSTOMER).unwrap();
    assert_eq!((patterns.example(), patterns.source()), (example, Source::Setting));
    if let Some(example) = example.filter(|_| !pattern.contains("\\d{3})")) {
        assert_eq!(found(&patterns, &format!("where is {example}?"), false), [example], "{pattern}");
    }
    assert_eq!(patterns.learnt(&IdForms::of(["77", "78"])).example(), example, "a setting overrides");
}

#[test]
fn a_pattern_that_is_no_list_of_families_is_searched_as_it_is() {
    let patterns = IdPatterns::new(r"\bX(?:A|B)+\d+\b", IdPatterns::CUSTOMER).unwrap();
    assert_eq!(found(&patterns, "where is xab12, ORD000001?", false), ["XAB12"]);
    assert!(IdPatterns::new("(", IdPatterns::CUSTOMER).is_err());
    let hash = IdPatterns::new(r"#\d{4,}", IdPatterns::CUSTOMER).unwrap();
    for text in ["where is order 1001", "1001", "it is 1001", "#1001", "#100123"] {
        assert_eq!(found(&hash, text, false).len(), 1, "{text}");
    }
}

#[test]
fn forms_are_saved_and_joined() {
    let mut forms = IdForms::of(["#1001", "#1002"]);
    let json = serde_json::to_string(&forms).unwrap();
    assert_eq!(serde_json::from_str::<IdForms>(&json).unwrap(), forms);
    assert!(!json.contains("1001") && !json.contains("1002"), "no id is kept: {json}");
    assert!(forms.observe("#10000", false), "longer than before");
    for _ in 0..20 {
        forms.observe("#1001", false);
    }
    assert!(!forms.observe("#1003", false), "nothing new");
    forms.merge(IdForms::of(["WC-1", "WC-2", "WC-3"]));
    assert_eq!((forms.seen(), forms.families().len()), (27, 2));
    // What customers know comes first.
    let mut both = IdForms::default();
    for number in 0..50 {
        both.observe(&(5_000_000_000_u64 + number).to_string(), false);
        both.observe(&format!("#{}", 1_001 + number), true);
    }
    assert_eq!(both.families()[0].example(), "#1001");
}

#[test]
fn live_patterns_change_for_all_who_hold_them() {
    let live = LivePatterns::new(IdPatterns::new("", IdPatterns::CUSTOMER).unwrap());
    let held = live.clone();
    assert_eq!(held.now().example(), Some("ORD123456"));
    live.learn(&IdForms::of(["#1001"]));
    assert_eq!(held.now().example(), Some("#1001"));
    live.learn(&IdForms::default());
    assert_eq!(held.now().example(), Some("ORD123456"));
    let set = LivePatterns::new(IdPatterns::new(r"X\d{5}", IdPatterns::CUSTOMER).unwrap());
    set.learn(&IdForms::of(["#1001"]));
    assert!(!set.learns() && set.now().example() == Some("X12345"));
}

/// Ids of several shops, each with a number of it.
fn id_of(family: usize, number: u32) -> String {
    match family {
        0 => format!("ORD{:06}", number % 1_000_000),
        1 => format!("#{}", 1_000 + number % 9_000),
        2 => format!("402-{:07}-{:07}", number % 10_000_000, number / 3 % 10_000_000),
        3 => format!("WC-2026-{:06}", number % 1_000_000),
        4 => format!("EXT/{:05}", number % 100_000),
        _ => format!("{}", 1_000 + number % 9_000),
    }
}

fn digits_as(text: &str, zero: char) -> String {
    let digit = |c: char| {
        c.to_digit(10).and_then(|digit| char::from_u32(u32::from(zero) + digit)).filter(|_| c.is_ascii_digit())
    };
    text.chars().map(|c| digit(c).unwrap_or(c)).collect()
}

/// An id as a customer may write it.
fn as_written(id: &str, way: usize) -> String {
    match way {
        0 => id.to_lowercase(),
        1 => digits_as(id, '\u{966}'),
        2 => digits_as(id, '\u{660}'),
        3 => digits_as(id, '\u{FF10}'),
        4 => id.replace('-', "\u{2013}"),
        5 => id.replace(['-', '/'], " "),
        6 => id.chars().flat_map(|c| [c, '\u{200B}']).collect(),
        7 => format!("https://shop.example/o?id={}&x=y", id.trim_start_matches('#')),
        _ => id.to_owned(),
    }
}

proptest! {
    #[test]
    fn every_id_is_found_however_it_is_written(family in 0_usize..6, number: u32, seed: u32, way in 0_usize..9, words in 0_usize..4) {
        let patterns = many((0..30_u32).map(|at| id_of(family, seed.wrapping_add(at * 7_919))).chain([id_of(family, number)]));
        let id = id_of(family, number);
        let written = as_written(&id, way);
        let text = match words {
            0 => format!("where is my order {written}?"),
            1 => format!("order no. {written} please"),
            2 => format!("Hello, my order id is {written}\nthanks"),
            _ => format!("मेरा ऑर्डर {written} कहाँ है"),
        };
        // An address names the order only where its words do.
        prop_assume!(way != 7 || family != 5 && family != 1 || text.contains("order"));
        prop_assert_eq!(found(&patterns, &text, false), [id.clone()], "{}", text);
        prop_assert_eq!(patterns.order_of(&id), Some(OrderId::new(&id)));
    }

    #[test]
    fn prose_holds_no_id(family in 0_usize..6, seed: u32, words in proptest::collection::vec("[a-z]{1,9}|₹[0-9]{3,5}|[0-9]{1,2} (days|items|kg)|[0-9]{1,2}:[0-9]{2}|[6-9][0-9]{9}", 0..20)) {
        let patterns = many((0..30_u32).map(|at| id_of(family, seed.wrapping_add(at * 7_919))));
        let order = |word: &String| word.starts_with("ord") || word.starts_with("od") || word.starts_with("par") || word.starts_with("pa") || word.starts_with("ship") || word.starts_with("pur") || word.starts_with("co") || word.starts_with("pe") || word.starts_with("bes") || word.starts_with("au") || word.starts_with("en") || word.starts_with("si");
        prop_assume!(!words.iter().any(order));
        // The letters of the shop's own ids before a number are such an id, written by hand.
        let id = id_of(family, seed).to_lowercase();
        let letters = id.trim_start_matches('#').split(|c: char| !c.is_ascii_lowercase()).next().unwrap_or_default();
        prop_assume!(letters.is_empty() || !words.iter().any(|word| word == letters));
        let text = words.join(" ");
        prop_assert_eq!(found(&patterns, &text, false), Vec::<String>::new(), "{}", text);
    }

    #[test]
    fn nothing_panics_and_ranges_are_of_the_text(text in "\\PC{0,60}", ids in proptest::collection::vec("\\PC{0,20}", 0..6), asked: bool) {
        let patterns = many(ids);
        for mention in patterns.mentions(&text, asked) {
            prop_assert!(text.get(mention.range.clone()).is_some());
        }
        let _ = (patterns.without_ids(&text), patterns.order_of(&text), patterns.customers_in(&text));
    }

    #[test]
    fn digits_and_signs_of_all_kinds(text in "[0-9 ,./#:oOlI०-९-]{0,40}", asked: bool) {
        for family in 0..6 {
            let patterns = many((0..10_u32).map(|at| id_of(family, at * 7_919)));
            let _ = patterns.mentions(&text, asked);
        }
    }

    #[test]
    fn any_settings_pattern_is_read_or_left(pattern in "\\PC{0,12}|(\\\\d|[A-Z#-]|\\{[0-9]{1,2}\\}|\\||\\(|\\)){0,10}", text in "\\PC{0,30}") {
        if let Ok(patterns) = IdPatterns::new(&pattern, IdPatterns::CUSTOMER) {
            let _ = (patterns.mentions(&text, true), patterns.example().map(str::to_owned));
        }
    }
}

#[test]
fn zeros_inside_of_an_id_begin_no_telephone_number() {
    let patterns = many((0..30_u32).map(|at| id_of(2, at * 7_919)));
    for text in ["it is 402-0010000-3336666", "https://shop.example/402-0010000-3336666?x=y"] {
        assert_eq!(found(&patterns, text, false), ["402-0010000-3336666"], "{text}");
    }
    let numbers = many((0..30_u32).map(|at| id_of(5, at * 7)));
    assert_eq!(found(&numbers, "call me on 0049 1003 1004 1005", false), Vec::<String>::new());
}

#[test]
fn where_something_else_was_asked_for_a_number_answers_that() {
    let patterns = shop(&["1501", "1502", "1503"]);
    assert_eq!(found(&patterns, "it was 1299", false), ["1299"]);
    let answering = patterns.without_lone_numbers();
    for answer in ["1299", "it was 1299", "it is 1299.", "1299/-", "1,299"] {
        assert_eq!(found(&answering, answer, false), [""; 0], "{answer}");
    }
    assert_eq!(found(&answering, "order 1502", false), ["1502"]);
    assert_eq!(found(&answering, "no, it is #1502", false), ["1502"]);
    let own = [OrderId::new("1502")];
    assert_eq!(found(&answering.knowing(&OrderNames::default(), &own), "1502", false), ["1502"]);
}
