//! The known words and phrases of an answer, with the role of each. A word that could change what is agreed to must
//! stay out of this table: unknown words make an answer unclear.

mod languages;

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

/// The role of a word or phrase in an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Agrees, whatever other known words there are.
    Yes,
    /// Agrees by asking to proceed: a negated verb turns it into a refusal.
    Proceed,
    /// Agrees, but together with a “please” it asks for a confirmation.
    Confirm,
    /// Agrees by itself; together with a refund word or a wish it only repeats the request.
    Act,
    /// Agrees only where nearly nothing else is said: “ok” may also close a conversation.
    Weak,
    /// “ji”: a yes as the whole message, else a form of address.
    Ji,
    /// A yes of another language as the whole message; with anything else it may be another word.
    Alone,
    /// “y”: a yes where no order stands beside it and nothing else is said; in Spanish it is “and”.
    Letter,
    Please,
    Thanks,
    Address,
    Refund,
    Money,
    Order,
    Want,
    All,
    Both,
    Only,
    Speed,
    Currency,
    And,
    /// Possessives and particles around the refund.
    Link,
    /// Other words that do not change a yes.
    Filler,
    /// A refusal of the whole.
    No,
    /// A refusal that negates a verb or a wish.
    NegatedVerb,
    /// A refusal that cancels what was begun.
    Drop,
    /// A refusal that keeps the order.
    Keep,
    /// Harmless in a refusal, no part of a yes.
    Harmless,
    /// Known, and never part of an answer.
    Doubt,
}

