//! Why a refund is paid, or is not: a sentence that follows [`super::refused`] or [`super::not_paid`].

use std::fmt::Display;

use super::super::Language::{self, Arabic, English, Hindi, Hinglish, Portuguese, Spanish};
use super::super::units::{self, days as so_many_days};
use super::super::{isolated, ltr};
use crate::domain::currency::Currency;
use crate::domain::order::OrderState;

/// Reason: the refund of this order could not be paid before.
pub fn failed_before(language: Language) -> &'static str {
    match language {
        English => "The refund of this order could not be paid; our team looks into it.",
        Hinglish => "Is order ka refund pay nahi ho saka; hamari team ise dekh rahi hai.",
        Hindi => "इस ऑर्डर का रिफंड नहीं दिया जा सका; हमारी टीम इसे देख रही है।",
        Spanish => "El reembolso de este pedido no se pudo pagar; nuestro equipo lo está revisando.",
        Portuguese => "O reembolso deste pedido não pôde ser pago; nossa equipe está verificando.",
        Arabic => "تعذّر دفع استرداد هذا الطلب؛ فريقنا ينظر في الأمر.",
    }
}

/// Reason: the refund of this order has been requested.
pub fn under_way(language: Language) -> &'static str {
    match language {
        English => "The refund of this order has been requested and is not paid yet.",
        Hinglish => "Is order ke refund ka request ho chuka hai aur yeh abhi tak pay nahi hua hai.",
        Hindi => "इस ऑर्डर के रिफंड का अनुरोध हो चुका है और इसका भुगतान अभी तक नहीं हुआ है।",
        Spanish => "El reembolso de este pedido se ha solicitado y todavía no está pagado.",
        Portuguese => "O reembolso deste pedido foi solicitado e ainda não foi pago.",
        Arabic => "تم طلب استرداد هذا الطلب ولم يُدفع بعد.",
    }
}

/// Reason: the payment that would be paid back is not known.
pub fn payment_unknown(language: Language) -> &'static str {
    match language {
        English => "How this order was paid is not known here, so our team decides how it is refunded.",
        Hinglish => {
            "Is order ka payment kaise hua tha, yeh yahan pata nahi hai, isliye refund kaise hoga yeh hamari team tay karti hai."
        }
        Hindi => "इस ऑर्डर का भुगतान कैसे हुआ था, यह यहाँ पता नहीं है, इसलिए रिफंड कैसे होगा यह हमारी टीम तय करती है।",
        Spanish => "Aquí no consta cómo se pagó este pedido, así que nuestro equipo decide cómo se reembolsa.",
        Portuguese => "Não se sabe aqui como este pedido foi pago, então nossa equipe decide como ele é reembolsado.",
        Arabic => "طريقة دفع هذا الطلب غير معروفة هنا، لذلك يقرر فريقنا كيفية رد قيمته.",
    }
}

/// Reason: the policy refunds the order.
pub fn eligible(language: Language) -> &'static str {
    match language {
        English => "The order is eligible for a refund under the shop's policy.",
        Hinglish => "Shop ki policy ke hisaab se is order ka refund ho sakta hai.",
        Hindi => "दुकान की नीति के अनुसार इस ऑर्डर का रिफंड हो सकता है।",
        Spanish => "Según la política de la tienda, el pedido puede reembolsarse.",
        Portuguese => "Pela política da loja, o pedido pode ser reembolsado.",
        Arabic => "الطلب مستحق للاسترداد وفق سياسة المتجر.",
    }
}

/// Reason: the order has been refunded.
pub fn order_already_refunded(language: Language) -> &'static str {
    match language {
        English => "This order has already been refunded.",
        Hinglish => "Is order ka refund pehle hi ho chuka hai.",
        Hindi => "इस ऑर्डर का रिफंड पहले ही हो चुका है।",
        Spanish => "Este pedido ya ha sido reembolsado.",
        Portuguese => "Este pedido já foi reembolsado.",
        Arabic => "سبق أن رُدّت قيمة هذا الطلب.",
    }
}

/// Reason: the category is excluded.
pub fn category_excluded(language: Language, category: &str) -> String {
    match language {
        English => format!("{category} orders cannot be refunded under the shop's policy."),
        Hinglish => format!("Shop ki policy ke hisaab se {category} ke order ka refund nahi ho sakta."),
        Hindi => format!("दुकान की नीति के अनुसार {category} के ऑर्डर का रिफंड नहीं हो सकता।"),
        Spanish => format!("Según la política de la tienda, los pedidos de {category} no se pueden reembolsar."),
        Portuguese => format!("Pela política da loja, pedidos de {category} não podem ser reembolsados."),
        Arabic => format!("لا يمكن رد قيمة طلبات {} وفق سياسة المتجر.", isolated(category)),
    }
}

