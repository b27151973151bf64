use proptest::prelude::*;
use serde_json::json;

use super::*;

fn mask() -> Mask {
    Mask::new(IdPatterns::default(), true)
}

#[test]
fn personal_data_is_hidden_and_comes_back() {
    for (text, hidden) in [
        ("call me on 98765 43210 please", "call me on [PHONE_1] please"),
        ("+91-98765-43210, thanks", "[PHONE_1], thanks"),
        ("(098765) 43210", "[PHONE_1]"),
        ("mail asha.k+shop@example.co.in", "mail [EMAIL_1]"),
        ("phone:9876543210, mobile/9876543210", "phone:[PHONE_1], mobile/[PHONE_1]"),
        ("upi asha@okbank and asha@okbank", "upi [EMAIL_1] and [EMAIL_1]"),
        ("card 4111 1111 1111 1111 was charged", "card [CARD_1] was charged"),
        ("फ़ोन ९८७६५४३२१० है", "फ़ोन [PHONE_1] है"),
        ("9876543210 a@b.in 9876543211", "[PHONE_1] [EMAIL_2] [PHONE_3]"),
        ("you sent [PHONE_1]", "you sent [TEXT_1]"),
    ] {
        let mut mask = mask();
        assert_eq!(mask.hide(text), hidden);
        assert_eq!(mask.show(hidden), text);
    }
}

#[test]
fn numbers_of_papers_and_accounts_and_addresses_are_hidden() {
    for (text, hidden) in [
        ("my pan is ABCPE1234F ok", "my pan is [ID_1] ok"),
        ("pan: abcpe 1234 f", "pan: [ID_1]"),
        ("aadhaar 2345 6789 0123", "aadhaar [PHONE_1]"),
        // A word before a card is no country, whatever the digits add up to.
        ("rb 5 5 0 0 0 0 5 5 5 5 5 5 5 5 5 9", "rb [CARD_1]"),
        // With the next words cut off in the middle it would pass the check as well, by chance.
        ("FR1420041010050500013M02606 nels ubya", "[ACCOUNT_1] nels ubya"),
        ("iban DE89 3704 0044 0532 0130 00 please", "iban [ACCOUNT_1] please"),
        ("GB82WEST12345698765432.", "[ACCOUNT_1]."),
        ("a/c no 123456789, ifsc HDFC0001234", "a/c no [ACCOUNT_1], ifsc [ACCOUNT_2]"),
        ("account number is 50100 1234 56789", "account number is [ACCOUNT_1]"),
        ("50100123456788 is where", "[ACCOUNT_1] is where"),
        ("card 4111\u{200b}1111\u{200b}1111\u{200b}1111", "card [CARD_1]"),
        ("4111-1111–1111 1111", "[CARD_1]"),
        ("कार्ड ४१११ ११११ ११११ ११११", "कार्ड [CARD_1]"),
        ("9\u{200d}8\u{200d}7\u{200d}6543210", "[PHONE_1]"),
        ("9 8 7 6 5 4 3 2 1 0", "[PHONE_1]"),
        ("９８７６５４３２１０", "[PHONE_1]"),
        ("98765 43210 560001", "[ACCOUNT_1]"),
        ("98765 43210 and 560001", "[PHONE_1] and 560001"),
        ("asha\u{200b}.k@okbank", "[EMAIL_1]"),
        ("send it to 12/4, MG Road, Indiranagar, Bengaluru 560038 today", "send it to [ADDRESS_1] today"),
        ("Flat no 302, Shanti Apartments", "[ADDRESS_1]"),
        ("I live at 221B Baker Street.", "I live at [ADDRESS_1]."),
    ] {
        let mut mask = mask();
        assert_eq!(mask.hide(text), hidden, "{text}");
        assert_eq!(mask.show(hidden), text);
    }
}

#[test]
fn what_the_model_needs_stays() {
    for text in [
        "ORD000003 and ord 000003",
        "order no 000003 for CUST1234567890",
        "RFND_20260601100000_ORD000003",
        "₹1234567890 on 2026-06-01",
        "2026-06-01T10:30:00Z",
        "delivered 2026-06-01 10:30 in 25 minutes",
        "pin 560001",
        "QUOTE_01999999999999999999999999999999",
        "2026-06-01 – 2026-06-05",
        "it took 25 minutes, 3 items, ₹1,299.50 and ₹599",
        "ABCDE1234F is no such number",
        "DE89 3704 0044 0532 0130 01 has other check digits",
        "order 3 for 599 and 2 streets away",
        "account of ORD000003",
    ] {
        assert_eq!(mask().hide(text), text);
    }
    let digits = IdPatterns::new(r"\b4\d{9}\b", r"\bCUST\d+\b").unwrap();
    assert_eq!(Mask::new(digits, true).hide("order 4123456789, phone 9876543210"), "order 4123456789, phone [PHONE_1]");
}

#[test]
fn json_is_hidden_inside_and_off_means_off() {
    let value = json!({"Customer Phone": "+91 98765 43210", "Order Value (INR)": 599, "list": ["a@b.in"]});
    let mut mask = mask();
    let hidden = mask.hide_json(&value);
    assert_eq!(hidden, json!({"Customer Phone": "[PHONE_1]", "Order Value (INR)": 599, "list": ["[EMAIL_2]"]}));
    assert_eq!(mask.show_json(&hidden), value);
    assert_eq!(Mask::new(IdPatterns::default(), false).hide("9876543210"), "9876543210");
}

