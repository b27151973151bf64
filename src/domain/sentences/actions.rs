//! Sentences about what is done with orders: proposals, what was done, why something cannot be done.

use std::fmt::Display;

use super::{Language, isolated, ltr};

/// Asks for a yes to a proposal.
pub fn confirm(language: Language) -> &'static str {
    match language {
        Language::English => "Shall I go ahead? Please reply yes or no.",
        Language::Hinglish => "Kya main yeh kar doon? Haan ya nahi likhein.",
        Language::Hindi => "क्या मैं यह कर दूँ? हाँ या नहीं लिखें।",
        Language::Spanish => "¿Lo hago? Responda sí o no, por favor.",
        Language::Portuguese => "Posso fazer isso? Responda sim ou não, por favor.",
        Language::Arabic => "هل أتابع؟ يرجى الرد بكلمة «نعم» أو «لا».",
    }
}

/// An order was cancelled now.
pub fn cancelled(language: Language, order: impl Display) -> String {
    match language {
        Language::English => format!("Done: order {order} is cancelled."),
        Language::Hinglish => format!("Ho gaya: order {order} cancel kar diya gaya hai."),
        Language::Hindi => format!("हो गया: ऑर्डर {order} रद्द कर दिया गया है।"),
        Language::Spanish => format!("Listo: el pedido {order} está cancelado."),
        Language::Portuguese => format!("Pronto: o pedido {order} está cancelado."),
        Language::Arabic => format!("تم: أُلغي الطلب {order}.", order = ltr(order)),
    }
}

/// What of a payment goes back after a cancellation or a return.
pub fn goes_back(language: Language, amount: impl Display, transaction: &str) -> String {
    match language {
        Language::English => format!("{amount} goes back to the way you paid; the transaction id is {transaction}."),
        Language::Hinglish => format!(
            "{amount} usi tareeke se wapas jaayenge jisse aapne payment kiya tha; transaction id {transaction} hai."
        ),
        Language::Hindi => {
            format!("{amount} उसी तरीके से वापस जाएँगे जिससे आपने भुगतान किया था; ट्रांज़ैक्शन आईडी {transaction} है।")
        }
        Language::Spanish => {
            format!("{amount} vuelven al medio de pago que usó; el número de transacción es {transaction}.")
        }
        Language::Portuguese => {
            format!("{amount} voltam para a forma de pagamento que você usou; o número da transação é {transaction}.")
        }
        Language::Arabic => format!(
            "يعود {amount} إلى وسيلة الدفع التي استخدمتها؛ رقم المعاملة {transaction}.",
            amount = ltr(amount),
            transaction = ltr(transaction)
        ),
    }
}

/// An order was changed now.
pub fn changed(language: Language, order: impl Display) -> String {
    match language {
        Language::English => format!("Done: I have noted the change for order {order}."),
        Language::Hinglish => format!("Ho gaya: order {order} mein badlav likh liya gaya hai."),
        Language::Hindi => format!("हो गया: ऑर्डर {order} में बदलाव दर्ज कर दिया गया है।"),
        Language::Spanish => format!("Listo: el cambio queda anotado en el pedido {order}."),
        Language::Portuguese => format!("Pronto: a alteração está registrada no pedido {order}."),
        Language::Arabic => format!("تم: سُجّل التغيير على الطلب {order}.", order = ltr(order)),
    }
}

/// A return was arranged now.
pub fn returned(language: Language, order: impl Display) -> String {
    match language {
        Language::English => format!("Done: the return for order {order} is arranged."),
        Language::Hinglish => format!("Ho gaya: order {order} ka return darj kar diya gaya hai."),
        Language::Hindi => format!("हो गया: ऑर्डर {order} की वापसी दर्ज कर दी गई है।"),
        Language::Spanish => format!("Listo: la devolución del pedido {order} está registrada."),
        Language::Portuguese => format!("Pronto: a devolução do pedido {order} está registrada."),
        Language::Arabic => format!("تم: سُجّل إرجاع الطلب {order}.", order = ltr(order)),
    }
}

