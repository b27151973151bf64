//! What is done to an order on a customer's word: what is proposed, what was done, and why not. Never an amount or an order
//! that the caller does not hand in.

mod buttons;
mod offers;
mod reasons;

use std::fmt::Display;

pub use buttons::{yes, yes_for};
pub use offers::offer;
pub use reasons::{
    cancelled, delivered, delivery_date_unknown, item_price_unknown, item_unknown, month_limit, needs_photo,
    never_returned, not_delivered, not_done_here, out_for_delivery, refund_failed, refund_under_way, refunded_twin,
    return_under_way, return_window_passed, second_part, state_unknown, too_late,
};

use super::Language::{self, Arabic, English, Hindi, Hinglish, Portuguese, Spanish};
use super::{isolated, ltr, refunds};
use crate::domain::order::Item;
use crate::domain::proposal::{ChangeField, Details, ProposalKind, Resolution};

/// An order as it stands in a sentence.
fn order_in(language: Language, order: impl Display) -> String {
    if language.is_right_to_left() { ltr(order) } else { order.to_string() }
}

/// Items, such as `2 × Milk and Bread`; none where the order is meant as a whole.
fn listed(language: Language, items: &[Item]) -> Option<String> {
    let rtl = language.is_right_to_left();
    let one = |item: &Item| {
        let name = if rtl { isolated(&item.name) } else { item.name.clone() };
        if item.quantity == 1 { name } else { format!("{} × {name}", item.quantity) }
    };
    let (last, before) = items.split_last()?;
    if before.is_empty() {
        return Some(one(last));
    }
    let before = before.iter().map(one).collect::<Vec<_>>().join(if rtl { "، " } else { ", " });
    let last = one(last);
    Some(match language {
        English => format!("{before} and {last}"),
        Hinglish => format!("{before} aur {last}"),
        Hindi => format!("{before} और {last}"),
        Spanish => format!("{before} y {last}"),
        Portuguese => format!("{before} e {last}"),
        Arabic => format!("{before} و{last}"),
    })
}

/// What a proposal is about: items of an order, or the order.
fn about(language: Language, order: &str, items: &[Item]) -> String {
    match (language, listed(language, items)) {
        (English, Some(items)) => format!("{items} of order {order}"),
        (English | Hinglish, None) => format!("order {order}"),
        (Hinglish, Some(items)) => format!("order {order} ke {items}"),
        (Hindi, Some(items)) => format!("ऑर्डर {order} के {items}"),
        (Hindi, None) => format!("ऑर्डर {order}"),
        (Spanish, Some(items)) => format!("{items} del pedido {order}"),
        (Spanish, None) => format!("el pedido {order}"),
        (Portuguese, Some(items)) => format!("{items} do pedido {order}"),
        (Portuguese, None) => format!("o pedido {order}"),
        (Arabic, Some(items)) => format!("{items} من الطلب {order}"),
        (Arabic, None) => format!("الطلب {order}"),
    }
}

/// The same behind “the return”: “of Milk of order 1”.
fn of_it(language: Language, order: &str, items: &[Item]) -> String {
    match language {
        // “de el” and “de o” are one word.
        Spanish if items.is_empty() => format!("del pedido {order}"),
        Portuguese if items.is_empty() => format!("do pedido {order}"),
        Spanish | Portuguese => format!("de {}", about(language, order, items)),
        English => format!("of {}", about(language, order, items)),
        Hinglish | Hindi | Arabic => about(language, order, items),
    }
}

fn field(language: Language, field: ChangeField) -> &'static str {
    use ChangeField::{Address, DeliverySlot, Instructions, Phone};
    match (language, field) {
        (English, Address) => "delivery address",
        (English, DeliverySlot) => "delivery time",
        (English, Phone) => "phone number for the delivery",
        (English, Instructions) => "delivery instructions",
        (Hinglish, Address) => "delivery ka pata",
        (Hinglish, DeliverySlot) => "delivery ka samay",
        (Hinglish, Phone) => "delivery ka phone number",
        (Hinglish, Instructions) => "rider ke liye note",
        (Hindi, Address) => "डिलीवरी का पता",
        (Hindi, DeliverySlot) => "डिलीवरी का समय",
        (Hindi, Phone) => "डिलीवरी का फ़ोन नंबर",
        (Hindi, Instructions) => "राइडर के लिए नोट",
        (Spanish, Address) => "la dirección de entrega",
        (Spanish, DeliverySlot) => "la hora de entrega",
        (Spanish, Phone) => "el teléfono para la entrega",
        (Spanish, Instructions) => "las instrucciones de entrega",
        (Portuguese, Address) => "o endereço de entrega",
        (Portuguese, DeliverySlot) => "o horário de entrega",
        (Portuguese, Phone) => "o telefone para a entrega",
        (Portuguese, Instructions) => "as instruções de entrega",
        (Arabic, Address) => "عنوان التوصيل",
        (Arabic, DeliverySlot) => "موعد التوصيل",
        (Arabic, Phone) => "رقم الهاتف للتوصيل",
        (Arabic, Instructions) => "تعليمات التوصيل",
    }
}

