//! A file of orders, in any encoding.
#![no_main]

use std::io::Cursor;

use ecomres::domain::ids::IdPatterns;
use ecomres::domain::phone::Country;
use ecomres::import::OrderReader;

libfuzzer_sys::fuzz_target!(|file: &[u8]| {
    let Ok(reader) = OrderReader::new("orders.csv", Cursor::new(file.to_vec())) else { return };
    let mut reader = reader.expecting(IdPatterns::default(), Country::parse("IN").unwrap());
    let (mut orders, mut bad) = (0, 0);
    while let Ok(Some(row)) = reader.read_next() {
        orders += u64::from(row.is_ok());
        bad += u64::from(row.is_err());
        assert!(orders + bad <= file.len() as u64, "more rows than bytes");
    }
    assert_eq!((reader.summary().orders, reader.summary().bad_rows), (orders, bad));
});
