//! The confirmation of an opt-out, and of its end, in the language of the wish. STOP and START are the words in every language.

use crate::domain::opt_out::Tongue;

/// Confirms that nothing is sent any more.
pub fn stopped(tongue: Tongue) -> &'static str {
    match tongue {
        Tongue::English => {
            "You won't get any more messages from us, unless you write to us first. To hear from us again, send START."
        }
        Tongue::Hinglish => {
            "Ab hum aapko koi message nahi bhejenge, jab tak aap khud na likhein. Phir se messages paane ke liye START bhejein."
        }
        Tongue::Hindi => "अब हम आपको कोई मैसेज नहीं भेजेंगे, जब तक आप ख़ुद न लिखें। फिर से मैसेज पाने के लिए START भेजें।",
        Tongue::Spanish => {
            "Ya no le enviaremos más mensajes, salvo que nos escriba primero. Para volver a recibirlos, envíe START."
        }
        Tongue::Portuguese => {
            "Não enviaremos mais mensagens, a menos que você nos escreva primeiro. Para voltar a recebê-las, envie START."
        }
        Tongue::German => {
            "Sie bekommen keine Nachrichten mehr von uns, außer Sie schreiben uns zuerst. Mit START bekommen Sie wieder welche."
        }
        Tongue::French => {
            "Vous ne recevrez plus de messages de notre part, sauf si vous nous écrivez d'abord. Pour en recevoir à nouveau, envoyez START."
        }
        Tongue::Italian => {
            "Non riceverà più messaggi da noi, a meno che non sia lei a scriverci. Per riceverne di nuovo, invii START."
        }
        Tongue::Arabic => {
            "لن نرسل إليك أي رسائل بعد الآن، إلا إذا كتبت إلينا أولاً. لاستقبال الرسائل من جديد يرجى إرسال START."
        }
        Tongue::Russian => {
            "Мы больше не будем вам писать, если вы не напишете первыми. Чтобы снова получать сообщения, отправьте START."
        }
        Tongue::Chinese => "除非您先联系我们，否则我们不会再给您发送消息。如需重新接收，请发送 START。",
        Tongue::Indonesian => {
            "Kami tidak akan mengirim pesan lagi, kecuali Anda menulis lebih dulu. Untuk menerima pesan kembali, kirim START."
        }
    }
}

/// Confirms that messages are sent again.
pub fn resumed(tongue: Tongue) -> &'static str {
    match tongue {
        Tongue::English => "You will hear from us again. To end that, send STOP.",
        Tongue::Hinglish => "Ab aapko hamare messages phir se milenge. Band karne ke liye STOP bhejein.",
        Tongue::Hindi => "अब आपको हमारे मैसेज फिर से मिलेंगे। बंद करने के लिए STOP भेजें।",
        Tongue::Spanish => "Volverá a recibir nuestros mensajes. Para dejar de recibirlos, envíe STOP.",
        Tongue::Portuguese => "Você voltará a receber nossas mensagens. Para parar, envie STOP.",
        Tongue::German => "Sie bekommen wieder Nachrichten von uns. Mit STOP beenden Sie das.",
        Tongue::French => "Vous recevrez à nouveau nos messages. Pour arrêter, envoyez STOP.",
        Tongue::Italian => "Riceverà di nuovo i nostri messaggi. Per smettere, invii STOP.",
        Tongue::Arabic => "ستصلك رسائلنا من جديد. لإيقافها يرجى إرسال STOP.",
        Tongue::Russian => "Вы снова будете получать наши сообщения. Чтобы отказаться, отправьте STOP.",
        Tongue::Chinese => "您将重新收到我们的消息。如需停止，请发送 STOP。",
        Tongue::Indonesian => "Anda akan menerima pesan kami lagi. Untuk berhenti, kirim STOP.",
    }
}
