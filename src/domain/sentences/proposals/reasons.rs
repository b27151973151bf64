//! Why something is not done: a sentence that follows [`super::refused`], [`super::super::refunds::refused`] or
//! [`super::super::refunds::not_paid`].

use super::super::Language::{self, Arabic, English, Hindi, Hinglish, Portuguese, Spanish};
use super::super::isolated;
use super::super::units::days as so_many_days;
use crate::domain::proposal::{ProposalKind, Resolution};

/// The sentence of a language: English, Hinglish, Hindi, Spanish, Portuguese, Arabic.
fn of(language: Language, texts: [&str; 6]) -> String {
    language.pick(texts).to_owned()
}

/// The order is on its way.
pub fn out_for_delivery(language: Language, kind: ProposalKind) -> String {
    if kind == ProposalKind::Cancel {
        return of(
            language,
            [
                "it is already out for delivery, so it can't be cancelled any more.",
                "yeh delivery ke liye nikal chuka hai, isliye ab cancel nahi ho sakta.",
                "यह डिलीवरी के लिए निकल चुका है, इसलिए अब रद्द नहीं हो सकता।",
                "ya está en reparto, así que ya no se puede cancelar.",
                "ele já saiu para entrega, então não pode mais ser cancelado.",
                "خرج للتوصيل، لذلك لم يعد إلغاؤه ممكنًا.",
            ],
        );
    }
    of(
        language,
        [
            "it is already out for delivery, so it can't be changed any more.",
            "yeh delivery ke liye nikal chuka hai, isliye ab badla nahi ja sakta.",
            "यह डिलीवरी के लिए निकल चुका है, इसलिए अब बदला नहीं जा सकता।",
            "ya está en reparto, así que ya no se puede cambiar.",
            "ele já saiu para entrega, então não pode mais ser alterado.",
            "خرج للتوصيل، لذلك لم يعد تغييره ممكنًا.",
        ],
    )
}

/// The customer has the order.
pub fn delivered(language: Language, kind: ProposalKind) -> String {
    if kind == ProposalKind::Cancel {
        return of(
            language,
            [
                "it has been delivered already, so it can't be cancelled any more.",
                "yeh deliver ho chuka hai, isliye ab cancel nahi ho sakta.",
                "यह डिलीवर हो चुका है, इसलिए अब रद्द नहीं हो सकता।",
                "ya fue entregado, así que ya no se puede cancelar.",
                "ele já foi entregue, então não pode mais ser cancelado.",
                "تم تسليمه، لذلك لم يعد إلغاؤه ممكنًا.",
            ],
        );
    }
    of(
        language,
        [
            "it has been delivered already, so it can't be changed any more.",
            "yeh deliver ho chuka hai, isliye ab badla nahi ja sakta.",
            "यह डिलीवर हो चुका है, इसलिए अब बदला नहीं जा सकता।",
            "ya fue entregado, así que ya no se puede cambiar.",
            "ele já foi entregue, então não pode mais ser alterado.",
            "تم تسليمه، لذلك لم يعد تغييره ممكنًا.",
        ],
    )
}

/// The order was called off.
pub fn cancelled(language: Language) -> String {
    of(
        language,
        [
            "it is cancelled.",
            "yeh cancel ho chuka hai.",
            "यह रद्द हो चुका है।",
            "está cancelado.",
            "ele está cancelado.",
            "إنه ملغى.",
        ],
    )
}

/// The shop's rules say that it is too late.
pub fn too_late(language: Language, kind: ProposalKind) -> String {
    if kind == ProposalKind::Cancel {
        return of(
            language,
            [
                "it is too far along to be cancelled.",
                "ab ise cancel karne ke liye der ho chuki hai.",
                "अब इसे रद्द करने के लिए देर हो चुकी है।",
                "ya está demasiado avanzado para cancelarlo.",
                "ele já está adiantado demais para ser cancelado.",
                "بلغ مرحلة لم يعد فيها إلغاؤه ممكنًا.",
            ],
        );
    }
    of(
        language,
        [
            "it is too far along to be changed.",
            "ab ise badalne ke liye der ho chuki hai.",
            "अब इसे बदलने के लिए देर हो चुकी है।",
            "ya está demasiado avanzado para cambiarlo.",
            "ele já está adiantado demais para ser alterado.",
            "بلغ مرحلة لم يعد فيها تغييره ممكنًا.",
        ],
    )
}

