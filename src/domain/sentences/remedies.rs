//! Sentences about what is left: where no money is wished, where it comes later, where it is too late for anything else.

use std::fmt::Display;

use super::Language::{self, Arabic, English, Hindi, Hinglish, Portuguese, Spanish};
use super::{isolated, ltr};

/// Offers what can be done about a fault of what came, to somebody who wants no money. `what`: articles, or the order.
pub fn without_money(language: Language, what: impl Display) -> String {
    match language {
        English => {
            format!("For {what} I can arrange a replacement, or bring in a person. Which would you like?")
        }
        Hinglish => {
            format!("{what} ke liye main naya bhijwa sakta hoon, ya kisi vyakti ko bula sakta hoon. Aap kya chahenge?")
        }
        Hindi => {
            format!("{what} के लिए मैं नया भिजवा सकता हूँ, या किसी व्यक्ति को बुला सकता हूँ। आप क्या चाहेंगे?")
        }
        Spanish => format!("Para {what} puedo pedir un reemplazo, o llamar a una persona. ¿Qué prefiere?"),
        Portuguese => format!("Para {what} posso pedir uma reposição, ou chamar uma pessoa. O que você prefere?"),
        Arabic => {
            format!("بخصوص {what} يمكنني طلب بديل، أو استدعاء موظف. أيهما تفضل؟", what = isolated(&what.to_string()))
        }
    }
}

/// When the money of a return comes: nothing is paid yet. `amount`: as it is shown.
pub fn once_it_is_back(language: Language, amount: impl Display) -> String {
    match language {
        English => format!("You get {amount} back once our team has received and checked it."),
        Hinglish => {
            format!("Hamari team ko saamaan milne aur uski jaanch hone ke baad aapko {amount} wapas mil jaayenge.")
        }
        Hindi => format!("हमारी टीम को सामान मिलने और उसकी जाँच होने के बाद आपको {amount} वापस मिल जाएँगे।"),
        Spanish => format!("Recibirá {amount} de vuelta cuando nuestro equipo lo haya recibido y revisado."),
        Portuguese => format!("Você recebe {amount} de volta quando nossa equipe tiver recebido e conferido."),
        Arabic => format!("ستسترد {amount} بعد أن يستلم فريقنا ما أرسلته ويفحصه.", amount = ltr(amount)),
    }
}

/// Apologises for an order that came late.
pub fn sorry_it_was_late(language: Language) -> &'static str {
    match language {
        English => "I'm sorry that your order came later than it should have.",
        Hinglish => "Maaf karein ki aapka order der se pahuncha.",
        Hindi => "माफ़ करें कि आपका ऑर्डर देर से पहुँचा।",
        Spanish => "Lamento que su pedido llegara más tarde de lo debido.",
        Portuguese => "Lamento que o seu pedido tenha chegado mais tarde do que deveria.",
        Arabic => "نعتذر لأن طلبك وصل متأخرًا.",
    }
}

/// How to ask for a person.
pub fn for_a_person(language: Language) -> &'static str {
    match language {
        English => "For a person, say “agent”.",
        Hinglish => "Kisi vyakti ke liye “agent” likhein.",
        Hindi => "किसी व्यक्ति के लिए “एजेंट” लिखें।",
        Spanish => "Para hablar con una persona, diga “agente”.",
        Portuguese => "Para falar com uma pessoa, diga “atendente”.",
        Arabic => "وللتحدث مع شخص يرجى كتابة «موظف».",
    }
}
