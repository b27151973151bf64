//! Which order is meant, and whose it is; never a fact about an order.

mod proof;

use std::fmt::Display;

pub use proof::{
    ids_do_not_match, need_customer_id, need_proof, proof_does_not_match, what_only_the_buyer_knows,
    where_customer_id_is, where_proof_is,
};

use super::Language::{self, Arabic, English, Hindi, Hinglish, Portuguese, Spanish};
use super::{isolated, ltr, ltr_each};

/// A sentence about an order id, with what one looks like where that is known. `example` is made up.
fn with_example(language: Language, sentence: &str, example: Option<&str>) -> String {
    match (language, example) {
        (English, Some(example)) => format!("{sentence}: it looks like {example}."),
        (Hinglish, Some(example)) => format!("{sentence}: yeh {example} jaisa dikhta hai."),
        (Hindi, Some(example)) => format!("{sentence}: यह {example} जैसा दिखता है।"),
        (Spanish, Some(example)) => format!("{sentence}: tiene este aspecto: {example}."),
        (Portuguese, Some(example)) => format!("{sentence}: é parecido com {example}."),
        (Arabic, Some(example)) => format!("{sentence}: شكله مثل {}.", ltr(example)),
        (Hindi, None) => format!("{sentence}।"),
        (English | Hinglish | Spanish | Portuguese | Arabic, None) => format!("{sentence}."),
    }
}

/// Asks for the order id.
pub fn ask_for_order_id(language: Language, example: Option<&str>) -> String {
    let sentence = match language {
        English => "Please send me your order id",
        Hinglish => "Kripya mujhe apna order id bhejein",
        Hindi => "कृपया मुझे अपना ऑर्डर आईडी भेजें",
        Spanish => "Por favor, envíeme su número de pedido",
        Portuguese => "Por favor, envie o número do seu pedido",
        Arabic => "يرجى إرسال رقم طلبك",
    };
    with_example(language, sentence, example)
}

/// Asks whether the latest order that fits is meant.
pub fn is_it_about(language: Language, order: &str) -> String {
    match language {
        English => format!("Is it about {order}?"),
        Hinglish => format!("Kya aapka matlab yeh hai: {order}?"),
        Hindi => format!("क्या आपका मतलब यह है: {order}?"),
        Spanish => format!("¿Se refiere al {order}?"),
        Portuguese => format!("É sobre o {order}?"),
        Arabic => format!("هل المقصود {order}؟"),
    }
}

/// The customer's other orders, in place of the one that was asked about.
pub fn or_one_of(language: Language, orders: &[String]) -> String {
    let orders = orders.join(if language == Arabic { "؛ " } else { "; " });
    match language {
        English => format!("If not, tell me which one it is: {orders}."),
        Hinglish => format!("Agar nahi, to batayein kaun sa hai: {orders}."),
        Hindi => format!("अगर नहीं, तो बताएँ कौन सा है: {orders}।"),
        Spanish => format!("Si no, dígame cuál es: {orders}."),
        Portuguese => format!("Se não, diga qual é: {orders}."),
        Arabic => format!("إن لم يكن كذلك، فيرجى تحديد أيها المقصود: {orders}."),
    }
}

/// An order as it is named in a question: its number, its date and what was bought, as far as they are known.
pub fn order_in_question(language: Language, order: impl Display, date: Option<&str>, about: &str) -> String {
    let date = date.map_or(String::new(), |date| match language {
        English => format!(" of {date}"),
        Hinglish | Hindi => format!(", {date}"),
        Spanish => format!(" del {date}"),
        Portuguese => format!(" de {date}"),
        Arabic => format!(" بتاريخ {date}"),
    });
    let about = match (about, language) {
        ("", _) => String::new(),
        (about, Arabic) => format!(" ({})", isolated(about)),
        (about, _) => format!(" ({about})"),
    };
    match language {
        English | Hinglish => format!("order {order}{date}{about}"),
        Hindi => format!("ऑर्डर {order}{date}{about}"),
        Spanish | Portuguese => format!("pedido {order}{date}{about}"),
        Arabic => format!("الطلب {}{date}{about}", ltr(order)),
    }
}

/// Asks whether an id is meant that was written with letters for digits.
pub fn do_you_mean(language: Language, order: impl Display) -> String {
    match language {
        English => format!("Do you mean order {order}? (yes / no)"),
        Hinglish => format!("Kya aapka matlab order {order} hai? (haan / nahi)"),
        Hindi => format!("क्या आपका मतलब ऑर्डर {order} है? (हाँ / नहीं)"),
        Spanish => format!("¿Se refiere al pedido {order}? (sí / no)"),
        Portuguese => format!("Você quer dizer o pedido {order}? (sim / não)"),
        Arabic => format!("هل المقصود الطلب {}؟ (نعم / لا)", ltr(order)),
    }
}

