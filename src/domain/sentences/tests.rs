mod address;
mod proposed;

use jiff::civil::date;

use super::*;
use crate::domain::consent::{Answer, answer, shows};
use crate::domain::conversation::Conversation;
use crate::domain::currency::{Amount, Currency, ShopMoney};
use crate::domain::ids::{IdPatterns, OrderId, UserId};
use crate::domain::inbound::Media;
use crate::domain::money::Money;
use crate::domain::order::OrderState;
use crate::domain::ownership::Proof;
use crate::domain::proposal::Resolution;
use crate::domain::refund::RefundState;
use orders::OrderSummary;
use refunds::ShippingFee;

/// A sentence of the catalogue, with the values that it was given.
pub(crate) struct Said {
    pub(crate) name: &'static str,
    pub(crate) text: String,
    values: Vec<&'static str>,
}

macro_rules! said {
    ($language:expr; $($module:ident::$name:ident($($argument:expr),*) $([$($value:expr),*])?;)*) => {
        vec![$(Said {
            name: concat!(stringify!($module), "::", stringify!($name)),
            text: $module::$name($language $(, $argument)*).to_string(),
            values: vec![$($($value),*)?],
        }),*]
    };
}

const ORDER: &str = "ORD000003";
const AMOUNT: &str = "₹1,23,456.50";
const TRANSACTION: &str = "RFND_20260601100000_ORD000003";

