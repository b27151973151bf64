//! What a proposal says, in each language: one sentence, after which a question follows.

use std::fmt::Display;

use super::super::{Language, isolated, ltr};
use crate::domain::order::Item;
use crate::domain::proposal::{ChangeField, Details, ProposalKind, Resolution};

/// Items, such as `2 × Milk and Bread`; the whole order where none are named.
fn listed(language: Language, items: &[Item]) -> String {
    let (whole, and) = match language {
        Language::English => ("the whole order", "and"),
        Language::Hinglish => ("poore order", "aur"),
        Language::Hindi => ("पूरे ऑर्डर", "और"),
        Language::Spanish => ("todo el pedido", "y"),
        Language::Portuguese => ("todo o pedido", "e"),
        Language::Arabic => ("الطلب كاملًا", "و"),
    };
    let one = |item: &Item| {
        let name = if language.is_right_to_left() { isolated(&item.name) } else { item.name.clone() };
        if item.quantity == 1 { name } else { format!("{} × {name}", item.quantity) }
    };
    let named: Vec<String> = items.iter().map(one).collect();
    match named.as_slice() {
        [] => whole.to_owned(),
        [one] => one.clone(),
        [before @ .., last] => format!("{} {and} {last}", before.join(", ")),
    }
}

fn field(language: Language, field: ChangeField) -> &'static str {
    use ChangeField::{Address, DeliverySlot, Instructions, Phone};
    match (language, field) {
        (Language::English, Address) => "delivery address",
        (Language::English, DeliverySlot) => "delivery time",
        (Language::English, Phone) => "phone number for the delivery",
        (Language::English, Instructions) => "delivery instructions",
        (Language::Hinglish, Address) => "delivery ka pata",
        (Language::Hinglish, DeliverySlot) => "delivery ka samay",
        (Language::Hinglish, Phone) => "delivery ka phone number",
        (Language::Hinglish, Instructions) => "rider ke liye note",
        (Language::Hindi, Address) => "डिलीवरी का पता",
        (Language::Hindi, DeliverySlot) => "डिलीवरी का समय",
        (Language::Hindi, Phone) => "डिलीवरी का फ़ोन नंबर",
        (Language::Hindi, Instructions) => "राइडर के लिए नोट",
        (Language::Spanish, Address) => "la dirección de entrega",
        (Language::Spanish, DeliverySlot) => "la hora de entrega",
        (Language::Spanish, Phone) => "el teléfono para la entrega",
        (Language::Spanish, Instructions) => "las instrucciones de entrega",
        (Language::Portuguese, Address) => "o endereço de entrega",
        (Language::Portuguese, DeliverySlot) => "o horário de entrega",
        (Language::Portuguese, Phone) => "o telefone para a entrega",
        (Language::Portuguese, Instructions) => "as instruções de entrega",
        (Language::Arabic, Address) => "عنوان التوصيل",
        (Language::Arabic, DeliverySlot) => "موعد التوصيل",
        (Language::Arabic, Phone) => "رقم الهاتف للتوصيل",
        (Language::Arabic, Instructions) => "تعليمات التوصيل",
    }
}

/// What a proposal says: one sentence; a question follows. `amount`: what goes back, as it is shown.
pub fn offer(
    language: Language,
    kind: ProposalKind,
    order: impl Display,
    details: &Details,
    amount: Option<&str>,
) -> String {
    let items = listed(language, &details.items);
    let rtl = language.is_right_to_left();
    let order = if rtl { ltr(order) } else { order.to_string() };
    let amount = amount.map(|amount| if rtl { ltr(amount) } else { amount.to_owned() });
    let amount = amount.as_deref();
    match kind {
        ProposalKind::Refund => refund(language, &order, &items, amount.unwrap_or_default()),
        ProposalKind::Cancel => cancel(language, &order, amount),
        ProposalKind::Change => {
            let Some(change) = &details.change else { return change_of(language, &order, None) };
            let value = if rtl { isolated(&change.value) } else { change.value.clone() };
            change_of(language, &order, Some((field(language, change.field), &value)))
        }
        ProposalKind::Return => match details.resolution {
            Some(Resolution::Replacement) => replacement(language, &order, &items),
            Some(Resolution::Exchange) => {
                let wish = details.wish.as_deref().map_or_else(String::new, |wish| {
                    if rtl { format!(": {}", isolated(wish)) } else { format!(": {wish}") }
                });
                exchange(language, &order, &items, &wish)
            }
            Some(Resolution::Refund) | None => taken_back(language, &order, &items, amount),
        },
    }
}

