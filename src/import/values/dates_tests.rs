//! Forms of dates, columns that decide and columns that do not.

use jiff::civil::datetime;
use proptest::prelude::*;

use super::*;

fn context(zone: &str) -> DateContext {
    DateContext { zone: TimeZone::get(zone).unwrap(), today: date(2026, 11, 30) }
}

fn read(text: &str) -> Option<DateTime> {
    DateColumn::undecided(&context("Asia/Kolkata")).read(text).unwrap_or_default()
}

fn decide(samples: &[&str]) -> Result<DateColumn, Ambiguous> {
    DateColumn::decide(samples.iter().copied(), &context("Asia/Kolkata"))
}

#[test]
fn forms_that_say_what_they_are() {
    let evening = datetime(2026, 11, 20, 18, 4, 0, 0);
    for text in [
        "2026-11-20 18:04",
        "2026-11-20T18:04:00",
        "2026-11-20T18:04:00.000",
        "2026-11-20T18:04:00+05:30",
        "2026-11-20 18:04:00 +0530",
        "2026-11-20T18:04+0530[Asia/Kolkata]",
        "2026-11-20T12:34:00Z",
        "2026-11-20 12:34:00 UTC",
        "2026-11-20 04:34:00 PST",
        "2026-11-20 18:04:00 IST",
        "2026-11-20T12:34:00.123456Z",
        "2026-11-20T09:34:00-03:00",
        "2026/11/20 18:04",
        "2026.11.20. 18:04",
        "2026年11月20日 18時04分",
        "2026년 11월 20일 오후 6:04",
        "20 Nov 2026 18:04",
        "20 Nov 2026, 6:04 PM",
        "20-Nov-2026 6:04\u{202F}pm",
        "20-Nov-26 18:04",
        "20Nov2026 18:04",
        "Nov 20, 2026 6:04 pm",
        "November 20th, 2026 at 6:04 p.m.",
        "Fri, 20 Nov 2026 18:04:00 +0530",
        "Fri Nov 20 18:04:00 2026",
        "Fri Nov 20 2026 18:04:00 GMT+0530 (India Standard Time)",
        "Friday 20 November 2026 18h04",
        "20/Nov/2026:18:04:00 +0530",
        "20 novembre 2026 à 18:04",
        "20 de noviembre de 2026, 6:04 p. m.",
        "20. November 2026, 18:04 Uhr",
        "20 нояб. 2026 г. 18:04",
        "20 नवंबर 2026 18:04",
        "२० नवम्बर २०२६ 18:04",
        "20 نوفمبر 2026 18:04",
        "20 Kasım 2026 18:04",
        "20 listopad 2026 18:04",
        "20/11/2026 18:04",
        "20.11.2026 18:04",
        "20-11-2026 18.04",
        "11/20/2026 6:04 PM",
        "18:04 20/11/2026",
        "6:04 PM, Nov 20, 2026",
        "20261120T180400",
        "20261120 1804",
        "20261120180400",
        "20112026 18:04",
        "46346.7527777778",
        "1795178040",
        "1795178040.73608",
        "1795178040000",
        "'2026-11-20 18:04",
        "\u{FEFF}2026-11-20\u{A0}18:04",
    ] {
        let expected = if text.contains("listopad") { None } else { Some(evening) };
        assert_eq!(read(text), expected, "{text}");
    }
    let day = datetime(2026, 11, 20, 0, 0, 0, 0);
    for text in
        ["2026-11-20", "20 Nov 2026", "Nov 20 2026", "46346", "20261120", "20.11.2026", "Fri 20/11/2026", "20-nov-26"]
    {
        assert_eq!(read(text), Some(day), "{text}");
    }
    assert_eq!(read("mar. 3 mar. 2026"), Some(datetime(2026, 3, 3, 0, 0, 0, 0)));
    assert_eq!(read("12:30 am 2026-11-20"), Some(datetime(2026, 11, 20, 0, 30, 0, 0)));
    assert_eq!(read("2026-11-20 12:30 PM"), Some(datetime(2026, 11, 20, 12, 30, 0, 0)));
    // The weekday says which number is the day.
    assert_eq!(read("Tue 01/12/2026"), Some(datetime(2026, 12, 1, 0, 0, 0, 0)));
    // In the shop's zone it is another day.
    assert_eq!(read("2026-11-20T23:30:00Z"), Some(datetime(2026, 11, 21, 5, 0, 0, 0)));
}

