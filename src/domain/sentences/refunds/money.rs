//! How far the money of a refund is. What was requested is never said to be paid, in no language.

use std::fmt::Display;

use super::super::Language::{self, Arabic, English, Hindi, Hinglish, Portuguese, Spanish};
use super::super::units::arrival as in_words;
use super::super::{ltr, ltr_each};
use crate::domain::refund::RefundState;

/// How long the money takes, as a sentence of its own; empty where nobody knows.
fn arrives(language: Language, arrival: Option<&str>) -> String {
    arrival.map_or_else(String::new, |arrival| {
        let arrival = in_words(language, arrival);
        match language {
            English => format!(" It should arrive within {arrival}."),
            Hinglish => format!(" Yeh {arrival} ke andar aa jana chahiye."),
            Hindi => format!(" यह {arrival} के अंदर आ जाना चाहिए।"),
            Spanish => format!(" Debería llegar en un plazo de {arrival}."),
            Portuguese => format!(" Deve chegar em um prazo de {arrival}."),
            Arabic => format!(" من المفترض أن يصل خلال {arrival}."),
        }
    })
}

/// The same of money that is not paid yet.
fn arrives_once_paid(language: Language, arrival: Option<&str>) -> String {
    arrival.map_or_else(String::new, |arrival| {
        let arrival = in_words(language, arrival);
        match language {
            English => format!(" Once it is paid, it should arrive within {arrival}."),
            Hinglish => format!(" Pay hone ke baad yeh {arrival} ke andar aa jana chahiye."),
            Hindi => format!(" भुगतान होने के बाद यह {arrival} के अंदर आ जाना चाहिए।"),
            Spanish => format!(" Una vez pagado, debería llegar en un plazo de {arrival}."),
            Portuguese => format!(" Depois de pago, deve chegar em um prazo de {arrival}."),
            Arabic => format!(" بعد دفعه، من المفترض أن يصل خلال {arrival}."),
        }
    })
}

/// A refund was paid now. `arrival`: how long the money takes.
pub fn paid(
    language: Language,
    amount: impl Display,
    order: impl Display,
    transaction: &str,
    arrival: Option<&str>,
) -> String {
    let arrival = arrives(language, arrival);
    match language {
        English => format!(
            "Done: {amount} for order {order} has been refunded.{arrival} Your transaction id is {transaction}."
        ),
        Hinglish => format!(
            "Ho gaya: order {order} ke {amount} refund kar diye gaye hain.{arrival} Aapka transaction id {transaction} hai."
        ),
        Hindi => {
            format!("हो गया: ऑर्डर {order} के {amount} रिफंड कर दिए गए हैं।{arrival} आपका ट्रांज़ैक्शन आईडी {transaction} है।")
        }
        Spanish => format!(
            "Listo: se han reembolsado {amount} por el pedido {order}.{arrival} Su número de transacción es {transaction}."
        ),
        Portuguese => format!(
            "Pronto: {amount} do pedido {order} foram reembolsados.{arrival} O número da sua transação é {transaction}."
        ),
        Arabic => format!(
            "تم: رُدّ مبلغ {} عن الطلب {}.{arrival} رقم معاملتك هو {}.",
            ltr(amount),
            ltr(order),
            ltr(transaction)
        ),
    }
}

/// A refund was paid earlier in this conversation, beside the order's status.
pub fn was_refunded(language: Language, amount: impl Display, order: impl Display, transaction: &str) -> String {
    match language {
        English => format!("Order {order} was refunded: {amount}, transaction {transaction}."),
        Hinglish => format!("Order {order} ka refund ho gaya tha: {amount}, transaction {transaction}."),
        Hindi => format!("ऑर्डर {order} का रिफंड हो गया था: {amount}, ट्रांज़ैक्शन {transaction}।"),
        Spanish => format!("El pedido {order} fue reembolsado: {amount}, transacción {transaction}."),
        Portuguese => format!("O pedido {order} foi reembolsado: {amount}, transação {transaction}."),
        Arabic => format!("رُدّت قيمة الطلب {}: {}، المعاملة {}.", ltr(order), ltr(amount), ltr(transaction)),
    }
}

