//! A customer's wish to be left alone, and to hear of the shop again.
//!
//! A wish is the whole message or none of it: “stop my order” and “please stop the refund” are about something else, which the
//! bot answers. So a message counts only where each of its words is one of a small vocabulary, and together they say so:
//! a word that needs nothing more (“STOP”, “unsubscribe me”), or a word for stopping with one for messages (“band karo
//! messages”). The vocabulary is one for all languages, because customers mix them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::ids::{MessageId, UserId};
use super::words::plain;

/// The longest message that is looked at, in words: a longer one says more.
const LONGEST: usize = 12;

/// What a customer wants of the shop's messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wish {
    /// No messages (`true`), or messages again.
    pub stop: bool,
    /// The language of the wish.
    pub tongue: Tongue,
}

/// A language in which an opt-out is confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Tongue {
    /// English; also of those below that are not here.
    #[default]
    English,
    /// Hindi in Latin letters.
    Hinglish,
    /// Hindi.
    Hindi,
    /// Spanish.
    Spanish,
    /// Portuguese.
    Portuguese,
    /// German.
    German,
    /// French.
    French,
    /// Italian.
    Italian,
    /// Arabic.
    Arabic,
    /// Russian.
    Russian,
    /// Chinese.
    Chinese,
    /// Indonesian.
    Indonesian,
}

/// Where a wish was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// In a message.
    Message,
    /// In the settings of the channel: Meta reports it.
    Channel,
}

impl Source {
    /// The word used in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Channel => "channel",
        }
    }

    /// Reads the word used in the store.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Message, Self::Channel].into_iter().find(|source| source.as_str() == text)
    }
}

/// The latest wish of a customer, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preference {
    /// Whether the customer wants no messages.
    pub stopped: bool,
    /// When they said so last, by the channel's clock.
    pub at: Timestamp,
    /// Where.
    pub source: Source,
    /// The message that changed it; a later one that says the same leaves this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<MessageId>,
}

impl Preference {
    /// What is stored where `newer` comes after `known`: an older wish changes nothing, and one that says the same moves the
    /// time only, unless it is the first that was said in a message. `None` where nothing changes.
    pub fn after(known: Option<&Self>, newer: &Self) -> Option<Self> {
        match known {
            // Nothing to undo.
            None if !newer.stopped => None,
            Some(known) if newer.at < known.at || known == newer => None,
            Some(known) if known.stopped == newer.stopped => {
                if known.message.is_none() && newer.message.is_some() {
                    return Some(newer.clone());
                }
                (newer.at > known.at).then(|| Self { at: newer.at, ..known.clone() })
            }
            _ => Some(newer.clone()),
        }
    }

    /// Whether a message is the one that changed it: that one is confirmed, later ones are not.
    pub fn is_of(&self, message: &MessageId) -> bool {
        self.message.as_ref() == Some(message)
    }
}

/// The key under which a wish is kept: it outlives everything else that is stored of a customer, also that they were
/// forgotten, and names nobody.
pub fn suppression_key(user: &UserId) -> String {
    hex::encode(Sha256::new().chain_update("ecomres opt-out/").chain_update(user.as_str()).finalize())
}

use Tongue::{
    Arabic, Chinese, English, French, German, Hindi, Hinglish, Indonesian, Italian, Portuguese, Russian, Spanish,
};