/// Every sentence in a language, with every kind of value.
pub(crate) fn every(language: Language) -> Vec<Said> {
    let orders = ["ORD000003".to_owned(), "ORD000007".to_owned()];
    let proofs = [Proof::CustomerId, Proof::Amount, Proof::PhoneLast4];
    let (example, arrival) = (Some("ORD123456"), Some("3-5 business days"));
    let fee = Some(ShippingFee { order_value: "₹1,29,954", fee: "₹6,497.50" });
    let reason = refunds::denied(language);
    let mut said = said![language;
        actions::confirm(); actions::cancelled(ORDER) [ORDER]; actions::goes_back(AMOUNT, TRANSACTION) [AMOUNT, TRANSACTION];
        actions::changed(ORDER) [ORDER]; actions::returned(ORDER) [ORDER]; actions::replaced(ORDER) [ORDER];
        actions::exchanged(ORDER) [ORDER]; actions::already_done(ORDER) [ORDER]; actions::nothing_changed();
        actions::take_your_time(); actions::out_for_delivery(ORDER) [ORDER]; actions::delivered_already(ORDER) [ORDER];
        actions::is_cancelled(ORDER) [ORDER]; actions::cannot_come_back(ORDER) [ORDER]; actions::not_cancelled(ORDER) [ORDER];
        actions::window_passed(ORDER) [ORDER]; actions::never_returned(ORDER) [ORDER]; actions::not_delivered(ORDER) [ORDER];
        actions::unpaid(ORDER) [ORDER]; actions::which_items(ORDER, "Milk, Bread") [ORDER, "Milk", "Bread"];
        actions::return_for_what(); actions::ask_address(); actions::ask_slot(); actions::ask_phone(); actions::ask_instructions();
        actions::refund_in_process(ORDER) [ORDER]; actions::refund_on_record(ORDER) [ORDER];
        actions::want_to_be_sure();
        channel::only_text(); channel::yes_refund(); channel::yes_refund_order(ORDER) [ORDER];
        channel::yes_to_all(2); channel::yes_to_all(3); channel::yes(); channel::another_order(); channel::no(); channel::choose();
        choices::complaint("Milk (ORD000003)") ["Milk", ORDER]; choices::never_received(ORDER) [ORDER]; choices::noted();
        choices::late_next(); choices::still_waiting(); choices::danger(); choices::fraud(); choices::conduct();
        choices::out_of_scope(); choices::once_more();
        feedback::praise(); feedback::remark(); feedback::complaint(); feedback::sorry_for_delay();
        feedback::sorry_for_wait(); feedback::sorry_for_order(); feedback::sorry_to_hear(); feedback::sorry_about_that();
        feedback::sorry_you_have_trouble(); feedback::sorry_about_trouble();
        handoff::done(); handoff::done_without_answer(); handoff::failed_without_answer();
        handoff::failed(); handoff::offer_unconfirmed();
        identification::like_an_order_id(None);
        identification::ask_for_order_id(example) ["ORD123456"]; identification::ask_for_order_id(None);
        identification::is_it_about("ORDER"); identification::or_one_of(&orders) [ORDER, "ORD000007"];
        identification::order_in_question(ORDER, Some("DAY"), "Milk") [ORDER, "DAY", "Milk"];
        identification::do_you_mean(ORDER) [ORDER]; identification::which_then(example) ["ORD123456"];
        identification::still_need_order_id(example) ["ORD123456"];
        identification::ask_for_order_and_customer_id(example) ["ORD123456", "CUST1234"];
        identification::ask_for_order_and_customer_id(None) ["CUST1234"]; identification::person_without_order_id();
        identification::need_customer_id() ["CUST1234"]; identification::ids_do_not_match(example) ["ORD123456", "CUST1234"];
        identification::ids_do_not_match(None); identification::what_only_the_buyer_knows(&proofs) ["CUST1234"];
        identification::need_proof(ORDER, &proofs) [ORDER, "CUST1234"];
        identification::proof_does_not_match(ORDER, &proofs, example) [ORDER, "ORD123456", "CUST1234"];
        identification::where_proof_is(&proofs) ["CUST1234"]; identification::where_order_id_is(example) ["ORD123456"];
        identification::where_customer_id_is() ["CUST1234"]; identification::person_to_find_id();
        identification::order_not_found(ORDER, example) [ORDER, "ORD123456"]; identification::order_not_found(ORDER, None) [ORDER];
        identification::person_to_find_order(); identification::orders_at_a_time(3, &orders) ["3", ORDER, "ORD000007"];
        knowledge::found("TITLE", "TEXT") ["TITLE", "TEXT"]; knowledge::found_untranslated("TITLE", "TEXT") ["TITLE", "TEXT"]; knowledge::more(); knowledge::not_known();
        media::thanks(None); media::thanks(Some(Media::Image)); media::thanks(Some(Media::Video));
        media::thanks(Some(Media::Document)); media::what_is_it_about(); media::a_person_listens();
        orders::invoice(ORDER, "https://shop.example/1.pdf") [ORDER, "https://shop.example/1.pdf"]; orders::records_unavailable();
        proposals::cancelled(); proposals::state_unknown(); proposals::not_delivered(); proposals::return_window_passed(1);
        proposals::return_window_passed(10) ["10"]; proposals::delivery_date_unknown(10) ["10"];
        proposals::never_returned("Milk") ["Milk"]; proposals::needs_photo(); proposals::return_under_way();
        proposals::not_done_here(Resolution::Refund); proposals::not_done_here(Resolution::Replacement);
        proposals::not_done_here(Resolution::Exchange); proposals::refund_under_way(); proposals::refund_failed();
        proposals::item_unknown("Milk") ["Milk"]; proposals::item_price_unknown(); proposals::second_part();
        proposals::month_limit(); proposals::refunded_twin();
        refunds::offer(AMOUNT, ORDER, None) [AMOUNT, ORDER]; refunds::offer(AMOUNT, ORDER, fee) [AMOUNT, ORDER, "₹1,29,954", "₹6,497.50"];
        refunds::shall_i_go_ahead(1); refunds::shall_i_go_ahead(2); refunds::shall_i_go_ahead(3); refunds::only_that_one();
        refunds::cannot_answer(); refunds::want_to_be_sure(); refunds::offer_expired(); refunds::offer_declined(1);
        refunds::offer_declined(2); refunds::not_wanted(); refunds::can_check(); refunds::only_whole_orders();
        refunds::refused(ORDER, reason) [ORDER, reason]; refunds::person_to_review(); refunds::not_paid(ORDER, reason) [ORDER, reason];
        refunds::paid(AMOUNT, ORDER, TRANSACTION, arrival) [AMOUNT, ORDER, TRANSACTION, "3-5"];
        refunds::paid(AMOUNT, ORDER, TRANSACTION, None) [AMOUNT, ORDER, TRANSACTION];
        refunds::was_refunded(AMOUNT, ORDER, TRANSACTION) [AMOUNT, ORDER, TRANSACTION];
        refunds::requested(AMOUNT, ORDER, TRANSACTION, arrival) [AMOUNT, ORDER, TRANSACTION, "3-5"];
        refunds::progress(RefundState::Requested, AMOUNT, ORDER, TRANSACTION) [AMOUNT, ORDER, TRANSACTION];
        refunds::progress(RefundState::Submitted, AMOUNT, ORDER, TRANSACTION) [AMOUNT, ORDER, TRANSACTION];
        refunds::progress(RefundState::Failed, AMOUNT, ORDER, TRANSACTION) [AMOUNT, ORDER, TRANSACTION];
        refunds::paid_since(AMOUNT, ORDER, TRANSACTION, arrival) [AMOUNT, ORDER, TRANSACTION, "3-5"];
        refunds::failed_since(AMOUNT, ORDER, TRANSACTION) [AMOUNT, ORDER, TRANSACTION];
        refunds::already_refunded(AMOUNT, ORDER, TRANSACTION) [AMOUNT, ORDER, TRANSACTION];
        refunds::no_second_refund(AMOUNT, ORDER, TRANSACTION) [AMOUNT, ORDER, TRANSACTION];
        refunds::none_on_record(&orders) [ORDER, "ORD000007"]; refunds::none_on_record(&orders[..1]) [ORDER];
        refunds::failed_before(); refunds::under_way(); refunds::payment_unknown(); refunds::eligible();
        refunds::order_already_refunded(); refunds::category_excluded("Dairy") ["Dairy"]; refunds::window_passed(120) ["120"];
        refunds::date_unknown(120) ["120"]; refunds::value_unknown(); refunds::nothing_paid(); refunds::paid_unknown(); refunds::status_unknown();
        refunds::refunded_by_shop(); refunds::partly_refunded_by_shop(); refunds::closed(OrderState::Cancelled);
        refunds::closed(OrderState::Returned); refunds::above_limit(AMOUNT) [AMOUNT]; refunds::other_currency(Currency::new("USD").unwrap()) ["USD"];
        refunds::wrong_amount(AMOUNT) [AMOUNT]; refunds::denied();
        remedies::without_money("Milk") ["Milk"]; remedies::once_it_is_back(AMOUNT) [AMOUNT]; remedies::sorry_it_was_late();
        remedies::for_a_person();
        small_talk::greeting(); small_talk::you_are_welcome(); small_talk::goodbye(); small_talk::all_right();
        small_talk::introduction(); small_talk::doing_well(); small_talk::anything_else(); small_talk::leave_it();
        small_talk::what_is_it_about(); small_talk::no_answer();
        units::day(date(2026, 6, 12), true) ["12", "2026"];
    ];
    for (_, state) in OrderState::ALL {
        said.push(Said { name: "units::state", text: units::state(language, state).to_owned(), values: Vec::new() });
    }
    said.extend(statuses(language));
    said.extend(proposed::proposed(language));
    said
}

