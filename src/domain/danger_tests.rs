//! What the words of messages tell: the rules and their words, and how many of `tests/danger/messages.jsonl` they get right.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::*;

const MESSAGES: &str = include_str!("../../tests/danger/messages.jsonl");

/// The names of the kinds in a file of words.
fn kinds_of(file: &str) -> BTreeSet<&str> {
    lines(file).filter_map(|line| line.split_once(':')).map(|(name, _)| name).collect()
}

#[test]
fn every_line_is_read_and_every_kind_has_words_and_a_rule() {
    assert_eq!(lines(RULE_LINES).count(), RULES.len());
    let named: BTreeSet<&str> = KINDS.keys().copied().chain([NONE]).collect();
    for file in FILES.iter().copied().flatten() {
        assert_eq!(lines(file).filter(|line| !line.contains(": ")).collect::<Vec<_>>(), Vec::<&str>::new());
        let kinds = kinds_of(file);
        assert!(kinds.is_subset(&named), "{:?}", kinds.difference(&named).collect::<Vec<_>>());
    }
    let english = kinds_of(FILES[0][0]);
    assert!(named.is_subset(&english), "{:?}", named.difference(&english).collect::<Vec<_>>());
}

#[test]
fn a_word_of_harm_alone_tells_nothing() {
    for text in [
        "this price is killing me",
        "is the hair on fire sale still on",
        "shocked at the service",
        "my phone died",
        "it is burning a hole in my pocket",
        "a rash decision, cancel it please",
        "the pizza was burnt",
        "do you have something for a fever?",
        "I'll be at the door, the driver may call",
        "price dekh ke jhatka laga",
        "इंतज़ार करते करते मर गए",
        "este precio me mata",
        "el repartidor ni tocó el timbre y dejó el pedido en la escalera",
        "esse preço tá me matando",
        "السعر قاتل",
    ] {
        assert_ne!(told(text), Told::Surely, "{text}");
    }
}

#[test]
fn words_of_different_kinds_tell_of_a_danger_together() {
    for text in [
        "my thumb got cut by a blade in the box",
        "the heater smokes",
        "since I took your syrup I am dizzy and vomiting",
        "your driver keeps calling me at 2am and knows where I live",
        "I do not see a reason to go on, I want to end it all",
        "mere bete ne battery nigal li",
        "चार्जर से धुआँ निकल रहा है",
        "la batería está hinchada",
        "a bateria está inchada",
        "الشاحن يطلع منه دخان",
        // With “and” and the article joined to a word.
        "طاح الكوب ويدها انجرحت والدم لا يتوقف",
        // Two languages in one message, and one in which nobody is answered.
        "bhai charger is sparking, dhuan nikal raha hai",
        "மருத்துவமனையில் இருக்கிறோம்",
        "le chargeur a pris feu",
    ] {
        assert_eq!(told(text), Told::Surely, "{text}");
    }
}

#[test]
fn what_is_too_far_apart_or_taken_out_does_not_count() {
    for text in [
        "the hand cream came, and besides that I wanted to ask what the price of the red lamp will be when it burns",
        "do you sell a smoke detector for the kitchen with a battery",
        "kettle ka daam dekh ke current lag gaya",
        "a cast iron pan gets really hot, is that normal",
    ] {
        assert!(told(text) < Told::Perhaps, "{text}: {:?}", told(text));
    }
    assert_eq!(told("where is my order"), Told::Nothing);
}

#[test]
fn an_errand_is_no_danger_by_a_word_and_nothing_grave_by_a_doubt() {
    let read = |text, [normal, danger, serious]: [f32; 3], topic| {
        let mut ranked = [("normal", normal), ("danger", danger), ("serious", serious)];
        ranked.sort_by(|one, other| other.1.total_cmp(&one.1));
        urgency(text, &ranked, topic).0
    };
    let hint = "I will give the lamp to my daughter";
    assert_eq!(told(hint), Told::Hint);
    assert_eq!(read(hint, [0.7, 0.25, 0.05], ("return", 0.8)), "normal");
    // A danger all the same: the model is not sure of the errand, it is none, or the danger is likelier than not.
    for (shares, topic) in [
        ([0.7, 0.25, 0.05], ("return", 0.4)),
        ([0.7, 0.25, 0.05], ("damaged_item", 0.9)),
        ([0.3, 0.6, 0.1], ("return", 0.8)),
    ] {
        assert_eq!(read(hint, shares, topic), DANGER, "{shares:?} {topic:?}");
    }
    let nothing = "please take it back";
    assert_eq!(read(nothing, [0.3, 0.6, 0.1], ("return", 0.8)), "normal");
    assert_eq!(read(nothing, [0.1, 0.6, 0.3], ("return", 0.8)), "serious");
    assert_eq!(read(nothing, [0.3, 0.6, 0.1], ("bad_quality", 0.8)), "serious");
    assert_eq!(read(nothing, [0.1, 0.85, 0.05], ("return", 0.8)), DANGER);
    assert_eq!(read("my hand is bleeding", [0.99, 0.005, 0.005], ("return", 0.9)), DANGER);
    assert_eq!(urgency("my hand is bleeding", &[], ("", 0.0)).0, DANGER);
    assert_eq!(urgency(nothing, &[], ("", 0.0)).0, "");
}

#[test]
fn what_a_thing_is_called_is_no_sign_of_harm() {
    for text in [
        "eight days for a pair of curtains",
        "खांसी की दवा कब आएगी",
        "comprei sem querer",
        "أريد إلغاء أحمر الشفاه والكريم",
    ] {
        assert!(told(text) < Told::Perhaps, "{text}: {:?}", told(text));
    }
}

#[test]
fn words_decide_alone_or_with_what_the_model_reads() {
    for (told, probability, danger) in [
        (Told::Surely, None, true),
        (Told::Surely, Some(0.0), true),
        (Told::Perhaps, None, false),
        (Told::Perhaps, Some(0.01), false),
        (Told::Perhaps, Some(0.1), true),
        (Told::Hint, Some(0.1), false),
        (Told::Hint, Some(0.3), true),
        (Told::Nothing, Some(0.3), false),
        (Told::Nothing, Some(0.9), true),
        (Told::Nothing, None, false),
    ] {
        assert_eq!(is_danger(told, probability), danger, "{told:?} {probability:?}");
    }
}

/// Thousands of words of many kinds: the search for those that stand together must end soon.
#[test]
fn a_long_message_is_read_to_its_end() {
    let text = "where is my order for my son and me, the phone charger with the chair. ".repeat(300);
    assert!(told(&text) < Told::Surely);
    assert_eq!(told(&format!("{text} It caught fire.")), Told::Surely);
}

/// Without the model: the half that the words were not written with.
#[test]
fn the_words_alone_find_most_dangers_and_raise_few_false_alarms() {
    let mut counts: BTreeMap<String, [u32; 4]> = BTreeMap::new();
    for line in MESSAGES.lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        if row["held_out"] == false {
            continue;
        }
        let danger = usize::from(row["danger"] == false) * 2;
        let count = counts.entry(row["language"].as_str().unwrap().to_owned()).or_default();
        count[danger] += 1;
        count[danger + 1] += u32::from(told(row["text"].as_str().unwrap()) == Told::Surely);
    }
    assert_eq!(counts.len(), 6);
    for (language, [dangers, found, others, alarms]) in counts {
        assert!(found * 100 >= dangers * 80, "{language}: {found} of {dangers}");
        assert!(alarms * 100 <= others * 4, "{language}: {alarms} of {others}");
    }
}