/// Whole messages, apart from courtesies, that say stop.
const STOP: &[(Tongue, &str)] = &[
    (
        English,
        "stop|stopall|stop all|unsubscribe|unsub|optout|opt out|opt me out|leave me alone|remove me from your list|take me off your list|do not contact me|dont contact me|quit",
    ),
    (Hindi, "स्टॉप|स्टाप|सदस्यता समाप्त|सदस्यता रद्द"),
    (
        Spanish,
        "parar|pare|paren|alto|baja|darse de baja|darme de baja|dar de baja|dame de baja|deme de baja|desuscribir|desuscribirme|desuscribirse|cancelar suscripcion|no molestar|no me escriban mas|no me escribas mas",
    ),
    (
        Portuguese,
        "sair|parem|descadastrar|descadastre me|cancelar inscricao|cancelar assinatura|me remova da lista|nao me mande mais",
    ),
    (
        German,
        "stopp|abmelden|abbestellen|keine nachrichten mehr|keine weiteren nachrichten|keine werbung|keine werbung mehr|schreibt mir nicht mehr|schreiben sie mir nicht mehr",
    ),
    (
        French,
        "arreter|arretez|arret|desabonner|se desabonner|me desabonner|desabonnez moi|desinscrire|me desinscrire|desinscription|desabonnement|plus de messages|plus de sms|plus de pub",
    ),
    (
        Italian,
        "ferma|fermare|fermate|disiscrivimi|disiscrivermi|disiscrizione|cancellami|annulla iscrizione|basta messaggi|niente piu messaggi",
    ),
    (Arabic, "ايقاف|اوقف|اوقفوا|توقف|توقفوا|قف|الغاء الاشتراك|الغي الاشتراك|الغ اشتراكي|ستوب"),
    (
        Russian,
        "стоп|отписаться|отпишите|отпиши|отпишите меня|отпиши меня|отписка|не пишите|не пишите мне|не пишите мне больше|больше не пишите",
    ),
    (
        Chinese,
        "退订|退訂|取消订阅|取消訂閱|停止|停止发送|停止發送|停止发消息|不要再发消息|别再发|别再发消息|停止发送消息|停止发送信息|停止推送|不要再给我发消息|别给我发消息|不要发消息|不要再发",
    ),
    (Indonesian, "berhenti|berhenti berlangganan|hentikan|jangan kirim pesan|jangan kirim pesan lagi"),
    (
        English,
        "dur|durdur|abonelikten cik|mesaj gondermeyin|afmelden|uitschrijven|geen berichten meer|wypisz|wypisz mnie|配信停止|ストップ|수신거부|수신 거부|중지|dung|ngung|huy dang ky|หยุด|ยกเลิกการรับข่าวสาร|নিষ্ক্রিয়|থামান|நிறுத்து|நிறுத்துங்கள்|ఆపు|ఆపండి|थांबवा|બંધ કરો|بند کرو|رک جاؤ",
    ),
];

/// Whole messages, apart from courtesies, that ask for messages again.
const START: &[(Tongue, &str)] = &[
    (English, "start|unstop|resume|subscribe|resubscribe|optin|opt in|opt me in"),
    (Hinglish, "shuru karo|start karo"),
    (Hindi, "स्टार्ट|शुरू|शुरू करो|शुरू करें"),
    (Spanish, "iniciar|reanudar|alta|darme de alta|suscribir|suscribirme"),
    (Portuguese, "retomar|voltar|inscrever|reativar"),
    (German, "anmelden|fortsetzen"),
    (French, "reprendre|reabonner|me reabonner|abonner"),
    (Italian, "riprendi|inizia|iscrivimi"),
    (Arabic, "ابدا|استئناف|اشتراك|تفعيل"),
    (Russian, "старт|возобновить|подписаться"),
    (Chinese, "订阅|訂閱|恢复|开始"),
    (Indonesian, "mulai|lanjutkan"),
];

/// Words for stopping; with a word for messages they say stop.
const STOPPING: &[(Tongue, &str)] = &[
    (English, "stop|quit|cease|end|nomore|remove|disable|block"),
    (Hinglish, "band|bandh|bnd|mat|roko|rok|nahichahiye"),
    (Hindi, "बंद|बन्द|रोको|रोकें|मत|नहींचाहिए"),
    (
        Spanish,
        "parar|para|pare|paren|deja|dejen|dejar|deje|detener|detengan|cesen|nomas|noquiero|noenvien|noenvies|nomanden|cancelar",
    ),
    (Portuguese, "parem|naoquero|naoenvie|naoenviem|naomande|naomandem|chega"),
    (German, "stopp|stoppen|stoppt|abbestellen|keine"),
    (French, "arreter|arretez|arrete|cessez|cesser|neveux|n'envoyez"),
    (Italian, "basta|smettete|smetti|ferma|fermate|nonvoglio|noninviatemi"),
    (Arabic, "اوقف|اوقفوا|ايقاف|توقفوا|توقف|لاترسل|لاترسلوا|لااريد|بند"),
    (Russian, "хватит|прекратите|прекрати|перестаньте|перестань|остановите|стоп|неприсылайте|нешлите|нехочу|непишите"),
    (Indonesian, "berhenti|hentikan|jangan"),
    (English, "বন্ধ|થંભાવો|બંધ|நிறுத்து|ఆపండి"),
];

