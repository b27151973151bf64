//! What only the buyer of an order knows. The same is said of orders that exist and of others.

use super::super::Language::{self, Arabic, English, Hindi, Hinglish, Portuguese, Spanish};
use super::super::ltr;
use super::like;
use crate::domain::ownership::Proof;

/// Asks for the customer id of an order that was named.
pub fn need_customer_id(language: Language) -> &'static str {
    match language {
        English => "To protect your data I also need the customer id of that order: it looks like CUST1234.",
        Hinglish => {
            "Aapke data ki suraksha ke liye mujhe us order ka customer id bhi chahiye: yeh CUST1234 jaisa dikhta hai."
        }
        Hindi => "आपके डेटा की सुरक्षा के लिए मुझे उस ऑर्डर का कस्टमर आईडी भी चाहिए: यह CUST1234 जैसा दिखता है।",
        Spanish => "Para proteger sus datos necesito también el número de cliente de ese pedido: es como CUST1234.",
        Portuguese => {
            "Para proteger seus dados, também preciso do número de cliente desse pedido: é parecido com CUST1234."
        }
        Arabic => "لحماية بياناتك أحتاج أيضًا إلى رقم العميل لذلك الطلب: شكله مثل \u{2066}CUST1234\u{2069}.",
    }
}

/// The two ids were not found together.
pub fn ids_do_not_match(language: Language, example: Option<&str>) -> String {
    let like = example.map_or(String::new(), |example| match language {
        English => format!(": they look like {example} and CUST1234"),
        Hinglish => format!(": woh {example} aur CUST1234 jaise dikhte hain"),
        Hindi => format!(": वे {example} और CUST1234 जैसे दिखते हैं"),
        Spanish => format!(": son como {example} y CUST1234"),
        Portuguese => format!(": são parecidos com {example} e CUST1234"),
        Arabic => format!(": شكلهما مثل {} و{}", ltr(example), ltr("CUST1234")),
    });
    match language {
        English => format!("That order id and customer id do not belong together for me. Please check both{like}."),
        Hinglish => {
            format!("Woh order id aur customer id mere yahan ek saath nahi milte. Kripya dono check karein{like}.")
        }
        Hindi => format!("वह ऑर्डर आईडी और कस्टमर आईडी मेरे यहाँ एक साथ नहीं मिलते। कृपया दोनों जाँचें{like}।"),
        Spanish => {
            format!("Ese número de pedido y ese número de cliente no me coinciden. Por favor, revise los dos{like}.")
        }
        Portuguese => format!(
            "Esse número de pedido e esse número de cliente não combinam aqui. Por favor, confira os dois{like}."
        ),
        Arabic => format!("رقم الطلب ورقم العميل هذان غير متطابقين لديّ. يرجى التحقق من كليهما{like}."),
    }
}

/// What only the buyer of an order knows, as the shop asks for it.
pub fn what_only_the_buyer_knows(language: Language, kinds: &[Proof]) -> String {
    let one = |kind: &Proof| match (language, kind) {
        (English, Proof::CustomerId) => "the customer id it was placed with (like CUST1234)",
        (English, Proof::Amount) => "the exact order value",
        (English, Proof::PhoneLast4) => "the last four digits of its telephone number",
        (Hinglish, Proof::CustomerId) => "woh customer id jisse order kiya gaya tha (jaise CUST1234)",
        (Hinglish, Proof::Amount) => "order ki sahi keemat",
        (Hinglish, Proof::PhoneLast4) => "uske phone number ke aakhri chaar ank",
        (Hindi, Proof::CustomerId) => "वह कस्टमर आईडी जिससे ऑर्डर किया गया था (जैसे CUST1234)",
        (Hindi, Proof::Amount) => "ऑर्डर की सही क़ीमत",
        (Hindi, Proof::PhoneLast4) => "उसके फ़ोन नंबर के आख़िरी चार अंक",
        (Spanish, Proof::CustomerId) => "el número de cliente con el que se hizo (como CUST1234)",
        (Spanish, Proof::Amount) => "el importe exacto del pedido",
        (Spanish, Proof::PhoneLast4) => "las cuatro últimas cifras de su número de teléfono",
        (Portuguese, Proof::CustomerId) => "o número de cliente com que ele foi feito (como CUST1234)",
        (Portuguese, Proof::Amount) => "o valor exato do pedido",
        (Portuguese, Proof::PhoneLast4) => "os quatro últimos dígitos do telefone dele",
        (Arabic, Proof::CustomerId) => "رقم العميل الذي أُجري به الطلب (مثل \u{2066}CUST1234\u{2069})",
        (Arabic, Proof::Amount) => "قيمة الطلب بالضبط",
        (Arabic, Proof::PhoneLast4) => "آخر أربعة أرقام من رقم هاتفه",
    };
    let or = match language {
        English => " or ",
        Hinglish => " ya ",
        Hindi => " या ",
        Spanish => " o ",
        Portuguese => " ou ",
        Arabic => " أو ",
    };
    kinds.iter().map(one).collect::<Vec<_>>().join(or)
}