#[test]
fn what_is_no_date() {
    for text in [
        "19:29.5",
        "54:29.5",
        "18:05",
        "yesterday",
        "599",
        "1.5",
        "2026",
        "Nov 2026",
        "20 Nov",
        "20/11",
        "2026-13-01",
        "2026-02-30",
        "2026-20-11",
        "30 Feb 2026",
        "31/04/2026",
        "1970-01-01",
        "0001-01-01",
        "2099-01-01",
        "1899-12-30",
        "0",
        "01/01/1970 00:00",
        "1448-05-29",
        "2569-11-20",
        "Mon 20 Nov 2026",
        "2026-11-20 25:00",
        "2026-11-20 6:04 XYZ",
        "2026-11-20 18:04 AM",
        "2026-11-20 soon",
        "20/11-2026",
        "20/11/2026/5",
        "+1-+2-2025",
        "-5/3/2026",
        "12/12/12/12",
        "4.08123E+16",
        "20 foo 2026",
        "20/11/206",
        "05/06/2026",
        "05/06/07",
    ] {
        assert_eq!(read(text), None, "{text}");
    }
    let column = DateColumn::undecided(&context("Asia/Kolkata"));
    assert!(matches!(column.read("2099-01-01"), Err(Unreadable::Implausible(_))));
    assert!(matches!(column.read("18:05"), Err(Unreadable::NoDay(_))));
    assert!(matches!(column.read("05/06/2026"), Err(Unreadable::Undecided(_))));
    assert!(matches!(column.read("2026-11-20 18:04 IST"), Ok(Some(_))));
    let elsewhere = DateColumn::undecided(&context("America/Chicago"));
    assert!(matches!(elsewhere.read("2026-11-20 18:04 IST"), Err(Unreadable::Zone(_))));
    for nothing in ["", " ", "-", "NaN", "null", "0000-00-00", "0000-00-00 00:00:00", "N/A"] {
        assert_eq!(column.read(nothing), Ok(None), "{nothing}");
    }
}

#[test]
fn one_value_decides_for_the_column() {
    let cases: [(&[&str], &str, [i16; 3]); 8] = [
        (&["12/01/2025 18:05", "12/31/2025 10:00", "01/02/2026 09:00"], "12/01/2025 18:05", [2025, 12, 1]),
        (&["12/01/2025", "31/12/2025"], "12/01/2025", [2025, 1, 12]),
        (&["20/11/26 18:05", "20-11-26", "20.11.26", "5/3/26"], "5/3/26", [2026, 3, 5]),
        (&["20/11/26 18:05", "20-11-26", "20.11.26", "5/3/26"], "20-11-26", [2026, 11, 20]),
        (&["26/11/20", "26/11/31", "26/12/31", "25/06/30", "26/05/06"], "26/05/06", [2026, 5, 6]),
        (&["11/20/26", "5/3/26"], "5/3/26", [2026, 5, 3]),
        (&["Fri 01/05/2026", "03/04/2026"], "03/04/2026", [2026, 4, 3]),
        (&["01/12/2025", "25122025"], "01/12/2025", [2025, 12, 1]),
    ];
    for (samples, text, [year, month, day]) in cases {
        let column = decide(samples).unwrap_or_else(|error| panic!("{samples:?}: {error}"));
        let found = column.read(text).unwrap().unwrap().date();
        assert_eq!(found, date(year, month.try_into().unwrap(), day.try_into().unwrap()), "{samples:?}");
    }
    let column = decide(&["12/31/2025", "01/02/2026"]).unwrap();
    assert!(matches!(column.read("31/12/2025"), Err(Unreadable::NoSuchDay(_))), "not in the order of the column");
}

#[test]
fn a_column_that_stays_open_is_asked_about() {
    let open = decide(&["03/04/2026", "2026-01-01", "05/06/2026", "07/07/2026"]).unwrap_err();
    assert_eq!(open.to_string(), "“03/04/2026” can be 3 April 2026 or 4 March 2026, and “05/06/2026” is no clearer");
    assert_eq!(open.orders, [DateOrder::DayFirst, DateOrder::MonthFirst]);
    let open = decide(&["20/11/26"]).unwrap_err();
    assert_eq!(open.to_string(), "“20/11/26” can be 20 November 2026 or 26 November 2020");
    let torn = decide(&["12/31/2025", "01/02/2026", "31/12/2025"]).unwrap_err();
    assert_eq!(torn.to_string(), "“31/12/2025” and “12/31/2025” cannot be dates of one order");
    assert!(torn.orders.is_empty());

    // Where it makes no difference, nobody is asked.
    let same = decide(&["07/07/2026", "11/11/2026", "2026-01-02", "soon"]).unwrap();
    assert_eq!(same.read("07/07/2026"), Ok(Some(datetime(2026, 7, 7, 0, 0, 0, 0))));
    assert!(matches!(same.read("07/08/2026"), Err(Unreadable::Undecided(_))));
    // Somebody knows.
    let known = DateColumn::in_order(DateOrder::MonthFirst, &context("Asia/Kolkata"));
    assert_eq!(known.read("03/04/2026"), Ok(Some(datetime(2026, 3, 4, 0, 0, 0, 0))));
    assert_eq!(DateOrder::parse("Month-First"), Some(DateOrder::MonthFirst));
}