/// Words that turn a wish round: with a word for messages they say stop, with a word for stopping nothing.
const NOT: &[(Tongue, &str)] = &[(English, "dont|don't|not|never")];

/// Words that need no word for messages.
const SOLO: &[(Tongue, &str)] = &[
    (English, "unsubscribe|optout"),
    (Spanish, "desuscribirme|desuscribir|baja"),
    (Portuguese, "descadastrar"),
    (German, "abmelden"),
    (French, "desabonner|desabonnez|desinscrire"),
    (Russian, "отпишите"),
    (Arabic, "الغاءالاشتراك"),
];

/// Words for beginning again.
const STARTING: &[(Tongue, &str)] = &[
    (English, "start|resume|continue|restart"),
    (Hinglish, "shuru|chalu"),
    (Hindi, "शुरू|चालू"),
    (Spanish, "reanudar|reanuden|iniciar"),
    (Portuguese, "retomar|retomem"),
    (Arabic, "استئناف|ابدا"),
    (Russian, "возобновите|возобновить"),
];

/// Words for messages.
const MESSAGES: &[(Tongue, &str)] = &[
    (
        English,
        "message|messages|messaging|msg|msgs|text|texts|texting|sms|spam|spamming|contact|contacting|whatsapp|whatsapps|notification|notifications|updates|promotion|promotions|promo|promos|promotional|marketing|ads|advertising|advertisements|newsletter|newsletters|mailing|list",
    ),
    (Hinglish, "vigyapan|prachar|sandesh|mesej|meseg|massage|messege|messages"),
    (Hindi, "विज्ञापन|विज्ञापनों|प्रचार|प्रमोशन|मैसेजों|संदेशों|मैसेज|मेसेज|मैसेजेस|संदेश|सन्देश|एसएमएस|व्हाट्सएप"),
    (Spanish, "anuncios|ofertas|correos|mensajes|mensaje|publicidad|promociones|notificaciones|suscripcion"),
    (Portuguese, "anuncios|ofertas|mensagens|mensagem|promocoes|propaganda|propagandas|notificacoes|inscricao"),
    (German, "nachrichten|werbung|benachrichtigungen|werbenachrichten"),
    (French, "textos|publicites|publicite|pub|notifications"),
    (Italian, "messaggi|pubblicita|notifiche|promozioni"),
    (Arabic, "الرسائل|رسائل|الاعلانات|اعلانات|رسايل|پیغامات|پیغام|میسج"),
    (Russian, "сообщения|сообщений|смс|рассылку|рассылки|рассылка|рекламу|уведомления|писать"),
    (Indonesian, "pesan|promosi|notifikasi"),
    (English, "মেসেজ|বার্তা|સંદેશા|மெசேஜ்|మెసేజ్"),
];

