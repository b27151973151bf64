//! What a message says of the customer's money: that it is wished, refused, or should have come.
//!
//! It must never take a refusal of one thing for that of another: “it doesn't work, I want a refund” refuses no money.

use super::said::{Cue, Said, is_in, places, says, says_at};

/// Words between money and what is said of it, at most.
const REACH: usize = 5;

/// Words that may stand between a refusal and the money that it is about.
const OF_MONEY: &str = "\
    a an the any my me us for of to in back full whole complete kind like about after you your ask asking asked look looking \
    interested request requesting process issue initiate make take accept refund refunded el la los las lo un una ningun ninguna \
    mi me que de del do da en devolucion devolucao o os as um uma nenhum nenhuma meu minha meus pedir pedido pedi pido pidiendo pedindo busco hagan \
    facam koi kisi mera mere mujhe مبلغ اي";
/// Words that may stand between money and its refusal, where that comes last.
const AFTER_MONEY: &str = "\
    back kar wapas vapas wapis waapas is are was i do does me mujhe hume humko hamein mera ki ka ke hi bhi abhi ab bilkul really \
    zarurat jarurat zaroorat jaroorat zarurt el lo la os eh वापस मुझे हमें की का के ही भी अभी अब बिल्कुल जरूरत";
/// Words that say of money, as words of the cue for wishes do, what is not to be done with it.
const NEEDED: &str = "\
    required requested necessary wanted asked interested zarurat jarurat zaroorat jaroorat zarurt lena leni lunga lungi loonga \
    loongi lenge necesario necesaria necesarios hace falta necessario necessaria preciso precisa जरूरत लेना लेनी लूंगा लूंगी \
    اريده اريدها ابيه ابيها ابغاه ابغاها احتاجه احتاجها لازم ضروري thanks thank gracias obrigado obrigada شكرا";
/// Words between a refusal and the word that says what is refused.
const SMALL: &str = "\
    really even actually just ever currently now what i me le te se nos mi lo la las los les o os e eh es ahora agora realmente \
    mesmo bilkul hi bhi ab abhi mujhe humko hume";
/// Words after which somebody else is to do it: “I don't want you to refund it”.
const FOR_OTHERS: &str = "to you u que q";
/// Words that refuse, and stand behind what they refuse.
const LAST: &str = "nahi nahin nhi nai nahn mat नहीं नही मत";
/// Words that refuse nothing of the customer's: what others do not do.
const BY_OTHERS: &str = "wont cant didnt doesnt hasnt havent isnt wasnt arent";
const OF_OTHERS: &str = "is are was were did does has have had will can could you they he she";
/// Wishes that stand behind what is wished.
const WISHED: &str = "\
    chahiye chahie chahye chaiye karna karni dedo kardo karo dijiye dilao lautao lauta karwa karwao चाहिए चाई दो दें दीजिए दीजिये करो करें \
    कीजिए लौटा लौटाओ";
/// What may follow the Hindi “do” (give); the Portuguese one (of the) is followed by a thing.
const AFTER_GIVE: &str = "na please pls plz bhai yaar ji jaldi abhi nahi nahin warna varna sir";
/// What was to be done with money, beside its coming.
const PAID: &str = "\
    processed initiated done completed issued reflected reflecting showing shown given diya diye kiya milega milegi see seen dikha dikh veo vejo devuelto \
    lautaya lautaye lautayi lautae bheja bheje bheji लौटा लौटाया लौटाए लौटाये भेजा भेजे devolvieron devolveram devolvido dieron deram llegado llega caido hecho feito दिया दिये किया मिलेगा";
/// What stands before “no refund” where it should have come: “still no refund”, “dois meses sem reembolso”.
const WAITING: &str = "\
    still yet days weeks months todavia aun sigo seguimos dias semanas meses ainda continuo din dino hafte mahine अभी दिन हफ्ते महीने";
/// Words between “not” and a payment that did not happen.
const NOT_YET: &str = "been yet me han ha has have sido foi ser still";

impl Said {
    /// Whether it says that no money is wished.
    pub(super) fn declines_money(&self) -> bool {
        // “So no refund?” is none.
        let says_why = |thing: &[String]| (0..thing.len()).any(|at| wishes_at(thing, at) || is_in(NEEDED, &thing[at]));
        let plainly = |thing: &[String], at: usize| !self.question || says_why(thing) || is_money_to_keep(thing, at);
        self.of_money().any(|(thing, at)| is_money_refused(thing, at) && plainly(thing, at))
            && !self.asks_where_money_is()
    }

    /// Whether it asks where money is that should have come, or says that it has not come.
    pub(super) fn asks_where_money_is(&self) -> bool {
        self.of_money().any(|(thing, at)| {
            let around = around(thing, at);
            has_not_come(thing, at)
                || says(around, Cue::Where)
                || (self.question && says(around, Cue::Came) && !says(around, Cue::Wants))
        })
    }

