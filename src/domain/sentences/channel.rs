//! Messages without words, and the buttons below an offer. A button's words must never agree to more than yes or no: the
//! consent check reads them as if the customer had typed them.

use std::fmt::Display;

use super::Language::{self, Arabic, English, Hindi, Hinglish, Portuguese, Spanish};

/// The reaction to a message that needs no words.
pub const ACKNOWLEDGED: &str = "🙂";

/// Answers a message that holds no text that can be read.
pub fn only_text(language: Language) -> &'static str {
    match language {
        English => {
            "I can only read text here, so I couldn't make use of that. Please write me what you need, or say “agent” and I bring in a person."
        }
        Hinglish => {
            "Main yahan sirf text padh sakta hoon, isliye woh mere kaam nahi aa saka. Kripya likhkar batayein ki aapko kya chahiye, ya “agent” likhein aur main ek vyakti ko bula lunga."
        }
        Hindi => {
            "मैं यहाँ सिर्फ़ टेक्स्ट पढ़ सकता हूँ, इसलिए वह मेरे काम नहीं आ सका। कृपया लिखकर बताएँ कि आपको क्या चाहिए, या “एजेंट” लिखें और मैं किसी व्यक्ति को बुला लूँगा।"
        }
        Spanish => {
            "Aquí solo puedo leer texto, así que no pude usar eso. Escríbame qué necesita, por favor, o escriba “agente” y llamo a una persona."
        }
        Portuguese => {
            "Aqui só consigo ler texto, então não pude usar isso. Escreva o que você precisa, por favor, ou escreva “atendente” e eu chamo uma pessoa."
        }
        Arabic => {
            "لا أستطيع هنا قراءة سوى النصوص، لذلك لم أستفد مما أُرسل. يرجى كتابة المطلوب، أو كتابة «موظف» فأستدعي شخصًا."
        }
    }
}

/// Button: accepts the only offer.
pub fn yes_refund(language: Language) -> &'static str {
    match language {
        English => "Yes, refund",
        Hinglish => "Haan, refund",
        Hindi => "हाँ, रिफंड",
        Spanish => "Sí, reembolso",
        Portuguese => "Sim, reembolso",
        Arabic => "نعم، استرداد",
    }
}

/// Row of a list: accepts the offer for one order.
pub fn yes_refund_order(language: Language, order: impl Display) -> String {
    format!("{} {order}", yes_refund(language))
}

/// Row of a list: accepts all offers.
pub fn yes_to_all(language: Language, offers: usize) -> &'static str {
    match (language, offers) {
        (English, 2) => "Yes, both",
        (English, _) => "Yes, all",
        (Hinglish, 2) => "Haan, dono",
        (Hinglish, _) => "Haan, sabhi",
        (Hindi, 2) => "हाँ, दोनों",
        (Hindi, _) => "हाँ, सभी",
        (Spanish, 2) => "Sí, ambos",
        (Spanish, _) => "Sí, todos",
        (Portuguese, 2) => "Sim, ambos",
        (Portuguese, _) => "Sim, todos",
        (Arabic, 2) => "نعم، كلاهما",
        (Arabic, _) => "نعم، الكل",
    }
}

/// Button: the order that was asked about is meant.
pub fn yes(language: Language) -> &'static str {
    match language {
        English => "Yes",
        Hinglish => "Haan",
        Hindi => "हाँ",
        Spanish => "Sí",
        Portuguese => "Sim",
        Arabic => "نعم",
    }
}

/// Row of a list: none of the orders is meant.
pub fn another_order(language: Language) -> &'static str {
    match language {
        English => "Another order",
        Hinglish => "Doosra order",
        Hindi => "दूसरा ऑर्डर",
        Spanish => "Otro pedido",
        Portuguese => "Outro pedido",
        Arabic => "طلب آخر",
    }
}

/// Button or row: declines.
pub fn no(language: Language) -> &'static str {
    match language {
        English | Spanish => "No",
        Hinglish => "Nahi",
        Hindi => "नहीं",
        Portuguese => "Não",
        Arabic => "لا",
    }
}

/// The button that opens a list.
pub fn choose(language: Language) -> &'static str {
    match language {
        English => "Choose",
        Hinglish => "Chunein",
        Hindi => "चुनें",
        Spanish => "Elegir",
        Portuguese => "Escolher",
        Arabic => "اختيار",
    }
}