fn refund(language: Language, order: &str, items: &str, amount: &str) -> String {
    match language {
        Language::English => format!("I can refund {amount} for {items} of order {order}."),
        Language::Hinglish => format!("Main order {order} ke {items} ke {amount} wapas kar sakta hoon."),
        Language::Hindi => format!("मैं ऑर्डर {order} के {items} के {amount} वापस कर सकता हूँ।"),
        Language::Spanish => format!("Puedo reembolsar {amount} por {items} del pedido {order}."),
        Language::Portuguese => format!("Posso reembolsar {amount} por {items} do pedido {order}."),
        Language::Arabic => format!("يمكنني رد {amount} عن {items} من الطلب {order}."),
    }
}

fn cancel(language: Language, order: &str, amount: Option<&str>) -> String {
    match (language, amount) {
        (Language::English, Some(amount)) => format!("I can cancel order {order} and refund {amount}."),
        (Language::English, None) => format!("I can cancel order {order}; nothing was charged for it."),
        (Language::Hinglish, Some(amount)) => {
            format!("Main order {order} cancel karke {amount} wapas kar sakta hoon.")
        }
        (Language::Hinglish, None) => {
            format!("Main order {order} cancel kar sakta hoon; iske liye koi paise nahi liye gaye hain.")
        }
        (Language::Hindi, Some(amount)) => format!("मैं ऑर्डर {order} रद्द करके {amount} वापस कर सकता हूँ।"),
        (Language::Hindi, None) => {
            format!("मैं ऑर्डर {order} रद्द कर सकता हूँ; इसके लिए कोई पैसे नहीं लिए गए हैं।")
        }
        (Language::Spanish, Some(amount)) => format!("Puedo cancelar el pedido {order} y reembolsar {amount}."),
        (Language::Spanish, None) => format!("Puedo cancelar el pedido {order}; no se ha cobrado nada por él."),
        (Language::Portuguese, Some(amount)) => format!("Posso cancelar o pedido {order} e reembolsar {amount}."),
        (Language::Portuguese, None) => format!("Posso cancelar o pedido {order}; nada foi cobrado por ele."),
        (Language::Arabic, Some(amount)) => format!("يمكنني إلغاء الطلب {order} ورد {amount}."),
        (Language::Arabic, None) => format!("يمكنني إلغاء الطلب {order}؛ لم يُدفع شيء مقابله."),
    }
}

fn change_of(language: Language, order: &str, change: Option<(&str, &str)>) -> String {
    match (language, change) {
        (Language::English, Some((field, value))) => format!("I can change the {field} of order {order} to: {value}"),
        (Language::English, None) => format!("I can change order {order}."),
        (Language::Hinglish, Some((field, value))) => {
            format!("Main order {order} mein {field} ye kar sakta hoon: {value}")
        }
        (Language::Hinglish, None) => format!("Main order {order} badal sakta hoon."),
        (Language::Hindi, Some((field, value))) => format!("मैं ऑर्डर {order} में {field} यह कर सकता हूँ: {value}"),
        (Language::Hindi, None) => format!("मैं ऑर्डर {order} बदल सकता हूँ।"),
        (Language::Spanish, Some((field, value))) => {
            format!("Puedo cambiar {field} del pedido {order} por: {value}")
        }
        (Language::Spanish, None) => format!("Puedo cambiar el pedido {order}."),
        (Language::Portuguese, Some((field, value))) => {
            format!("Posso alterar {field} do pedido {order} para: {value}")
        }
        (Language::Portuguese, None) => format!("Posso alterar o pedido {order}."),
        (Language::Arabic, Some((field, value))) => format!("يمكنني تغيير {field} للطلب {order} إلى: {value}"),
        (Language::Arabic, None) => format!("يمكنني تغيير الطلب {order}."),
    }
}

