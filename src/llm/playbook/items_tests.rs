use super::*;

fn order(names: &[(&str, u64)]) -> Vec<Line> {
    let items: Vec<Value> = names.iter().map(|(name, quantity)| json!({"name": name, "quantity": quantity})).collect();
    lines(&json!({"Items": items}), "Items")
}

fn named(text: &str, names: &[(&str, u64)]) -> Vec<(String, u64)> {
    let lines = order(names);
    match meant(&Said::new(text), &lines) {
        Part::Unnamed => Vec::new(),
        Part::Whole => vec![("all".to_owned(), 0)],
        Part::Lines(meant) => {
            meant.into_iter().map(|meant| (lines[meant.place].name.clone(), meant.quantity)).collect()
        }
    }
}

#[test]
fn an_article_is_found_by_its_name_its_kind_and_its_sound() {
    let dairy = [("Toned Milk 1 L", 2), ("Brown Bread 400 g", 1), ("Eggs 12 pcs", 1)];
    for (text, name) in [
        ("the bread was missing", "Brown Bread 400 g"),
        ("ande toote hue the", "Eggs 12 pcs"),
        ("अंडे टूटे हुए थे", "Eggs 12 pcs"),
        ("el pan no vino", "Brown Bread 400 g"),
        ("os ovos vieram quebrados", "Eggs 12 pcs"),
        ("البيض مكسور", "Eggs 12 pcs"),
        ("the breadd is stale", "Brown Bread 400 g"),
    ] {
        let found = named(text, &dairy);
        assert_eq!(found.iter().map(|found| found.0.as_str()).collect::<Vec<_>>(), [name], "{text}");
    }
    let care = [("Herbal Shampoo 340 ml", 1), ("Face Wash 100 ml", 1), ("Lunch Box 3 tier", 1)];
    assert_eq!(named("शैम्पू लीक", &care)[0].0, "Herbal Shampoo 340 ml");
    assert_eq!(named("facewash leaked", &care)[0].0, "Face Wash 100 ml");
    assert_eq!(named("लंच बॉक्स छोटा है", &care)[0].0, "Lunch Box 3 tier");
}

#[test]
fn several_things_are_called_as_one_is() {
    let home = [("Blackout Curtains", 1), ("Double Bedsheet", 1)];
    for text in ["mere parde kahan hain", "पर्दे कहाँ हैं", "पर्दा कहाँ है"]
    {
        assert_eq!(named(text, &home), [("Blackout Curtains".to_owned(), 1)], "{text}");
    }
    assert_eq!(named("mere", &home), []);
}

#[test]
fn what_is_said_to_be_fine_is_not_meant() {
    let dairy = [("Paneer 200 g", 1), ("Curd 400 g", 1), ("Cheese Slices 10 pcs", 1)];
    let text = "paneer smelled sour, curd and cheese are fine. refund for the paneer only";
    assert_eq!(named(text, &dairy), [("Paneer 200 g".to_owned(), 1)]);
    let care = [("Face Wash 100 ml", 1), ("Neem Soap 4 pack", 1), ("Toothpaste 2 pack", 1)];
    let text = "facewash aur sabun dono leak ho gaye, toothpaste thik hai";
    let found = named(text, &care);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found.iter().all(|found| found.0 != "Toothpaste 2 pack"));
    let boxes = [("Lunch Box 3 tier", 1), ("Steel Bottle 1 L", 1)];
    let found = named("लंच बॉक्स छोटा है, वापस करना है। बोतल रख रहा हूँ", &boxes);
    assert_eq!(found, [("Lunch Box 3 tier".to_owned(), 1)]);
}

#[test]
fn what_is_left_beside_what_is_fine_is_meant_in_every_language() {
    let two = [("Digital Thermometer", 1), ("Vitamin C Tablets", 1)];
    for text in [
        "El aparato no enciende; las vitaminas están bien",
        "the gadget does not switch on, vitamins came fine",
        "جهاز القياس لا يعمل، الفيتامين سليم",
        "मीटर काम नहीं कर रहा, विटामिन ठीक हैं",
        "chegou só isto: faltou o aparelho. só a vitamina",
    ] {
        assert_eq!(named(text, &two), [("Digital Thermometer".to_owned(), 1)], "{text}");
    }
    let pair = [("Kettle", 1), ("Mug", 1)];
    for text in
        ["I received the kettle, it is broken. Refund please", "kettle aa gaya par toota hua hai, paise wapas karo"]
    {
        assert_ne!(named(text, &pair), [("Mug".to_owned(), 1)], "{text}");
    }
    let shirts = [("Cotton Kurta", 2), ("Wool Scarf", 1)];
    assert_eq!(named("स्कार्फ़ नहीं था, कुर्ते आ गए। स्कार्फ़ के पैसे वापस चाहिए", &shirts), [("Wool Scarf".to_owned(), 1)]);
    let three = [("Lamp", 1), ("Chair", 1), ("Table", 1)];
    assert_eq!(named("it is broken, the chair is fine", &three), [], "which of the other two is not said");
}

#[test]
fn the_clause_that_wishes_money_says_for_how_much() {
    let lines = [("Vitamin C Tablets", 1), ("Cough Syrup", 1)];
    assert_eq!(named("the vitamins are expired. money back for all of it", &lines), [("all".to_owned(), 0)]);
}

#[test]
fn pieces_are_counted() {
    let wraps = [("Paneer Wrap", 2)];
    assert_eq!(
        named("only one wrap came, i ordered two. refund the other one", &wraps),
        [("Paneer Wrap".to_owned(), 1)]
    );
    assert_eq!(named("both wraps are cold", &wraps), [("all".to_owned(), 0)]);
    assert_eq!(named("one of the cans leaked", &[("Lime Soda", 6), ("Salt", 1)]), []);
    assert_eq!(named("one soda leaked", &[("Lime Soda", 6), ("Salt", 1)]), [("Lime Soda".to_owned(), 1)]);
}

#[test]
fn all_is_all_and_nothing_is_nothing() {
    let fruit = [("Shimla Apples 1 kg", 1), ("Strawberries 200 g", 1)];
    assert_eq!(named("sab fruit kharab tha, poora paisa wapas chahiye", &fruit), [("all".to_owned(), 0)]);
    assert_eq!(named("refund both", &fruit), [("all".to_owned(), 0)]);
    assert_eq!(named("refund it please", &fruit), []);
    let snacks = [("Masala Chips 150 g", 2), ("Lime Soda 6 cans", 1)];
    assert_eq!(named("chips missing, baki sab theek", &snacks), [("Masala Chips 150 g".to_owned(), 2)]);
}

#[test]
fn a_word_beside_counts_less_than_what_it_is() {
    let lines = [("Instant Noodles 6 pack", 1), ("Filter Coffee 500 g", 1)];
    assert_eq!(named("ordered filter coffee and got instant", &lines), [("Filter Coffee 500 g".to_owned(), 1)]);
    let meals = [("Veg Biryani Bowl", 1), ("Chicken Curry Meal", 1)];
    assert_eq!(named("got mutton instead of chicken curry", &meals), [("Chicken Curry Meal".to_owned(), 1)]);
}