/// A replacement was arranged now.
pub fn replaced(language: Language, order: impl Display) -> String {
    match language {
        Language::English => format!("Done: the replacement for order {order} is arranged."),
        Language::Hinglish => format!("Ho gaya: order {order} ke badle naya bhejne ki request darj kar di gayi hai."),
        Language::Hindi => format!("हो गया: ऑर्डर {order} के बदले नया भेजने का अनुरोध दर्ज कर दिया गया है।"),
        Language::Spanish => format!("Listo: el reemplazo del pedido {order} está registrado."),
        Language::Portuguese => format!("Pronto: a reposição do pedido {order} está registrada."),
        Language::Arabic => format!("تم: سُجّل الاستبدال للطلب {order}.", order = ltr(order)),
    }
}

/// An exchange was arranged now.
pub fn exchanged(language: Language, order: impl Display) -> String {
    match language {
        Language::English => format!("Done: the exchange for order {order} is arranged."),
        Language::Hinglish => format!("Ho gaya: order {order} ka exchange darj kar diya gaya hai."),
        Language::Hindi => format!("हो गया: ऑर्डर {order} का एक्सचेंज दर्ज कर दिया गया है।"),
        Language::Spanish => format!("Listo: el cambio del pedido {order} por otro está registrado."),
        Language::Portuguese => format!("Pronto: a troca do pedido {order} está registrada."),
        Language::Arabic => format!("تم: سُجّل التبديل للطلب {order}.", order = ltr(order)),
    }
}

/// What is asked for was done before.
pub fn already_done(language: Language, order: impl Display) -> String {
    match language {
        Language::English => format!("That has been done for order {order} already; there is nothing more to do."),
        Language::Hinglish => format!("Order {order} ke liye yeh pehle hi ho chuka hai; ab kuch karna baaki nahi hai."),
        Language::Hindi => format!("ऑर्डर {order} के लिए यह पहले ही हो चुका है; अब कुछ करना बाकी नहीं है।"),
        Language::Spanish => format!("Eso ya está hecho en el pedido {order}; no hace falta nada más."),
        Language::Portuguese => format!("Isso já foi feito no pedido {order}; não é preciso mais nada."),
        Language::Arabic => format!("تم ذلك من قبل للطلب {order}؛ لا يلزم شيء آخر.", order = ltr(order)),
    }
}

/// The customer declined a proposal, or took a wish back.
pub fn nothing_changed(language: Language) -> &'static str {
    match language {
        Language::English => "All right: nothing changes, and your order stays as it is.",
        Language::Hinglish => "Theek hai: kuch nahi badlega, aapka order waisa hi rahega.",
        Language::Hindi => "ठीक है: कुछ नहीं बदलेगा, आपका ऑर्डर वैसा ही रहेगा।",
        Language::Spanish => "De acuerdo: nada cambia, su pedido sigue como está.",
        Language::Portuguese => "Tudo bem: nada muda, o seu pedido continua como está.",
        Language::Arabic => "حسنًا: لن يتغير شيء، وطلبك كما هو.",
    }
}

/// The customer has not decided yet.
pub fn take_your_time(language: Language) -> &'static str {
    match language {
        Language::English => "Take your time: nothing happens until you tell me.",
        Language::Hinglish => "Aaram se sochein: jab tak aap nahi kahenge, kuch nahi hoga.",
        Language::Hindi => "आराम से सोचें: जब तक आप नहीं कहेंगे, कुछ नहीं होगा।",
        Language::Spanish => "Tómese su tiempo: no pasa nada hasta que me lo diga.",
        Language::Portuguese => "Sem pressa: nada acontece até você me dizer.",
        Language::Arabic => "لا داعي للعجلة: لن يحدث شيء قبل ردك.",
    }
}

/// It is too late to change or cancel: the order is on its way.
pub fn out_for_delivery(language: Language, order: impl Display) -> String {
    match language {
        Language::English => format!(
            "Order {order} is already out for delivery, so it can no longer be changed or cancelled. For a person, say “agent”."
        ),
        Language::Hinglish => format!(
            "Order {order} delivery ke liye nikal chuka hai, isliye ab badla ya cancel nahi ho sakta. Kisi insaan se baat karni ho to “agent” likhein."
        ),
        Language::Hindi => format!(
            "ऑर्डर {order} डिलीवरी के लिए निकल चुका है, इसलिए अब बदला या रद्द नहीं हो सकता। किसी व्यक्ति से बात करनी हो तो “एजेंट” लिखें।"
        ),
        Language::Spanish => format!(
            "El pedido {order} ya está en reparto, así que ya no se puede cambiar ni cancelar. Para hablar con una persona, escriba “agente”."
        ),
        Language::Portuguese => format!(
            "O pedido {order} já saiu para entrega, por isso não pode mais ser alterado nem cancelado. Para falar com uma pessoa, escreva “atendente”."
        ),
        Language::Arabic => format!(
            "خرج الطلب {order} للتوصيل، لذلك لا يمكن تغييره أو إلغاؤه الآن. وللتحدث مع شخص يرجى كتابة «موظف».",
            order = ltr(order)
        ),
    }
}