/// Asks for the id of an order that is none of those that were suggested.
pub fn which_then(language: Language, example: Option<&str>) -> String {
    let sentence = match language {
        English => "Which order is it then? Please send me its order id",
        Hinglish => "Phir kaun sa order hai? Kripya uska order id bhejein",
        Hindi => "फिर कौन सा ऑर्डर है? कृपया उसका ऑर्डर आईडी भेजें",
        Spanish => "¿Qué pedido es, entonces? Por favor, envíeme su número de pedido",
        Portuguese => "Qual é o pedido, então? Por favor, envie o número do pedido",
        Arabic => "أي طلب هو إذن؟ يرجى إرسال رقم الطلب",
    };
    with_example(language, sentence, example)
}

/// Asks for the order id once more, after small talk.
pub fn still_need_order_id(language: Language, example: Option<&str>) -> String {
    let sentence = match language {
        English => "I still need your order id",
        Hinglish => "Mujhe abhi bhi aapka order id chahiye",
        Hindi => "मुझे अभी भी आपका ऑर्डर आईडी चाहिए",
        Spanish => "Todavía necesito su número de pedido",
        Portuguese => "Ainda preciso do número do seu pedido",
        Arabic => "ما زلت أحتاج إلى رقم طلبك",
    };
    with_example(language, sentence, example)
}

/// Asks for both ids, where orders are shown only to whoever knows both.
pub fn ask_for_order_and_customer_id(language: Language, example: Option<&str>) -> String {
    let like = like(language, example);
    match language {
        English => {
            format!("Please send me the order id{like} and the customer id (like CUST1234) it was placed with.")
        }
        Hinglish => format!(
            "Kripya mujhe order id{like} aur woh customer id (jaise CUST1234) bhejein jisse order kiya gaya tha."
        ),
        Hindi => format!("कृपया मुझे ऑर्डर आईडी{like} और वह कस्टमर आईडी (जैसे CUST1234) भेजें जिससे ऑर्डर किया गया था।"),
        Spanish => format!(
            "Por favor, envíeme el número de pedido{like} y el número de cliente (como CUST1234) con el que se hizo."
        ),
        Portuguese => format!(
            "Por favor, envie o número do pedido{like} e o número de cliente (como CUST1234) com que ele foi feito."
        ),
        Arabic => format!("يرجى إرسال رقم الطلب{like} ورقم العميل (مثل {}) الذي أُجري به.", ltr("CUST1234")),
    }
}

/// An order id like those of the shop; where it is not known what they look like, what a customer can go by.
pub fn like_an_order_id(language: Language, example: Option<&str>) -> String {
    match (language, example) {
        (Arabic, Some(example)) => ltr(example),
        (_, Some(example)) => example.to_owned(),
        (English, None) => "the number in your order confirmation".to_owned(),
        (Hinglish, None) => "aapke order confirmation ke number".to_owned(),
        (Hindi, None) => "आपके ऑर्डर कन्फ़र्मेशन के नंबर".to_owned(),
        (Spanish, None) => "el número de la confirmación de su pedido".to_owned(),
        (Portuguese, None) => "o número da confirmação do seu pedido".to_owned(),
        (Arabic, None) => "الرقم الموجود في تأكيد طلبك".to_owned(),
    }
}

/// What an id looks like, in brackets.
fn like(language: Language, example: Option<&str>) -> String {
    example.map_or(String::new(), |example| match language {
        English => format!(" (like {example})"),
        Hinglish => format!(" (jaise {example})"),
        Hindi => format!(" (जैसे {example})"),
        Spanish | Portuguese => format!(" (como {example})"),
        Arabic => format!(" (مثل {})", ltr(example)),
    })
}

/// Offers a person to a customer who gave no order id.
pub fn person_without_order_id(language: Language) -> &'static str {
    match language {
        English => {
            "Without the order id I can't look it up, but a member of our team can. Shall I bring one in? (yes / no)"
        }
        Hinglish => {
            "Order id ke bina main ise nahi dekh sakta, par hamari team ke ek member dekh sakte hain. Kya main unhe bulaoon? (haan / nahi)"
        }
        Hindi => "ऑर्डर आईडी के बिना मैं इसे नहीं देख सकता, पर हमारी टीम के एक सदस्य देख सकते हैं। क्या मैं उन्हें बुलाऊँ? (हाँ / नहीं)",
        Spanish => {
            "Sin el número de pedido no puedo consultarlo, pero una persona de nuestro equipo sí puede. ¿La llamo? (sí / no)"
        }
        Portuguese => {
            "Sem o número do pedido não consigo consultar, mas uma pessoa da nossa equipe consegue. Chamo essa pessoa? (sim / não)"
        }
        Arabic => "لا أستطيع البحث عنه من دون رقم الطلب، لكن أحد أعضاء فريقنا يستطيع. هل أستدعيه؟ (نعم / لا)",
    }
}

/// Where the order id stands.
pub fn where_order_id_is(language: Language, example: Option<&str>) -> String {
    let sentence = match language {
        English => "The order id is in your order confirmation",
        Hinglish => "Order id aapke order confirmation mein hai",
        Hindi => "ऑर्डर आईडी आपके ऑर्डर कन्फ़र्मेशन में है",
        Spanish => "El número de pedido está en la confirmación de su pedido",
        Portuguese => "O número do pedido está na confirmação do seu pedido",
        Arabic => "رقم الطلب موجود في تأكيد طلبك",
    };
    with_example(language, sentence, example)
}