/// What was done: one sentence. `later`: what the customer will get once the shop has what goes back.
pub fn done(
    language: Language,
    kind: ProposalKind,
    order: impl Display,
    details: &Details,
    later: Option<&str>,
) -> String {
    let order = order_in(language, order);
    match kind {
        ProposalKind::Refund => match language {
            English => format!("The refund of order {order} is on record."),
            Hinglish => format!("Order {order} ka refund record mein hai."),
            Hindi => format!("ऑर्डर {order} का रिफंड रिकॉर्ड में है।"),
            Spanish => format!("El reembolso del pedido {order} está registrado."),
            Portuguese => format!("O reembolso do pedido {order} está registrado."),
            Arabic => format!("استرداد مبلغ الطلب {order} مسجَّل."),
        },
        ProposalKind::Cancel => match language {
            English => format!("Order {order} is cancelled."),
            Hinglish => format!("Order {order} cancel ho gaya hai."),
            Hindi => format!("ऑर्डर {order} रद्द हो गया है।"),
            Spanish => format!("El pedido {order} está cancelado."),
            Portuguese => format!("O pedido {order} está cancelado."),
            Arabic => format!("أُلغي الطلب {order}."),
        },
        ProposalKind::Change => changed(language, &order, details.change.as_ref().map(|change| change.field)),
        ProposalKind::Return => given_back(language, &order, details, later),
    }
}

fn changed(language: Language, order: &str, what: Option<ChangeField>) -> String {
    match (language, what.map(|what| field(language, what))) {
        (English, Some(what)) => format!("The {what} of order {order} is changed as you wished."),
        (English, None) => format!("Order {order} is changed."),
        (Hinglish, Some(what)) => format!("Order {order} mein {what} aapke kahe anusaar badal diya gaya hai."),
        (Hinglish, None) => format!("Order {order} badal diya gaya hai."),
        (Hindi, Some(what)) => format!("ऑर्डर {order} में {what} आपके कहे अनुसार बदल दिया गया है।"),
        (Hindi, None) => format!("ऑर्डर {order} बदल दिया गया है।"),
        (Spanish, Some(what)) => format!("Hemos cambiado {what} del pedido {order} como pidió."),
        (Spanish, None) => format!("El pedido {order} está cambiado."),
        (Portuguese, Some(what)) => format!("Alteramos {what} do pedido {order} como você pediu."),
        (Portuguese, None) => format!("O pedido {order} está alterado."),
        (Arabic, Some(what)) => format!("تم تغيير {what} للطلب {order} حسب طلبك."),
        (Arabic, None) => format!("تم تغيير الطلب {order}."),
    }
}

fn given_back(language: Language, order: &str, details: &Details, later: Option<&str>) -> String {
    let what = of_it(language, order, &details.items);
    match details.resolution {
        Some(Resolution::Replacement) => match language {
            English => format!("The replacement {what} is arranged."),
            Hinglish => format!("Ho gaya: {what} ke badle naya bhejne ki request darj kar di gayi hai."),
            Hindi => format!("हो गया: {what} के बदले नया भेजने का अनुरोध दर्ज कर दिया गया है।"),
            Spanish => format!("El reemplazo {what} está registrado."),
            Portuguese => format!("A reposição {what} está registrada."),
            Arabic => format!("سُجّل استبدال {what}."),
        },
        Some(Resolution::Exchange) => match language {
            English => format!("The exchange {what} is arranged."),
            Hinglish => format!("Ho gaya: {what} ka exchange darj kar diya gaya hai."),
            Hindi => format!("हो गया: {what} का एक्सचेंज दर्ज कर दिया गया है।"),
            Spanish => format!("El cambio {what} está registrado."),
            Portuguese => format!("A troca {what} está registrada."),
            Arabic => format!("سُجّل تبديل {what}."),
        },
        Some(Resolution::Refund) | None => {
            let later = later.map_or_else(String::new, |amount| money_later(language, amount));
            match language {
                English => format!("The return {what} is arranged.{later}"),
                Hinglish => format!("Ho gaya: {what} ka return darj kar diya gaya hai.{later}"),
                Hindi => format!("हो गया: {what} की वापसी दर्ज कर दी गई है।{later}"),
                Spanish => format!("La devolución {what} está registrada.{later}"),
                Portuguese => format!("A devolução {what} está registrada.{later}"),
                Arabic => format!("سُجّل إرجاع {what}.{later}"),
            }
        }
    }
}

