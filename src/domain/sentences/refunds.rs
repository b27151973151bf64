//! Refunds: offers, what was paid, and why not; never an amount that the caller does not hand in.

mod money;
mod reasons;

use std::fmt::Display;

pub use money::{
    already_refunded, failed_since, no_second_refund, none_on_record, paid, paid_since, progress, requested,
    was_refunded,
};
pub use reasons::{
    above_limit, category_excluded, closed, date_unknown, denied, eligible, failed_before, nothing_paid,
    order_already_refunded, other_currency, paid_unknown, partly_refunded_by_shop, payment_unknown, refunded_by_shop,
    status_unknown, under_way, value_unknown, window_passed, wrong_amount,
};

use super::Language::{self, Arabic, English, Hindi, Hinglish, Portuguese, Spanish};
use super::ltr;

/// What the shop keeps of an order's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShippingFee<'a> {
    /// What was paid for the order, as it is shown.
    pub order_value: &'a str,
    /// What the shop keeps, as it is shown.
    pub fee: &'a str,
}

/// Offers a refund. A question follows: [`shall_i_go_ahead`].
pub fn offer(language: Language, amount: impl Display, order: impl Display, kept: Option<ShippingFee<'_>>) -> String {
    let detail = kept.map_or_else(String::new, |ShippingFee { order_value, fee }| match language {
        English => format!(" ({order_value} less a shipping fee of {fee})"),
        Hinglish => format!(" ({order_value} mein se {fee} shipping fee kam karke)"),
        Hindi => format!(" ({order_value} में से {fee} शिपिंग शुल्क घटाकर)"),
        Spanish => format!(" ({order_value} menos {fee} de gastos de envío)"),
        Portuguese => format!(" ({order_value} menos {fee} de taxa de envio)"),
        Arabic => format!(" ({} ناقص رسوم شحن قدرها {})", ltr(order_value), ltr(fee)),
    });
    match language {
        English => format!("I can refund {amount} for order {order}{detail}."),
        Hinglish => format!("Main order {order} ke liye {amount}{detail} refund kar sakta hoon."),
        Hindi => format!("मैं ऑर्डर {order} के लिए {amount}{detail} रिफंड कर सकता हूँ।"),
        Spanish => format!("Puedo reembolsar {amount} por el pedido {order}{detail}."),
        Portuguese => format!("Posso reembolsar {amount} pelo pedido {order}{detail}."),
        Arabic => format!("يمكنني رد مبلغ {} عن الطلب {}{detail}.", ltr(amount), ltr(order)),
    }
}

/// Asks for consent to offers: to one, or to several.
pub fn shall_i_go_ahead(language: Language, offers: usize) -> &'static str {
    match (language, offers) {
        (English, 0 | 1) => "Shall I go ahead? Please reply yes or no.",
        (English, 2) => "Shall I go ahead? Reply yes for both, or yes with one order id, or no.",
        (English, _) => "Shall I go ahead? Reply yes for all, or yes with one order id, or no.",
        (Hinglish, 0 | 1) => "Kya main aage badhoon? Kripya haan ya nahi mein jawab dein.",
        (Hinglish, 2) => "Kya main aage badhoon? Dono ke liye haan likhein, ya haan ke saath ek order id, ya nahi.",
        (Hinglish, _) => "Kya main aage badhoon? Sabhi ke liye haan likhein, ya haan ke saath ek order id, ya nahi.",
        (Hindi, 0 | 1) => "क्या मैं आगे बढ़ूँ? कृपया हाँ या नहीं में जवाब दें।",
        (Hindi, 2) => "क्या मैं आगे बढ़ूँ? दोनों के लिए हाँ लिखें, या हाँ के साथ एक ऑर्डर आईडी, या नहीं।",
        (Hindi, _) => "क्या मैं आगे बढ़ूँ? सभी के लिए हाँ लिखें, या हाँ के साथ एक ऑर्डर आईडी, या नहीं।",
        (Spanish, 0 | 1) => "¿Procedo? Por favor, responda sí o no.",
        (Spanish, 2) => "¿Procedo? Responda sí para ambos, o sí con un número de pedido, o no.",
        (Spanish, _) => "¿Procedo? Responda sí para todos, o sí con un número de pedido, o no.",
        (Portuguese, 0 | 1) => "Posso prosseguir? Por favor, responda sim ou não.",
        (Portuguese, 2) => "Posso prosseguir? Responda sim para ambos, ou sim com um número de pedido, ou não.",
        (Portuguese, _) => "Posso prosseguir? Responda sim para todos, ou sim com um número de pedido, ou não.",
        (Arabic, 0 | 1) => "هل أتابع؟ يرجى الرد بكلمة «نعم» أو «لا».",
        (Arabic, 2) => "هل أتابع؟ يرجى الرد بكلمة «نعم» لكليهما، أو «نعم» مع رقم طلب واحد، أو «لا».",
        (Arabic, _) => "هل أتابع؟ يرجى الرد بكلمة «نعم» للكل، أو «نعم» مع رقم طلب واحد، أو «لا».",
    }
}

