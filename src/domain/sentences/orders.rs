//! Where an order is and what can be done about it; never a fact that the caller does not hand in.

mod status;

pub use status::{OrderSummary, status};

use super::Language::{self, Arabic, English, Hindi, Hinglish, Portuguese, Spanish};

/// Offers a person or a refund for an order that is on record as delivered.
pub fn never_arrived(language: Language) -> &'static str {
    match language {
        English => {
            "If it never reached you, a member of our team can look into it. Shall I bring one in? (yes / no) For your money back just say “refund”."
        }
        Hinglish => {
            "Agar yeh aap tak kabhi nahi pahuncha, to hamari team ke ek member ise dekh sakte hain. Kya main unhe bulaoon? (haan / nahi) Paise wapas chahiye to bas “refund” likhein."
        }
        Hindi => {
            "अगर यह आप तक कभी नहीं पहुँचा, तो हमारी टीम के एक सदस्य इसे देख सकते हैं। क्या मैं उन्हें बुलाऊँ? (हाँ / नहीं) पैसे वापस चाहिए तो बस “रिफंड” लिखें।"
        }
        Spanish => {
            "Si nunca le llegó, una persona de nuestro equipo puede investigarlo. ¿La llamo? (sí / no) Si prefiere que le devolvamos el dinero, diga simplemente “reembolso”."
        }
        Portuguese => {
            "Se nunca chegou até você, uma pessoa da nossa equipe pode verificar. Chamo essa pessoa? (sim / não) Se quiser o dinheiro de volta, diga apenas “reembolso”."
        }
        Arabic => {
            "إن لم يصل إليك قط، فيمكن لأحد أعضاء فريقنا التحقق من الأمر. هل أستدعيه؟ (نعم / لا) ولاسترداد المال تكفي كتابة «استرداد»."
        }
    }
}

/// How to ask for a refund or a person after a late delivery.
pub fn money_back_or_person(language: Language) -> &'static str {
    match language {
        English => "If you would rather have your money back, just say “refund”; for a person, say “agent”.",
        Hinglish => "Agar aap paise wapas chahte hain, to bas “refund” likhein; kisi vyakti ke liye “agent” likhein.",
        Hindi => "अगर आप पैसे वापस चाहते हैं, तो बस “रिफंड” लिखें; किसी व्यक्ति के लिए “एजेंट” लिखें।",
        Spanish => "Si prefiere recuperar su dinero, diga simplemente “reembolso”; para una persona, diga “agente”.",
        Portuguese => "Se preferir o dinheiro de volta, diga apenas “reembolso”; para uma pessoa, diga “atendente”.",
        Arabic => "لاسترداد المال تكفي كتابة «استرداد»، وللتحدث مع شخص «موظف».",
    }
}

/// Only a person can change an order.
pub fn cannot_change(language: Language) -> &'static str {
    match language {
        English => "I can't change an order myself, but a member of our team can.",
        Hinglish => "Main khud order nahi badal sakta, par hamari team ke ek member badal sakte hain.",
        Hindi => "मैं ख़ुद ऑर्डर नहीं बदल सकता, पर हमारी टीम के एक सदस्य बदल सकते हैं।",
        Spanish => "Yo no puedo cambiar un pedido, pero una persona de nuestro equipo sí puede.",
        Portuguese => "Eu não consigo alterar um pedido, mas uma pessoa da nossa equipe consegue.",
        Arabic => "لا أستطيع تغيير الطلب بنفسي، لكن أحد أعضاء فريقنا يستطيع.",
    }
}

/// Only a person can see payments.
pub fn cannot_see_payments(language: Language) -> &'static str {
    match language {
        English => "I can't see payments myself, but a member of our team can check this with you.",
        Hinglish => {
            "Main khud payment nahi dekh sakta, par hamari team ke ek member ise aapke saath check kar sakte hain."
        }
        Hindi => "मैं ख़ुद भुगतान नहीं देख सकता, पर हमारी टीम के एक सदस्य इसे आपके साथ जाँच सकते हैं।",
        Spanish => "Yo no puedo ver los pagos, pero una persona de nuestro equipo puede revisarlo con usted.",
        Portuguese => "Eu não consigo ver pagamentos, mas uma pessoa da nossa equipe pode verificar isso com você.",
        Arabic => "لا أستطيع رؤية المدفوعات بنفسي، لكن يمكن لأحد أعضاء فريقنا التحقق من ذلك معك.",
    }
}

/// Only a person can send a replacement.
pub fn cannot_replace(language: Language) -> &'static str {
    match language {
        English => "I can't send a replacement myself, but a member of our team can see to it.",
        Hinglish => "Main khud replacement nahi bhej sakta, par hamari team ke ek member ise dekh sakte hain.",
        Hindi => "मैं ख़ुद रिप्लेसमेंट नहीं भेज सकता, पर हमारी टीम के एक सदस्य इसे देख सकते हैं।",
        Spanish => "Yo no puedo enviar un reemplazo, pero una persona de nuestro equipo puede encargarse.",
        Portuguese => "Eu não consigo enviar uma substituição, mas uma pessoa da nossa equipe pode cuidar disso.",
        Arabic => "لا أستطيع إرسال بديل بنفسي، لكن يمكن لأحد أعضاء فريقنا الاهتمام بذلك.",
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