/// Asks for something that only the buyer knows. Said of orders that exist and of others alike.
pub fn need_proof(language: Language, orders: &str, kinds: &[Proof]) -> String {
    let what = what_only_the_buyer_knows(language, kinds);
    match language {
        English => format!(
            "To protect your data, I can't show {orders} with the id alone: please check it, and send me {what} as well."
        ),
        Hinglish => format!(
            "Aapke data ki suraksha ke liye main sirf id se {orders} nahi dikha sakta: kripya use check karein, aur {what} bhi bhejein."
        ),
        Hindi => format!("आपके डेटा की सुरक्षा के लिए मैं सिर्फ़ आईडी से {orders} नहीं दिखा सकता: कृपया उसे जाँचें, और {what} भी भेजें।"),
        Spanish => format!(
            "Para proteger sus datos, no puedo mostrar {orders} solo con el número: por favor, revíselo y envíeme también {what}."
        ),
        Portuguese => format!(
            "Para proteger seus dados, não posso mostrar {orders} só com o número: por favor, confira e envie também {what}."
        ),
        Arabic => {
            format!("لحماية بياناتك، لا يمكنني عرض {} برقمه وحده: يرجى التحقق منه، وإرسال {what} أيضًا.", ltr(orders))
        }
    }
}

/// What was sent does not open the orders. Said of orders that exist and of others alike.
pub fn proof_does_not_match(language: Language, orders: &str, kinds: &[Proof], example: Option<&str>) -> String {
    let what = what_only_the_buyer_knows(language, kinds);
    let like = match (language, example) {
        (English, Some(example)) => format!(" (it looks like {example})"),
        _ => like(language, example),
    };
    match language {
        English => {
            format!("That does not match for {orders}. Please check the order id{like}, and send me {what}.")
        }
        Hinglish => {
            format!("Woh {orders} ke liye mel nahi khata. Kripya order id{like} check karein, aur {what} bhejein.")
        }
        Hindi => format!("वह {orders} के लिए मेल नहीं खाता। कृपया ऑर्डर आईडी{like} जाँचें, और {what} भेजें।"),
        Spanish => {
            format!("Eso no coincide para {orders}. Por favor, revise el número de pedido{like} y envíeme {what}.")
        }
        Portuguese => {
            format!("Isso não confere para {orders}. Por favor, confira o número do pedido{like} e envie {what}.")
        }
        Arabic => format!("هذا غير مطابق لبيانات {}. يرجى التحقق من رقم الطلب{like} وإرسال {what}.", ltr(orders)),
    }
}

/// Where an order's id and value stand.
pub fn where_proof_is(language: Language, kinds: &[Proof]) -> String {
    let what = what_only_the_buyer_knows(language, kinds);
    match language {
        English => format!("Your order confirmation says it: I need {what}."),
        Hinglish => format!("Yeh aapke order confirmation mein likha hai: mujhe {what} chahiye."),
        Hindi => format!("यह आपके ऑर्डर कन्फ़र्मेशन में लिखा है: मुझे {what} चाहिए।"),
        Spanish => format!("Lo dice la confirmación de su pedido: necesito {what}."),
        Portuguese => format!("Está na confirmação do seu pedido: preciso do seguinte: {what}."),
        Arabic => format!("ذلك مذكور في تأكيد طلبك: أحتاج إلى {what}."),
    }
}

/// Where the customer id stands.
pub fn where_customer_id_is(language: Language) -> &'static str {
    match language {
        English => "The customer id is in your account and your order confirmation; it looks like CUST1234.",
        Hinglish => "Customer id aapke account aur order confirmation mein hai; yeh CUST1234 jaisa dikhta hai.",
        Hindi => "कस्टमर आईडी आपके अकाउंट और ऑर्डर कन्फ़र्मेशन में है; यह CUST1234 जैसा दिखता है।",
        Spanish => "El número de cliente está en su cuenta y en la confirmación de su pedido; es como CUST1234.",
        Portuguese => "O número de cliente está na sua conta e na confirmação do seu pedido; é parecido com CUST1234.",
        Arabic => "رقم العميل موجود في حسابك وفي تأكيد طلبك؛ شكله مثل \u{2066}CUST1234\u{2069}.",
    }
}
