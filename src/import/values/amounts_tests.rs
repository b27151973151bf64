//! Forms of amounts, columns that decide and columns that do not.

use proptest::prelude::*;

use super::*;

fn currency(code: &str) -> Currency {
    Currency::new(code).unwrap()
}

/// The amount in minor units in a column that decides nothing.
fn alone(text: &str) -> Result<i64, AmountError> {
    AmountColumn::with_mark(None, Currency::INR).read(text, None).map(|amount| amount.unwrap().minor_units())
}

#[test]
fn forms_that_say_what_they_are() {
    for (text, paise) in [
        ("599", 59_900),
        ("0", 0),
        ("599.5", 59_950),
        ("599.50", 59_950),
        (".50", 50),
        ("₹.50", 50),
        ("Rs.50", 5_000),
        ("₹1,23,456.50", 12_345_650),
        ("12,34,567", 123_456_700),
        ("1,234,567", 123_456_700),
        ("Rs. 1,299.00/-", 129_900),
        ("Rs. 1,299/-", 129_900),
        ("1.299,-", 129_900),
        ("1,299/- only", 129_900),
        ("1,299.00 INR", 129_900),
        ("â‚¹599", 59_900),
        ("₹\u{A0}599", 59_900),
        ("₹\u{202F}599", 59_900),
        ("1.234,56", 123_456),
        ("1 234,56", 123_456),
        ("1\u{2009}234.50", 123_450),
        ("1'234.50", 123_450),
        ("1’234.50", 123_450),
        ("1 234", 123_400),
        ("1299.000", 129_900),
        ("599.0000", 59_900),
        ("0.500", 50),
        ("INR599", 59_900),
        ("inr 599", 59_900),
        ("₹599/-", 59_900),
        ("599 Rs", 59_900),
        ("599 Rs.", 59_900),
        ("Rs599.50", 59_950),
        ("Rs. 599 only", 59_900),
        ("₹ 599 INR", 59_900),
        ("599,-", 59_900),
        ("599,00 ₹", 59_900),
        ("+599", 59_900),
        ("'599", 59_900),
        ("=\"599\"", 59_900),
        ("५९९", 59_900),
        ("٥٩٩٫٥٠", 59_950),
        ("５９９", 59_900),
        ("1.29999E7", 1_299_990_000),
        ("5.9900E+02", 59_900),
    ] {
        assert_eq!(alone(text), Ok(paise), "{text}");
    }
}

#[test]
fn what_is_refused_and_why() {
    use AmountError as E;
    let is = |text: &str, what: fn(&AmountError) -> bool| {
        let error = alone(text).unwrap_err();
        assert!(what(&error), "{text}: {error:?}");
    };
    for text in ["-50", "(50.00)", "₹-50", "-₹50", "50-", "−50", "(₹50)", "- 50"] {
        is(text, |error| matches!(error, E::Negative(_)));
    }
    for text in ["1.200", "25,000", "599.000", "₹1,299"] {
        is(text, |error| matches!(error, E::Ambiguous { .. }));
    }
    for text in ["5.999,5555", "1299.001", "0.505", "12,345.678"] {
        is(text, |error| matches!(error, E::TooPrecise { .. }));
    }
    for text in ["5.99E+02", "1E+03", "5.99e+05"] {
        is(text, |error| matches!(error, E::Shortened(_)));
    }
    for text in ["$12.50", "599 USD", "€599", "EUR 599", "kr 599"] {
        is(text, |error| matches!(error, E::OtherCurrency { .. }));
    }
    for text in [
        "abc",
        "₹",
        "1,2,3",
        "12 34",
        "1,23,45",
        "1.234,567,890",
        "5k",
        "2 lakh",
        "10%",
        "500 - 600",
        "599 or 699",
        "1,299.00 Cr",
        "0,123,456",
        "1..5",
        "12.5.5",
        "5-3-26",
        "free",
        "1e3x",
        "599/600",
    ] {
        is(text, |error| matches!(error, E::NotAnAmount(_)));
    }
    is("99999999999999999999", |error| matches!(error, E::TooLarge(_)));
    for nothing in ["", "-", "NaN", "n/a", " "] {
        assert_eq!(AmountColumn::with_mark(None, Currency::INR).read(nothing, None), Ok(None), "{nothing}");
    }
    assert_eq!(
        alone("1.200").unwrap_err().to_string(),
        "“1.200” can be 1200 or 1.200: write it without a separator of thousands, and with two decimals"
    );
}

#[test]
fn the_column_decides() {
    let read = |samples: &[&str], text: &str| {
        let column = AmountColumn::decide(samples.iter().copied(), Currency::INR);
        column.read(text, None).ok().flatten().map(Money::minor_units)
    };
    // A value with decimals, or with several marks of thousands, shows it.
    for decided in ["1,299.50", "599.5", "12,34,567", "0.500", "1 234.50", "1,299/-"] {
        assert_eq!(read(&[decided, "25,000"], "25,000"), Some(2_500_000), "{decided}");
        assert_eq!(read(&[decided, "1.200"], "1.200"), Some(120), "{decided}");
        assert_eq!(read(&[decided], "599.000"), Some(59_900), "{decided}");
    }
    for decided in ["1.299,50", "599,5", "1.234.567", "0,500"] {
        assert_eq!(read(&[decided, "25.000"], "25.000"), Some(2_500_000), "{decided}");
        assert_eq!(read(&[decided, "25,000"], "25,000"), Some(2_500), "{decided}");
    }
    // Values that contradict each other decide nothing, and are read as far as they are certain.
    let torn = ["1.234,56", "1,299.00", "25,000", "1.200"];
    assert_eq!((read(&torn, "1.234,56"), read(&torn, "25,000"), read(&torn, "1.200")), (Some(123_456), None, None));
    // Thousands in a column without any decimals.
    let whole = ["1,299", "25,000", "599", "40"];
    assert_eq!(read(&whole, "25,000"), Some(2_500_000));
    assert_eq!(read(&["1.299", "25.000", "599", "40"], "25.000"), Some(2_500_000));
    for open in
        [&["25,000", "599"][..], &["1,299", "25,000", "599", "40", "1299"], &["1,299", "25,000", "599", "40", "1.200"]]
    {
        assert_eq!(read(open, "25,000"), None, "{open:?}");
    }
    assert_eq!(AmountColumn::decide(whole, currency("KWD")).mark(), None, "dinars have three decimals");
}