/// The customer wants only one of several offers.
pub fn only_that_one(language: Language) -> &'static str {
    match language {
        English => "Only that one, then.",
        Hinglish => "To sirf wahi.",
        Hindi => "तो सिर्फ़ वही।",
        Spanish => "Entonces, solo ese.",
        Portuguese => "Então, só esse.",
        Arabic => "ذلك فقط إذن.",
    }
}

/// A question beside an open offer that has no written answer.
pub fn cannot_answer(language: Language) -> &'static str {
    match language {
        English => "I can't answer that myself; say “agent” and I bring in a person who can.",
        Hinglish => {
            "Iska jawab main khud nahi de sakta; “agent” likhein aur main ek vyakti ko bula lunga jo de sakte hain."
        }
        Hindi => "इसका जवाब मैं ख़ुद नहीं दे सकता; “एजेंट” लिखें और मैं किसी व्यक्ति को बुला लूँगा जो दे सकते हैं।",
        Spanish => "Yo no puedo responder a eso; escriba “agente” y llamo a una persona que sí puede.",
        Portuguese => "Eu não consigo responder a isso; escreva “atendente” e eu chamo uma pessoa que consegue.",
        Arabic => "لا أستطيع الرد على ذلك بنفسي؛ يرجى كتابة «موظف» فأستدعي شخصًا يستطيع.",
    }
}

/// The answer to an offer was neither yes nor no.
pub fn want_to_be_sure(language: Language) -> &'static str {
    match language {
        English => "I want to be sure before I pay anything.",
        Hinglish => "Kuch bhi pay karne se pehle main pakka karna chahta hoon.",
        Hindi => "कुछ भी भुगतान करने से पहले मैं पक्का करना चाहता हूँ।",
        Spanish => "Quiero estar seguro antes de pagar nada.",
        Portuguese => "Quero ter certeza antes de pagar qualquer coisa.",
        Arabic => "أريد أن أتأكد قبل أن أدفع أي شيء.",
    }
}

/// The offer that the customer accepted has expired, and is made again.
pub fn offer_expired(language: Language) -> &'static str {
    match language {
        English => "That offer is no longer open, so let me make it again.",
        Hinglish => "Woh offer ab khula nahi hai, isliye main use phir se deta hoon.",
        Hindi => "वह प्रस्ताव अब खुला नहीं है, इसलिए मैं उसे फिर से देता हूँ।",
        Spanish => "Esa oferta ya no está abierta, así que se la hago de nuevo.",
        Portuguese => "Essa oferta não está mais aberta, então vou fazê-la de novo.",
        Arabic => "لم يعد ذلك العرض متاحًا، لذلك أقدمه من جديد.",
    }
}

/// The customer declined one or several offers.
pub fn offer_declined(language: Language, offers: usize) -> &'static str {
    match (language, offers) {
        (English, 1) => {
            "No problem: I have not refunded anything, and your order stays as it is. Is there anything else I can do?"
        }
        (English, _) => {
            "No problem: I have not refunded anything, and each order stays as it is. Is there anything else I can do?"
        }
        (Hinglish, 1) => {
            "Koi baat nahi: maine kuch refund nahi kiya hai, aur aapka order jaisa hai waisa hi rahega. Kya main kuch aur kar sakta hoon?"
        }
        (Hinglish, _) => {
            "Koi baat nahi: maine kuch refund nahi kiya hai, aur har order jaisa hai waisa hi rahega. Kya main kuch aur kar sakta hoon?"
        }
        (Hindi, 1) => "कोई बात नहीं: मैंने कुछ रिफंड नहीं किया है, और आपका ऑर्डर जैसा है वैसा ही रहेगा। क्या मैं कुछ और कर सकता हूँ?",
        (Hindi, _) => "कोई बात नहीं: मैंने कुछ रिफंड नहीं किया है, और हर ऑर्डर जैसा है वैसा ही रहेगा। क्या मैं कुछ और कर सकता हूँ?",
        (Spanish, 1) => "No hay problema: no he reembolsado nada, y su pedido queda como está. ¿Puedo hacer algo más?",
        (Spanish, _) => {
            "No hay problema: no he reembolsado nada, y cada pedido queda como está. ¿Puedo hacer algo más?"
        }
        (Portuguese, 1) => {
            "Sem problema: não reembolsei nada, e o seu pedido fica como está. Posso fazer mais alguma coisa?"
        }
        (Portuguese, _) => {
            "Sem problema: não reembolsei nada, e cada pedido fica como está. Posso fazer mais alguma coisa?"
        }
        (Arabic, 1) => "لا مشكلة: لم أرد أي مبلغ، ويبقى طلبك كما هو. هل هناك شيء آخر يمكنني فعله؟",
        (Arabic, _) => "لا مشكلة: لم أرد أي مبلغ، ويبقى كل طلب كما هو. هل هناك شيء آخر يمكنني فعله؟",
    }
}

