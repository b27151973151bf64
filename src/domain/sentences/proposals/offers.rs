//! What a proposal says, in each language: one sentence, after which a question follows.

use std::fmt::Display;

use super::super::Language::{self, Arabic, English, Hindi, Hinglish, Portuguese, Spanish};
use super::super::{isolated, ltr, media, refunds};
use super::{about, field, order_in};
use crate::domain::inbound::is_position;
use crate::domain::proposal::{ChangeField, Details, ProposalKind, Resolution};

/// What a proposal says: one sentence; a question follows. `amount`: what goes back, as it is shown.
pub fn offer(
    language: Language,
    kind: ProposalKind,
    order: impl Display,
    details: &Details,
    amount: Option<&str>,
) -> String {
    let rtl = language.is_right_to_left();
    if kind == ProposalKind::Refund && details.items.is_empty() {
        return refunds::offer(language, amount.unwrap_or_default(), order, None);
    }
    let order = order_in(language, order);
    let amount = amount.map(|amount| if rtl { ltr(amount) } else { amount.to_owned() });
    let amount = amount.as_deref();
    let what = about(language, &order, &details.items);
    match kind {
        ProposalKind::Refund => refund(language, &what, amount.unwrap_or_default()),
        ProposalKind::Cancel => cancel(language, &order, amount),
        ProposalKind::Change => {
            let Some(change) = &details.change else { return change_of(language, &order, None) };
            let value = if rtl { isolated(&change.value) } else { change.value.clone() };
            let is_bare = change.field == ChangeField::Address && is_position(&change.value);
            let value = if is_bare { media::map_position(language, &value) } else { value };
            change_of(language, &order, Some((field(language, change.field), &value)))
        }
        ProposalKind::Return => match details.resolution {
            Some(Resolution::Replacement) => {
                let several = details.items.len() > 1 || details.items.iter().any(|item| item.quantity > 1);
                replacement(language, &what, several)
            }
            Some(Resolution::Exchange) => exchange(language, &what, details.wish.as_deref()),
            Some(Resolution::Refund) | None => taken_back(language, &what, amount),
        },
    }
}

fn refund(language: Language, what: &str, amount: &str) -> String {
    match language {
        English => format!("I can refund {amount} for {what}."),
        Hinglish => format!("Main {what} ke {amount} wapas kar sakta hoon."),
        Hindi => format!("मैं {what} के {amount} वापस कर सकता हूँ।"),
        Spanish => format!("Puedo reembolsar {amount} por {what}."),
        Portuguese => format!("Posso reembolsar {amount} por {what}."),
        Arabic => format!("يمكنني رد {amount} عن {what}."),
    }
}

fn cancel(language: Language, order: &str, amount: Option<&str>) -> String {
    match (language, amount) {
        (English, Some(amount)) => format!("I can cancel order {order} and refund {amount}."),
        (English, None) => format!("I can cancel order {order}; nothing was charged for it."),
        (Hinglish, Some(amount)) => format!("Main order {order} cancel karke {amount} wapas kar sakta hoon."),
        (Hinglish, None) => {
            format!("Main order {order} cancel kar sakta hoon; iske liye koi paise nahi liye gaye hain.")
        }
        (Hindi, Some(amount)) => format!("मैं ऑर्डर {order} रद्द करके {amount} वापस कर सकता हूँ।"),
        (Hindi, None) => format!("मैं ऑर्डर {order} रद्द कर सकता हूँ; इसके लिए कोई पैसे नहीं लिए गए हैं।"),
        (Spanish, Some(amount)) => format!("Puedo cancelar el pedido {order} y reembolsar {amount}."),
        (Spanish, None) => format!("Puedo cancelar el pedido {order}; no se ha cobrado nada por él."),
        (Portuguese, Some(amount)) => format!("Posso cancelar o pedido {order} e reembolsar {amount}."),
        (Portuguese, None) => format!("Posso cancelar o pedido {order}; nada foi cobrado por ele."),
        (Arabic, Some(amount)) => format!("يمكنني إلغاء الطلب {order} ورد {amount}."),
        (Arabic, None) => format!("يمكنني إلغاء الطلب {order}؛ لم يُدفع شيء مقابله."),
    }
}