fn statuses(language: Language) -> Vec<Said> {
    // As the playbook hands them in.
    let [ordered, delivered] = [date(2026, 6, 1), date(2026, 6, 2)].map(|date| units::day(language, date, true));
    let known = OrderSummary {
        id: ORDER,
        category: "Dairy",
        value: AMOUNT,
        platform: "JioMart",
        carrier: "Delhivery",
        tracking_number: "AWB77",
        tracking_url: "https://track.example/AWB77",
        delivered_on: &delivered,
        date: &ordered,
        late: Some(true),
        ..OrderSummary::default()
    };
    let states = OrderState::ALL.into_iter().map(|(_, state)| OrderSummary { state: Some(state), ..known });
    let others = [
        OrderSummary { status: "Preparing", ..known },
        OrderSummary { status: "Preparing", tracking_url: "", ..known },
        OrderSummary { delivery_minutes: Some(30), ..known },
        OrderSummary { delivery_minutes: Some(30), late: Some(false), ..known },
        OrderSummary { delivery_minutes: Some(1), ..known },
        OrderSummary { delivery_minutes: Some(2), ..known },
        OrderSummary { date: "the day before", ..known },
        OrderSummary { late: None, ..known },
    ];
    let said = states.chain(others).map(|summary| {
        let mut values = vec![ORDER, "Dairy", AMOUNT, "JioMart"];
        values.push(if summary.date == ordered { "2026" } else { "the day before" });
        values.extend((summary.status == "Preparing").then_some("Preparing"));
        Said { name: "orders::status", text: orders::status(language, summary), values }
    });
    said.collect()
}

