//! Sentences around what the shop's documents say.

use std::fmt::Display;

use super::{Language, isolated};

/// Quotes a passage of the shop's documents.
pub fn found(language: Language, title: impl Display, text: impl Display) -> String {
    match language {
        Language::English => format!("This is what our page “{title}” says:\n{text}"),
        Language::Hinglish => format!("Hamare page “{title}” par yeh likha hai:\n{text}"),
        Language::Hindi => format!("हमारे पेज “{title}” पर यह लिखा है:\n{text}"),
        Language::Spanish => format!("Esto dice nuestra página “{title}”:\n{text}"),
        Language::Portuguese => format!("Isto é o que diz a nossa página “{title}”:\n{text}"),
        Language::Arabic => format!("هذا ما تقوله صفحتنا «{title}»:\n{text}", title = isolated(&title.to_string())),
    }
}

/// Quotes a passage that is written in another language than the customer's: a translation could change what it says.
pub fn found_untranslated(language: Language, title: impl Display, text: impl Display) -> String {
    match language {
        Language::English => {
            format!(
                "I found our page “{title}” about this. It is not in English; this is what it says, as it stands:\n{text}"
            )
        }
        Language::Hinglish => format!(
            "Is baare mein hamara page “{title}” mila hai, jo Hindi mein nahi hai. Jaisa wahan likha hai waisa hi bhej raha hoon:\n{text}"
        ),
        Language::Hindi => {
            format!("इस बारे में हमारा पेज “{title}” मिला है, जो हिंदी में नहीं है। जैसा वहाँ लिखा है वैसा ही भेज रहा हूँ:\n{text}")
        }
        Language::Spanish => format!(
            "Sobre esto encontré nuestra página “{title}”, que no está en español. Se la copio tal como está escrita:\n{text}"
        ),
        Language::Portuguese => format!(
            "Sobre isso encontrei a nossa página “{title}”, que não está em português. Envio o texto como está escrito lá:\n{text}"
        ),
        Language::Arabic => format!(
            "وجدت عن هذا صفحتنا «{title}»، وهي ليست باللغة العربية. هذا نصها كما هو مكتوب هناك:\n{text}",
            title = isolated(&title.to_string())
        ),
    }
}

/// After a quoted passage.
pub fn more(language: Language) -> &'static str {
    match language {
        Language::English => "If that does not answer it, just ask me again or say “agent” for a person.",
        Language::Hinglish => {
            "Agar isse jawab na mile to mujhse phir poochhein, ya kisi insaan ke liye “agent” likhein."
        }
        Language::Hindi => "अगर इससे जवाब न मिले तो मुझसे फिर पूछें, या किसी व्यक्ति के लिए “एजेंट” लिखें।",
        Language::Spanish => {
            "Si esto no resuelve su pregunta, pregúnteme otra vez o escriba “agente” para hablar con una persona."
        }
        Language::Portuguese => {
            "Se isso não responde à sua pergunta, pergunte de novo ou escreva “atendente” para falar com uma pessoa."
        }
        Language::Arabic => "إن لم يكن هذا جوابًا عن سؤالك فيرجى إعادة السؤال، أو كتابة «موظف» للتحدث مع أحد زملائنا.",
    }
}

/// The shop's documents do not say it.
pub fn not_known(language: Language) -> &'static str {
    match language {
        Language::English => {
            "I don't know that: our pages say nothing about it, and I don't want to guess. If you like, I can ask a member of our team: just say “agent”."
        }
        Language::Hinglish => {
            "Yeh mujhe pata nahi: hamare pages par iske baare mein kuch nahi likha hai, aur main andaza nahi lagana chahta. Agar aap chahein to main apni team se poochh sakta hoon: bas “agent” likhein."
        }
        Language::Hindi => {
            "यह मुझे पता नहीं है: हमारे पेजों पर इसके बारे में कुछ नहीं लिखा है, और मैं अंदाज़ा नहीं लगाना चाहता। आप चाहें तो मैं अपनी टीम से पूछ सकता हूँ: बस “एजेंट” लिखें।"
        }
        Language::Spanish => {
            "Eso no lo sé: nuestras páginas no dicen nada al respecto y no quiero adivinar. Si quiere, pregunto a una persona de nuestro equipo: escriba “agente”."
        }
        Language::Portuguese => {
            "Isso eu não sei: nossas páginas não dizem nada sobre isso e não quero adivinhar. Se quiser, pergunto a alguém da nossa equipe: escreva “atendente”."
        }
        Language::Arabic => {
            "لا أعرف ذلك: لا تذكر صفحاتنا شيئًا عنه، ولا أريد التخمين. يمكنني سؤال أحد أعضاء فريقنا: يرجى كتابة «موظف»."
        }
    }
}
