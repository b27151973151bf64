//! How customers are addressed.

use super::super::{fraud, opt_out};
use super::every;
use crate::domain::fraud::{Report, Tongue as FraudTongue, Wanted};
use crate::domain::opt_out::Tongue;
use crate::domain::sentences::Language;

/// What is also said to customers, in the language of what they wrote.
fn by_tongue(language: Language) -> Vec<String> {
    let (fraud, wish) = match language {
        Language::English => (FraudTongue::English, Tongue::English),
        Language::Hinglish => (FraudTongue::Hinglish, Tongue::Hinglish),
        Language::Hindi => (FraudTongue::Hindi, Tongue::Hindi),
        Language::Spanish => (FraudTongue::Spanish, Tongue::Spanish),
        Language::Portuguese => (FraudTongue::Portuguese, Tongue::Portuguese),
        Language::Arabic => (FraudTongue::Arabic, Tongue::Arabic),
    };
    let report = Report { wanted: Wanted::Secret, given: true, tongue: fraud };
    vec![fraud::warning(&report, true), opt_out::stopped(wish).to_owned(), opt_out::resumed(wish).to_owned()]
}

/// Whether a word addresses a customer otherwise than the catalogue does: usted in Spanish, você in Portuguese, आप with -ें in
/// Hindi, “yeh” and “woh” in Latin letters, and in Arabic no imperative, which would say whether a man or a woman is meant.
fn is_other_address(language: Language, word: &str) -> bool {
    let one_of = |words: &str| words.split(' ').any(|one| one == word);
    match language {
        Language::English => false,
        Language::Hinglish => {
            one_of("ye wo ve tu tum tumhara tumhari")
                || (word.ends_with("iye") && !one_of("liye isliye chahiye kiye diye"))
        }
        Language::Hindi => {
            let polite = word.ends_with("िए") || word.ends_with("िये") || word.ends_with("इए");
            one_of("तू तुम तुम्हारा तुम्हारी") || (polite && !one_of("लिए इसलिए चाहिए किए दिए"))
        }
        Language::Spanish => one_of(
            "tú tu tus ti te contigo puedes quieres prefieres necesitas escribe responde envíame dime haz pregúntame llama avisa",
        ),
        Language::Portuguese => one_of("tu te ti teu tua teus tuas contigo senhor senhora"),
        Language::Arabic => {
            let bare = word.trim_start_matches(['و', 'ف']);
            let imperatives = "اكتب اكتبي أجب أرسل أرسلي خذ أخبرني اسأل اسألني اتصل أبلغ تشارك";
            imperatives.split(' ').any(|one| one == bare || one == word)
        }
    }
}

#[test]
fn customers_are_addressed_in_one_way_and_asked_for_one_word() {
    let commands = ["“agent”", "“एजेंट”", "“agente”", "“atendente”", "«موظف»"];
    for language in Language::ALL {
        let texts = every(language).into_iter().map(|said| said.text).chain(by_tongue(language));
        let own = match language {
            Language::English | Language::Hinglish => commands[0],
            Language::Hindi => commands[1],
            Language::Spanish => commands[2],
            Language::Portuguese => commands[3],
            Language::Arabic => commands[4],
        };
        for text in texts {
            let parts = text.split(|c: char| c.is_whitespace() || ".,;:!?¿¡“”«»()।؟،؛/".contains(c));
            for word in parts {
                assert!(!is_other_address(language, &word.to_lowercase()), "{word} in {language:?}: {text}");
            }
            for command in commands.iter().filter(|command| **command != own) {
                assert!(!text.contains(command), "{command} in {language:?}: {text}");
            }
        }
    }
}