/// Reason: the window of so many days has passed.
pub fn window_passed(language: Language, days: u32) -> String {
    let days = so_many_days(language, days);
    match language {
        English => format!("Refunds can be asked for within {days} of the order."),
        Hinglish => format!("Refund order ke {days} ke andar maanga ja sakta hai."),
        Hindi => format!("रिफंड ऑर्डर के {days} के अंदर माँगा जा सकता है।"),
        Spanish => format!("Los reembolsos se pueden pedir hasta {days} después del pedido."),
        Portuguese => format!("Reembolsos podem ser pedidos até {days} depois do pedido."),
        Arabic => format!("يمكن طلب الاسترداد خلال {days} من تاريخ الطلب."),
    }
}

/// Reason: refunds have a window, and the date of this order is not known.
pub fn date_unknown(language: Language, days: u32) -> String {
    let days = so_many_days(language, days);
    match language {
        English => format!(
            "Refunds can be asked for within {days} of the order, and the date of this order is not known: our team decides."
        ),
        Hinglish => format!(
            "Refund order ke {days} ke andar maanga ja sakta hai, aur is order ki tareekh pata nahi hai: hamari team faisla karti hai."
        ),
        Hindi => {
            format!("रिफंड ऑर्डर के {days} के अंदर माँगा जा सकता है, और इस ऑर्डर की तारीख़ पता नहीं है: हमारी टीम फ़ैसला करती है।")
        }
        Spanish => format!(
            "Los reembolsos se pueden pedir hasta {days} después del pedido, y no se conoce la fecha de este pedido: decide nuestro equipo."
        ),
        Portuguese => format!(
            "Reembolsos podem ser pedidos até {days} depois do pedido, e a data deste pedido não é conhecida: nossa equipe decide."
        ),
        Arabic => format!("يمكن طلب الاسترداد خلال {days} من تاريخ الطلب، وتاريخ هذا الطلب غير معروف: القرار لفريقنا."),
    }
}

/// Reason: what was paid is not known.
pub fn value_unknown(language: Language) -> &'static str {
    match language {
        English => "What was paid for this order is not known here: our team decides.",
        Hinglish => "Is order ke liye kitna pay hua tha, yeh yahan pata nahi hai: hamari team faisla karti hai.",
        Hindi => "इस ऑर्डर के लिए कितना भुगतान हुआ था, यह यहाँ पता नहीं है: हमारी टीम फ़ैसला करती है।",
        Spanish => "Aquí no consta cuánto se pagó por este pedido: decide nuestro equipo.",
        Portuguese => "Não se sabe aqui quanto foi pago por este pedido: nossa equipe decide.",
        Arabic => "المبلغ المدفوع لهذا الطلب غير معروف هنا: القرار لفريقنا.",
    }
}

/// Reason: nothing was paid.
pub fn nothing_paid(language: Language) -> &'static str {
    match language {
        English => "Nothing was paid for this order.",
        Hinglish => "Is order ke liye kuch pay nahi kiya gaya tha.",
        Hindi => "इस ऑर्डर के लिए कुछ भुगतान नहीं किया गया था।",
        Spanish => "No se pagó nada por este pedido.",
        Portuguese => "Nada foi pago por este pedido.",
        Arabic => "لم يُدفع أي شيء لهذا الطلب.",
    }
}

/// Reason: whether the order was paid is not known.
pub fn paid_unknown(language: Language) -> &'static str {
    match language {
        English => "Whether this order was paid is not known here: our team looks into it.",
        Hinglish => "Is order ka payment hua hai ya nahi, yeh yahan pata nahi hai: hamari team ise dekhti hai.",
        Hindi => "इस ऑर्डर का भुगतान हुआ है या नहीं, यह यहाँ पता नहीं है: हमारी टीम इसे देखती है।",
        Spanish => "Aquí no consta si este pedido se pagó: nuestro equipo lo revisa.",
        Portuguese => "Não se sabe aqui se este pedido foi pago: nossa equipe verifica.",
        Arabic => "من غير المعروف هنا إن كان هذا الطلب قد دُفع: فريقنا ينظر في الأمر.",
    }
}

/// Reason: the shop's word for where the order is is not known.
pub fn status_unknown(language: Language) -> &'static str {
    match language {
        English => "What became of this order is not clear from its records: our team looks into it.",
        Hinglish => "Record se saaf nahi hai ki is order ka kya hua: hamari team ise dekhti hai.",
        Hindi => "रिकॉर्ड से यह साफ़ नहीं है कि इस ऑर्डर का क्या हुआ: हमारी टीम इसे देखती है।",
        Spanish => "Los datos de este pedido no dejan claro qué pasó con él: nuestro equipo lo revisa.",
        Portuguese => "Os dados deste pedido não deixam claro o que houve com ele: nossa equipe verifica.",
        Arabic => "بيانات هذا الطلب لا توضّح ما آل إليه: فريقنا ينظر في الأمر.",
    }
}