fn change_of(language: Language, order: &str, change: Option<(&str, &str)>) -> String {
    match (language, change) {
        (English, Some((field, value))) => format!("I can change the {field} of order {order} to: {value}"),
        (English, None) => format!("I can change order {order}."),
        (Hinglish, Some((field, value))) => format!("Main order {order} mein {field} yeh kar sakta hoon: {value}"),
        (Hinglish, None) => format!("Main order {order} badal sakta hoon."),
        (Hindi, Some((field, value))) => format!("मैं ऑर्डर {order} में {field} यह कर सकता हूँ: {value}"),
        (Hindi, None) => format!("मैं ऑर्डर {order} बदल सकता हूँ।"),
        (Spanish, Some((field, value))) => format!("Puedo cambiar {field} del pedido {order} por: {value}"),
        (Spanish, None) => format!("Puedo cambiar el pedido {order}."),
        (Portuguese, Some((field, value))) => format!("Posso alterar {field} do pedido {order} para: {value}"),
        (Portuguese, None) => format!("Posso alterar o pedido {order}."),
        (Arabic, Some((field, value))) => format!("يمكنني تغيير {field} للطلب {order} إلى: {value}"),
        (Arabic, None) => format!("يمكنني تغيير الطلب {order}."),
    }
}

/// `several`: whether it is about more than one article.
fn replacement(language: Language, what: &str, several: bool) -> String {
    match language {
        English => format!("I can have {what} replaced by the same, and the old taken back."),
        Hinglish => format!("Main {what} ke badle wahi naya bhijwa sakta hoon; purana wapas liya jaayega."),
        Hindi => format!("मैं {what} के बदले वही नया भिजवा सकता हूँ; पुराना वापस लिया जाएगा।"),
        Spanish => {
            let same = if several { "otros iguales" } else { "otro igual" };
            format!("Puedo pedir que le cambien {what} por {same}, y que recojan lo anterior.")
        }
        Portuguese => {
            let same = if several { "outros iguais" } else { "outro igual" };
            format!("Posso pedir que troquem {what} por {same}, e que recolham o anterior.")
        }
        Arabic => format!("يمكنني طلب إرسال بديل مماثل عن {what}، مع استلام ما وصلك."),
    }
}

/// `wish`: what the customer wants instead, in their own words.
fn exchange(language: Language, what: &str, wish: Option<&str>) -> String {
    let end = match (language, wish) {
        (Hindi, None) => "।".to_owned(),
        (_, None) => ".".to_owned(),
        (Arabic, Some(wish)) => format!(": {}", isolated(wish)),
        (_, Some(wish)) => format!(": {wish}"),
    };
    match language {
        English => format!("I can have {what} taken back and exchanged{end}"),
        Hinglish => format!("Main {what} wapas lekar exchange karwa sakta hoon{end}"),
        Hindi => format!("मैं {what} वापस लेकर एक्सचेंज करवा सकता हूँ{end}"),
        Spanish => format!("Puedo pedir que recojan {what} y hagan el cambio{end}"),
        Portuguese => format!("Posso pedir que recolham {what} e façam a troca{end}"),
        Arabic => format!("يمكنني طلب استلام {what} مع التبديل{end}"),
    }
}

fn taken_back(language: Language, what: &str, amount: Option<&str>) -> String {
    match (language, amount) {
        (English, Some(amount)) => format!("I can have {what} taken back and {amount} refunded."),
        (English, None) => format!("I can have {what} taken back."),
        (Hinglish, Some(amount)) => {
            format!("Main {what} wapas mangwa sakta hoon aur {amount} wapas kiye jaayenge.")
        }
        (Hinglish, None) => format!("Main {what} wapas mangwa sakta hoon."),
        (Hindi, Some(amount)) => format!("मैं {what} वापस मँगवा सकता हूँ और {amount} वापस किए जाएँगे।"),
        (Hindi, None) => format!("मैं {what} वापस मँगवा सकता हूँ।"),
        (Spanish, Some(amount)) => format!("Puedo pedir que recojan {what} y que se le reembolsen {amount}."),
        (Spanish, None) => format!("Puedo pedir que recojan {what}."),
        (Portuguese, Some(amount)) => {
            format!("Posso pedir que recolham {what} e que {amount} sejam reembolsados.")
        }
        (Portuguese, None) => format!("Posso pedir que recolham {what}."),
        (Arabic, Some(amount)) => format!("يمكنني طلب استلام {what} ورد {amount}."),
        (Arabic, None) => format!("يمكنني طلب استلام {what}."),
    }
}
