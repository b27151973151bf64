//! Greetings, thanks, and questions about the conversation itself; never a word about an order.

use super::Language::{self, Arabic, English, Hindi, Hinglish, Portuguese, Spanish};

/// Answers a greeting.
pub fn greeting(language: Language) -> &'static str {
    match language {
        English => {
            "Hello! 👋 I can check an order, sort out a problem with it, or arrange a refund. What can I do for you?"
        }
        Hinglish => {
            "Namaste! 👋 Main order check kar sakta hoon, usmein koi dikkat suljha sakta hoon, ya refund ka intezaam kar sakta hoon. Main aapke liye kya karoon?"
        }
        Hindi => "नमस्ते! 👋 मैं ऑर्डर देख सकता हूँ, उसमें कोई दिक़्क़त सुलझा सकता हूँ, या रिफंड का इंतज़ाम कर सकता हूँ। मैं आपके लिए क्या करूँ?",
        Spanish => {
            "¡Hola! 👋 Puedo consultar un pedido, resolver un problema con él o gestionar un reembolso. ¿En qué puedo ayudarle?"
        }
        Portuguese => {
            "Olá! 👋 Posso consultar um pedido, resolver um problema com ele ou providenciar um reembolso. Como posso ajudar você?"
        }
        Arabic => "مرحبًا! 👋 يمكنني الاطلاع على طلب، أو حل مشكلة فيه، أو ترتيب استرداد. كيف يمكنني مساعدتك؟",
    }
}

/// Answers thanks.
pub fn you_are_welcome(language: Language) -> &'static str {
    match language {
        English => "You're welcome! 😊 Write any time you need something.",
        Hinglish => "Aapka swagat hai! 😊 Jab bhi kuch chahiye ho, likhein.",
        Hindi => "आपका स्वागत है! 😊 जब भी कुछ चाहिए हो, लिखें।",
        Spanish => "¡De nada! 😊 Escriba cuando necesite algo.",
        Portuguese => "De nada! 😊 Escreva quando precisar de algo.",
        Arabic => "على الرحب والسعة! 😊 يسعدنا أن نسمع منك كلما احتجت إلى شيء.",
    }
}

/// Answers a goodbye.
pub fn goodbye(language: Language) -> &'static str {
    match language {
        English => "Goodbye, and take care! Write any time you need something.",
        Hinglish => "Alvida, apna khayal rakhein! Jab bhi kuch chahiye ho, likhein.",
        Hindi => "अलविदा, अपना ख़याल रखें! जब भी कुछ चाहिए हो, लिखें।",
        Spanish => "¡Hasta luego, cuídese! Escriba cuando necesite algo.",
        Portuguese => "Até logo, cuide-se! Escreva quando precisar de algo.",
        Arabic => "مع السلامة! يسعدنا أن نسمع منك كلما احتجت إلى شيء.",
    }
}

/// Answers “ok” and a declined offer of a person.
pub fn all_right(language: Language) -> &'static str {
    match language {
        English => "All right. Is there anything else I can do for you?",
        Hinglish => "Theek hai. Kya main aapke liye kuch aur kar sakta hoon?",
        Hindi => "ठीक है। क्या मैं आपके लिए कुछ और कर सकता हूँ?",
        Spanish => "De acuerdo. ¿Puedo hacer algo más por usted?",
        Portuguese => "Tudo bem. Posso fazer mais alguma coisa por você?",
        Arabic => "حسنًا. هل هناك شيء آخر يمكنني فعله من أجلك؟",
    }
}

/// Answers “who are you?”.
pub fn introduction(language: Language) -> &'static str {
    match language {
        English => {
            "I'm the shop's automatic assistant. I can check orders and arrange refunds, and I can bring in a person whenever you say “agent”."
        }
        Hinglish => {
            "Main is shop ka automatic assistant hoon. Main order check kar sakta hoon aur refund ka intezaam kar sakta hoon, aur jab bhi aap “agent” likhein, ek vyakti ko bula sakta hoon."
        }
        Hindi => {
            "मैं इस दुकान का ऑटोमैटिक सहायक हूँ। मैं ऑर्डर देख सकता हूँ और रिफंड का इंतज़ाम कर सकता हूँ, और जब भी आप “एजेंट” लिखें, किसी व्यक्ति को बुला सकता हूँ।"
        }
        Spanish => {
            "Soy el asistente automático de la tienda. Puedo consultar pedidos y gestionar reembolsos, y puedo llamar a una persona cuando usted escriba “agente”."
        }
        Portuguese => {
            "Sou o assistente automático da loja. Posso consultar pedidos e providenciar reembolsos, e posso chamar uma pessoa quando você escrever “atendente”."
        }
        Arabic => {
            "أنا المساعد الآلي للمتجر. يمكنني الاطلاع على الطلبات وترتيب عمليات الاسترداد، ويمكنني استدعاء شخص متى كُتبت كلمة «موظف»."
        }
    }
}