#[test]
fn the_date_column_helps_out() {
    let column = DateColumn::in_order(DateOrder::DayFirst, &context("Asia/Kolkata"));
    let placed =
        |text: &str, day: Option<&str>| placed_at((&column, text), day.map(|day| (&column, day))).unwrap_or_default();
    let day = datetime(2026, 6, 1, 0, 0, 0, 0);
    assert_eq!(placed("19:29.5", Some("2026-06-01")), Some(day));
    assert_eq!(placed("18:05", Some("01/06/2026")), Some(datetime(2026, 6, 1, 18, 5, 0, 0)));
    assert_eq!(placed("6:05 pm", Some("01/06/2026")), Some(datetime(2026, 6, 1, 18, 5, 0, 0)));
    assert_eq!(placed("", Some("2026-06-01")), Some(day));
    assert_eq!(placed("2026-05-31 10:00", Some("2026-06-01")), Some(datetime(2026, 5, 31, 10, 0, 0, 0)));
    assert_eq!((placed("18:05", Some("soon")), placed("18:05", None)), (None, None));
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "[0-9 :/.,TZ+apmNov()-]{0,30}|\\PC{0,40}") {
        let context = context("Europe/Berlin");
        let _ = DateColumn::decide([text.as_str()], &context);
        if let Ok(Some(at)) = DateColumn::undecided(&context).read(&text) {
            prop_assert!(context.is_plausible(at.date().saturating_sub(jiff::Span::new().days(1))) || at.year() >= FIRST_YEAR);
        }
    }

    #[test]
    fn every_moment_reads_back(minutes in 0_i64..19_000_000) {
        let at = datetime(1990, 1, 2, 0, 0, 0, 0) + jiff::Span::new().minutes(minutes);
        let context = context("Asia/Kolkata");
        for (order, format) in [
            (DateOrder::DayFirst, "%d/%m/%Y %H:%M"),
            (DateOrder::MonthFirst, "%m-%d-%Y %I:%M %p"),
            (DateOrder::DayFirst, "%Y-%m-%dT%H:%M"),
            (DateOrder::DayFirst, "%A, %-d %B %Y %-H:%M"),
            (DateOrder::MonthFirst, "%b %d, %Y, %I:%M%p"),
            (DateOrder::DayFirst, "%Y%m%d%H%M00"),
        ] {
            let text = at.strftime(format).to_string();
            prop_assert_eq!(DateColumn::in_order(order, &context).read(&text), Ok(Some(at)), "{}", text);
        }
        let instant = at.to_zoned(context.zone.clone()).unwrap().timestamp();
        for text in [instant.to_string(), instant.as_millisecond().to_string().chars().collect()] {
            if text.len() != 12 {
                prop_assert_eq!(DateColumn::undecided(&context).read(&text), Ok(Some(at)), "{}", text);
            }
        }
    }

    /// A column that decides reads every one of its dates as it was written, in whichever order that was.
    #[test]
    fn what_is_decided_is_right(days in proptest::collection::vec(0_i32..9_000, 1..60), order in 0_usize..3, short in any::<bool>()) {
        let (order, format) = match (order, short) {
            (0, false) => (DateOrder::DayFirst, "%d/%m/%Y"),
            (0, true) => (DateOrder::DayFirst, "%d.%m.%y"),
            (1, false) => (DateOrder::MonthFirst, "%m/%d/%Y"),
            (1, true) => (DateOrder::MonthFirst, "%m/%d/%y"),
            _ => (DateOrder::YearFirst, "%y/%m/%d"),
        };
        let days: Vec<Date> = days.iter().map(|passed| date(2002, 1, 1) + jiff::Span::new().days(*passed)).collect();
        let texts: Vec<String> = days.iter().map(|day| day.strftime(format).to_string()).collect();
        match DateColumn::decide(texts.iter().map(String::as_str), &context("Asia/Kolkata")) {
            Ok(column) => {
                for (day, text) in days.iter().zip(&texts) {
                    prop_assert_eq!(column.read(text), Ok(Some(day.to_datetime(Time::midnight()))), "{} {:?}", text, order);
                }
            }
            Err(ambiguous) => {
                prop_assert!(ambiguous.orders.contains(&order), "{ambiguous} of {texts:?}");
                prop_assert!(!ambiguous.examples.is_empty());
            }
        }
    }
}