/// Words and phrases (parted by commas) of English, Hinglish in Latin letters and common Hindi, without nukta dots; those of
/// other languages are in [`languages`].
const TABLE: &[(Role, &str)] = &[
    (
        Role::Yes,
        "yes, yes do, yess, yep, yup, yeah, yea, yaah, sure, sure thing, for sure, haan, han, haa, ha, haanji, hanji, \
         haan ji, ji haan, ha ji, agree, of course, manzoor, manjoor, chalega, sounds good, works for me, that works, fine with me, \
         fine by me, ok with it, fine with it, ok with that, fine with that, i'm fine with that, \
         i'm ok with that, i'm fine with it, i'm ok with it, i am ok with it, i am fine with it, i am ok with that, \
         i am fine with that, ok with me, okay with me, i said yes, i already said yes, already said yes, i've already said yes, \
         i have already said yes, i told you yes, i already told you yes, हाँ, हां, हा, हाँजी, हांजी, जी हाँ, जी हां, \
         मंजूर, यस, you can, you may, yes you can, yes you may",
    ),
    (
        Role::Proceed,
        "proceed, go ahead, go for it, process it, process this, process that, process refund, process the refund, \
         process my refund, please process, process karo, process kar do, process both, carry on, continue, just go ahead, please go ahead, \
         do the needful",
    ),
    (Role::Confirm, "confirm, approve, accept"),
    (
        Role::Act,
        "do it, do that, do this, just do it, please do, pls do, plz do, kindly do, agreed, confirmed, approved, \
         accepted, kar do, kardo, kar de, karde, kar dena, kardena, kar dijiye, kar dijie, kar dijiyega, kardijiye, \
         kar dein, kr do, krdo, kr de, krde, kr dijiye, kr dijie, karo, kro, kijiye, kijie, kariye, karein, kar lo, \
         karlo, kara do, karwa do, karva do, कर दो, कर दीजिए, कर दीजिये, कर दें, करो, कीजिए, कीजिये, करिए, definitely, absolutely, certainly, bilkul, zaroor, zarur, jaroor, jarur, \
         बिल्कुल, बिलकुल, जरूर",
    ),
    (
        Role::Weak,
        "ok, okay, okey, okk, okie, ok ok, fine, alright, all right, correct, ya, yaa, theek, thik, tik, theek hai, \
         thik hai, theek he, thik he, theek h, thik h, tik hai, sahi, sahi hai, sahi he, sahi h, that's fine, \
         thats fine, that is fine, this is fine, that's correct, that is correct, ठीक, ठीक है, सही, सही है, ओके",
    ),
    (Role::Ji, "ji, jee, जी"),
    (Role::Letter, "y"),
    (Role::Alone, "oui, ja"),
    (Role::Please, "please, pls, plz, plss, plzz, plez, kindly, kripya, कृपया, प्लीज"),
    (
        Role::Thanks,
        "thanks, thank you, thankyou, thank u, thanku, thx, thnx, ty, tysm, thank you so much, thanks so much, \
         thank u so much, thank you very much, thanks a lot, thank you a lot, many thanks, thanks again, dhanyavaad, \
         dhanyawad, dhanyavad, shukriya, धन्यवाद, शुक्रिया",
    ),
    (
        Role::Address,
        "sir, madam, mam, ma'am, maam, bhai, bhaiya, bro, dear, yaar, accha, achha, acha, chalo, k, kk, hai, hain, h, है",
    ),
    (Role::Refund, "refund, refunds, the refund, रिफंड, रिफण्ड"),
    (Role::Money, "money, paise, paisa, पैसे, पैसा"),
    (Role::Order, "order, orders, ऑर्डर, आर्डर"),
    (
        Role::Want,
        "want, need, give, i would like, would like, i'd like, id like, chahiye, chahie, chaiye, chahiy, de do, dedo, \
         de dijiye, dijiye, de de, dila do, चाहिए, चाहिये, दे दो, दीजिए",
    ),
    (Role::All, "all, all of them, sab, sabhi, saare, सब, सभी"),
    (Role::Both, "both, dono, दोनों"),
    (Role::Only, "only, just, sirf, bas, सिर्फ, बस"),
    (Role::Speed, "fast, quickly, quick, asap, soon, jaldi, जल्दी"),
    (Role::Currency, "rs, inr, rupee, rupees, rupaye, rupay, rupaiye, rupaiya, रुपये, रुपए"),
    (Role::And, "and"),
    (
        Role::Link,
        "my, me, mera, meri, mere, mujhe, mujhko, hume, humko, the, a, it, this, that, for, of, ka, ki, ke, ko, back, \
         wapas, vapas, wapis, मेरा, मेरी, मेरे, मुझे, का, की, के, को, वापस",
    ),
    (
        Role::Filler,
        "i, to, with, now, abhi, issue, great, perfect, no problem, no problems, no issue, no issues, \
         no worries, koi baat nahi, koi baat nhi, koi dikkat nahi, koi problem nahi, karna hai, karna",
    ),
    (
        Role::No,
        "no, nope, nah, nahi, nahin, nhi, nai, naa, na, n, never, reject, decline, refuse, absolutely not, definitely not, \
         certainly not, surely not, of course not, definitely no, absolutely no, bilkul nahi, bilkul nahin, bilkul nhi, \
         not now, not needed, not required, not interested, no need, never mind, nevermind, forget it, \
         changed my mind, koi zarurat nahi, koi zaroorat nahi, koi jarurat nahi, zarurat nahi, zaroorat nahi, jarurat nahi, नहीं, नही, ना, बिल्कुल नहीं",
    ),
    (
        Role::NegatedVerb,
        "don't, dont, do not, don't want, dont want, do not want, don't need, dont need, do not need, not want, no refund, no refund needed, no refund required, refund not needed, refund not required, \
         no need of, no need for, mat, mat karo, nahi chahiye, nahin chahiye, nhi chahiye, nahi chaiye, nhi chaiye, \
         nahi karo, nahi karna, nhi karna, na karo, mat kijiye, मत, मत करो, नहीं चाहिए, नहीं चाहिये, नहीं करना, don't do it, \
         dont do it, do not do it, don't do that, dont do that",
    ),
    (
        Role::Drop,
        "cancel, cancel karo, cancel kar do, cancel kardo, stop, stop it, quit, leave it, leave, rehne do, rahne do, rehne de, \
         rahne de, rehne dijiye, chhodo, chodo, chhod do, chod do, bas karo, band karo, drop it, skip it, रहने दो, \
         रहने दीजिए, छोडो, छोड दो, बंद करो",
    ),
    (Role::Keep, "keep, keep it, i will keep, i'll keep, ill keep, rakh lunga, rakh lungi, rakhna hai"),
    (
        Role::Harmless,
        "i'm, im, i am, good, i'm good, all good, its, it's, it is, will, i'll, bye, goodbye, for now, anymore, any, then, \
         actually, sorry, at all",
    ),
    (
        Role::Doubt,
        "please confirm, pls confirm, plz confirm, kindly confirm, to confirm, confirm please, refund process, all fine, ha ha, sab theek",
    ),
];

/// The longest phrase of the table, in words.
pub(super) const LONGEST: usize = 5;

pub(super) static ROLES: LazyLock<HashMap<&'static str, Role>> = LazyLock::new(|| {
    let mut roles = HashMap::new();
    for (role, phrases) in TABLE.iter().chain(languages::TABLE) {
        for phrase in phrases.split(',') {
            roles.entry(phrase.trim()).or_insert(*role);
        }
    }
    roles
});

/// Words after which “na” asks for agreement instead of refusing: “kar do na”.
pub(super) const BEFORE_TAG: &[&str] =
    &["do", "kardo", "krdo", "karo", "kro", "de", "dijiye", "kijiye", "दो", "करो", "दीजिए"];

/// Every word of the table.
pub(super) static WORDS: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| ROLES.keys().flat_map(|phrase| phrase.split(' ')).collect());