#[test]
fn a_placeholder_that_stands_for_nothing_stays() {
    let mut mask = mask();
    mask.hide("9876543210");
    assert_eq!(mask.show("[PHONE_1] [PHONE_2] [EMAIL_1] [PHONE_0]"), "9876543210 [PHONE_2] [EMAIL_1] [PHONE_0]");
}

#[test]
fn a_placeholder_that_was_made_up_is_found() {
    let mut mask = Mask::new(IdPatterns::default(), true);
    assert_eq!(mask.hide("call 98765 43210, they wrote [CARD_9]"), "call [PHONE_1], they wrote [TEXT_2]");
    for known in ["Call [PHONE_1].", "[TEXT_2]", "You wrote [CARD_9].", "Order [ORD0003], see [1] or [[offer]]", ""] {
        assert!(!mask.has_unknown(known), "{known}");
    }
    for made_up in [
        "Call [PHONE_2].",
        "[EMAIL_1]",
        "[NAME_1]",
        "[phone_1]",
        "[Phone 3]",
        "[ADDRESS]",
        "Call [PHONE_1] or [PHONE_0]",
    ] {
        assert!(mask.has_unknown(made_up), "{made_up}");
    }
    assert!(Mask::new(IdPatterns::default(), false).has_unknown("[PHONE_1]"), "nothing was hidden");
}

proptest! {
    #[test]
    fn there_and_back(texts in proptest::collection::vec(
        prop_oneof![".{0,60}", r"[0-9 +()\-.@a-z\[\]PHONE_]{0,60}", r"(\[(PHONE|EMAIL|CARD|ID|ADDRESS|TEXT)_[0-9]{1,2}\]|\+91 [6-9][0-9]{9}|[a-z]{1,8}@[a-z]{2,8}| |ORD[0-9]{6}|12 [A-Z]{0,4}| Road|ABCPE1234F|DE89370400440532013000){0,8}"],
        1..5,
    )) {
        let mut mask = mask();
        let hidden: Vec<String> = texts.iter().map(|text| mask.hide(text)).collect();
        for (text, hidden) in texts.iter().zip(&hidden) {
            prop_assert_eq!(&mask.show(hidden), text);
            let patterns = IdPatterns::default();
            prop_assert_eq!(patterns.orders_in(hidden), patterns.orders_in(text));
        }
    }

    #[test]
    fn nothing_that_is_hidden_leaves(
        number in prop_oneof![
            "[6-9][0-9]{9}",
            "[2-9][0-9]{11}",
            "[A-Z]{3}[PCHFATBLJG][A-Z][0-9]{4}[A-Z]",
            Just("4111111111111111".to_owned()),
            Just("5500005555555559".to_owned()),
            Just("DE89370400440532013000".to_owned()),
            Just("FR1420041010050500013M02606".to_owned()),
            "[1-9][0-9]{13,17}",
        ],
        every in 1..6_usize,
        joint in prop_oneof![
            Just(""), Just(" "), Just("-"), Just("\u{200b}"), Just("\u{2060}"), Just("\u{a0}"), Just("–"), Just(" \u{200d}"),
        ],
        before in "([a-z]{1,8}[ ,:] ?){0,3}",
        after in "([ ,.][a-z]{1,8}){0,3}",
    ) {
        let chars: Vec<char> = number.chars().collect();
        // No separator makes a date or an order of it.
        let written: Vec<String> = chars.chunks(every).map(|group| group.iter().collect()).collect();
        let written = written.join(joint);
        let text = format!("{before}{written}{after}");
        let mut mask = mask();
        let hidden = mask.hide(&text);
        let bare = |text: &str| -> String { text.chars().filter(|c| c.is_ascii_digit() || c.is_ascii_uppercase()).collect() };
        let left = PLACEHOLDER.replace_all(&hidden, "");
        prop_assert!(bare(&left).is_empty() || DATE.is_match(&written), "{text:?} is {hidden:?}");
        prop_assert_eq!(mask.show(&hidden), text);
    }

    #[test]
    fn no_number_of_ten_digits_leaves(number in "[6-9][0-9]{9}", before in "[a-z ,]{0,10}[ ,]", after in "[ ,.][a-z ]{0,10}") {
        let hidden = mask().hide(&format!("{before}{number}{after}"));
        prop_assert!(!hidden.contains(&number), "{}", hidden);
    }
}

#[test]
fn a_persons_columns_of_an_order_are_hidden_whatever_they_hold() {
    let order = serde_json::json!({
        "Order ID": "ORD000001", "Customer Name": "Asha", "Customer Email": "asha at home", "Address": "the blue house",
        "Postal Code": "K1A 0B1", "Customer Phone": "12345", "Other Phones": ["99"], "Payment ID": "pay_1", "Carrier": "Delhivery",
        "Items": [{"name": "Milk", "quantity": 2}],
    });
    let mut mask = Mask::new(IdPatterns::default(), true);
    let hidden = mask.hide_json(&order);
    let text = hidden.to_string();
    for secret in ["Asha", "asha", "blue", "K1A", "12345", "99", "pay_1"] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
    for told in ["ORD000001", "Delhivery", "Milk", "[NAME_1]"] {
        assert!(text.contains(told), "{told}: {text}");
    }
    assert_eq!(mask.show_json(&hidden), order);
    assert_eq!(Mask::new(IdPatterns::default(), false).hide_json(&order), order);
}