/// A refund was requested now: nobody has paid yet. `arrival`: how long the money takes once it is paid.
pub fn requested(
    language: Language,
    amount: impl Display,
    order: impl Display,
    transaction: &str,
    arrival: Option<&str>,
) -> String {
    let arrival = arrives_once_paid(language, arrival);
    match language {
        English => format!(
            "I have requested the refund of {amount} for order {order}; it is not paid yet.{arrival} Your transaction id \
             is {transaction}."
        ),
        Hinglish => format!(
            "Maine order {order} ke liye {amount} ke refund ka request kar diya hai; yeh abhi tak pay nahi hua hai.{arrival} \
             Aapka transaction id {transaction} hai."
        ),
        Hindi => format!(
            "मैंने ऑर्डर {order} के लिए {amount} के रिफंड का अनुरोध कर दिया है; इसका भुगतान अभी तक नहीं हुआ है।{arrival} आपका \
             ट्रांज़ैक्शन आईडी {transaction} है।"
        ),
        Spanish => format!(
            "He solicitado el reembolso de {amount} por el pedido {order}; todavía no está pagado.{arrival} Su número de \
             transacción es {transaction}."
        ),
        Portuguese => format!(
            "Solicitei o reembolso de {amount} pelo pedido {order}; ele ainda não foi pago.{arrival} O número da sua \
             transação é {transaction}."
        ),
        Arabic => format!(
            "طلبت استرداد مبلغ {} عن الطلب {}؛ ولم يُدفع بعد.{arrival} رقم معاملتك هو {}.",
            ltr(amount),
            ltr(order),
            ltr(transaction)
        ),
    }
}

/// How far a refund of before is.
pub fn progress(
    language: Language,
    state: RefundState,
    amount: impl Display,
    order: impl Display,
    transaction: &str,
) -> String {
    match state {
        RefundState::Paid => was_refunded(language, amount, order, transaction),
        RefundState::Requested => was_requested(language, amount, order, transaction),
        RefundState::Submitted => was_submitted(language, amount, order, transaction),
        RefundState::Failed => has_failed(language, amount, order, transaction),
    }
}

fn was_requested(language: Language, amount: impl Display, order: impl Display, transaction: &str) -> String {
    match language {
        English => format!(
            "The refund of {amount} for order {order} has been requested and is not paid yet, transaction {transaction}."
        ),
        Hinglish => format!(
            "Order {order} ke {amount} ke refund ka request ho chuka hai aur yeh abhi tak pay nahi hua hai, transaction {transaction}."
        ),
        Hindi => format!(
            "ऑर्डर {order} के {amount} के रिफंड का अनुरोध हो चुका है और इसका भुगतान अभी तक नहीं हुआ है, ट्रांज़ैक्शन {transaction}।"
        ),
        Spanish => format!(
            "El reembolso de {amount} por el pedido {order} se ha solicitado y todavía no está pagado, transacción {transaction}."
        ),
        Portuguese => format!(
            "O reembolso de {amount} pelo pedido {order} foi solicitado e ainda não foi pago, transação {transaction}."
        ),
        Arabic => format!(
            "تم طلب استرداد مبلغ {} عن الطلب {} ولم يُدفع بعد، المعاملة {}.",
            ltr(amount),
            ltr(order),
            ltr(transaction)
        ),
    }
}