/// It is too late to change or cancel: the order was delivered. Whether it may go back is not known yet.
pub fn delivered_already(language: Language, order: impl Display) -> String {
    match language {
        Language::English => format!(
            "Order {order} has been delivered, so it can no longer be changed or cancelled. If you want to give it back, say “return” and I check whether that is possible; for a person, say “agent”."
        ),
        Language::Hinglish => format!(
            "Order {order} deliver ho chuka hai, isliye ab badla ya cancel nahi ho sakta. Agar aap ise wapas karna chahte hain to “return” likhein, main dekhunga ki yeh ho sakta hai ya nahi; kisi insaan ke liye “agent” likhein."
        ),
        Language::Hindi => format!(
            "ऑर्डर {order} डिलीवर हो चुका है, इसलिए अब बदला या रद्द नहीं हो सकता। अगर आप इसे वापस करना चाहते हैं तो “रिटर्न” लिखें, मैं देखूँगा कि यह हो सकता है या नहीं; किसी व्यक्ति के लिए “एजेंट” लिखें।"
        ),
        Language::Spanish => format!(
            "El pedido {order} ya fue entregado, así que ya no se puede cambiar ni cancelar. Si quiere devolverlo, escriba “devolver” y compruebo si es posible; para hablar con una persona, escriba “agente”."
        ),
        Language::Portuguese => format!(
            "O pedido {order} já foi entregue, por isso não pode mais ser alterado nem cancelado. Se quiser devolvê-lo, escreva “devolver” e eu verifico se é possível; para uma pessoa, escreva “atendente”."
        ),
        Language::Arabic => format!(
            "تم توصيل الطلب {order}، لذلك لا يمكن تغييره أو إلغاؤه. إن أردت إرجاعه فيرجى كتابة «إرجاع» لأتحقق من إمكان ذلك؛ وللتحدث مع شخص يرجى كتابة «موظف».",
            order = ltr(order)
        ),
    }
}

/// The order that something is wished for was cancelled.
pub fn is_cancelled(language: Language, order: impl Display) -> String {
    match language {
        Language::English => format!("Order {order} was cancelled."),
        Language::Hinglish => format!("Order {order} cancel ho chuka hai."),
        Language::Hindi => format!("ऑर्डर {order} रद्द हो चुका है।"),
        Language::Spanish => format!("El pedido {order} fue cancelado."),
        Language::Portuguese => format!("O pedido {order} foi cancelado."),
        Language::Arabic => format!("أُلغي الطلب {order}.", order = ltr(order)),
    }
}

/// A cancelled order is not brought back.
pub fn cannot_come_back(language: Language, order: impl Display) -> String {
    match language {
        Language::English => format!(
            "Order {order} was cancelled, and a cancelled order cannot be brought back: please place a new order. For a person, say “agent”."
        ),
        Language::Hinglish => format!(
            "Order {order} cancel ho chuka hai, aur cancel hua order wapas chalu nahi ho sakta: kripya naya order karein. Kisi insaan se baat karni ho to “agent” likhein."
        ),
        Language::Hindi => format!(
            "ऑर्डर {order} रद्द हो चुका है, और रद्द हुआ ऑर्डर फिर से चालू नहीं हो सकता: कृपया नया ऑर्डर करें। किसी व्यक्ति से बात करनी हो तो “एजेंट” लिखें।"
        ),
        Language::Spanish => format!(
            "El pedido {order} fue cancelado y un pedido cancelado no se puede recuperar: haga un pedido nuevo, por favor. Para hablar con una persona, escriba “agente”."
        ),
        Language::Portuguese => format!(
            "O pedido {order} foi cancelado e um pedido cancelado não pode ser reativado: faça um novo pedido, por favor. Para falar com uma pessoa, escreva “atendente”."
        ),
        Language::Arabic => {
            format!(
                "أُلغي الطلب {order}، ولا يمكن استعادة طلب ملغى: يرجى تقديم طلب جديد. وللتحدث مع شخص يرجى كتابة «موظف».",
                order = ltr(order)
            )
        }
    }
}

