use proptest::prelude::*;

use super::*;

const LARGEST: i64 = 9_007_199_254_740_991;

fn currency(code: &str) -> Currency {
    Currency::new(code).unwrap()
}

fn shown(shop: (&str, &str), amount: (i64, &str)) -> String {
    let shop = ShopMoney::new(currency(shop.0), Some(shop.1));
    shop.show(Amount::new(Money::from_minor_units(amount.0), currency(amount.1))).replace(['\u{A0}', '\u{202F}'], " ")
}

#[test]
fn every_row_of_the_table_is_read() {
    let lines = include_str!("countries.txt").lines().filter(|line| !line.starts_with('#')).count();
    assert_eq!(ROWS.len(), lines);
    assert!(ROWS.is_sorted_by_key(|row| row.country), "found by bisection");
    for (code, country) in HOMES {
        assert_eq!(row(*country).unwrap().currency.code(), code);
    }
}

#[test]
fn rupees_are_written_as_before() {
    let shop = ShopMoney::default();
    for (paise, text) in [
        (59_900, "₹599"),
        (129_900, "₹1,299"),
        (12_345_650, "₹1,23,456.50"),
        (12_345_678_900, "₹12,34,56,789"),
        (-5, "-₹0.05"),
        (0, "₹0"),
        (59_950, "₹599.50"),
    ] {
        assert_eq!(shop.show(shop.own(Money::from_minor_units(paise))), text);
    }
    assert_eq!(shop.show_count(1_234_567), "12,34,567");
}

#[test]
fn a_shop_writes_its_own_currency_as_its_country_does() {
    for (shop, minor, text) in [
        (("USD", "US"), 123_450, "$1,234.50"),
        (("USD", "US"), 59_900, "$599.00"),
        (("USD", "IN"), 123_450, "$1,234.50"),
        (("EUR", "DE"), 123_450, "1.234,50 €"),
        (("EUR", "IN"), 123_450, "1.234,50 €"),
        (("EUR", "FR"), 123_450, "1 234,50 €"),
        (("EUR", "IE"), 123_450, "€1,234.50"),
        (("EUR", "ES"), 123_450, "1234,50 €"),
        (("EUR", "ES"), 1_234_550, "12.345,50 €"),
        (("EUR", "NL"), 123_450, "€ 1.234,50"),
        (("GBP", "GB"), 123_450, "£1,234.50"),
        (("JPY", "JP"), 1_235, "¥1,235"),
        (("KWD", "KW"), 1_250, "KWD 1.250"),
        (("KWD", "KW"), 1_000, "KWD 1.000"),
        (("CHF", "CH"), 123_450, "CHF 1'234.50"),
        (("CAD", "CA"), 123_450, "$1,234.50"),
        (("HUF", "HU"), 123_400, "1234 Ft"),
        (("HUF", "HU"), 123_450, "1234,50 Ft"),
        (("BRL", "BR"), 123_450, "R$ 1.234,50"),
        (("XOF", "CI"), 12_345, "12 345 F CFA"),
        (("CLF", "CL"), 12_345, "CLF 1.2345"),
        (("EUR", "DE"), -123_450, "-1.234,50 €"),
    ] {
        assert_eq!(shown(shop, (minor, shop.0)).replace('’', "'"), text, "{shop:?}");
    }
}

#[test]
fn another_currency_is_never_taken_for_the_shops_own() {
    for (shop, amount, text) in [
        (("CAD", "CA"), (123_450, "USD"), "US$1,234.50"),
        (("USD", "US"), (123_450, "CAD"), "CA$1,234.50"),
        (("INR", "IN"), (12_345_650, "USD"), "US$1,23,456.50"),
        (("EUR", "DE"), (123_450, "INR"), "1.234,50 ₹"),
        (("CNY", "CN"), (1_235, "JPY"), "JPY 1,235"),
        (("JPY", "JP"), (123_450, "CNY"), "CN¥1,234.50"),
        (("SEK", "SE"), (123_450, "DKK"), "1 234,50 DKK"),
    ] {
        assert_eq!(shown(shop, amount), text, "{shop:?}");
    }
    let shops =
        [("INR", "IN"), ("USD", "US"), ("CAD", "CA"), ("CNY", "CN"), ("SEK", "SE"), ("GBP", "GB"), ("XOF", "SN")];
    for (code, country) in shops {
        let shop = ShopMoney::new(currency(code), Some(country));
        let mut symbols: Vec<&str> = Currency::all().map(|currency| shop.symbol(currency)).collect();
        let all = symbols.len();
        symbols.sort_unstable();
        symbols.dedup();
        assert_eq!(symbols.len(), all, "{code}");
    }
}

#[test]
fn a_sign_means_the_shops_own_currency_where_it_can() {
    let meant = |shop: (&str, &str), sign: &str| {
        let shop = ShopMoney::new(currency(shop.0), Some(shop.1));
        shop.meanings(sign).iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(meant(("CAD", "CA"), "$"), ["CAD"]);
    assert_eq!(meant(("INR", "IN"), "$")[..2], ["USD", "CAD"]);
    assert_eq!(meant(("PKR", "PK"), "Rs."), ["PKR"]);
    assert_eq!(meant(("INR", "IN"), "Rs"), ["INR"]);
    assert_eq!(meant(("CNY", "CN"), "¥"), ["CNY"]);
    assert_eq!(meant(("INR", "IN"), "€"), ["EUR"]);
    assert_eq!(meant(("INR", "IN"), "???"), [""; 0]);
}

#[test]
fn a_countrys_money_is_known() {
    let of = |country| ShopMoney::currency_of(country).map(|currency| currency.to_string());
    assert_eq!(
        ["IN", "de", "US", "KW", "ZZ", ""].map(of).map(Option::unwrap_or_default),
        ["INR", "EUR", "USD", "KWD", "", ""]
    );
}

proptest! {
    #[test]
    fn what_is_shown_reads_back(minor in -LARGEST..=LARGEST, small in -99_999..99_999_i64, at in 0..254_usize, of in 0..170_usize) {
        let row = &ROWS[at % ROWS.len()];
        let of = Currency::all().nth(of).unwrap_or_default();
        let shops = [
            ShopMoney::new(row.currency, std::str::from_utf8(&row.country).ok()),
            ShopMoney::new(of, None),
            ShopMoney::default(),
        ];
        for shop in shops {
            for currency in [shop.currency(), of, currency("INR"), currency("KWD"), currency("JPY"), currency("USD")] {
                for minor in [minor, small] {
                    let amount = Amount::new(Money::from_minor_units(minor), currency);
                    prop_assert_eq!(shop.read(&shop.show(amount)), Some(amount), "{}", shop.show(amount));
                }
            }
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in ".{0,40}", code in 0..160_usize) {
        let currency = Currency::all().nth(code).unwrap_or_default();
        let shop = ShopMoney::new(currency, Some(&text));
        let _ = (shop.read(&text), shop.read_number(&text, currency), shop.meanings(&text), Currency::parse(&text));
    }
}