    /// Whether it wishes money.
    pub(super) fn wants_money(&self) -> bool {
        self.has(Cue::Money) && !self.declines_money() && !self.asks_where_money_is()
    }

    /// Whether it says that this is not wished: “I don't want another size”, “dusra size nahi chahiye”.
    pub(super) fn refuses(&self, cue: Cue) -> bool {
        self.clauses.iter().any(|clause| {
            let mut refused = (0..clause.len()).filter(|at| wishes_at(clause, *at) && is_refused(clause, *at));
            let of_it = places(clause, cue);
            refused.any(|at| of_it.iter().any(|place| place.abs_diff(at) < REACH))
        })
    }

    /// Whether money, or an amount, is liked better than the thing: “rather the 300 than another one”.
    pub(super) fn prefers_money(&self) -> bool {
        self.clauses.iter().any(|clause| {
            let Some(than) = clause.iter().rposition(|word| is_in(RATHER_THAN, word)) else { return false };
            let (liked, other) = clause.split_at(than);
            let amount = |word: &String| word.chars().all(|c| c.is_ascii_digit());
            let money = |words: &[String]| says(words, Cue::Money) || words.iter().any(amount);
            says(liked, Cue::Preferred) && money(liked) && !money(other)
        })
    }

    /// Whether it wishes something, beside asking kindly.
    pub(super) fn wishes(&self) -> bool {
        const NO_WISH: &str = "please pls plz kindly do get karna karni";
        // “Just want someone to know” wishes nothing.
        let tells = |thing: &[String], at: usize| at > 0 && says_at(thing, at - 1, Cue::Telling);
        self.things.iter().any(|thing| {
            (0..thing.len()).any(|at| {
                wishes_at(thing, at) && !is_in(NO_WISH, &thing[at]) && !tells(thing, at) && !is_refused(thing, at)
            })
        })
    }

    /// Where it speaks of money.
    fn of_money(&self) -> impl Iterator<Item = (&[String], usize)> {
        self.things.iter().flat_map(|thing| places(thing, Cue::Money).into_iter().map(move |at| (thing.as_slice(), at)))
    }
}

fn around(words: &[String], at: usize) -> &[String] {
    &words[at.saturating_sub(REACH)..words.len().min(at + REACH)]
}

fn is(words: &[String], at: usize, cue: Cue) -> bool {
    words.get(at).is_some_and(|word| says(std::slice::from_ref(word), cue))
}

/// Whether a wish begins there: “devolvieron” tells of what was done.
fn wishes_at(words: &[String], at: usize) -> bool {
    const PAST: &[&str] = &["ieron", "aron", "eram", "aram"];
    says_at(words, at, Cue::Wants) && !PAST.iter().any(|ending| words[at].ends_with(ending))
}

/// Whether a word refuses. “Na” behind a wish only begs, “nahi to” is “or else”.
fn is_not(words: &[String], at: usize) -> bool {
    let word = words[at].as_str();
    let before = at.checked_sub(1).map_or("", |before| words[before].as_str());
    let next = words.get(at + 1).map_or("", String::as_str);
    let begs = matches!(word, "na" | "ना") && at > 0 && wishes_at(words, at - 1);
    let or_else = (is_in(LAST, word) && matches!(next, "to" | "toh" | "तो")) || matches!(before, "si" | "se");
    is(words, at, Cue::Not) && !begs && !or_else
}

/// Whether a word refuses something for the customer: “they won't refund me” does not.
fn refuses(words: &[String], at: usize) -> bool {
    let word = words[at].as_str();
    let before = at.checked_sub(1).map_or("", |before| words[before].as_str());
    let next = words.get(at + 1).map_or("", String::as_str);
    let others = is_in(BY_OTHERS, word) || (word == "not" && is_in(OF_OTHERS, before));
    let asked = ["ask", "request", "want"].iter().any(|stem| next.starts_with(stem));
    is_not(words, at) && (!others || asked)
}

/// Whether a wish is negated: “don't really want”, “no quiero que me devuelvan”, “chahiye nahi”.
fn is_refused(words: &[String], at: usize) -> bool {
    let next = (at + 1..words.len()).find(|next| !matches!(words[*next].as_str(), "hi" | "bhi" | "ही" | "भी"));
    if next.is_some_and(|next| refuses(words, next)) {
        return true;
    }
    let mut by_others = false;
    for before in (at.saturating_sub(REACH + 1)..at).rev() {
        if refuses(words, before) {
            return true;
        }
        let word = &words[before];
        by_others |= is_in(FOR_OTHERS, word);
        let passes = is_in(SMALL, word)
            || is_in(FOR_OTHERS, word)
            || is(words, before, Cue::Money)
            || (by_others && wishes_at(words, before));
        if !passes {
            return false;
        }
    }
    false
}