/// Words that change nothing.
const BESIDE: &[(Tongue, &str)] = &[
    (
        English,
        "i|we|you|your|yours|me|my|us|to|from|of|the|this|that|these|those|all|any|more|anymore|want|would|like|do|a|an|and|it|send|sending|receive|receiving|get|getting|getting|number|now|on|for|just|any|longer|with|at|immediately|again|right",
    ),
    (
        Hinglish,
        "karo|kar|kariye|karna|karein|karen|kijiye|do|dijiye|dijie|de|den|bhejo|bhejna|bhejne|bhejiye|bhejiyega|mujhe|mujhko|mere|mera|ko|ye|yeh|sab|saare|sare|aap|aapke|ab|abhi|aur|wale|vale|hona|karwa|phir|se|wapas",
    ),
    (
        Hindi,
        "करो|करें|कर|कीजिए|करिए|करना|दो|दें|दीजिए|भेजो|भेजना|भेजें|भेजिए|भेजने|मुझे|मेरे|मेरा|को|ये|यह|सब|सारे|आप|अब|और|फिर|से|वाले|वाला|वाली|आपके|आपका|आपकी|इस|पर|नंबर|कोई|भी|ही|कभी",
    ),
    (
        Spanish,
        "suyos|suyas|suyo|ustedes|usted|su|tu|me|nunca|ningun|ninguna|numero|este|enviar|de|enviarme|enviando|envien|mandar|mandarme|mandando|recibir|los|las|sus|tus|estos|mas|quiero|a|mi|con|la|darme|dar|darse",
    ),
    (
        Portuguese,
        "voces|voce|me|nada|nenhuma|nunca|numero|este|nessas|de|enviar|enviando|enviem|mandar|mandando|receber|os|as|essas|suas|mais|com|da|eu|por",
    ),
    (German, "ich|mir|sie|mehr|weiteren|bitte|die|das|alle|eure|ihre|senden|schicken|zu|von|diese"),
    (French, "m'envoyer|envoyer|recevoir|les|des|vos|ces|je|ne|veux|plus|de|d'envoyer|tous|svp"),
    (Italian, "di|mandarmi|mandare|inviare|inviarmi|i|le|questi|con|piu|ricevere"),
    (
        Arabic,
        "بعد|اليوم|الان|اكثر|مجددا|ثانيه|مره|اخري|لي|ارسال|اريد|ان|عن|من|هذه|كل|الي|علي|کرو|کریں|کر|دو|مجھے|مت|بھیجو",
    ),
    (Russian, "мне|присылать|слать|отправлять|больше|ваши|ваших|эти|от|меня|вас|я|получать|хочу"),
    (Indonesian, "kirim|mengirim|lagi|saya|ke|semua|ini"),
];

/// Courtesies: taken away before a whole message is compared.
const COURTESY: &[(Tongue, &str)] = &[
    (English, "please|pls|plz|kindly|thanks|thank|thx|ok|okay|hi|hello|sir|madam|just|now"),
    (Hinglish, "ji|bhai|yaar|na|kripya"),
    (Hindi, "कृपया|प्लीज|प्लीज़|जी|धन्यवाद"),
    (Spanish, "por|favor|gracias|porfavor"),
    (Portuguese, "obrigado|obrigada"),
    (German, "bitte|danke"),
    (French, "svp|stp|merci|s'il|vous|te|plait"),
    (Italian, "per|favore|grazie"),
    (Arabic, "فضلك|رجاء|لطفا|شكرا"),
    (Russian, "пожалуйста|спасибо"),
    (Chinese, "请|請|谢谢"),
    (Indonesian, "tolong|mohon|terima|kasih"),
];

/// Two words that mean one.
const PAIRS: &[(&str, &str, &str)] = &[
    ("no", "more", "nomore"),
    ("no", "longer", "nomore"),
    ("do", "not", "dont"),
    ("ne", "veux", "neveux"),
    ("non", "inviatemi", "noninviatemi"),
    ("لا", "اريد", "لااريد"),
    ("الغاء", "الاشتراك", "الغاءالاشتراك"),
    ("не", "хочу", "нехочу"),
    ("nahi", "chahiye", "nahichahiye"),
    ("nahin", "chahiye", "nahichahiye"),
    ("nhi", "chahiye", "nahichahiye"),
    ("नहीं", "चाहिए", "नहींचाहिए"),
    ("no", "mas", "nomas"),
    ("no", "quiero", "noquiero"),
    ("no", "envien", "noenvien"),
    ("no", "envies", "noenvies"),
    ("no", "manden", "nomanden"),
    ("nao", "quero", "naoquero"),
    ("nao", "envie", "naoenvie"),
    ("nao", "enviem", "naoenviem"),
    ("nao", "mande", "naomande"),
    ("nao", "mandem", "naomandem"),
    ("non", "voglio", "nonvoglio"),
    ("لا", "ترسل", "لاترسل"),
    ("لا", "ترسلوا", "لاترسلوا"),
    ("не", "присылайте", "неприсылайте"),
    ("не", "шлите", "нешлите"),
];

