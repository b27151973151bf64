//! A person takes over, or is offered; never said before the hand-over is on record.

use jiff::civil::DateTime;

use super::Language::{self, Arabic, English, Hindi, Hinglish, Portuguese, Spanish};
use super::units;

/// A person has been asked in.
pub fn done(language: Language) -> &'static str {
    match language {
        English => {
            "I've asked a member of our team to take over. They can see this whole conversation and will reply here."
        }
        Hinglish => {
            "Maine hamari team ke ek member ko bula liya hai. Woh yeh poori baatcheet dekh sakte hain aur yahin jawab denge."
        }
        Hindi => "मैंने हमारी टीम के एक सदस्य को बुला लिया है। वे यह पूरी बातचीत देख सकते हैं और यहीं जवाब देंगे।",
        Spanish => {
            "He pedido a una persona de nuestro equipo que se ocupe. Puede ver toda esta conversación y responderá aquí."
        }
        Portuguese => {
            "Pedi a uma pessoa da nossa equipe que assuma. Ela pode ver toda esta conversa e responderá aqui."
        }
        Arabic => "طلبت من أحد أعضاء فريقنا متابعة الأمر. يمكنه رؤية هذه المحادثة كاملة وسيرد عليك هنا.",
    }
}

/// A person has been asked in because no reply could be found.
pub fn done_without_answer(language: Language) -> &'static str {
    match language {
        English => {
            "I'm having trouble answering this myself, so I've asked a member of our team to take over. They will reply here."
        }
        Hinglish => {
            "Iska jawab dene mein mujhe dikkat ho rahi hai, isliye maine hamari team ke ek member ko bula liya hai. Woh yahin jawab denge."
        }
        Hindi => "इसका जवाब देने में मुझे दिक़्क़त हो रही है, इसलिए मैंने हमारी टीम के एक सदस्य को बुला लिया है। वे यहीं जवाब देंगे।",
        Spanish => {
            "Me cuesta responder a esto, así que he pedido a una persona de nuestro equipo que se ocupe. Responderá aquí."
        }
        Portuguese => {
            "Estou com dificuldade para responder a isso, então pedi a uma pessoa da nossa equipe que assuma. Ela responderá aqui."
        }
        Arabic => "أواجه صعوبة في الرد على هذا بنفسي، لذلك طلبت من أحد أعضاء فريقنا متابعة الأمر. سيرد عليك هنا.",
    }
}

/// When somebody of the team answers next, in the shop's time.
pub fn answers_again(language: Language, at: DateTime) -> String {
    let (day, time) = (units::day(language, at.date(), false), at.strftime("%H:%M"));
    match language {
        English => format!("Our team answers again on {day} at {time}."),
        Hinglish => format!("Hamari team {day} ko {time} baje se phir jawab degi."),
        Hindi => format!("हमारी टीम {day} को {time} बजे से फिर जवाब देगी।"),
        Spanish => format!("Nuestro equipo vuelve a responder el {day} a las {time}."),
        Portuguese => format!("Nossa equipe volta a responder em {day} às {time}."),
        Arabic => format!("يعود فريقنا للرد يوم {day} الساعة {time}."),
    }
}

/// Neither a reply could be found nor a person asked in.
pub fn failed_without_answer(language: Language) -> &'static str {
    match language {
        English => "I'm having trouble answering right now. Please write again in a few minutes.",
        Hinglish => "Abhi mujhe jawab dene mein dikkat ho rahi hai. Kripya kuch minute baad phir se likhein.",
        Hindi => "अभी मुझे जवाब देने में दिक़्क़त हो रही है। कृपया कुछ मिनट बाद फिर से लिखें।",
        Spanish => "En este momento me cuesta responder. Vuelva a escribir en unos minutos, por favor.",
        Portuguese => "Estou com dificuldade para responder agora. Escreva de novo em alguns minutos, por favor.",
        Arabic => "أواجه صعوبة في الرد الآن. يرجى الكتابة مجددًا بعد بضع دقائق.",
    }
}

/// The customer asked for a person, and asking one in failed.
pub fn failed(language: Language) -> &'static str {
    match language {
        English => {
            "I tried to bring in a member of our team, but that did not work just now. Please write “agent” again in a minute."
        }
        Hinglish => {
            "Maine hamari team ke ek member ko bulane ki koshish ki, par abhi nahi ho paya. Kripya ek minute baad phir se “agent” likhein."
        }
        Hindi => "मैंने हमारी टीम के एक सदस्य को बुलाने की कोशिश की, पर अभी नहीं हो पाया। कृपया एक मिनट बाद फिर से “एजेंट” लिखें।",
        Spanish => {
            "Intenté llamar a una persona de nuestro equipo, pero ahora mismo no funcionó. Escriba “agente” otra vez en un minuto, por favor."
        }
        Portuguese => {
            "Tentei chamar uma pessoa da nossa equipe, mas não funcionou agora. Escreva “atendente” de novo em um minuto, por favor."
        }
        Arabic => "حاولت استدعاء أحد أعضاء فريقنا، لكن ذلك لم ينجح الآن. يرجى كتابة «موظف» مرة أخرى بعد دقيقة.",
    }
}

/// Offers a person in place of a reply that was held back.
pub fn offer_unconfirmed(language: Language) -> &'static str {
    match language {
        English => {
            "I don't want to tell you anything I can't confirm. Shall I bring in a member of our team? (yes / no)"
        }
        Hinglish => {
            "Main aapko aisa kuch nahi batana chahta jiski pushti na kar sakoon. Kya main hamari team ke ek member ko bulaoon? (haan / nahi)"
        }
        Hindi => "मैं आपको ऐसा कुछ नहीं बताना चाहता जिसकी पुष्टि न कर सकूँ। क्या मैं हमारी टीम के एक सदस्य को बुलाऊँ? (हाँ / नहीं)",
        Spanish => "No quiero decirle nada que no pueda confirmar. ¿Llamo a una persona de nuestro equipo? (sí / no)",
        Portuguese => "Não quero dizer nada que eu não possa confirmar. Chamo uma pessoa da nossa equipe? (sim / não)",
        Arabic => "لا أريد أن أقول لك شيئًا لا أستطيع تأكيده. هل أستدعي أحد أعضاء فريقنا؟ (نعم / لا)",
    }
}