/// Offers a person to a customer who cannot find an id.
pub fn person_to_find_id(language: Language) -> &'static str {
    match language {
        English => "If you cannot find it, a member of our team can look for it. Shall I bring one in? (yes / no)",
        Hinglish => {
            "Agar aapko yeh nahi milta, to hamari team ke ek member ise dhoondh sakte hain. Kya main unhe bulaoon? (haan / nahi)"
        }
        Hindi => "अगर आपको यह नहीं मिलता, तो हमारी टीम के एक सदस्य इसे ढूँढ सकते हैं। क्या मैं उन्हें बुलाऊँ? (हाँ / नहीं)",
        Spanish => "Si no lo encuentra, una persona de nuestro equipo puede buscarlo. ¿La llamo? (sí / no)",
        Portuguese => "Se você não encontrar, uma pessoa da nossa equipe pode procurar. Chamo essa pessoa? (sim / não)",
        Arabic => "إن تعذّر العثور عليه، فيمكن لأحد أعضاء فريقنا البحث عنه. هل أستدعيه؟ (نعم / لا)",
    }
}

/// There is no such order for this customer.
pub fn order_not_found(language: Language, order: impl Display, example: Option<&str>) -> String {
    match language {
        English => {
            let like = example.map_or(":".to_owned(), |example| format!(": it looks like {example}, and"));
            format!("I can't find order {order} for you. Please check the id{like} I can only see your own orders.")
        }
        Hinglish => {
            let like = example.map_or(":".to_owned(), |example| format!(": yeh {example} jaisa dikhta hai, aur"));
            format!(
                "Mujhe aapke liye order {order} nahi mila. Kripya id check karein{like} main sirf aapke apne order dekh sakta hoon."
            )
        }
        Hindi => {
            let like = example.map_or(":".to_owned(), |example| format!(": यह {example} जैसा दिखता है, और"));
            format!("मुझे आपके लिए ऑर्डर {order} नहीं मिला। कृपया आईडी जाँचें{like} मैं सिर्फ़ आपके अपने ऑर्डर देख सकता हूँ।")
        }
        Spanish => {
            let like = example.map_or(String::new(), |example| format!(" (como {example})"));
            format!(
                "No encuentro el pedido {order} para usted. Por favor, revise el número{like}: solo puedo ver sus propios pedidos."
            )
        }
        Portuguese => {
            let like = example.map_or(String::new(), |example| format!(" (como {example})"));
            format!(
                "Não encontro o pedido {order} para você. Por favor, confira o número{like}: só consigo ver os seus próprios pedidos."
            )
        }
        Arabic => {
            let like = example.map_or(String::new(), |example| format!(" (مثل {})", ltr(example)));
            format!("لا أجد الطلب {} لك. يرجى التحقق من الرقم{like}: لا يمكنني رؤية سوى طلباتك.", ltr(order))
        }
    }
}

/// Offers a person after orders were not found.
pub fn person_to_find_order(language: Language) -> &'static str {
    match language {
        English => "Shall I bring in a member of our team to look for it? (yes / no)",
        Hinglish => "Kya main ise dhoondhne ke liye hamari team ke ek member ko bulaoon? (haan / nahi)",
        Hindi => "क्या मैं इसे ढूँढने के लिए हमारी टीम के एक सदस्य को बुलाऊँ? (हाँ / नहीं)",
        Spanish => "¿Llamo a una persona de nuestro equipo para que lo busque? (sí / no)",
        Portuguese => "Chamo uma pessoa da nossa equipe para procurar? (sim / não)",
        Arabic => "هل أستدعي أحد أعضاء فريقنا للبحث عنه؟ (نعم / لا)",
    }
}

/// Asks for the orders once more that one turn does not cover.
pub fn orders_at_a_time(language: Language, most: usize, rest: &[String]) -> String {
    let listed = rest.join(", ");
    match language {
        English => format!("I look at {most} orders at a time: please send {listed} once more afterwards."),
        Hinglish => format!("Main ek baar mein {most} order dekhta hoon: kripya uske baad {listed} phir se bhejein."),
        Hindi => format!("मैं एक बार में {most} ऑर्डर देखता हूँ: कृपया उसके बाद {listed} फिर से भेजें।"),
        Spanish => format!("Miro {most} pedidos a la vez: por favor, envíe {listed} otra vez después."),
        Portuguese => format!("Vejo {most} pedidos por vez: por favor, envie {listed} de novo depois."),
        // The noun does not depend on the number here.
        Arabic => format!(
            "عدد الطلبات التي أنظر فيها في المرة الواحدة هو {most}: يرجى إرسال {} مرة أخرى بعد ذلك.",
            ltr_each(rest, "، ")
        ),
    }
}
