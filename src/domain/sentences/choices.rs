//! Sentences that offer what can be done, and those before a person takes over.

use std::fmt::Display;

use super::{Language, isolated, ltr};

/// Offers what can be done about a fault of what came. `what`: articles, or the order.
pub fn complaint(language: Language, what: impl Display) -> String {
    match language {
        Language::English => format!(
            "For {what} I can arrange a replacement, or your money back for just that part, or bring in a person. What would you like?"
        ),
        Language::Hinglish => format!(
            "{what} ke liye main naya bhijwa sakta hoon, ya sirf usi hisse ke paise wapas karwa sakta hoon, ya kisi insaan ko jod sakta hoon. Aap kya chahenge?"
        ),
        Language::Hindi => format!(
            "{what} के लिए मैं नया भिजवा सकता हूँ, या सिर्फ़ उसी हिस्से के पैसे वापस करवा सकता हूँ, या किसी व्यक्ति को जोड़ सकता हूँ। आप क्या चाहेंगे?"
        ),
        Language::Spanish => format!(
            "Para {what} puedo pedir un reemplazo, o la devolución del dinero solo de esa parte, o llamar a una persona. ¿Qué prefiere?"
        ),
        Language::Portuguese => format!(
            "Para {what} posso pedir uma reposição, ou o dinheiro de volta só dessa parte, ou chamar uma pessoa. O que você prefere?"
        ),
        Language::Arabic => {
            format!(
                "بخصوص {what} يمكنني طلب بديل، أو استرداد المبلغ لهذا الجزء فقط، أو استدعاء شخص. ما الأنسب لك؟",
                what = isolated(&what.to_string())
            )
        }
    }
}

/// Offers what can be done about an order that is on record as delivered and is not there.
pub fn never_received(language: Language, order: impl Display) -> String {
    match language {
        Language::English => format!(
            "Our records say that order {order} was delivered. If it never reached you, a person can look into it, or I can check whether your money can go back. Which would you like?"
        ),
        Language::Hinglish => format!(
            "Hamare record mein order {order} deliver dikh raha hai. Agar aapko mila hi nahi, to koi insaan iski jaanch kar sakta hai, ya main dekh sakta hoon ki paise wapas ho sakte hain. Aap kya chahenge?"
        ),
        Language::Hindi => format!(
            "हमारे रिकॉर्ड में ऑर्डर {order} डिलीवर दिख रहा है। अगर आपको मिला ही नहीं, तो कोई व्यक्ति इसकी जाँच कर सकता है, या मैं देख सकता हूँ कि पैसे वापस हो सकते हैं। आप क्या चाहेंगे?"
        ),
        Language::Spanish => format!(
            "Según nuestros registros, el pedido {order} fue entregado. Si no le llegó, una persona puede investigarlo, o puedo ver si se le devuelve el dinero. ¿Qué prefiere?"
        ),
        Language::Portuguese => format!(
            "Segundo nossos registros, o pedido {order} foi entregue. Se não chegou até você, uma pessoa pode investigar, ou posso ver se o dinheiro volta. O que você prefere?"
        ),
        Language::Arabic => format!(
            "تقول سجلاتنا إن الطلب {order} تم تسليمه. إن لم يصلك فيمكن لموظف التحقق من ذلك، أو أتحقق من إمكان رد المبلغ. ما الأنسب لك؟",
            order = ltr(order)
        ),
    }
}

/// A fault was only told: nothing is wished.
pub fn noted(language: Language) -> &'static str {
    match language {
        Language::English => "I'm sorry about that, and thank you for telling us.",
        Language::Hinglish => "Iske liye maaf karein, aur batane ke liye dhanyavaad.",
        Language::Hindi => "इसके लिए माफ़ करें, और बताने के लिए धन्यवाद।",
        Language::Spanish => "Lamento lo ocurrido, y gracias por avisarnos.",
        Language::Portuguese => "Sinto muito por isso, e obrigado por nos avisar.",
        Language::Arabic => "نعتذر عن ذلك، وشكرًا لإخبارنا.",
    }
}

/// What is possible while an order is late.
pub fn late_next(language: Language) -> &'static str {
    match language {
        Language::English => "If you no longer want to wait, say “cancel”; for a person, say “agent”.",
        Language::Hinglish => {
            "Agar aap aur intezaar nahi karna chahte to “cancel” likhein; kisi insaan ke liye “agent” likhein."
        }
        Language::Hindi => "अगर आप और इंतज़ार नहीं करना चाहते तो “रद्द” लिखें; किसी व्यक्ति के लिए “एजेंट” लिखें।",
        Language::Spanish => {
            "Si no quiere esperar más, escriba “cancelar”; para hablar con una persona, escriba “agente”."
        }
        Language::Portuguese => {
            "Se não quiser mais esperar, escreva “cancelar”; para falar com uma pessoa, escreva “atendente”."
        }
        Language::Arabic => "للإلغاء بدل الانتظار يرجى كتابة «إلغاء»؛ وللتحدث مع شخص يرجى كتابة «موظف».",
    }
}

/// A customer writes again while a person has been asked for.
pub fn still_waiting(language: Language) -> &'static str {
    match language {
        Language::English => {
            "I'm sorry that nobody has replied yet. Your request is with our team, and they will reply here."
        }
        Language::Hinglish => {
            "Maaf karein ki abhi tak kisi ne jawab nahi diya. Aapki request hamari team ke paas hai, aur woh yahin jawab denge."
        }
        Language::Hindi => "माफ़ करें कि अभी तक किसी ने जवाब नहीं दिया। आपका अनुरोध हमारी टीम के पास है, और वे यहीं जवाब देंगे।",
        Language::Spanish => {
            "Lamento que nadie le haya respondido todavía. Su solicitud está en manos de nuestro equipo, que le responderá aquí."
        }
        Language::Portuguese => {
            "Sinto muito que ninguém tenha respondido ainda. O seu pedido de atendimento está com a nossa equipe, que vai responder aqui."
        }
        Language::Arabic => "نعتذر لأن أحدًا لم يرد بعد. الأمر لدى فريقنا، وسيأتي الرد هنا.",
    }
}

