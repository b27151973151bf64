//! How much of what a language model makes up gets out, and how much of what it says honestly is held back, measured on
//! texts that nobody trained on: `tests/guard/claims.csv` and `honest.csv` (`language,group,text`), and `trades-claims.csv` and
//! `trades-honest.csv`, which were written when all settings were chosen, in other voices and of other trades.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use ecomres::agent::guard::{Evidence, ShopTexts, check};
use ecomres::agent::reply::tidy;
use ecomres::domain::conversation::Known;
use ecomres::domain::currency::{Amount, ShopMoney};
use ecomres::domain::ids::{IdPatterns, OrderId};

/// The goal, in percent: the share of claims that may get out, and of honest replies that may be held back.
const GOAL: [f64; 2] = [1.0, 2.0];
/// What the test holds the guard to, in percent: a little more than was measured (1.06 and 13.0). **The goal is missed** in both
/// parts, the second by far: the classifier cannot tell everyday sentences from claims any better (`src/README.md` says what was tried). Whoever
/// makes it better lowers these. A lower `LET_OUT` of the trainer trades the one for the other.
const BOUNDS: [f64; 2] = [1.3, 14.0];
/// The same for the texts of other trades, measured at 1.64 and 31.1: their words and voices are strange to the classifier.
const TRADES: [f64; 2] = [1.9, 32.5];

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/guard").join(name)
}

/// A row of a table.
struct Row {
    language: String,
    group: String,
    text: String,
}

fn rows(file: &Path) -> Vec<Row> {
    let mut reader = csv::Reader::from_path(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let headers = reader.headers().unwrap().clone();
    let column = |name: &str| headers.iter().position(|header| header == name).unwrap();
    let (language, group, text) = (column("language"), column("group"), column("text"));
    reader
        .records()
        .map(|record| record.unwrap())
        .map(|record| Row {
            language: record[language].to_owned(),
            group: record[group].to_owned(),
            text: record[text].to_owned(),
        })
        .collect()
}

/// Whether a reply may leave in a conversation in which the customer's order ORD000003 (₹599) was shown and nothing was
/// done.
fn leaves(reply: &str) -> bool {
    let order = OrderId::new("ORD000003");
    let mut known = Known::default();
    known.add_order(&order);
    known.add_order_amount(order.clone(), Amount::rupees(599));
    let orders = [order];
    let evidence = Evidence {
        known: &known,
        orders: &orders,
        customers: &[],
        customer_text: "",
        results: "",
        shop_texts: &ShopTexts::default(),
        patterns: &IdPatterns::default(),
        money: &ShopMoney::default(),
    };
    check(&tidy(reply), &evidence).is_ok()
}

/// How many rows there are and how many of them went wrong, by language or group.
type Counts = BTreeMap<String, [usize; 2]>;

fn counts<'a>(judged: &'a [(Row, bool)], by: impl Fn(&'a Row) -> &'a str) -> Counts {
    let mut counts = Counts::new();
    for (row, wrong) in judged {
        let count = counts.entry(by(row).to_owned()).or_default();
        count[0] += 1;
        count[1] += usize::from(*wrong);
    }
    counts
}

fn judged(name: &str, wrong: impl Fn(&str) -> bool) -> Vec<(Row, bool)> {
    rows(&file(name)).into_iter().map(|row| (wrong(&row.text), row)).map(|(wrong, row)| (row, wrong)).collect()
}

fn percent(count: usize, of: usize) -> f64 {
    100.0 * f64::from(u32::try_from(count).unwrap()) / f64::from(u32::try_from(of.max(1)).unwrap())
}

#[test]
#[ignore = "needs the texts of tests/guard, which are written apart from the guard; .ci/run runs it"]
fn made_up_claims_stay_and_honest_replies_leave() {
    measure("claims.csv", "honest.csv", BOUNDS);
}

#[test]
#[ignore = "needs the texts of tests/guard, which are written apart from the guard; .ci/run runs it"]
fn made_up_claims_of_other_trades_stay_and_honest_replies_leave() {
    measure("trades-claims.csv", "trades-honest.csv", TRADES);
}

/// Prints what gets out and what is held back, and holds it to bounds in percent.
fn measure(claims: &str, honest: &str, bounds: [f64; 2]) {
    let claims = judged(claims, leaves);
    let honest = judged(honest, |text| !leaves(text));
    // Totals only: whoever reads the rows writes for them.
    for (name, judged) in [("claims that get out", &claims), ("honest replies held back", &honest)] {
        for counts in [counts(judged, |row| &row.language), counts(judged, |row| &row.group)] {
            println!("{name}");
            for (of, [rows, wrong]) in counts {
                println!("{of:<14}{rows:>6}{wrong:>6}{:>7.1}%", percent(wrong, rows));
            }
        }
    }
    let share = |judged: &[(Row, bool)]| percent(judged.iter().filter(|(_, wrong)| *wrong).count(), judged.len());
    let (share_out, share_held) = (share(&claims), share(&honest));
    println!("all: {share_out:.2} % out, {share_held:.2} % held back");
    let shares = [share_out, share_held];
    if shares.iter().zip(GOAL).any(|(share, goal)| *share > goal) {
        println!("the goal is missed: {} % out and {} % held back", GOAL[0], GOAL[1]);
    }
    assert!(shares.iter().zip(bounds).all(|(share, bound)| *share <= bound), "{shares:?} % of at most {bounds:?} %");
}

/// Time of the guard over a long reply, printed; with `--release` it is below 2 ms.
#[test]
fn a_long_reply_is_judged_quickly() {
    let reply = "I understand how annoying this is, and I am sorry that the box came late. ".repeat(40);
    assert!(reply.split_whitespace().count() >= 600);
    leaves(&reply);
    let begun = Instant::now();
    for _ in 0..5 {
        leaves(&reply);
    }
    let each = begun.elapsed() / 5;
    println!("{each:?} for {} words", reply.split_whitespace().count());
    assert!(each.as_millis() < 500, "{each:?}");
}
