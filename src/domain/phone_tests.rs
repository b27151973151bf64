//! Numbers as people and spreadsheets write them, and the property that no writing of one number is another.

use proptest::prelude::*;

use super::*;

fn home(id: &str) -> Country {
    Country::parse(id).unwrap()
}

#[test]
fn countries() {
    assert_eq!(home("in"), home("91"));
    assert_eq!((home("+91").id(), home("1").id(), home("7").id(), home("44").id()), ("IN", "US", "RU", "GB"));
    for text in ["", "XX", "India", "999", "0", "001", "+"] {
        assert_eq!(Country::parse(text), None, "{text}");
    }
    let _ = (&*LABEL, &*EXPONENT, &*FRACTION);
}

#[test]
fn one_number_in_many_writings() {
    let cases: &[(&str, &str, &[&str])] = &[
        (
            "IN",
            "918123456789",
            &[
                "+91 81234 56789",
                "8123456789",
                "08123456789",
                "0091-8123456789",
                "918123456789",
                "0 91 81234 56789",
                "(+91) 81234-56789",
                "8123456789.0",
                "918123456789.00",
                "'+918123456789",
                "=\"+918123456789\"",
                "tel: +91.81234.56789",
                "8.123456789E+09",
                "9.18123456789E11",
                "\u{FEFF}８１２３４５６７８９",
                "٨١٢٣٤٥٦٧٨٩",
                "८१२३४५६७८९",
                "+91\u{A0}81234\u{2011}56789",
                "81234 56789 / +918123456789",
            ],
        ),
        ("IN", "912223456781", &["(022) 2345 6781", "022-23456781", "+91 22 2345 6781"]),
        ("IN", "9607712345", &["+960 771 2345", "00960 7712345", "'+9607712345"]),
        (
            "BR",
            "5531987654321",
            &["(31) 98765-4321", "031 98765 4321", "0 15 31 98765 4321", "+55 31 8765-4321", "553187654321"],
        ),
        (
            "RU",
            "79123456789",
            &[
                "8 (912) 345-67-89",
                "+7 912 345-67-89",
                "9123456789",
                "79123456789",
                "8~10 7 912 345 67 89",
                "+7 8 912 345 67 89",
            ],
        ),
        ("ID", "6281234567890", &["0812-3456-7890", "81234567890", "6281234567890", "+62 0812 3456 7890"]),
        ("DE", "4915112345678", &["0151 12345678", "0151/12345678", "+49 (0)151 12345678", "004915112345678"]),
        ("GB", "442079460958", &["020 7946 0958", "+44 (0)20 7946 0958", "442079460958"]),
        ("IT", "390236618300", &["02 3661 8300", "+39 02 36618300", "+39 (0)2 36618300"]),
        (
            "MX",
            "525512345678",
            &["55 1234 5678", "+52 1 55 1234 5678", "5215512345678", "044 55 1234 5678", "01 55 1234 5678"],
        ),
        ("AR", "5491123456789", &["011 15 2345-6789", "+54 9 11 2345 6789", "5491123456789", "9 11 2345 6789"]),
        ("US", "16502530000", &["(650) 253-0000", "1-650-253-0000", "+1 650 253 0000"]),
        ("US", "918123456789", &["011 91 81234 56789", "+918123456789", "0091 81234 56789"]),
    ];
    for (country, number, writings) in cases {
        for writing in *writings {
            assert_eq!(read(writing, home(country)).as_deref(), Ok(*number), "{writing} in {country}");
        }
    }
}

#[test]
fn what_is_not_certain_is_refused() {
    let refused = |text: &str| read(text, home("IN")).unwrap_err();
    for text in ["8.12E+09", "9.18123E+11", "8.1E9", "918123000000", "8100000000.0"] {
        assert_eq!(refused(text), PhoneError::Shortened, "{text}");
    }
    for text in ["81234 56789 ext 5", "81234 56789 x5", "8123456789 Ravi", "call 8123456789"] {
        assert_eq!(refused(text), PhoneError::Letters, "{text}");
    }
    for text in
        ["+91-81234-56789 / 81234 56780", "8123456789, 8123456780", "+918123456789 +918123456780", "81234 56789/80"]
    {
        assert_eq!(refused(text), PhoneError::Several, "{text}");
    }
    assert_eq!(refused("8123456789.5"), PhoneError::Decimals);
    assert_eq!(refused("81234#56789"), PhoneError::Character('#'));
    for text in [
        "-",
        "0",
        "12345",
        "81234 5678",
        "81234567890",
        "79123456789",
        "14155552671",
        "81234 56789 81234",
        "++91",
        "+91 81234",
    ] {
        assert!(read(text, home("IN")).is_err(), "{text}");
    }
    // A local number without its area, or without the digit that was added.
    for (text, country) in [("98765-4321", "BR"), ("15 2345 6789", "AR"), ("253-0000", "US")] {
        assert!(read(text, home(country)).is_err(), "{text} in {country}");
    }
    assert!(matches!(read("62812345678", home("ID")), Err(PhoneError::Ambiguous(..))));
}

#[test]
fn several_numbers_in_one_cell() {
    let all = |text: &str| read_all(text, home("IN"));
    let numbers = |numbers: &[&str]| Ok(numbers.iter().map(|number| (*number).to_owned()).collect());
    assert_eq!(all("+91-81234-56789 / 81234 56780"), numbers(&["918123456789", "918123456780"]));
    assert_eq!(all("p:+918123456789; m: 8123456780.0\n8123456789"), numbers(&["918123456789", "918123456780"]));
    assert_eq!(all("8123456789"), numbers(&["918123456789"]));
    assert_eq!(all("81234 56789 / +918123456789"), numbers(&["918123456789"]));
    for text in ["81234 56789/80", "8123456789, 8.12E+09", "8123456789 / ext 5", "8123456789, 12345", "", "/"] {
        assert!(all(text).is_err(), "{text}");
    }
}