/// What a customer gets once the shop has what goes back: a sentence that follows another.
fn money_later(language: Language, amount: &str) -> String {
    match language {
        English => format!(" You get {amount} back once our team has it and has checked it."),
        Hinglish => format!(" Hamari team ko milne aur check hone ke baad aapko {amount} wapas milenge."),
        Hindi => format!(" हमारी टीम को मिलने और जाँच होने के बाद आपको {amount} वापस मिलेंगे।"),
        Spanish => format!(" Cuando nuestro equipo lo reciba y lo revise, se le devolverán {amount}."),
        Portuguese => format!(" Depois que nossa equipe receber e conferir, você recebe {amount} de volta."),
        Arabic => format!(" يُرد إليك مبلغ {} بعد أن يستلم فريقنا ما يُرجع ويتحقق منه.", ltr(amount)),
    }
}

/// It was done before.
pub fn already_done(language: Language, kind: ProposalKind, order: impl Display) -> String {
    let order = order_in(language, order);
    match kind {
        ProposalKind::Refund => match language {
            English => format!("Order {order} has been refunded already."),
            Hinglish => format!("Order {order} ka refund pehle hi ho chuka hai."),
            Hindi => format!("ऑर्डर {order} का रिफंड पहले ही हो चुका है।"),
            Spanish => format!("El pedido {order} ya ha sido reembolsado."),
            Portuguese => format!("O pedido {order} já foi reembolsado."),
            Arabic => format!("سبق أن رُدّت قيمة الطلب {order}."),
        },
        ProposalKind::Cancel => match language {
            English => format!("Order {order} is cancelled already."),
            Hinglish => format!("Order {order} pehle hi cancel ho chuka hai."),
            Hindi => format!("ऑर्डर {order} पहले ही रद्द हो चुका है।"),
            Spanish => format!("El pedido {order} ya está cancelado."),
            Portuguese => format!("O pedido {order} já está cancelado."),
            Arabic => format!("سبق أن أُلغي الطلب {order}."),
        },
        ProposalKind::Change => match language {
            English => format!("That change of order {order} is on record already."),
            Hinglish => format!("Order {order} mein yeh badlav pehle se darj hai."),
            Hindi => format!("ऑर्डर {order} में यह बदलाव पहले से दर्ज है।"),
            Spanish => format!("Ese cambio del pedido {order} ya está registrado."),
            Portuguese => format!("Essa alteração do pedido {order} já está registrada."),
            Arabic => format!("سبق أن سُجّل هذا التغيير على الطلب {order}."),
        },
        ProposalKind::Return => match language {
            English => format!("That return of order {order} is arranged already."),
            Hinglish => format!("Order {order} ka yeh return pehle se darj hai."),
            Hindi => format!("ऑर्डर {order} की यह वापसी पहले से दर्ज है।"),
            Spanish => format!("Esa devolución del pedido {order} ya está registrada."),
            Portuguese => format!("Essa devolução do pedido {order} já está registrada."),
            Arabic => format!("سبق أن سُجّل هذا الإرجاع من الطلب {order}."),
        },
    }
}

/// Something is not done; `reason` is one of the reasons, or another server's.
pub fn refused(language: Language, kind: ProposalKind, order: impl Display, reason: &str) -> String {
    let [english, hinglish, hindi, spanish, portuguese, arabic] = match kind {
        ProposalKind::Refund => return refunds::refused(language, order, reason),
        ProposalKind::Cancel => ["cancel", "cancel nahi kar", "रद्द नहीं कर", "cancelar", "cancelar", "إلغاء"],
        ProposalKind::Change => ["change", "badal nahi", "बदल नहीं", "cambiar", "alterar", "تغيير"],
        ProposalKind::Return => return return_refused(language, &order_in(language, order), reason),
    };
    let order = order_in(language, order);
    match language {
        English => format!("I can't {english} order {order} myself: {reason}"),
        Hinglish => format!("Main khud order {order} {hinglish} sakta: {reason}"),
        Hindi => format!("मैं ख़ुद ऑर्डर {order} {hindi} सकता: {reason}"),
        Spanish => format!("Yo no puedo {spanish} el pedido {order}: {reason}"),
        Portuguese => format!("Eu não consigo {portuguese} o pedido {order}: {reason}"),
        Arabic => format!("لا أستطيع {arabic} الطلب {order} بنفسي: {reason}"),
    }
}

fn return_refused(language: Language, order: &str, reason: &str) -> String {
    match language {
        English => format!("I can't arrange a return for order {order} myself: {reason}"),
        Hinglish => format!("Main khud order {order} ka return nahi karwa sakta: {reason}"),
        Hindi => format!("मैं ख़ुद ऑर्डर {order} की वापसी नहीं करवा सकता: {reason}"),
        Spanish => format!("Yo no puedo gestionar la devolución del pedido {order}: {reason}"),
        Portuguese => format!("Eu não consigo providenciar a devolução do pedido {order}: {reason}"),
        Arabic => format!("لا أستطيع ترتيب إرجاع الطلب {order} بنفسي: {reason}"),
    }
}