/// It is not known where the order is.
pub fn state_unknown(language: Language) -> String {
    of(
        language,
        [
            "I can't see how far it is, so a member of our team has to look at it.",
            "mujhe nahi dikhta ki yeh kahan tak pahuncha hai, isliye hamari team ke ek member ko ise dekhna hoga.",
            "मुझे नहीं दिखता कि यह कहाँ तक पहुँचा है, इसलिए हमारी टीम के एक सदस्य को इसे देखना होगा।",
            "no puedo ver en qué punto está, así que tiene que revisarlo una persona de nuestro equipo.",
            "não consigo ver em que etapa ele está, então uma pessoa da nossa equipe precisa verificar.",
            "لا أستطيع معرفة المرحلة التي بلغها، لذلك يجب أن ينظر فيه أحد أعضاء فريقنا.",
        ],
    )
}

/// The order is not there yet.
pub fn not_delivered(language: Language) -> String {
    of(
        language,
        [
            "it has not been delivered yet.",
            "yeh abhi deliver nahi hua hai.",
            "यह अभी डिलीवर नहीं हुआ है।",
            "todavía no ha sido entregado.",
            "ele ainda não foi entregue.",
            "لم يتم تسليمه بعد.",
        ],
    )
}

/// The days of returns have passed.
pub fn return_window_passed(language: Language, days: u32) -> String {
    let days = so_many_days(language, days);
    match language {
        English => format!("it can be returned within {days} of its delivery, and that time has passed."),
        Hinglish => format!("ise delivery ke {days} ke andar return kiya ja sakta hai, aur woh samay beet chuka hai."),
        Hindi => format!("इसे डिलीवरी के {days} के अंदर वापस किया जा सकता है, और वह समय बीत चुका है।"),
        Spanish => format!("se puede devolver hasta {days} después de la entrega, y ese plazo ya pasó."),
        Portuguese => format!("ele pode ser devolvido até {days} depois da entrega, e esse prazo já passou."),
        Arabic => format!("يمكن إرجاعه خلال {days} من تسليمه، وقد انقضت هذه المدة."),
    }
}

/// The day of the delivery is not known.
pub fn delivery_date_unknown(language: Language, days: u32) -> String {
    let days = so_many_days(language, days);
    match language {
        English => format!(
            "it can be returned within {days} of its delivery, and I can't see when it came, so a member of our team decides."
        ),
        Hinglish => format!(
            "ise delivery ke {days} ke andar return kiya ja sakta hai, aur mujhe nahi dikhta ki yeh kab aaya, isliye faisla hamari team ke ek member karte hain."
        ),
        Hindi => format!(
            "इसे डिलीवरी के {days} के अंदर वापस किया जा सकता है, और मुझे नहीं दिखता कि यह कब आया, इसलिए फ़ैसला हमारी टीम के एक सदस्य करते हैं।"
        ),
        Spanish => format!(
            "se puede devolver hasta {days} después de la entrega, y no puedo ver cuándo llegó, así que decide una persona de nuestro equipo."
        ),
        Portuguese => format!(
            "ele pode ser devolvido até {days} depois da entrega, e não consigo ver quando chegou, então uma pessoa da nossa equipe decide."
        ),
        Arabic => {
            format!("يمكن إرجاعه خلال {days} من تسليمه، ولا أستطيع معرفة متى وصل، لذلك يقرر أحد أعضاء فريقنا.")
        }
    }
}