/// The customer asks not to cancel an order that goes on.
pub fn not_cancelled(language: Language, order: impl Display) -> String {
    match language {
        Language::English => format!("Order {order} is not cancelled: it stays as it is."),
        Language::Hinglish => format!("Order {order} cancel nahi hua hai: woh waisa hi chal raha hai."),
        Language::Hindi => format!("ऑर्डर {order} रद्द नहीं हुआ है: वह वैसा ही चल रहा है।"),
        Language::Spanish => format!("El pedido {order} no está cancelado: sigue como está."),
        Language::Portuguese => format!("O pedido {order} não está cancelado: continua como está."),
        Language::Arabic => format!("الطلب {order} غير ملغى: هو كما هو.", order = ltr(order)),
    }
}

/// The time for a return or refund is over.
pub fn window_passed(language: Language, order: impl Display) -> String {
    match language {
        Language::English => format!(
            "I'm sorry: the time in which order {order} can be returned or refunded is over, so that is no longer possible. For a person, say “agent”."
        ),
        Language::Hinglish => format!(
            "Maaf karein: order {order} ko return ya refund karne ka samay khatam ho gaya hai, isliye ab yeh nahi ho sakta. Kisi insaan se baat karni ho to “agent” likhein."
        ),
        Language::Hindi => format!(
            "माफ़ करें: ऑर्डर {order} को वापस करने या रिफंड का समय समाप्त हो गया है, इसलिए अब यह नहीं हो सकता। किसी व्यक्ति से बात करनी हो तो “एजेंट” लिखें।"
        ),
        Language::Spanish => format!(
            "Lo siento: el plazo para devolver el pedido {order} o pedir el reembolso ha terminado, así que ya no es posible. Para hablar con una persona, escriba “agente”."
        ),
        Language::Portuguese => format!(
            "Sinto muito: o prazo para devolver o pedido {order} ou pedir reembolso terminou, então não é mais possível. Para falar com uma pessoa, escreva “atendente”."
        ),
        Language::Arabic => format!(
            "نعتذر: انتهت المدة التي يمكن فيها إرجاع الطلب {order} أو استرداد مبلغه، لذلك لا يمكن ذلك الآن. وللتحدث مع شخص يرجى كتابة «موظف».",
            order = ltr(order)
        ),
    }
}

/// What may not go back.
pub fn never_returned(language: Language, order: impl Display) -> String {
    match language {
        Language::English => {
            format!("I'm sorry: what is in order {order} cannot be returned. For a person, say “agent”.")
        }
        Language::Hinglish => {
            format!("Maaf karein: order {order} ka saamaan return nahi ho sakta. Kisi insaan ke liye “agent” likhein.")
        }
        Language::Hindi => {
            format!("माफ़ करें: ऑर्डर {order} का सामान वापस नहीं हो सकता। किसी व्यक्ति के लिए “एजेंट” लिखें।")
        }
        Language::Spanish => {
            format!(
                "Lo siento: lo del pedido {order} no se puede devolver. Para hablar con una persona, escriba “agente”."
            )
        }
        Language::Portuguese => format!(
            "Sinto muito: o que está no pedido {order} não pode ser devolvido. Para falar com uma pessoa, escreva “atendente”."
        ),
        Language::Arabic => {
            format!("نعتذر: ما في الطلب {order} لا يمكن إرجاعه. وللتحدث مع شخص يرجى كتابة «موظف».", order = ltr(order))
        }
    }
}

