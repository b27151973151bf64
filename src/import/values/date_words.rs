//! The words of dates in the languages of shops: months, weekdays, halves of the day. A word that means two months in
//! two languages (“listopada”) is not here.

use jiff::civil::Weekday;

const MONTHS: [&str; 12] = [
    "jan january januar janvier janv enero ene janeiro gennaio gen januari jänner janner ocak oca stycznia styczeń styczen \
     ledna ianuarie янв января январь जनवरी يناير জানুয়ারি জানুয়ারি",
    "feb february februar février fevrier févr fevr fév fev febrero fevereiro febbraio febr februari şubat subat şub lutego \
     luty února unora фев февр февраля февраль फरवरी फ़रवरी فبراير ফেব্রুয়ারি ফেব্রুয়ারি",
    "mar march märz marz maerz mär mrz mars marzo março marco maret mart maart mrt mac marca marzec března brezna мар марта \
     март मार्च مارس মার্চ",
    "apr april avril avr abril abr aprile nisan nis kwietnia kwiecień kwiecien dubna апр апреля апрель अप्रैल أبريل ابريل \
     এপ্রিল",
    "may mai mayo maio maggio mag mei mayıs mayis maja maj května kvetna мая май मई مايو মে",
    "jun june juni juin junio junho giugno giu haziran haz czerwca czerwiec června cervna июн июня июнь जून يونيو জুন",
    "jul july juli juillet juil julio julho luglio lug temmuz tem lipca lipiec července cervence июл июля июль जुलाई يوليو \
     জুলাই",
    "aug august août aout agosto ago agustus agu agt ağustos agustos ağu augustus sierpnia sierpień sierpien srpna ogos авг \
     августа август अगस्त أغسطس اغسطس আগস্ট",
    "sep sept september septembre septiembre setiembre set setembro settembre eylül eylul eyl września wrzesnia wrzesień září \
     zari сен сент сентября сентябрь सितंबर सितम्बर سبتمبر সেপ্টেম্বর",
    "oct october oktober okt octobre octubre outubro out ottobre ott ekim eki października pazdziernika październik října \
     rijna окт октября октябрь अक्टूबर अक्तूबर أكتوبر اكتوبر অক্টোবর",
    "nov november novembre noviembre novembro nopember kasım kasim kas ноя нояб ноября ноябрь नवंबर नवम्बर نوفمبر নভেম্বর",
    "dec december dezember dez décembre decembre déc diciembre dic dezembro dicembre desember des aralık aralik ara grudnia \
     grudzień grudzien prosince дек декабря декабрь दिसंबर दिसम्बर ديسمبر ডিসেম্বর",
];

/// From Monday. “mar” is March as well: where no other month is named, it is that.
const WEEKDAYS: [&str; 7] = [
    "mon monday mo montag lundi lun lunes lunedì lunedi segunda seg senin pazartesi pzt понедельник пн सोमवार सोम",
    "tue tues tuesday dienstag mardi mar martes martedì martedi terça terca ter selasa salı sali вторник вт मंगलवार मंगल",
    "wed wednesday mi mittwoch mercredi mer miércoles miercoles mié mie mercoledì mercoledi quarta qua rabu çarşamba \
     carsamba среда ср बुधवार बुध",
    "thu thur thurs thursday do donnerstag jeudi jeu jueves jue giovedì giovedi gio quinta qui kamis perşembe persembe четверг \
     чт गुरुवार गुरु बृहस्पतिवार",
    "fri friday fr freitag vendredi ven viernes vie venerdì venerdi sexta sex jumat cuma пятница пт शुक्रवार शुक्र",
    "sat saturday sa samstag samedi sam sábado sabado sáb sab sabato sabtu cumartesi суббота сб शनिवार शनि",
    "sun sunday so sonntag dimanche dim domingo dom domenica minggu pazar воскресенье вс रविवार रवि",
];

/// Words that say nothing.
const FILLERS: &str = "t of de del di den der the le at um à kl on uhr à feira г года";

/// The endings of ordinal numbers.
const ORDINALS: &str = "st nd rd th er ère º ª ste de";

fn among(words: &str, word: &str) -> bool {
    words.split_ascii_whitespace().any(|known| known == word)
}

/// The month that a word in lower case means, from 1.
pub(super) fn month(word: &str) -> Option<i8> {
    MONTHS.iter().zip(1..).find(|(words, _)| among(words, word)).map(|(_, month)| month)
}

/// The weekday that a word in lower case means.
pub(super) fn weekday(word: &str) -> Option<Weekday> {
    let place = WEEKDAYS.iter().zip(1..).find(|(words, _)| among(words, word)).map(|(_, place)| place)?;
    Weekday::from_monday_one_offset(place).ok()
}

/// Whether a word in lower case may be left out.
pub(super) fn is_filler(word: &str) -> bool {
    among(FILLERS, word)
}

/// Whether a word in lower case is the ending of an ordinal number.
pub(super) fn is_ordinal_ending(word: &str) -> bool {
    among(ORDINALS, word)
}

/// Whether a word in lower case means the second half of the day; `None` where it means neither half.
pub(super) fn is_afternoon(word: &str) -> Option<bool> {
    match word {
        "am" | "a" | "vorm" | "पूर्वाह्न" | "上午" | "午前" | "오전" | "öö" | "ص" => {
            Some(false)
        }
        "pm" | "p" | "nachm" | "अपराह्न" | "下午" | "午後" | "오후" | "ös" | "م" => Some(true),
        _ => None,
    }
}

/// The offset from UTC, in minutes, of an abbreviation in lower case that means one zone only. “ist”, “cst” and “bst”
/// mean several.
pub(super) fn offset(abbreviation: &str) -> Option<i32> {
    let hours = match abbreviation {
        "z" | "utc" | "gmt" | "wet" => 0,
        "pst" => -8,
        "pdt" => -7,
        "mdt" => -6,
        "est" => -5,
        "edt" => -4,
        "cet" | "mez" | "west" => 1,
        "cest" | "mesz" | "eet" => 2,
        "eest" | "msk" => 3,
        "wib" => 7,
        "sgt" | "hkt" | "wita" => 8,
        "jst" | "kst" | "wit" => 9,
        "aest" => 10,
        "aedt" => 11,
        _ => return None,
    };
    Some(hours * 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_word_means_two_months_or_two_weekdays() {
        for table in [&MONTHS[..], &WEEKDAYS[..]] {
            let all: Vec<(usize, &str)> = table
                .iter()
                .enumerate()
                .flat_map(|(place, words)| words.split_ascii_whitespace().map(move |word| (place, word)))
                .collect();
            for (place, word) in &all {
                let others = all.iter().filter(|(other, known)| known == word && other != place);
                assert_eq!(others.count(), 0, "{word}");
                assert_eq!(word.to_lowercase(), **word);
            }
        }
        assert_eq!((month("नवंबर"), month("listopada"), month("novem")), (Some(11), None, None));
        assert_eq!(weekday("शुक्रवार"), Some(Weekday::Friday));
    }
}