/// Such articles never go back.
pub fn never_returned(language: Language, what: &str) -> String {
    match language {
        English => format!("{what} can't be returned."),
        Hinglish => format!("{what} return nahi ho sakta."),
        Hindi => format!("{what} वापस नहीं हो सकता।"),
        Spanish => format!("{what} no se puede devolver."),
        Portuguese => format!("{what} não pode ser devolvido."),
        Arabic => format!("لا يمكن إرجاع {}.", isolated(what)),
    }
}

/// A person has to see a photo.
pub fn needs_photo(language: Language) -> String {
    of(
        language,
        [
            "a member of our team has to see a photo of it first.",
            "pehle hamari team ke ek member ko iski photo dekhni hogi.",
            "पहले हमारी टीम के एक सदस्य को इसकी फ़ोटो देखनी होगी।",
            "una persona de nuestro equipo tiene que ver antes una foto.",
            "uma pessoa da nossa equipe precisa ver uma foto antes.",
            "يجب أن يرى أحد أعضاء فريقنا صورة له أولًا.",
        ],
    )
}

/// What goes back is on its way already, or was paid back.
pub fn return_under_way(language: Language) -> String {
    of(
        language,
        [
            "a return or refund of it is under way already.",
            "iska return ya refund pehle se chal raha hai.",
            "इसका रिटर्न या रिफंड पहले से चल रहा है।",
            "ya hay una devolución o un reembolso en curso.",
            "já há uma devolução ou um reembolso em andamento.",
            "هناك إرجاع أو استرداد له جارٍ بالفعل.",
        ],
    )
}

/// The shop does not replace, or exchange.
pub fn not_done_here(language: Language, resolution: Resolution) -> String {
    let [english, hindi_latin, hindi, spanish, portuguese, arabic] = match resolution {
        Resolution::Refund => ["refunds", "refund", "रिफंड", "reembolsos", "reembolsos", "الاسترداد"],
        Resolution::Replacement => {
            ["replacements", "replacement", "रिप्लेसमेंट", "reemplazos", "reposições", "الاستبدال بالمثل"]
        }
        Resolution::Exchange => ["exchanges", "exchange", "एक्सचेंज", "cambios", "trocas", "التبديل"],
    };
    match language {
        English => format!("the shop makes no {english}."),
        Hinglish => format!("yeh shop {hindi_latin} nahi karti."),
        Hindi => format!("यह दुकान {hindi} नहीं करती।"),
        Spanish => format!("la tienda no hace {spanish}."),
        Portuguese => format!("a loja não faz {portuguese}."),
        Arabic => format!("لا يقدم المتجر {arabic}."),
    }
}

/// The shop is paying it back.
pub fn refund_under_way(language: Language) -> String {
    of(
        language,
        [
            "its refund is under way already.",
            "iska refund pehle se chal raha hai.",
            "इसका रिफंड पहले से चल रहा है।",
            "su reembolso ya está en curso.",
            "o reembolso dele já está em andamento.",
            "استرداد قيمته جارٍ بالفعل.",
        ],
    )
}

/// The shop could not pay it back.
pub fn refund_failed(language: Language) -> String {
    of(
        language,
        [
            "its refund did not go through, so a member of our team has to look at it.",
            "iska refund nahi ho paya, isliye hamari team ke ek member ko ise dekhna hoga.",
            "इसका रिफंड नहीं हो पाया, इसलिए हमारी टीम के एक सदस्य को इसे देखना होगा।",
            "su reembolso no se pudo completar, así que tiene que revisarlo una persona de nuestro equipo.",
            "o reembolso dele não pôde ser concluído, então uma pessoa da nossa equipe precisa verificar.",
            "تعذّر استرداد قيمته، لذلك يجب أن ينظر فيه أحد أعضاء فريقنا.",
        ],
    )
}