#[test]
fn identities_of_whatsapp() {
    let of = |id: &str| of_identity(&UserId::new(id));
    assert_eq!(of("918123456789").as_deref(), Some("918123456789"));
    assert_eq!(of("5215512345678"), of("525512345678"));
    assert_eq!(of("553187654321"), of("5531987654321"));
    assert_ne!(of("551171234567"), of("5511971234567"), "a number of another network");
    for text in ["tester", "IN.1047385771169864", "user-8123456789", "", "81234 56789"] {
        assert_eq!(of(text), None, "{text}");
    }
}

/// A number of a country: an example of its plan with other last digits, where that is a number as well.
fn number() -> impl Strategy<Value = (u16, String)> {
    let regions =
        ["IN", "BR", "MX", "AR", "US", "RU", "ID", "DE", "GB", "IT", "FR", "SG", "MV", "AE", "KZ", "NG", "AU", "ES"];
    (prop::sample::select(regions.to_vec()), any::<bool>(), 0_u32..100_000).prop_filter_map(
        "no number",
        |(region, mobile, tail)| {
            let metadata = DATABASE.by_id(region)?;
            let descriptors = metadata.descriptors();
            let example = (if mobile { descriptors.mobile() } else { descriptors.fixed_line() })?.example()?;
            let national = format!("{}{tail:05}", &example[..example.len() - 5]);
            let number = valid(metadata.country_code(), &national)?;
            (tail % 10_u32.pow(4) != 0).then_some((metadata.country_code(), number))
        },
    )
}

/// Writings of a number: with its country code, or as at home.
fn writings(code: u16, number: &str) -> Vec<String> {
    let national = &number[code.to_string().len()..];
    let spaced: String =
        national.chars().enumerate().flat_map(|(at, c)| if at % 3 == 2 { vec![c, ' '] } else { vec![c] }).collect();
    let trunk = DATABASE.by_code(&code).unwrap()[0].national_prefix().unwrap_or_default();
    let wide =
        |text: &str| text.chars().map(|c| char::from_u32(u32::from(c) - 0x30 + 0xFF10).unwrap()).collect::<String>();
    let short = |keep: usize| format!("{}.{}E+{}", &number[..1], &number[1..keep], number.len() - 1);
    vec![
        format!("+{number}"),
        format!("'+{number}"),
        format!("+{code} {spaced}"),
        format!("+{code}-({national})"),
        format!("00{number}"),
        format!("+{code} ({trunk}) {national}"),
        number.to_owned(),
        format!("{number}.0"),
        format!("+{number}.00"),
        national.to_owned(),
        format!("{national}.0"),
        format!("{trunk}{national}"),
        spaced.clone(),
        wide(number),
        wide(national),
        short(number.len()),
        short(4),
        short(6),
        format!("{national} ext 5"),
        format!("{national}x12"),
        format!("p:+{number}"),
        format!("+{number} / {national}"),
        format!("{national}/{national}"),
        format!("{national}, {trunk}{national}"),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn a_writing_is_its_number_or_refused((code, number) in number()) {
        let home = Country::parse(&code.to_string()).unwrap();
        for (place, writing) in writings(code, &number).iter().enumerate() {
            match read(writing, home) {
                Ok(read) => {
                    prop_assert_eq!(&read, &number, "{} at home in {}", writing, home);
                    prop_assert_eq!(tail(writing), tail(&number), "{}", writing);
                }
                // With `+` and nothing odd, it is always read.
                Err(error) => prop_assert!(![0, 1, 2, 3].contains(&place), "{writing} in {home}: {error}"),
            }
        }
        // In a shop elsewhere, what names its country is that number or refused.
        for country in ["IN", "US", "DE", "BR", "RU", "SG"] {
            for writing in writings(code, &number).iter().filter(|writing| writing.contains('+') && !writing.contains('/') && !writing.contains('E')) {
                if let Ok(read) = read(writing, self::home(country)) {
                    prop_assert_eq!(&read, &number, "{} in {}", writing, country);
                }
            }
        }
    }

    #[test]
    fn two_numbers_never_share_a_writing((code, one) in number(), (_, other) in number()) {
        prop_assume!(one != other);
        let home = Country::parse(&code.to_string()).unwrap();
        for writing in writings(code, &one) {
            if let Ok(read) = read(&writing, home) {
                prop_assert_ne!(Some(read), of_identity(&UserId::new(other.as_str())), "{}", writing);
            }
        }
    }

    #[test]
    fn a_number_is_the_identity_that_has_it((_, number) in number()) {
        prop_assert_eq!(of_identity(&UserId::new(number.as_str())), Some(number));
    }

    #[test]
    fn no_text_makes_it_panic(text in "[0-9+()., /eE'x٠-٩-]{0,24}|\\PC{0,40}") {
        for country in ["IN", "US", "AR", "BR"] {
            if let Ok(number) = read(&text, home(country)) {
                prop_assert!(tail(&text).is_none_or(|tail| number.ends_with(&tail)), "{text}: {number}");
                prop_assert!((SHORTEST..=LONGEST).contains(&number.len()), "{number}");
            }
        }
    }
}