#[test]
fn currencies_of_shop_and_row() {
    let dollars = AmountColumn::with_mark(Some(DecimalMark::Point), currency("USD"));
    let read =
        |text: &str, row: Option<&str>| dollars.read(text, row.map(currency)).ok().flatten().map(Money::minor_units);
    for text in ["$12.50", "US$12.50", "USD 12.50", "12.50 usd", "$12.50 USD"] {
        assert_eq!(read(text, None), Some(1_250), "{text}");
    }
    assert_eq!((read("CA$12.50", None), read("CA$12.50", Some("CAD"))), (None, Some(1_250)));
    assert_eq!((read("₹599", None), read("₹599", Some("INR")), read("₹599", Some("EUR"))), (None, Some(59_900), None));
    assert_eq!(
        (read("¥1,200", Some("JPY")), read("1200.00", Some("JPY")), read("1200.50", Some("JPY"))),
        (Some(1_200), Some(1_200), None)
    );
    assert_eq!((read("1.234", Some("KWD")), read("KWD 0.500", Some("KWD"))), (Some(1_234), Some(500)));
    assert_eq!(read("599 GBP", Some("GBP")), Some(59_900));
}

#[test]
fn a_currency_without_decimals_has_thousands_only() {
    let code = |code: &str| Currency::new(code).unwrap();
    for (text, of, units) in [
        ("510.000", "IDR", Some(51_000_000)),
        ("510,000", "IDR", Some(51_000_000)),
        ("12.990", "CLP", Some(12_990)),
        ("1,200", "JPY", Some(1_200)),
        ("510.000", "INR", None),
        ("1.250", "KWD", None),
    ] {
        let column = AmountColumn::decide([text], code(of));
        assert_eq!(column.read(text, None).ok().flatten().map(Money::minor_units), units, "{text} {of}");
    }
    let yen = AmountColumn::decide(["1.250"], code("JPY"));
    assert!(yen.read("1.250", Some(code("KWD"))).is_err(), "dinars have three decimals");
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "[0-9., 'eE+()₹/-]{0,24}|\\PC{0,40}") {
        for mark in [None, Some(DecimalMark::Point), Some(DecimalMark::Comma)] {
            if let Ok(Some(amount)) = AmountColumn::with_mark(mark, Currency::INR).read(&text, None) {
                prop_assert!((0..=LARGEST).contains(&amount.minor_units()));
            }
        }
        let _ = AmountColumn::decide([text.as_str()], Currency::INR);
    }

    /// However a column writes its amounts, each is read as it was meant or refused.
    #[test]
    fn an_amount_is_read_rightly_or_refused(
        amounts in proptest::collection::vec(0_i64..1_000_000_000, 1..40),
        style in 0_usize..6,
        grouped in any::<bool>(),
    ) {
        let group = |digits: &str, mark: &str| {
            let mut parts = Vec::new();
            let mut rest = digits;
            while rest.len() > 3 {
                let (head, tail) = rest.split_at(rest.len() - 3);
                parts.insert(0, tail);
                rest = head;
            }
            parts.insert(0, rest);
            if grouped { parts.join(mark) } else { digits.to_owned() }
        };
        let shown = |paise: i64| {
            let (whole, rest) = ((paise / 100).to_string(), paise % 100);
            match style {
                0 => format!("{}.{rest:02}", group(&whole, ",")),
                1 => format!("{},{rest:02}", group(&whole, ".")),
                2 => format!("{}.{rest:02}0", group(&whole, ",")),
                3 if rest == 0 => group(&whole, ","),
                3 => format!("{}.{}", group(&whole, ","), format!("{rest:02}").trim_end_matches('0')),
                4 if rest == 0 => group(&whole, "."),
                4 => format!("{},{}", group(&whole, "."), format!("{rest:02}").trim_end_matches('0')),
                _ => format!("{},{rest:02}", group(&whole, " ")),
            }
        };
        let texts: Vec<String> = amounts.iter().map(|amount| shown(*amount)).collect();
        let column = AmountColumn::decide(texts.iter().map(String::as_str), Currency::INR);
        for (amount, text) in amounts.iter().zip(&texts) {
            match column.read(text, None) {
                Ok(read) => prop_assert_eq!(read, Some(Money::from_minor_units(*amount)), "{} in {:?}", text, texts),
                Err(error) => {
                    let open = matches!(error, AmountError::Ambiguous { .. });
                    prop_assert!(open && column.mark().is_none(), "{error} in {texts:?}");
                }
            }
        }
    }
}