fn replacement(language: Language, order: &str, items: &str) -> String {
    match language {
        Language::English => {
            format!("I can have {items} of order {order} replaced by the same, and the old taken back.")
        }
        Language::Hinglish => {
            format!("Main order {order} ke {items} ke badle wahi naya bhijwa sakta hoon; purana wapas liya jaayega.")
        }
        Language::Hindi => {
            format!("मैं ऑर्डर {order} के {items} के बदले वही नया भिजवा सकता हूँ; पुराना वापस लिया जाएगा।")
        }
        Language::Spanish => {
            format!("Puedo pedir que te cambien {items} del pedido {order} por lo mismo, y que recojan lo anterior.")
        }
        Language::Portuguese => {
            format!("Posso pedir que troquem {items} do pedido {order} pelo mesmo, e que recolham o anterior.")
        }
        Language::Arabic => format!("يمكنني طلب استبدال {items} من الطلب {order} بمثله، مع استلام القديم."),
    }
}

fn exchange(language: Language, order: &str, items: &str, wish: &str) -> String {
    match language {
        Language::English => format!("I can have {items} of order {order} taken back and exchanged{wish}"),
        Language::Hinglish => format!("Main order {order} ke {items} wapas lekar exchange karwa sakta hoon{wish}"),
        Language::Hindi => format!("मैं ऑर्डर {order} के {items} वापस लेकर एक्सचेंज करवा सकता हूँ{wish}"),
        Language::Spanish => format!("Puedo pedir que recojan {items} del pedido {order} y lo cambien{wish}"),
        Language::Portuguese => format!("Posso pedir que recolham {items} do pedido {order} e façam a troca{wish}"),
        Language::Arabic => format!("يمكنني طلب استلام {items} من الطلب {order} وتبديله{wish}"),
    }
}

fn taken_back(language: Language, order: &str, items: &str, amount: Option<&str>) -> String {
    match (language, amount) {
        (Language::English, Some(amount)) => {
            format!("I can have {items} of order {order} taken back and {amount} refunded.")
        }
        (Language::English, None) => format!("I can have {items} of order {order} taken back."),
        (Language::Hinglish, Some(amount)) => {
            format!("Main order {order} ke {items} wapas mangwa sakta hoon aur {amount} wapas kiye jaayenge.")
        }
        (Language::Hinglish, None) => format!("Main order {order} ke {items} wapas mangwa sakta hoon."),
        (Language::Hindi, Some(amount)) => {
            format!("मैं ऑर्डर {order} के {items} वापस मँगवा सकता हूँ और {amount} वापस किए जाएँगे।")
        }
        (Language::Hindi, None) => format!("मैं ऑर्डर {order} के {items} वापस मँगवा सकता हूँ।"),
        (Language::Spanish, Some(amount)) => {
            format!("Puedo pedir que recojan {items} del pedido {order} y que se te reembolsen {amount}.")
        }
        (Language::Spanish, None) => format!("Puedo pedir que recojan {items} del pedido {order}."),
        (Language::Portuguese, Some(amount)) => {
            format!("Posso pedir que recolham {items} do pedido {order} e que {amount} sejam reembolsados.")
        }
        (Language::Portuguese, None) => format!("Posso pedir que recolham {items} do pedido {order}."),
        (Language::Arabic, Some(amount)) => format!("يمكنني طلب استلام {items} من الطلب {order} ورد {amount}."),
        (Language::Arabic, None) => format!("يمكنني طلب استلام {items} من الطلب {order}."),
    }
}