/// Words after which something else is preferred to what follows: “rather the knives than the money”.
const RATHER_THAN: &str = "than que bajay bajaye बजाय";

/// Whether the shop is to keep the money: “keep the money”. “You keep my money and send nothing” complains.
fn is_money_to_keep(words: &[String], money: usize) -> bool {
    let keeps =
        words[..money].iter().rposition(|word| !is_in("the your", word)).filter(|place| words[*place] == "keep");
    keeps.is_some_and(|keeps| keeps.checked_sub(1).is_none_or(|who| !is_in(OF_OTHERS, &words[who])))
}

/// Whether the money at a place is refused.
fn is_money_refused(words: &[String], money: usize) -> bool {
    let article = |word: &String| is_in("the a my any el la o a mi meu the", word);
    let before = words[..money].iter().rev().find(|word| !article(word));
    if before.is_some_and(|word| is_in(RATHER_THAN, word)) && says(&words[..money], Cue::Preferred) {
        return true;
    }
    if is_money_to_keep(words, money) {
        return true;
    }
    is_refused_behind(words, money).unwrap_or_else(|| is_refused_before(words, money))
}

/// Whether what follows money refuses it, or wishes it; `None` where it does neither.
fn is_refused_behind(words: &[String], money: usize) -> Option<bool> {
    for at in money + 1..words.len().min(money + 1 + REACH) {
        let word = &words[at];
        if is(words, at, Cue::Not) {
            return (is_not(words, at) && is_about_money(words, money, at)).then_some(true);
        }
        let gives = word == "do" && words.get(at + 1).is_none_or(|next| is_in(AFTER_GIVE, next));
        if is_in(WISHED, word) || gives {
            if !is_refused(words, at) {
                return Some(false);
            }
            continue;
        }
        if !is_in(AFTER_MONEY, word) && !is(words, at, Cue::Money) && !wishes_at(words, at) {
            return None;
        }
    }
    None
}

/// Whether a refusal behind money is about the money: “refund nahi chahiye”, “refund not needed”, and not “refund, not a
/// replacement”, “refund, no funciona”.
fn is_about_money(words: &[String], money: usize, not: usize) -> bool {
    let before = not - 1;
    let next = (not + 1..words.len()).find(|next| !is_in(SMALL, &words[*next]));
    let named = |at: usize| wishes_at(words, at) || is_in(NEEDED, &words[at]);
    let Some(next) = next else { return before == money || named(before) || is_in(AFTER_MONEY, &words[before]) };
    if named(next) && !is_in(PAID, &words[next]) {
        // “Refund, I don't want it”: the thing is not wanted.
        let object = words.get(next + 1).map_or("", String::as_str);
        return !is_in("it this that these those them ye yeh wo woh esto este esta isso isto este", object);
    }
    let instead = [Cue::Replacement, Cue::Exchange, Cue::Repair].iter().any(|cue| says_at(words, not + 1, *cue));
    (before > money && named(before) && matches!(words[next].as_str(), "hai" | "he" | "h" | "है"))
        || (is_in(LAST, &words[not]) && instead)
}

/// Whether what comes before money refuses it: only words of asking and giving may stand between.
fn is_refused_before(words: &[String], money: usize) -> bool {
    for at in (money.saturating_sub(REACH)..money).rev() {
        if is(words, at, Cue::Not) {
            return refuses(words, at) && !is_in(LAST, &words[at]);
        }
        if is_in(OF_MONEY, &words[at]) {
            continue;
        }
        if wishes_at(words, at) {
            return is_refused(words, at);
        }
        if !is_in(SMALL, &words[at]) && !is_in(NEEDED, &words[at]) {
            return false;
        }
    }
    false
}