/// The item is not known.
pub fn item_unknown(language: Language, name: &str) -> String {
    match language {
        English => format!("I can't tell which item of it “{name}” is, or so many were not ordered."),
        Hinglish => {
            format!("mujhe samajh nahi aaya ki ismein “{name}” kaun sa item hai, ya itne order nahi kiye gaye the.")
        }
        Hindi => format!("मुझे समझ नहीं आया कि इसमें “{name}” कौन सा आइटम है, या इतने ऑर्डर नहीं किए गए थे।"),
        Spanish => format!("no sé qué artículo suyo es “{name}”, o no se pidieron tantos."),
        Portuguese => format!("não sei qual item dele é “{name}”, ou não foram pedidos tantos."),
        Arabic => format!("لا أعرف أي منتج فيه هو «{}»، أو لم يُطلب هذا العدد.", isolated(name)),
    }
}

/// What the item cost is not known.
pub fn item_price_unknown(language: Language) -> String {
    of(
        language,
        [
            "I can't see what the item cost, so a member of our team decides.",
            "mujhe nahi dikhta ki item kitne ka tha, isliye faisla hamari team ke ek member karte hain.",
            "मुझे नहीं दिखता कि आइटम कितने का था, इसलिए फ़ैसला हमारी टीम के एक सदस्य करते हैं।",
            "no puedo ver cuánto costó el artículo, así que decide una persona de nuestro equipo.",
            "não consigo ver quanto o item custou, então uma pessoa da nossa equipe decide.",
            "لا أستطيع معرفة سعر المنتج، لذلك يقرر أحد أعضاء فريقنا.",
        ],
    )
}

/// Another part was refunded.
pub fn second_part(language: Language) -> String {
    of(
        language,
        [
            "another part of it was refunded before, so a member of our team decides about the rest.",
            "iske ek aur hisse ka refund pehle ho chuka hai, isliye baaki ka faisla hamari team ke ek member karte hain.",
            "इसके एक और हिस्से का रिफंड पहले हो चुका है, इसलिए बाक़ी का फ़ैसला हमारी टीम के एक सदस्य करते हैं।",
            "ya se reembolsó antes otra parte, así que sobre el resto decide una persona de nuestro equipo.",
            "outra parte dele já foi reembolsada antes, então uma pessoa da nossa equipe decide sobre o restante.",
            "رُدّت قيمة جزء آخر منه من قبل، لذلك يقرر أحد أعضاء فريقنا بشأن الباقي.",
        ],
    )
}

/// The same order is known under another number, and its money went back there.
pub fn refunded_twin(language: Language) -> String {
    of(
        language,
        [
            "it is on record under another number as well, with a refund there, so a member of our team looks into it.",
            "yeh ek aur number se bhi darj hai aur wahan iska refund hai, isliye hamari team ke ek member ise dekhte hain.",
            "यह एक और नंबर से भी दर्ज है और वहाँ इसका रिफंड है, इसलिए हमारी टीम के एक सदस्य इसे देखते हैं।",
            "también figura con otro número, y allí tiene un reembolso, así que lo revisa una persona de nuestro equipo.",
            "ele também consta com outro número, e lá tem um reembolso, então uma pessoa da nossa equipe verifica.",
            "هو مسجل برقم آخر أيضًا وله استرداد هناك، لذلك ينظر فيه أحد أعضاء فريقنا.",
        ],
    )
}

/// The customer got much back in a month.
pub fn month_limit(language: Language) -> String {
    of(
        language,
        [
            "a member of our team decides about further refunds this month.",
            "is mahine aur refund ka faisla hamari team ke ek member karte hain.",
            "इस महीने और रिफंड का फ़ैसला हमारी टीम के एक सदस्य करते हैं।",
            "sobre más reembolsos este mes decide una persona de nuestro equipo.",
            "sobre outros reembolsos neste mês, uma pessoa da nossa equipe decide.",
            "أي استرداد آخر هذا الشهر يقرره أحد أعضاء فريقنا.",
        ],
    )
}