/// The customer said that no refund is wanted.
pub fn not_wanted(language: Language) -> &'static str {
    match language {
        English => "All right: nothing is refunded. Shall I bring in a member of our team instead? (yes / no)",
        Hinglish => {
            "Theek hai: kuch refund nahi hoga. Kya main iske bajaye hamari team ke ek member ko bulaoon? (haan / nahi)"
        }
        Hindi => "ठीक है: कुछ रिफंड नहीं होगा। क्या मैं इसके बजाय हमारी टीम के एक सदस्य को बुलाऊँ? (हाँ / नहीं)",
        Spanish => "De acuerdo: no se reembolsa nada. ¿Llamo en cambio a una persona de nuestro equipo? (sí / no)",
        Portuguese => "Tudo bem: nada será reembolsado. Chamo então uma pessoa da nossa equipe? (sim / não)",
        Arabic => "حسنًا: لن يُرد أي مبلغ. هل أستدعي أحد أعضاء فريقنا بدلًا من ذلك؟ (نعم / لا)",
    }
}

/// Before the order id is asked for.
pub fn can_check(language: Language) -> &'static str {
    match language {
        English => "I can check a refund for you.",
        Hinglish => "Main aapke liye refund check kar sakta hoon.",
        Hindi => "मैं आपके लिए रिफंड जाँच सकता हूँ।",
        Spanish => "Puedo comprobar un reembolso por usted.",
        Portuguese => "Posso verificar um reembolso para você.",
        Arabic => "يمكنني التحقق من استرداد لك.",
    }
}

/// The customer asked for a part of the money.
pub fn only_whole_orders(language: Language) -> &'static str {
    match language {
        English => "I can only refund an order as a whole; for a part of it, say “agent” and a person decides.",
        Hinglish => {
            "Main sirf poore order ka refund kar sakta hoon; uske ek hisse ke liye “agent” likhein aur ek vyakti faisla karenge."
        }
        Hindi => "मैं सिर्फ़ पूरे ऑर्डर का रिफंड कर सकता हूँ; उसके एक हिस्से के लिए “एजेंट” लिखें और कोई व्यक्ति फ़ैसला करेंगे।",
        Spanish => "Solo puedo reembolsar un pedido completo; para una parte, escriba “agente” y decide una persona.",
        Portuguese => {
            "Só consigo reembolsar um pedido inteiro; para uma parte dele, escreva “atendente” e uma pessoa decide."
        }
        Arabic => "لا يمكنني رد سوى قيمة الطلب كاملًا؛ ولجزء منه يرجى كتابة «موظف» فيقرر شخص.",
    }
}

/// The policy refuses; `reason` is one of the reasons below, or another server's.
pub fn refused(language: Language, order: impl Display, reason: &str) -> String {
    match language {
        English => format!("I can't refund order {order} myself: {reason}"),
        Hinglish => format!("Main khud order {order} ka refund nahi kar sakta: {reason}"),
        Hindi => format!("मैं ख़ुद ऑर्डर {order} का रिफंड नहीं कर सकता: {reason}"),
        Spanish => format!("Yo no puedo reembolsar el pedido {order}: {reason}"),
        Portuguese => format!("Eu não consigo reembolsar o pedido {order}: {reason}"),
        Arabic => format!("لا أستطيع رد قيمة الطلب {} بنفسي: {reason}", ltr(order)),
    }
}

/// Offers a person after the policy refused.
pub fn person_to_review(language: Language) -> &'static str {
    match language {
        English => "A member of our team can look at it once more. Shall I bring one in? (yes / no)",
        Hinglish => "Hamari team ke ek member ise ek baar aur dekh sakte hain. Kya main unhe bulaoon? (haan / nahi)",
        Hindi => "हमारी टीम के एक सदस्य इसे एक बार और देख सकते हैं। क्या मैं उन्हें बुलाऊँ? (हाँ / नहीं)",
        Spanish => "Una persona de nuestro equipo puede revisarlo otra vez. ¿La llamo? (sí / no)",
        Portuguese => "Uma pessoa da nossa equipe pode analisar mais uma vez. Chamo essa pessoa? (sim / não)",
        Arabic => "يمكن لأحد أعضاء فريقنا النظر في الأمر مرة أخرى. هل أستدعيه؟ (نعم / لا)",
    }
}

/// A refund that the customer agreed to was not paid.
pub fn not_paid(language: Language, order: impl Display, reason: &str) -> String {
    match language {
        English => format!("I could not refund order {order}: {reason}"),
        Hinglish => format!("Main order {order} ka refund nahi kar saka: {reason}"),
        Hindi => format!("मैं ऑर्डर {order} का रिफंड नहीं कर सका: {reason}"),
        Spanish => format!("No pude reembolsar el pedido {order}: {reason}"),
        Portuguese => format!("Não consegui reembolsar o pedido {order}: {reason}"),
        Arabic => format!("لم أتمكن من رد قيمة الطلب {}: {reason}", ltr(order)),
    }
}