/// Answers “how are you?”.
pub fn doing_well(language: Language) -> &'static str {
    match language {
        English => "I'm doing well, thank you for asking! What can I do for you today?",
        Hinglish => "Main theek hoon, poochhne ke liye dhanyavaad! Aaj main aapke liye kya karoon?",
        Hindi => "मैं ठीक हूँ, पूछने के लिए धन्यवाद! आज मैं आपके लिए क्या करूँ?",
        Spanish => "Estoy bien, ¡gracias por preguntar! ¿En qué puedo ayudarle hoy?",
        Portuguese => "Estou bem, obrigado por perguntar! Como posso ajudar você hoje?",
        Arabic => "أنا بخير، شكرًا على السؤال! كيف يمكنني مساعدتك اليوم؟",
    }
}

/// Asks whether there is more to do.
pub fn anything_else(language: Language) -> &'static str {
    match language {
        English => "Is there anything else I can do for you?",
        Hinglish => "Kya main aapke liye kuch aur kar sakta hoon?",
        Hindi => "क्या मैं आपके लिए कुछ और कर सकता हूँ?",
        Spanish => "¿Puedo hacer algo más por usted?",
        Portuguese => "Posso fazer mais alguma coisa por você?",
        Arabic => "هل هناك شيء آخر يمكنني فعله من أجلك؟",
    }
}

/// Ends a request that the customer no longer wants to follow.
pub fn leave_it(language: Language) -> &'static str {
    match language {
        English => "All right, I'll leave it at that. Write any time you need something.",
        Hinglish => "Theek hai, main ise yahin chhodta hoon. Jab bhi kuch chahiye ho, likhein.",
        Hindi => "ठीक है, मैं इसे यहीं छोड़ता हूँ। जब भी कुछ चाहिए हो, लिखें।",
        Spanish => "De acuerdo, lo dejo así. Escriba cuando necesite algo.",
        Portuguese => "Tudo bem, deixo assim. Escreva quando precisar de algo.",
        Arabic => "حسنًا، سأترك الأمر عند هذا الحد. يسعدنا أن نسمع منك كلما احتجت إلى شيء.",
    }
}

/// Asks what a message is about that says too little.
pub fn what_is_it_about(language: Language) -> &'static str {
    match language {
        English => {
            "I'd like to help. What is it about: where an order is, something wrong with it, a refund, or a payment? If you have an order id, send it along."
        }
        Hinglish => {
            "Main madad karna chahta hoon. Baat kis baare mein hai: order kahan hai, usmein kuch gadbad hai, refund, ya payment? Agar aapke paas order id hai, to woh bhi bhej dein."
        }
        Hindi => {
            "मैं मदद करना चाहता हूँ। बात किस बारे में है: ऑर्डर कहाँ है, उसमें कुछ गड़बड़ है, रिफंड, या भुगतान? अगर आपके पास ऑर्डर आईडी है, तो वह भी भेज दें।"
        }
        Spanish => {
            "Me gustaría ayudar. ¿De qué se trata: dónde está un pedido, algo que está mal en él, un reembolso o un pago? Si tiene un número de pedido, envíelo también."
        }
        Portuguese => {
            "Gostaria de ajudar. Do que se trata: onde está um pedido, algo errado com ele, um reembolso ou um pagamento? Se você tiver um número de pedido, envie também."
        }
        Arabic => {
            "أود المساعدة. ما الموضوع: مكان طلب، أو خطأ فيه، أو استرداد، أو دفعة؟ إن كان رقم الطلب متوفرًا، فيرجى إرساله أيضًا."
        }
    }
}

/// Offers a person for a question without a written answer.
pub fn no_answer(language: Language) -> &'static str {
    match language {
        English => {
            "I don't have an answer to that, and I don't want to guess. Shall I bring in a member of our team? (yes / no)"
        }
        Hinglish => {
            "Iska jawab mere paas nahi hai, aur main andaza nahi lagana chahta. Kya main hamari team ke ek member ko bulaoon? (haan / nahi)"
        }
        Hindi => "इसका जवाब मेरे पास नहीं है, और मैं अंदाज़ा नहीं लगाना चाहता। क्या मैं हमारी टीम के एक सदस्य को बुलाऊँ? (हाँ / नहीं)",
        Spanish => "No tengo respuesta a eso y no quiero adivinar. ¿Llamo a una persona de nuestro equipo? (sí / no)",
        Portuguese => {
            "Não tenho resposta para isso e não quero adivinhar. Chamo uma pessoa da nossa equipe? (sim / não)"
        }
        Arabic => "ليس لدي جواب عن ذلك، ولا أريد التخمين. هل أستدعي أحد أعضاء فريقنا؟ (نعم / لا)",
    }
}

/// Tells a customer that the program does not write their language, before what is done about it. In English, whoever reads it:
/// it is what most of those can read, and it has no other language to fall back on. `language_name`: the English name, empty where
/// it is not known.
pub fn language_not_spoken(language_name: &str) -> String {
    let name = if language_name.trim().is_empty() { "your language" } else { language_name.trim() };
    format!("I'm sorry, I don't speak {name}. I write English, Hinglish, Hindi, Spanish, Portuguese and Arabic.")
}