/// Somebody's body or safety: before a person takes over.
pub fn danger(language: Language) -> &'static str {
    match language {
        Language::English => {
            "I'm very sorry. Please look after yourself first: if anybody is hurt, ill or in danger, call the emergency number or a doctor right now."
        }
        Language::Hinglish => {
            "Mujhe bahut dukh hai. Pehle apna dhyan rakhein: agar koi ghayal, beemar ya khatre mein hai to abhi emergency number ya doctor ko call karein."
        }
        Language::Hindi => {
            "मुझे बहुत दुख है। पहले अपना ध्यान रखें: अगर कोई घायल, बीमार या ख़तरे में है तो अभी आपातकालीन नंबर या डॉक्टर को कॉल करें।"
        }
        Language::Spanish => {
            "Lo siento mucho. Primero su seguridad: si alguien está herido, enfermo o en peligro, llame ahora mismo a emergencias o a un médico."
        }
        Language::Portuguese => {
            "Sinto muito. Primeiro a sua segurança: se alguém está ferido, doente ou em perigo, ligue agora para a emergência ou para um médico."
        }
        Language::Arabic => {
            "نأسف بشدة. سلامتك أولًا: إن كان أحد مصابًا أو مريضًا أو في خطر فيرجى الاتصال الآن بالطوارئ أو بطبيب."
        }
    }
}

/// Somebody deceives the customer: before a person takes over.
pub fn fraud(language: Language) -> &'static str {
    match language {
        Language::English => {
            "Please share no codes, passwords or card details with anybody, and tell your bank if money is gone."
        }
        Language::Hinglish => {
            "Kripya kisi ko code, password ya card ki jaankari na dein, aur paise gaye hon to apne bank ko batayein."
        }
        Language::Hindi => "कृपया किसी को कोड, पासवर्ड या कार्ड की जानकारी न दें, और पैसे गए हों तो अपने बैंक को बताएँ।",
        Language::Spanish => {
            "No comparta códigos, contraseñas ni datos de tarjeta con nadie, y avise a su banco si falta dinero."
        }
        Language::Portuguese => {
            "Não passe códigos, senhas ou dados de cartão a ninguém, e avise o seu banco se algum dinheiro sumiu."
        }
        Language::Arabic => "يرجى عدم مشاركة أي رموز أو كلمات مرور أو بيانات بطاقة مع أحد، وإبلاغ مصرفك إن فُقد مال.",
    }
}

/// Somebody of the shop behaved badly: before a person takes over.
pub fn conduct(language: Language) -> &'static str {
    match language {
        Language::English => "I'm sorry you were treated like that: it should not happen.",
        Language::Hinglish => "Aapke saath aisa vyavahar hua, iske liye maaf karein: aisa nahi hona chahiye tha.",
        Language::Hindi => "आपके साथ ऐसा व्यवहार हुआ, इसके लिए माफ़ करें: ऐसा नहीं होना चाहिए था।",
        Language::Spanish => "Lamento que le hayan tratado así: no debería pasar.",
        Language::Portuguese => "Sinto muito que você tenha sido tratado assim: isso não deveria acontecer.",
        Language::Arabic => "نعتذر عن هذه المعاملة: ما كان ينبغي أن يحدث ذلك.",
    }
}

/// Nothing that a shop can do.
pub fn out_of_scope(language: Language) -> &'static str {
    match language {
        Language::English => {
            "I can only help with orders and questions about this shop. Is there anything about those that I can do?"
        }
        Language::Hinglish => {
            "Main sirf orders aur is shop ke sawaalon mein madad kar sakta hoon. Kya inmein kuch madad chahiye?"
        }
        Language::Hindi => "मैं सिर्फ़ ऑर्डर और इस दुकान के सवालों में मदद कर सकता हूँ। क्या इनमें कुछ मदद चाहिए?",
        Language::Spanish => {
            "Solo puedo ayudarle con pedidos y preguntas sobre esta tienda. ¿Le ayudo con algo de eso?"
        }
        Language::Portuguese => {
            "Só posso ajudar com pedidos e perguntas sobre esta loja. Posso ajudar você com algo assim?"
        }
        Language::Arabic => "يمكنني المساعدة في الطلبات والأسئلة عن هذا المتجر فقط. هل هناك ما يمكنني فعله في ذلك؟",
    }
}

/// In place of a reply that was given before in the same words.
pub fn once_more(language: Language) -> &'static str {
    match language {
        Language::English => "I'm here whenever you need something.",
        Language::Hinglish => "Jab bhi kuch chahiye ho, main yahan hoon.",
        Language::Hindi => "जब भी कुछ चाहिए हो, मैं यहाँ हूँ।",
        Language::Spanish => "Aquí estoy para lo que necesite.",
        Language::Portuguese => "Estou aqui para o que precisar.",
        Language::Arabic => "أنا هنا عند الحاجة إلى أي شيء.",
    }
}

/// Before a person takes over a message in a language that nothing here reads: in English, whatever the language.
pub fn unread() -> &'static str {
    "I'm sorry, I cannot read this language well."
}