/// It cannot be returned yet: it has not arrived.
pub fn not_delivered(language: Language, order: impl Display) -> String {
    match language {
        Language::English => format!(
            "Order {order} has not been delivered yet, so there is nothing to return: it can be cancelled as long as it has not left."
        ),
        Language::Hinglish => format!(
            "Order {order} abhi deliver nahi hua hai, isliye return nahi ho sakta: jab tak woh nikla nahi hai, cancel ho sakta hai."
        ),
        Language::Hindi => {
            format!("ऑर्डर {order} अभी डिलीवर नहीं हुआ है, इसलिए वापस नहीं हो सकता: जब तक वह निकला नहीं है, रद्द हो सकता है।")
        }
        Language::Spanish => format!(
            "El pedido {order} aún no fue entregado, así que no hay nada que devolver: se puede cancelar mientras no haya salido."
        ),
        Language::Portuguese => format!(
            "O pedido {order} ainda não foi entregue, então não há o que devolver: pode ser cancelado enquanto não tiver saído."
        ),
        Language::Arabic => {
            format!("لم يتم توصيل الطلب {order} بعد، فلا شيء لإرجاعه: يمكن إلغاؤه ما دام لم يخرج.", order = ltr(order))
        }
    }
}

/// Nothing was paid that could go back.
pub fn unpaid(language: Language, order: impl Display) -> String {
    match language {
        Language::English => format!("Nothing has been paid for order {order} yet, so there is nothing to refund."),
        Language::Hinglish => {
            format!("Order {order} ke liye abhi koi payment nahi hua hai, isliye wapas karne ko kuch nahi hai.")
        }
        Language::Hindi => format!("ऑर्डर {order} के लिए अभी कोई भुगतान नहीं हुआ है, इसलिए वापस करने को कुछ नहीं है।"),
        Language::Spanish => {
            format!("Por el pedido {order} todavía no se ha pagado nada, así que no hay nada que reembolsar.")
        }
        Language::Portuguese => format!("Nada foi pago ainda pelo pedido {order}, então não há o que reembolsar."),
        Language::Arabic => format!("لم يُدفع شيء للطلب {order} بعد، فلا مبلغ لاسترداده.", order = ltr(order)),
    }
}

/// Asks which part of an order is meant.
pub fn which_items(language: Language, order: impl Display, items: &str) -> String {
    match language {
        Language::English => format!("Which part of order {order} is it about: {items}?"),
        Language::Hinglish => format!("Order {order} mein se kis cheez ki baat hai: {items}?"),
        Language::Hindi => format!("ऑर्डर {order} में से किस चीज़ की बात है: {items}?"),
        Language::Spanish => format!("¿De qué parte del pedido {order} se trata: {items}?"),
        Language::Portuguese => format!("De que parte do pedido {order} se trata: {items}?"),
        Language::Arabic => {
            format!("ما الجزء المقصود من الطلب {order}: {items}؟", order = ltr(order), items = isolated(items))
        }
    }
}

/// Asks what a return is for.
pub fn return_for_what(language: Language) -> &'static str {
    match language {
        Language::English => {
            "What would you like for it: your money back, the same thing again, or something else in exchange?"
        }
        Language::Hinglish => "Iske badle aapko kya chahiye: paise wapas, wahi cheez dobara, ya exchange?",
        Language::Hindi => "इसके बदले आपको क्या चाहिए: पैसे वापस, वही चीज़ दोबारा, या एक्सचेंज?",
        Language::Spanish => "¿Qué prefiere a cambio: su dinero, lo mismo otra vez o un cambio por otra cosa?",
        Language::Portuguese => {
            "O que você prefere em troca: o dinheiro de volta, a mesma coisa de novo, ou uma troca?"
        }
        Language::Arabic => "ما المطلوب بدلًا منه: استرداد المبلغ، أم الشيء نفسه مرة أخرى، أم تبديله بغيره؟",
    }
}

/// Asks for a new address.
pub fn ask_address(language: Language) -> &'static str {
    match language {
        Language::English => "Please send me the whole new address, with the postal code.",
        Language::Hinglish => "Kripya poora naya pata PIN code ke saath bhejein.",
        Language::Hindi => "कृपया पूरा नया पता पिन कोड के साथ भेजें।",
        Language::Spanish => "Envíeme la dirección nueva completa, con el código postal, por favor.",
        Language::Portuguese => "Envie o novo endereço completo, com o CEP, por favor.",
        Language::Arabic => "يرجى إرسال العنوان الجديد كاملًا مع الرمز البريدي.",
    }
}

/// Asks for a new time of delivery.
pub fn ask_slot(language: Language) -> &'static str {
    match language {
        Language::English => "Which day and time would suit you?",
        Language::Hinglish => "Aapko kaun sa din aur samay theek rahega?",
        Language::Hindi => "आपको कौन सा दिन और समय ठीक रहेगा?",
        Language::Spanish => "¿Qué día y a qué hora le viene bien?",
        Language::Portuguese => "Que dia e horário ficam bons para você?",
        Language::Arabic => "أي يوم ووقت يناسبك؟",
    }
}

