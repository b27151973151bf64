//! Which order is meant, and whose it is; never a fact about an order.

use std::fmt::Display;

use super::Language;
use crate::domain::ownership::Proof;

/// A sentence about an order id, with what one looks like where that is known. `example` is made up.
fn with_example(language: Language, sentence: &str, example: Option<&str>) -> String {
    match (language, example) {
        (_, Some(example)) => format!("{sentence}: it looks like {example}."),
        (_, None) => format!("{sentence}."),
    }
}

/// Asks for the order id.
pub fn ask_for_order_id(language: Language, example: Option<&str>) -> String {
    match language {
        _ => with_example(language, "Please send me your order id", example),
    }
}

/// Asks whether the latest order that fits is meant.
pub fn is_it_about(language: Language, order: &str) -> String {
    match language {
        _ => format!("Is it about {order}?"),
    }
}

/// The customer's other orders, in place of the one that was asked about.
pub fn or_one_of(language: Language, orders: &[String]) -> String {
    match language {
        _ => format!("If not, tell me which one it is: {}.", orders.join("; ")),
    }
}

/// An order as it is named in a question: its number, its date and what was bought, as far as they are known.
pub fn order_in_question(language: Language, order: impl Display, date: Option<&str>, about: &str) -> String {
    match language {
        _ => {
            let date = date.map_or(String::new(), |date| format!(" of {date}"));
            let about = if about.is_empty() { String::new() } else { format!(" ({about})") };
            format!("order {order}{date}{about}")
        }
    }
}

/// Asks whether an id is meant that was written with letters for digits.
pub fn do_you_mean(language: Language, order: impl Display) -> String {
    match language {
        _ => format!("Do you mean order {order}? (yes / no)"),
    }
}

/// Asks for the id of an order that is none of those that were suggested.
pub fn which_then(language: Language, example: Option<&str>) -> String {
    match language {
        _ => with_example(language, "Which order is it then? Please send me its order id", example),
    }
}

/// Asks for the order id once more, after small talk.
pub fn still_need_order_id(language: Language, example: Option<&str>) -> String {
    match language {
        _ => with_example(language, "I still need your order id", example),
    }
}

/// Asks for both ids, where orders are shown only to whoever knows both.
pub fn ask_for_order_and_customer_id(language: Language, example: Option<&str>) -> String {
    match language {
        _ => {
            let like = example.map_or(String::new(), |example| format!(" (like {example})"));
            format!("Please send me the order id{like} and the customer id (like CUST1234) it was placed with.")
        }
    }
}

/// Offers a person to a customer who gave no order id.
pub fn person_without_order_id(language: Language) -> &'static str {
    match language {
        _ => "Without the order id I can't look it up, but a member of our team can. Shall I bring one in? (yes / no)",
    }
}

/// Asks for the customer id of an order that was named.
pub fn need_customer_id(language: Language) -> &'static str {
    match language {
        _ => "To protect your data I also need the customer id of that order: it looks like CUST1234.",
    }
}

/// The two ids were not found together.
pub fn ids_do_not_match(language: Language, example: Option<&str>) -> String {
    match language {
        _ => {
            let check = match example {
                Some(example) => format!("Please check both: they look like {example} and CUST1234."),
                None => "Please check both.".to_owned(),
            };
            format!("That order id and customer id do not belong together for me. {check}")
        }
    }
}

/// What only the buyer of an order knows, as the shop asks for it.
pub fn what_only_the_buyer_knows(language: Language, kinds: &[Proof]) -> String {
    let one = |kind: &Proof| match (language, kind) {
        (_, Proof::CustomerId) => "the customer id it was placed with (like CUST1234)",
        (_, Proof::Amount) => "the exact order value",
        (_, Proof::PhoneLast4) => "the last four digits of its telephone number",
    };
    match language {
        _ => kinds.iter().map(one).collect::<Vec<_>>().join(" or "),
    }
}

/// Asks for something that only the buyer knows. Said of orders that exist and of others alike.
pub fn need_proof(language: Language, orders: &str, kinds: &[Proof]) -> String {
    let what = what_only_the_buyer_knows(language, kinds);
    match language {
        _ => {
            format!(
                "To protect your data, the id of {orders} alone is not enough: please check it, and send me {what} as well."
            )
        }
    }
}

/// What was sent does not open the orders. Said of orders that exist and of others alike.
pub fn proof_does_not_match(language: Language, orders: &str, kinds: &[Proof], example: Option<&str>) -> String {
    let what = what_only_the_buyer_knows(language, kinds);
    match language {
        _ => {
            let like = example.map_or(String::new(), |example| format!(" (it looks like {example})"));
            format!("That does not match for {orders}. Please check the order id{like}, and send me {what}.")
        }
    }
}

/// Where an order's id and value stand.
pub fn where_proof_is(language: Language, kinds: &[Proof]) -> String {
    let what = what_only_the_buyer_knows(language, kinds);
    match language {
        _ => format!("Your order confirmation says it: I need {what}."),
    }
}

/// Where the order id stands.
pub fn where_order_id_is(language: Language, example: Option<&str>) -> String {
    match language {
        _ => with_example(language, "The order id is in your order confirmation", example),
    }
}

/// Where the customer id stands.
pub fn where_customer_id_is(language: Language) -> &'static str {
    match language {
        _ => "The customer id is in your account and your order confirmation; it looks like CUST1234.",
    }
}

/// Offers a person to a customer who cannot find an id.
pub fn person_to_find_id(language: Language) -> &'static str {
    match language {
        _ => "If you cannot find it, a member of our team can look for it. Shall I bring one in? (yes / no)",
    }
}

/// There is no such order for this customer.
pub fn order_not_found(language: Language, order: impl Display, example: Option<&str>) -> String {
    match language {
        _ => {
            let like = example.map_or(String::new(), |example| format!(": it looks like {example}, and"));
            let like = if like.is_empty() { ":".to_owned() } else { like };
            format!("I can't find order {order} for you. Please check the id{like} I can only see your own orders.")
        }
    }
}

/// Offers a person after orders were not found.
pub fn person_to_find_order(language: Language) -> &'static str {
    match language {
        _ => "Shall I bring in a member of our team to look for it? (yes / no)",
    }
}

/// Asks for the orders once more that one turn does not cover.
pub fn orders_at_a_time(language: Language, most: usize, rest: &[String]) -> String {
    match language {
        _ => {
            format!("I look at {most} orders at a time: please send {} once more afterwards.", rest.join(", "))
        }
    }
}
