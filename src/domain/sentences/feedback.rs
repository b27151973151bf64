//! Praise, complaints and apologies; an apology never admits more than the customer said.

use super::Language::{self, Arabic, English, Hindi, Hinglish, Portuguese, Spanish};

/// Answers praise.
pub fn praise(language: Language) -> &'static str {
    match language {
        English => "Thank you so much, that's lovely to hear! 😊",
        Hinglish => "Bahut bahut dhanyavaad, yeh sunkar bahut achha laga! 😊",
        Hindi => "बहुत-बहुत धन्यवाद, यह सुनकर बहुत अच्छा लगा! 😊",
        Spanish => "¡Muchas gracias, qué alegría leer eso! 😊",
        Portuguese => "Muito obrigado, que bom saber disso! 😊",
        Arabic => "شكرًا جزيلًا، يسعدنا سماع ذلك! 😊",
    }
}

/// Answers a remark.
pub fn remark(language: Language) -> &'static str {
    match language {
        English => {
            "Thank you for telling us, every remark helps. If there is something to put right, send me the order id."
        }
        Hinglish => {
            "Batane ke liye dhanyavaad, har sujhav kaam aata hai. Agar kuch theek karna ho, to mujhe order id bhejein."
        }
        Hindi => "बताने के लिए धन्यवाद, हर सुझाव काम आता है। अगर कुछ ठीक करना हो, तो मुझे ऑर्डर आईडी भेजें।",
        Spanish => {
            "Gracias por decírnoslo, cada comentario ayuda. Si hay algo que corregir, envíeme el número de pedido."
        }
        Portuguese => {
            "Obrigado por nos contar, cada comentário ajuda. Se houver algo a corrigir, envie o número do pedido."
        }
        Arabic => "شكرًا على إخبارنا، فكل ملاحظة تفيدنا. إن كان هناك ما يجب إصلاحه، فيرجى إرسال رقم الطلب.",
    }
}

/// Answers a complaint.
pub fn complaint(language: Language) -> &'static str {
    match language {
        English => {
            "I'm sorry we let you down, and thank you for saying so. If there is something to put right, send me the order id and tell me what happened, or say “agent” for a person."
        }
        Hinglish => {
            "Maaf karein ki hum aapki ummeed par khare nahi utre, aur batane ke liye dhanyavaad. Agar kuch theek karna ho, to order id bhejein aur batayein kya hua, ya kisi vyakti ke liye “agent” likhein."
        }
        Hindi => {
            "माफ़ करें कि हम आपकी उम्मीद पर खरे नहीं उतरे, और बताने के लिए धन्यवाद। अगर कुछ ठीक करना हो, तो ऑर्डर आईडी भेजें और बताएँ कि क्या हुआ, या किसी व्यक्ति के लिए “एजेंट” लिखें।"
        }
        Spanish => {
            "Lamento que le hayamos fallado, y gracias por decirlo. Si hay algo que corregir, envíeme el número de pedido y cuénteme qué pasó, o escriba “agente” para hablar con una persona."
        }
        Portuguese => {
            "Lamento que tenhamos decepcionado você, e obrigado por dizer. Se houver algo a corrigir, envie o número do pedido e conte o que aconteceu, ou escreva “atendente” para falar com uma pessoa."
        }
        Arabic => {
            "نأسف لأننا خيّبنا ظنك، وشكرًا على صراحتك. إن كان هناك ما يجب إصلاحه، فيرجى إرسال رقم الطلب وما حدث، أو كتابة «موظف» للتحدث مع شخص."
        }
    }
}

/// Apologises for an order that is late.
pub fn sorry_for_delay(language: Language) -> &'static str {
    match language {
        English => "I'm sorry your order is taking longer than it should.",
        Hinglish => "Maaf karein ki aapke order mein zyada samay lag raha hai.",
        Hindi => "माफ़ करें कि आपके ऑर्डर में ज़्यादा समय लग रहा है।",
        Spanish => "Lamento que su pedido esté tardando más de lo debido.",
        Portuguese => "Lamento que o seu pedido esteja demorando mais do que deveria.",
        Arabic => "نعتذر لأن طلبك يستغرق وقتًا أطول مما ينبغي.",
    }
}

/// Apologises to an upset customer who asks where an order is.
pub fn sorry_for_wait(language: Language) -> &'static str {
    match language {
        English => "I'm sorry for the wait.",
        Hinglish => "Intezaar ke liye maaf karein.",
        Hindi => "इंतज़ार के लिए माफ़ करें।",
        Spanish => "Lamento la espera.",
        Portuguese => "Lamento a espera.",
        Arabic => "نعتذر عن الانتظار.",
    }
}

/// Apologises for missing, wrong or spoiled items.
pub fn sorry_for_order(language: Language) -> &'static str {
    match language {
        English => "I'm sorry that something was wrong with your order.",
        Hinglish => "Maaf karein ki aapke order mein kuch gadbad thi.",
        Hindi => "माफ़ करें कि आपके ऑर्डर में कुछ गड़बड़ थी।",
        Spanish => "Lamento que algo estuviera mal en su pedido.",
        Portuguese => "Lamento que algo estivesse errado no seu pedido.",
        Arabic => "نأسف لأن هناك خطأ ما في طلبك.",
    }
}

/// Apologises to an upset customer who asks for a refund.
pub fn sorry_to_hear(language: Language) -> &'static str {
    match language {
        English => "I'm sorry to hear that.",
        Hinglish => "Yeh sunkar dukh hua.",
        Hindi => "यह सुनकर दुख हुआ।",
        Spanish => "Lamento oír eso.",
        Portuguese => "Lamento ouvir isso.",
        Arabic => "يؤسفني سماع ذلك.",
    }
}

/// Apologises before something that only a person can do, and for a delivery that did not arrive.
pub fn sorry_about_that(language: Language) -> &'static str {
    match language {
        English => "I'm sorry about that.",
        Hinglish => "Iske liye maaf karein.",
        Hindi => "इसके लिए माफ़ करें।",
        Spanish => "Lo lamento.",
        Portuguese => "Lamento por isso.",
        Arabic => "نأسف لذلك.",
    }
}

/// Apologises to an upset customer who did not say what is wrong.
pub fn sorry_you_have_trouble(language: Language) -> &'static str {
    match language {
        English => "I'm sorry you're having trouble.",
        Hinglish => "Maaf karein ki aapko pareshani ho rahi hai.",
        Hindi => "माफ़ करें कि आपको परेशानी हो रही है।",
        Spanish => "Lamento que tenga problemas.",
        Portuguese => "Lamento que você esteja com problemas.",
        Arabic => "نأسف لأنك تواجه مشكلة.",
    }
}

/// Apologises to an upset customer who is handed over.
pub fn sorry_about_trouble(language: Language) -> &'static str {
    match language {
        English => "I'm sorry about the trouble.",
        Hinglish => "Pareshani ke liye maaf karein.",
        Hindi => "परेशानी के लिए माफ़ करें।",
        Spanish => "Lamento las molestias.",
        Portuguese => "Lamento o transtorno.",
        Arabic => "نعتذر عن الإزعاج.",
    }
}