/// Asks for a new telephone number.
pub fn ask_phone(language: Language) -> &'static str {
    match language {
        Language::English => "Which telephone number should we use instead?",
        Language::Hinglish => "Iski jagah kaun sa phone number rakhna hai?",
        Language::Hindi => "इसकी जगह कौन सा फ़ोन नंबर रखना है?",
        Language::Spanish => "¿Qué número de teléfono debemos usar?",
        Language::Portuguese => "Que número de telefone devemos usar?",
        Language::Arabic => "أي رقم هاتف نستخدم بدلًا منه؟",
    }
}

/// Asks for a word to whoever brings the order.
pub fn ask_instructions(language: Language) -> &'static str {
    match language {
        Language::English => "What should I tell the rider?",
        Language::Hinglish => "Rider ko kya batana hai?",
        Language::Hindi => "राइडर को क्या बताना है?",
        Language::Spanish => "¿Qué le digo al repartidor?",
        Language::Portuguese => "O que devo dizer ao entregador?",
        Language::Arabic => "ماذا أقول للمندوب؟",
    }
}

/// The record says that a refund is under way.
pub fn refund_in_process(language: Language, order: impl Display) -> String {
    match language {
        Language::English => format!(
            "The refund for order {order} is being processed; nothing more needs to be done. If it takes longer than you expected, say “agent” and a person looks into it."
        ),
        Language::Hinglish => format!(
            "Order {order} ka refund process ho raha hai; aapko kuch aur karne ki zaroorat nahi hai. Zyada der lage to “agent” likhein, koi insaan dekhega."
        ),
        Language::Hindi => format!(
            "ऑर्डर {order} का रिफंड प्रक्रिया में है; आपको कुछ और करने की ज़रूरत नहीं है। ज़्यादा देर लगे तो “एजेंट” लिखें, कोई व्यक्ति देखेगा।"
        ),
        Language::Spanish => format!(
            "El reembolso del pedido {order} está en proceso; no hace falta hacer nada más. Si tarda más de lo que esperaba, escriba “agente” y una persona lo revisará."
        ),
        Language::Portuguese => format!(
            "O reembolso do pedido {order} está em processamento; não é preciso fazer mais nada. Se demorar mais do que esperava, escreva “atendente” e uma pessoa verifica."
        ),
        Language::Arabic => format!(
            "استرداد مبلغ الطلب {order} قيد المعالجة؛ لا يلزم شيء آخر. إن طال الأمر أكثر من المتوقع فيرجى كتابة «موظف» ليتابعه أحد زملائنا.",
            order = ltr(order)
        ),
    }
}

/// The record says that an order was paid back; how much of it, it does not say.
pub fn refund_on_record(language: Language, order: impl Display) -> String {
    match language {
        Language::English => format!("According to our records order {order} has been refunded."),
        Language::Hinglish => format!("Hamare record ke hisaab se order {order} ka refund ho chuka hai."),
        Language::Hindi => format!("हमारे रिकॉर्ड के अनुसार ऑर्डर {order} का रिफंड हो चुका है।"),
        Language::Spanish => format!("Según nuestros registros, el pedido {order} ya fue reembolsado."),
        Language::Portuguese => format!("Segundo nossos registros, o pedido {order} já foi reembolsado."),
        Language::Arabic => format!("وفق سجلاتنا تم رد مبلغ الطلب {order}.", order = ltr(order)),
    }
}

/// The answer to a proposal was neither yes nor no.
pub fn want_to_be_sure(language: Language) -> &'static str {
    match language {
        Language::English => "I want to be sure before I change anything.",
        Language::Hinglish => "Kuch bhi badalne se pehle main pakka karna chahta hoon.",
        Language::Hindi => "कुछ भी बदलने से पहले मैं पक्का करना चाहता हूँ।",
        Language::Spanish => "Quiero estar seguro antes de cambiar nada.",
        Language::Portuguese => "Quero ter certeza antes de mudar qualquer coisa.",
        Language::Arabic => "أريد التأكد قبل أن أغيّر أي شيء.",
    }
}