fn within(c: char, from: u32, to: u32) -> bool {
    (from..=to).contains(&u32::from(c))
}

#[test]
fn sentences_are_joined_with_one_space() {
    assert_eq!(join(["", "Sorry.", "", "Please wait."]), "Sorry. Please wait.");
    assert_eq!(join([""; 2]), "");
}

#[test]
fn each_sentence_is_whole_in_each_language() {
    let english = every(Language::English);
    for language in Language::ALL {
        let said = every(language);
        assert_eq!(said.len(), english.len());
        for (Said { name, text, values }, english) in said.iter().zip(&english) {
            let text = text.as_str();
            let what = format!("{name} in {language:?}: {text}");
            assert!(!text.trim().is_empty() && text.trim() == text, "{what}");
            assert!(!text.contains(['{', '}']) && !text.contains("  ") && !text.contains(" ."), "{what}");
            for value in values {
                assert!(text.contains(value), "{what} lacks {value}");
            }
            let same =
                matches!((*name, language), ("channel::no", Language::Spanish) | ("units::day", Language::Hinglish))
                    || (*name == "units::state" && language == Language::Hinglish);
            assert!(language == Language::English || same || text != english.text, "{what}");
            // What is asked in one language is asked in all, and nothing else is.
            let questions = |text: &str| text.matches(['?', '؟']).count();
            assert_eq!(questions(text), questions(&english.text), "{what}");
            assert_eq!(
                text.matches('¿').count(),
                if language == Language::Spanish { questions(text) } else { 0 },
                "{what}"
            );
            let devanagari = text.chars().any(|c| within(c, 0x900, 0x97F));
            let arabic = text.chars().any(|c| within(c, 0x600, 0x6FF));
            assert_eq!(devanagari, language == Language::Hindi, "{what}");
            assert_eq!(arabic, language == Language::Arabic, "{what}");
        }
    }
}

#[test]
fn what_runs_from_left_to_right_is_isolated_in_arabic_and_stays_whole() {
    for Said { name, text, .. } in every(Language::Arabic) {
        let (mut depth, mut outside) = (0_u32, String::new());
        for c in text.chars() {
            match c {
                '\u{2066}' | '\u{2068}' => depth += 1,
                '\u{2069}' => depth = depth.checked_sub(1).unwrap_or_else(|| panic!("{name}: {text:?}")),
                c if depth == 0 => outside.push(c),
                _ => {}
            }
        }
        assert_eq!(depth, 0, "{name}: {text:?}");
        for forced in text.split('\u{2066}').skip(1).filter_map(|run| run.split('\u{2069}').next()) {
            assert!(!forced.chars().any(|c| within(c, 0x600, 0x6FF)), "{name}: {text:?}");
        }
        let title = matches!(name, "channel::yes_refund_order" | "proposals::yes_for");
        let given = ["ORDER", "DAY", "TEXT", "REASON"];
        let latin = outside
            .split(|c: char| !c.is_ascii_alphanumeric())
            .any(|word| !given.contains(&word) && word.contains(|c: char| c.is_ascii_alphabetic()));
        assert!(title || name == "identification::or_one_of" || !latin, "{name}: {text:?}");
    }
    for language in Language::ALL.into_iter().filter(|language| !language.is_right_to_left()) {
        for Said { name, text, .. } in every(language) {
            assert!(!text.contains(['\u{2066}', '\u{2068}', '\u{2069}']), "{name}: {text:?}");
        }
    }
    let link = ltr_link("https://track.example/AWB77");
    assert!(link.contains("https://track.example/AWB77 "), "a link ends with a space");
}

#[test]
fn buttons_fit_and_say_no_more_than_yes_or_no() {
    let patterns = IdPatterns::default();
    for language in Language::ALL {
        for title in
            [channel::yes_refund(language), channel::yes(language), channel::no(language), channel::choose(language)]
        {
            assert!(title.chars().count() <= 20, "{title}");
        }
        let rows = [
            channel::yes_refund_order(language, ORDER),
            channel::yes_to_all(language, 2).to_owned(),
            channel::yes_to_all(language, 3).to_owned(),
            channel::another_order(language).to_owned(),
            channel::no(language).to_owned(),
        ];
        for row in &rows {
            assert!(row.chars().count() <= 24, "{row}");
        }
        for yes in rows[..3].iter().map(String::as_str).chain([channel::yes(language), channel::yes_refund(language)]) {
            assert_eq!(answer(yes, &patterns), Answer::Yes, "{yes}");
        }
        assert_eq!(answer(channel::no(language), &patterns), Answer::No, "{language:?}");
        assert_eq!(answer(channel::another_order(language), &patterns), Answer::Unclear, "{language:?}");
    }
}

