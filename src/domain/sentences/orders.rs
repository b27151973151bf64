//! Where an order is and what can be done about it; never a fact that the caller does not hand in.

mod status;

pub use status::{OrderSummary, status};

use std::fmt::Display;

use super::Language::{self, Arabic, English, Hindi, Hinglish, Portuguese, Spanish};
use super::{ltr, ltr_link};

/// Where the customer finds the invoice of an order.
pub fn invoice(language: Language, order: impl Display, url: &str) -> String {
    match language {
        English => format!("Here is the invoice of order {order}: {url}"),
        Hinglish => format!("Order {order} ka invoice yahan hai: {url}"),
        Hindi => format!("ऑर्डर {order} का बिल यहाँ है: {url}"),
        Spanish => format!("Aquí está la factura del pedido {order}: {url}"),
        Portuguese => format!("Aqui está a nota fiscal do pedido {order}: {url}"),
        Arabic => format!("فاتورة الطلب {} هنا: {}", ltr(order), ltr_link(url)),
    }
}

/// The store or a tool failed.
pub fn records_unavailable(language: Language) -> &'static str {
    match language {
        English => {
            "I can't reach our records right now: this is a technical problem on our side. Please write again in a few minutes."
        }
        Hinglish => {
            "Abhi main hamare records tak nahi pahunch pa raha: yeh hamari taraf ki technical dikkat hai. Kripya kuch minute baad phir se likhein."
        }
        Hindi => "अभी मैं हमारे रिकॉर्ड तक नहीं पहुँच पा रहा: यह हमारी तरफ़ की तकनीकी दिक़्क़त है। कृपया कुछ मिनट बाद फिर से लिखें।",
        Spanish => {
            "Ahora mismo no puedo acceder a nuestros registros: es un problema técnico nuestro. Vuelva a escribir en unos minutos, por favor."
        }
        Portuguese => {
            "Não consigo acessar nossos registros agora: é um problema técnico do nosso lado. Escreva de novo em alguns minutos, por favor."
        }
        Arabic => "لا أستطيع الوصول إلى سجلاتنا الآن: هذه مشكلة تقنية من جانبنا. يرجى الكتابة مجددًا بعد بضع دقائق.",
    }
}