fn was_submitted(language: Language, amount: impl Display, order: impl Display, transaction: &str) -> String {
    match language {
        English => format!(
            "The refund of {amount} for order {order} is with the payment service, which has not confirmed yet that it is \
             paid, transaction {transaction}."
        ),
        Hinglish => format!(
            "Order {order} ka {amount} ka refund payment service ke paas hai, jisne abhi tak pushti nahi ki hai ki yeh pay \
             ho gaya hai, transaction {transaction}."
        ),
        Hindi => format!(
            "ऑर्डर {order} का {amount} का रिफंड भुगतान सेवा के पास है, जिसने अभी तक पुष्टि नहीं की है कि इसका भुगतान हो गया है, \
             ट्रांज़ैक्शन {transaction}।"
        ),
        Spanish => format!(
            "El reembolso de {amount} por el pedido {order} está en manos del servicio de pagos, que todavía no ha confirmado \
             que esté pagado, transacción {transaction}."
        ),
        Portuguese => format!(
            "O reembolso de {amount} pelo pedido {order} está com o serviço de pagamentos, que ainda não confirmou que ele \
             foi pago, transação {transaction}."
        ),
        Arabic => format!(
            "استرداد مبلغ {} عن الطلب {} لدى خدمة الدفع، ولم تؤكد بعد أنه دُفع، المعاملة {}.",
            ltr(amount),
            ltr(order),
            ltr(transaction)
        ),
    }
}

fn has_failed(language: Language, amount: impl Display, order: impl Display, transaction: &str) -> String {
    match language {
        English => format!(
            "The refund of {amount} for order {order} could not be paid, transaction {transaction}. Our team looks into it."
        ),
        Hinglish => format!(
            "Order {order} ka {amount} ka refund pay nahi ho saka, transaction {transaction}. Hamari team ise dekh rahi hai."
        ),
        Hindi => {
            format!("ऑर्डर {order} का {amount} का रिफंड नहीं दिया जा सका, ट्रांज़ैक्शन {transaction}। हमारी टीम इसे देख रही है।")
        }
        Spanish => format!(
            "El reembolso de {amount} por el pedido {order} no se pudo pagar, transacción {transaction}. Nuestro equipo lo está \
             revisando."
        ),
        Portuguese => format!(
            "O reembolso de {amount} pelo pedido {order} não pôde ser pago, transação {transaction}. Nossa equipe está \
             verificando."
        ),
        Arabic => format!(
            "تعذّر دفع استرداد مبلغ {} عن الطلب {}، المعاملة {}. فريقنا ينظر في الأمر.",
            ltr(amount),
            ltr(order),
            ltr(transaction)
        ),
    }
}

/// A refund that was requested before was paid now; nobody asked.
pub fn paid_since(
    language: Language,
    amount: impl Display,
    order: impl Display,
    transaction: &str,
    arrival: Option<&str>,
) -> String {
    let arrival = arrives(language, arrival);
    match language {
        English => {
            format!("The refund of {amount} for order {order} has been paid, transaction {transaction}.{arrival}")
        }
        Hinglish => format!("Order {order} ka {amount} ka refund pay ho gaya hai, transaction {transaction}.{arrival}"),
        Hindi => format!("ऑर्डर {order} के {amount} के रिफंड का भुगतान हो गया है, ट्रांज़ैक्शन {transaction}।{arrival}"),
        Spanish => format!(
            "El reembolso de {amount} por el pedido {order} ya se ha pagado, transacción {transaction}.{arrival}"
        ),
        Portuguese => {
            format!("O reembolso de {amount} pelo pedido {order} foi pago, transação {transaction}.{arrival}")
        }
        Arabic => format!(
            "تم دفع استرداد مبلغ {} عن الطلب {}، المعاملة {}.{arrival}",
            ltr(amount),
            ltr(order),
            ltr(transaction)
        ),
    }
}

