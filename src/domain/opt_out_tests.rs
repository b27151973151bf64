use proptest::prelude::*;

use super::*;

fn stops(text: &str) -> Option<bool> {
    wish(text).map(|wish| wish.stop)
}

#[test]
fn a_wish_is_read_in_many_languages() {
    for text in [
        "STOP",
        "stop.",
        "Stop!!! 🙏",
        "stop stop stop",
        "please stop",
        "Unsubscribe",
        "unsubscribe me please",
        "please unsubscribe me from this list",
        "opt out",
        "stop messaging me",
        "Stop texting me!",
        "don't text me anymore",
        "Do not send me any more messages",
        "no more messages please",
        "I don’t want your promotions",
        "I want to stop receiving messages",
        "band karo ye msg",
        "messages mat bhejo",
        "mujhe message nahi chahiye",
        "sab promotional messages band kar do",
        "मैसेज बंद करो",
        "मुझे संदेश मत भेजो",
        "Parar",
        "PARE",
        "no quiero más mensajes",
        "dejen de mandarme mensajes por favor",
        "darme de baja",
        "quiero darme de baja",
        "para de enviarme mensajes",
        "não quero mais mensagens",
        "sair",
        "Stopp",
        "Abmelden bitte",
        "keine Nachrichten mehr",
        "Bitte senden Sie mir keine Werbung mehr",
        "Arrêtez",
        "arrêtez de m'envoyer des messages",
        "me désabonner",
        "je ne veux plus recevoir de messages",
        "basta messaggi",
        "إيقاف",
        "أوقفوا الرسائل",
        "لا ترسلوا لي رسائل",
        "لا ترسلوا لي رسائل مرة أخرى",
        "إلغاء الاشتراك",
        "стоп",
        "не пишите мне больше",
        "прекратите присылать сообщения",
        "отписаться",
        "退订",
        "停止",
        "请停止发送消息",
        "不要再发消息了",
        "не хочу получать сообщения",
        "please remove my number from your list",
        "I no longer want your messages",
        "berhenti berlangganan",
    ] {
        assert_eq!(stops(text), Some(true), "{text}");
    }
    for text in [
        "START",
        "unstop",
        "start messages again please",
        "शुरू करो",
        "resume messages",
        "messages shuru karo",
        "старт",
        "iniciar",
    ] {
        assert_eq!(stops(text), Some(false), "{text}");
    }
}

#[test]
fn what_is_about_something_else_is_no_wish() {
    for text in [
        "stop my order",
        "please stop the refund",
        "Stop the delivery, I am not at home",
        "the courier did not stop",
        "don't stop messages",
        "do not unsubscribe me",
        "I never got a message",
        "no message from the courier yet",
        "no updates on my order?",
        "don't send it",
        "don't send the order",
        "cancel",
        "cancel my order",
        "end",
        "why did you stop messaging me?",
        "order band karo",
        "band karo",
        "message nahi aaya",
        "मेरा ऑर्डर बंद करो",
        "parar el pedido",
        "parar mi reembolso por favor",
        "no quiero el pedido",
        "pare o pedido",
        "stoppt die Lieferung",
        "arrêtez ma commande",
        "إلغاء",
        "أوقف الطلب",
        "остановите доставку",
        "хватит",
        "je veux plus de messages",
        "keine Nachricht bekommen",
        "start my refund",
        "when does the sale start",
        "continue",
        "yes",
        "no",
        "",
        "👍",
    ] {
        assert_eq!(stops(text), None, "{text}");
    }
}

#[test]
fn a_bare_stop_may_answer_a_question() {
    for text in ["stop", "STOP!", "please stop", "quit", "stop stop"] {
        assert!(answers_a_question(text) && stops(text) == Some(true), "{text}");
    }
    for text in ["unsubscribe", "stop messages", "stop promotions", "opt out", "stop all", "please", "", "no"] {
        assert!(!answers_a_question(text), "{text}");
    }
    assert_eq!(stops("Stop promotions"), Some(true), "the button of Meta's templates");
}

#[test]
fn the_language_of_a_wish_is_known() {
    for (text, tongue) in [
        ("stop", English),
        ("messages band karo", Hinglish),
        ("मैसेज बंद करो", Hindi),
        ("parar", Spanish),
        ("stop mensagens", Portuguese),
        ("إيقاف", Arabic),
    ] {
        assert_eq!(wish(text).unwrap().tongue, tongue, "{text}");
    }
}

fn said(stopped: bool, second: i64, message: &str) -> Preference {
    Preference {
        stopped,
        at: Timestamp::from_second(second).unwrap(),
        source: Source::Message,
        message: Some(MessageId::new(message)),
    }
}

#[test]
fn the_latest_wish_holds_and_the_same_one_again_is_no_change() {
    let first = said(true, 10, "a");
    assert_eq!(Preference::after(None, &said(false, 10, "a")), None, "nothing to undo");
    assert_eq!(Preference::after(None, &first), Some(first.clone()));
    assert_eq!(Preference::after(Some(&first), &first), None, "a redelivery");
    assert_eq!(Preference::after(Some(&first), &said(false, 9, "b")), None, "an older one");
    let again = Preference::after(Some(&first), &said(true, 20, "b")).unwrap();
    assert!(again.is_of(&MessageId::new("a")) && again.at == said(true, 20, "").at);
    assert_eq!(Preference::after(Some(&again), &said(false, 30, "c")), Some(said(false, 30, "c")));
    let in_settings = Preference { source: Source::Channel, message: None, ..said(true, 10, "") };
    let first_said = Preference::after(Some(&in_settings), &said(true, 11, "d"));
    assert_eq!(first_said, Some(said(true, 11, "d")), "it is confirmed");
    assert_eq!(Preference::after(first_said.as_ref(), &in_settings), None);
}

#[test]
fn the_key_names_nobody() {
    let key = suppression_key(&UserId::new("919876500001"));
    assert!(key.len() == 64 && !key.contains("98765"));
    assert_ne!(key, suppression_key(&UserId::new("919876500002")));
}

proptest! {
    #[test]
    fn any_text_may_come(text in "\\PC{0,200}") {
        let _ = wish(&text);
    }

    /// One unknown word makes it another message.
    #[test]
    fn a_wish_about_something_is_none(word in "[a-z]{5,12}", before in any::<bool>()) {
        prop_assume!(tokens(&word).iter().all(|word| {
            [STOPPING, NOT, SOLO, STARTING, MESSAGES, BESIDE, COURTESY, STOP, START].iter().all(|list| find(list, word).is_none())
        }));
        let text = if before { format!("{word} stop messages") } else { format!("stop {word}") };
        prop_assert_eq!(wish(&text), None);
    }
}

#[test]
fn a_word_for_messages_tells_the_language_of_a_shared_word_for_stopping() {
    for (text, tongue) in [
        ("para de me mandar mensagem", Tongue::Portuguese),
        ("para de enviarme mensajes", Tongue::Spanish),
        ("no quiero más spam", Tongue::Spanish),
    ] {
        assert_eq!(wish(text).map(|wish| wish.tongue), Some(tongue), "{text}");
    }
}