/// The words of a message, as they are compared.
fn tokens(text: &str) -> Vec<String> {
    let plain: String = text.chars().flat_map(char::to_lowercase).filter_map(plain).collect();
    // Vowel signs and joining marks of Indian scripts belong to their word, though they are no letters.
    let inside =
        |c: char| c.is_alphanumeric() || c == '\'' || matches!(c, '\u{900}'..='\u{dff}' if c != '।' && c != '॥');
    let words = plain.split(|c: char| !inside(c)).map(|word| word.trim_matches('\''));
    // Chinese stands without spaces: its courtesies are part of the word.
    let words = words.map(|word| word.trim_start_matches(['请', '請']).trim_end_matches(['了', '吧']));
    let words = words.filter(|word| !word.is_empty());
    let mut found: Vec<String> = Vec::new();
    for word in words {
        let pair =
            found.last().and_then(|last| PAIRS.iter().find(|(first, second, _)| last == first && word == *second));
        match pair {
            Some((_, _, one)) => {
                found.pop();
                found.push((*one).to_owned());
            }
            None => found.push(word.to_owned()),
        }
    }
    found
}

/// The language under which a list has this entry.
fn find(list: &[(Tongue, &str)], entry: &str) -> Option<Tongue> {
    list.iter().find(|(_, entries)| entries.split('|').any(|known| known == entry)).map(|(tongue, _)| *tongue)
}

/// Words for stopping that answer an open question as well as they end messages.
const ANSWERS: &[&str] = &["stop", "quit"];

/// Whether a wish is a bare “stop”: where something was asked just before, it answers that.
pub fn answers_a_question(text: &str) -> bool {
    let words = tokens(text);
    let mut said = words.iter().filter(|word| find(COURTESY, word).is_none()).peekable();
    said.peek().is_some() && said.all(|word| ANSWERS.contains(&word.as_str()))
}

/// The wish that a message is, if it is one and nothing else.
pub fn wish(text: &str) -> Option<Wish> {
    // A longer text is no wish; this also bounds the work.
    if text.chars().count() > 160 {
        return None;
    }
    let words = tokens(text);
    if words.is_empty() || words.len() > LONGEST {
        return None;
    }
    let said: Vec<&str> = words.iter().map(String::as_str).filter(|word| find(COURTESY, word).is_none()).collect();
    let mut once = said.clone();
    once.dedup();
    for (list, stop) in [(STOP, true), (START, false)] {
        // Also “STOP STOP STOP”.
        if let Some(tongue) = find(list, &said.join(" ")).or_else(|| find(list, &once.join(" "))) {
            return Some(Wish { stop, tongue });
        }
    }
    let all = |lists: &[&[(Tongue, &str)]]| {
        words.iter().all(|word| lists.iter().any(|list| find(list, word).is_some()) || find(COURTESY, word).is_some())
    };
    // “A mensagem nunca chega” tells of a message that does not come, and “ofertas para mi número” of what they are for.
    let has = |word: &str| words.iter().any(|own| own == word);
    let tells = (has("nunca") && has("chega")) || (has("para") && words.first().is_some_and(|first| first != "para"));
    if tells {
        return None;
    }
    let any = |list: &[(Tongue, &str)]| words.iter().find_map(|word| find(list, word));
    // The language of what is not English, where there is such a word.
    let tongue = || {
        let first = |lists: &[&[(Tongue, &str)]]| {
            let mut tongues = words.iter().filter_map(|word| lists.iter().find_map(|list| find(list, word)));
            tongues.find(|tongue| *tongue != English)
        };
        // Words for messages differ among languages that share a word for stopping.
        first(&[MESSAGES]).or_else(|| first(&[STOPPING, SOLO, STARTING])).unwrap_or_default()
    };
    if all(&[STOPPING, NOT, SOLO, MESSAGES, BESIDE]) {
        let (stops, not, solo, messages) = (any(STOPPING), any(NOT), any(SOLO), any(MESSAGES));
        // “Don't stop the messages”, and what else is turned round twice.
        let turned = not.is_some() && (stops.is_some() || solo.is_some());
        let says = solo.is_some() || (stops.is_some() || not.is_some()) && messages.is_some();
        return (says && !turned).then(|| Wish { stop: true, tongue: tongue() });
    }
    let starts = all(&[STARTING, MESSAGES, BESIDE]) && any(STARTING).is_some() && any(MESSAGES).is_some();
    starts.then(|| Wish { stop: false, tongue: tongue() })
}

#[cfg(test)]
#[path = "opt_out_tests.rs"]
mod tests;