/// Whether the money at a place is said not to have come.
fn has_not_come(words: &[String], money: usize) -> bool {
    let from = money.saturating_sub(REACH);
    let to = words.len().min(money + REACH);
    let comes = |at: usize| at != money && (is(words, at, Cue::Came) || is_in(PAID, &words[at]));
    let parts =
        |one: usize, other: usize| (one + 1..other).any(|at| matches!(words[at].as_str(), "i" | "we" | "maine"));
    let mut nots = (from..to).filter(|at| is(words, *at, Cue::Not));
    let came = |not: usize| {
        (not < money && not > 0 && is_in(WAITING, &words[not - 1]))
            || (not + 1..to.min(not + 5)).any(|at| comes(at) && !(not < money && money < at && parts(money, at)))
            || not.checked_sub(1).is_some_and(|before| before >= from && comes(before))
    };
    // “I am not refunded”.
    let ends = |ending: &str| words[money].ends_with(ending);
    let before = (0..money).rev().find(|before| !is_in(NOT_YET, &words[*before]));
    let unpaid = ["ed", "ado", "ada", "aron", "aram"].iter().any(|ending| ends(ending))
        && before.is_some_and(|before| is(words, before, Cue::Not));
    unpaid || nots.any(came)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refused_money_is_told_from_money_that_did_not_come() {
        for text in [
            "no refund needed, just letting you know",
            "i don't want money, send it again",
            "I don't want you to refund me",
            "I really don't want a refund",
            "do not refund it please",
            "no refund please",
            "please no refund",
            "refund is not needed",
            "money is not what I want",
            "send it again not money",
            "I got the wrong one no refund just send the right one",
            "i dont want refund send new one",
            "without any refund",
            "mujhe refund nahi chahiye",
            "mujhe paisa nahi chahiye bas jaldi bhijwao",
            "refund ki zarurat nahi hai",
            "refund karna nahi hai",
            "refund mat karo",
            "paise nahi naya piece bhejo",
            "nahi chahiye refund bhai",
            "no quiero el reembolso",
            "no quiero que me devuelvan el dinero",
            "sin reembolso por favor",
            "não quero dinheiro de volta",
            "o reembolso não é necessário",
            "não quero reembolso do pedido",
            "não quero a devolução do dinheiro",
            "no quiero la devolución del dinero",
            "لا أريد استرداد المبلغ",
            "المبلغ لا أريده",
            "मुझे पैसे नहीं चाहिए",
            "रिफंड की ज़रूरत नहीं",
        ] {
            let said = Said::new(text);
            assert!(said.declines_money() && !said.wants_money() && !said.asks_where_money_is(), "{text}");
        }
        for text in [
            "no refund received",
            "i have not got my refund",
            "I am not refunded yet",
            "refund not credited",
            "refund abhi tak nahi aaya",
            "refund nahi mila",
            "refund nahi diya",
            "paise nahi lautaye to complaint karunga",
            "still no refund for the stove",
            "dois meses sem o reembolso de 2300 reais",
            "पैसा नहीं लौटाया",
            "no me ha llegado el dinero",
            "no me devolvieron el dinero",
            "no veo el dinero en mi cuenta",
            "onde é que está meu dinheiro",
            "cadê meu dinheiro",
            "لم يصل المبلغ",
            "पैसे अभी तक नहीं आए",
        ] {
            let said = Said::new(text);
            assert!(said.asks_where_money_is() && !said.declines_money() && !said.wants_money(), "{text}");
        }
    }

    #[test]
    fn a_refusal_of_something_else_is_none_of_money() {
        for text in [
            "money back please",
            "it doesn't work i want refund",
            "it is not working i need my money back",
            "does not fit refund me",
            "not happy with it refund my money",
            "not satisfied refund please",
            "i want refund not replacement",
            "i dont want replacement i want refund",
            "I don't want this anymore refund",
            "refund please it does not work",
            "so no refund for the air fryer?",
            "they wont give my refund",
            "uska paisa do",
            "kaam nahi kar raha refund chahiye",
            "refund chahiye kyunki kaam nahi kar raha",
            "replacement nahi chahiye refund chahiye",
            "replacement nahi refund chahiye",
            "refund karo na please",
            "refund do nahi to complaint karunga",
            "quiero un reembolso",
            "no funciona quiero mi dinero",
            "no funciona y quiero que me devuelvan el dinero",
            "no quiero otro, quiero mi dinero",
            "não funciona quero meu dinheiro de volta",
            "não funciona e quero meu dinheiro",
            "não presta quero a devolução do dinheiro",
            "quero o dinheiro no cartão",
            "أريد استرجاع المبلغ",
            "المنتج لا يعمل أريد استرداد المبلغ",
            "المنتج لا يعمل وأريد استرداد المبلغ",
            "पूरे पैसे लौटा दीजिए",
            "काम नहीं कर रहा पैसे वापस चाहिए",
        ] {
            let said = Said::new(text);
            assert!(said.wants_money() && !said.declines_money(), "{text}");
        }
    }

    #[test]
    fn a_wish_is_more_than_a_kind_word() {
        for text in ["I want fresh paneer", "send the right one", "naya chahiye", "quiero otro", "أريد بديلا"]
        {
            assert!(Said::new(text).wishes(), "{text}");
        }
        for text in [
            "no refund needed, just letting you know",
            "the cap was cracked please note",
            "bas bata raha hoon",
            "just want someone to know",
        ] {
            assert!(!Said::new(text).wishes(), "{text}");
        }
    }
}