#[test]
fn an_offer_shows_its_order_and_amount_in_each_language() {
    for (currency, units) in [("INR", 12_345_650), ("EUR", 123_450), ("KWD", 1_250), ("BRL", 59_900)] {
        let amount = Amount::new(Money::from_minor_units(units), Currency::new(currency).unwrap());
        let money = ShopMoney::new(amount.currency, None);
        let shown = money.show(amount);
        for language in Language::ALL {
            let text = refunds::offer(language, &shown, ORDER, None);
            let text = format!("{text}\n{}", refunds::shall_i_go_ahead(language, 1));
            assert!(shows(&text, &OrderId::new(ORDER), amount), "{text}");
        }
    }
}

#[test]
fn a_language_is_read_from_its_code() {
    for language in Language::ALL {
        assert_eq!(Language::parse(language.code()), Some(language));
        assert_eq!(serde_json::to_value(language).unwrap(), language.code());
        let mut conversation = Conversation::new(UserId::new("1"));
        conversation.language = Some(language);
        assert_eq!(Language::of(&conversation), language);
    }
    for (code, language) in [
        ("pt_BR", Some(Language::Portuguese)),
        ("HI-latn", Some(Language::Hinglish)),
        ("hi-IN", Some(Language::Hindi)),
        ("es-MX", Some(Language::Spanish)),
        ("fr", None),
        ("est", None),
        ("", None),
    ] {
        assert_eq!(Language::parse(code), language, "{code}");
    }
    assert_eq!(
        small_talk::language_not_spoken("French"),
        "I'm sorry, I don't speak French. I write English, Hinglish, Hindi, Spanish, Portuguese and Arabic."
    );
    assert!(small_talk::language_not_spoken(" ").contains("your language"));
}

#[test]
fn numbers_and_dates_are_said_as_people_say_them() {
    let day = |language| units::day(language, date(2026, 6, 12), true);
    assert_eq!(
        Language::ALL.map(day),
        ["12 June 2026", "12 June 2026", "12 जून 2026", "12 de junio de 2026", "12 de junho de 2026", "12 يونيو 2026",]
    );
    assert_eq!(units::day(Language::Spanish, date(2026, 3, 1), false), "1 de marzo");
    for (count, said) in [
        (1, "يوم واحد"),
        (2, "يومين"),
        (3, "3 أيام"),
        (10, "10 أيام"),
        (11, "11 يومًا"),
        (30, "30 يومًا"),
        (100, "100 يوم"),
        (103, "103 أيام"),
    ] {
        assert_eq!(units::days(Language::Arabic, count), said);
    }
    assert_eq!(units::minutes(Language::Arabic, 30), "30 دقيقة");
    assert_eq!(units::minutes(Language::Spanish, 1), "1 minuto");
    assert_eq!(
        (units::minutes(Language::English, 1), units::days(Language::English, 1)),
        ("1 minute".into(), "1 day".into())
    );
    let arrival = |said| Language::ALL.map(|language| units::arrival(language, said));
    assert_eq!(
        arrival("3-5 business days"),
        [
            "3-5 business days",
            "3-5 working days",
            "3-5 कार्य दिवस",
            "3-5 días hábiles",
            "3-5 dias úteis",
            "\u{2066}3-5\u{2069} أيام عمل",
        ]
    );
    assert_eq!(arrival("7 to 14 days")[5], "\u{2066}7-14\u{2069} يومًا");
    assert_eq!(arrival("1 day")[3..], ["1 día", "1 dia", "يوم واحد"]);
    // What nobody can translate stays as the shop says it.
    assert_eq!(
        arrival("a fortnight, or so")[3..],
        ["a fortnight, or so", "a fortnight, or so", "\u{2066}a fortnight, or so\u{2069}"]
    );
}