/// Reason: the shop paid everything back already.
pub fn refunded_by_shop(language: Language) -> &'static str {
    match language {
        English => "This order is on record as refunded already.",
        Hinglish => "Record ke hisaab se is order ka refund pehle hi ho chuka hai.",
        Hindi => "रिकॉर्ड के अनुसार इस ऑर्डर का रिफंड पहले ही हो चुका है।",
        Spanish => "Este pedido ya consta como reembolsado.",
        Portuguese => "Este pedido já consta como reembolsado.",
        Arabic => "هذا الطلب مسجَّل على أن قيمته رُدّت من قبل.",
    }
}

/// Reason: the shop paid a part back already.
pub fn partly_refunded_by_shop(language: Language) -> &'static str {
    match language {
        English => "A part of this order is on record as refunded already: our team decides about the rest.",
        Hinglish => {
            "Record ke hisaab se is order ke ek hisse ka refund pehle hi ho chuka hai: baaki ka faisla hamari team karti hai."
        }
        Hindi => "रिकॉर्ड के अनुसार इस ऑर्डर के एक हिस्से का रिफंड पहले ही हो चुका है: बाक़ी का फ़ैसला हमारी टीम करती है।",
        Spanish => "Una parte de este pedido ya consta como reembolsada: sobre el resto decide nuestro equipo.",
        Portuguese => "Uma parte deste pedido já consta como reembolsada: sobre o restante, nossa equipe decide.",
        Arabic => "جزء من هذا الطلب مسجَّل على أن قيمته رُدّت من قبل: القرار بشأن الباقي لفريقنا.",
    }
}

/// Reason: the order was called off or given back.
pub fn closed(language: Language, state: OrderState) -> String {
    let state = units::state(language, state);
    match language {
        English => format!("This order is on record as {state}: our team looks into the money for it."),
        Hinglish => format!("Yeh order record mein “{state}” hai: iske paison ko hamari team dekhti hai."),
        Hindi => format!("यह ऑर्डर रिकॉर्ड में “{state}” है: इसके पैसों को हमारी टीम देखती है।"),
        Spanish => format!("Este pedido consta como {state}: nuestro equipo revisa el dinero correspondiente."),
        Portuguese => format!("Este pedido consta como {state}: nossa equipe verifica o dinheiro correspondente."),
        Arabic => format!("هذا الطلب مسجَّل على أنه {state}: فريقنا ينظر في المال الخاص به."),
    }
}

/// Reason: a person decides on refunds above the limit.
pub fn above_limit(language: Language, limit: impl Display) -> String {
    match language {
        English => format!("Refunds above {limit} are decided by a member of the team."),
        Hinglish => format!("{limit} se zyada ke refund ka faisla team ke ek member karte hain."),
        Hindi => format!("{limit} से ज़्यादा के रिफंड का फ़ैसला टीम के एक सदस्य करते हैं।"),
        Spanish => format!("Los reembolsos superiores a {limit} los decide una persona del equipo."),
        Portuguese => format!("Reembolsos acima de {limit} são decididos por uma pessoa da equipe."),
        Arabic => format!("عمليات الاسترداد التي تزيد على {} يقررها أحد أعضاء الفريق.", ltr(limit)),
    }
}

/// Reason: the limit of automatic refunds is in another currency than the order.
pub fn other_currency(language: Language, currency: Currency) -> String {
    match language {
        English => {
            format!("Refunds of orders in {} ({currency}) are decided by a member of the team.", currency.name())
        }
        Hinglish => format!("{currency} mein kiye gaye order ke refund ka faisla team ke ek member karte hain."),
        Hindi => format!("{currency} में किए गए ऑर्डर के रिफंड का फ़ैसला टीम के एक सदस्य करते हैं।"),
        Spanish => format!("Los reembolsos de pedidos en {currency} los decide una persona del equipo."),
        Portuguese => format!("Reembolsos de pedidos em {currency} são decididos por uma pessoa da equipe."),
        Arabic => format!("عمليات استرداد الطلبات بعملة {} يقررها أحد أعضاء الفريق.", ltr(currency)),
    }
}

/// Reason: another amount than the policy's was named.
pub fn wrong_amount(language: Language, right: impl Display) -> String {
    match language {
        English => format!("The amount for this order is {right}, no other."),
        Hinglish => format!("Is order ke liye rakam {right} hai, koi aur nahi."),
        Hindi => format!("इस ऑर्डर के लिए राशि {right} है, कोई और नहीं।"),
        Spanish => format!("El importe para este pedido es {right}, ningún otro."),
        Portuguese => format!("O valor para este pedido é {right}, nenhum outro."),
        Arabic => format!("المبلغ المستحق لهذا الطلب هو {} ولا غيره.", ltr(right)),
    }
}

/// Reason: another server denied the refund and gave no reason.
pub fn denied(language: Language) -> &'static str {
    match language {
        English => "The refund was denied.",
        Hinglish => "Refund manzoor nahi hua.",
        Hindi => "रिफंड मंज़ूर नहीं हुआ।",
        Spanish => "El reembolso fue denegado.",
        Portuguese => "O reembolso foi negado.",
        Arabic => "رُفض الاسترداد.",
    }
}