/// A refund that was requested before could not be paid; nobody asked. The team was alerted.
pub fn failed_since(language: Language, amount: impl Display, order: impl Display, transaction: &str) -> String {
    match language {
        English => format!(
            "I'm sorry: the refund of {amount} for order {order} could not be paid, transaction {transaction}. Our team has \
             been told and looks into it."
        ),
        Hinglish => format!(
            "Maaf karein: order {order} ka {amount} ka refund pay nahi ho saka, transaction {transaction}. Hamari team ko bata \
             diya gaya hai aur woh ise dekh rahi hai."
        ),
        Hindi => format!(
            "माफ़ करें: ऑर्डर {order} का {amount} का रिफंड नहीं दिया जा सका, ट्रांज़ैक्शन {transaction}। हमारी टीम को बता दिया गया है \
             और वह इसे देख रही है।"
        ),
        Spanish => format!(
            "Lo siento: el reembolso de {amount} por el pedido {order} no se pudo pagar, transacción {transaction}. Nuestro \
             equipo está avisado y lo está revisando."
        ),
        Portuguese => format!(
            "Lamento: o reembolso de {amount} pelo pedido {order} não pôde ser pago, transação {transaction}. Nossa equipe foi \
             avisada e está verificando."
        ),
        Arabic => format!(
            "نأسف: تعذّر دفع استرداد مبلغ {} عن الطلب {}، المعاملة {}. أُبلغ فريقنا وهو ينظر في الأمر.",
            ltr(amount),
            ltr(order),
            ltr(transaction)
        ),
    }
}

/// A refund was paid earlier, in place of an offer.
pub fn already_refunded(language: Language, amount: impl Display, order: impl Display, transaction: &str) -> String {
    match language {
        English => format!("Order {order} has already been refunded: {amount}, transaction {transaction}."),
        Hinglish => format!("Order {order} ka refund pehle hi ho chuka hai: {amount}, transaction {transaction}."),
        Hindi => format!("ऑर्डर {order} का रिफंड पहले ही हो चुका है: {amount}, ट्रांज़ैक्शन {transaction}।"),
        Spanish => format!("El pedido {order} ya ha sido reembolsado: {amount}, transacción {transaction}."),
        Portuguese => format!("O pedido {order} já foi reembolsado: {amount}, transação {transaction}."),
        Arabic => {
            format!("سبق أن رُدّت قيمة الطلب {}: {}، المعاملة {}.", ltr(order), ltr(amount), ltr(transaction))
        }
    }
}

/// A refund was paid earlier, in place of a payment.
pub fn no_second_refund(language: Language, amount: impl Display, order: impl Display, transaction: &str) -> String {
    match language {
        English => format!(
            "Order {order} was refunded before: {amount}, transaction {transaction}. A second refund is not possible."
        ),
        Hinglish => format!(
            "Order {order} ka refund pehle ho chuka hai: {amount}, transaction {transaction}. Doosra refund mumkin nahi hai."
        ),
        Hindi => format!("ऑर्डर {order} का रिफंड पहले हो चुका है: {amount}, ट्रांज़ैक्शन {transaction}। दूसरा रिफंड संभव नहीं है।"),
        Spanish => format!(
            "El pedido {order} ya fue reembolsado antes: {amount}, transacción {transaction}. No es posible un segundo reembolso."
        ),
        Portuguese => format!(
            "O pedido {order} já foi reembolsado antes: {amount}, transação {transaction}. Um segundo reembolso não é possível."
        ),
        Arabic => format!(
            "رُدّت قيمة الطلب {} من قبل: {}، المعاملة {}. لا يمكن إجراء استرداد ثانٍ.",
            ltr(order),
            ltr(amount),
            ltr(transaction)
        ),
    }
}

/// No refund of these orders is on record.
pub fn none_on_record(language: Language, orders: &[String]) -> String {
    let listed = orders.join(", ");
    match language {
        English => format!("There is no refund on record for {listed}."),
        Hinglish => format!("{listed} ke liye koi refund record mein nahi hai."),
        Hindi => format!("{listed} के लिए कोई रिफंड रिकॉर्ड में नहीं है।"),
        Spanish => format!("No consta ningún reembolso para {listed}."),
        Portuguese => format!("Não há reembolso registrado para {listed}."),
        Arabic if orders.len() > 1 => format!("لا يوجد استرداد مسجَّل للطلبات {}.", ltr_each(orders, "، ")),
        Arabic => format!("لا يوجد استرداد مسجَّل للطلب {}.", ltr_each(orders, "، ")),
    }
}
