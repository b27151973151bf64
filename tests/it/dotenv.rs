//! Compares what is read from `.env` files with what python-dotenv read from them.

use ecomres::config::dotenv;
use serde_json::Value;

#[test]
#[ignore = "needs what python-dotenv reads: tests/dotenv.sh runs it"]
fn as_python_dotenv_reads_it() {
    let path = std::env::var("ECOMRES_DOTENV_CASES").unwrap();
    let cases: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert!(cases.len() >= 3_000, "{}", cases.len());
    let (mut values, mut unreadable) = (0, 0);
    for case in &cases {
        let text = case["text"].as_str().unwrap();
        let read = dotenv::parse(text);
        let environment = |name: &str| case["environment"][name].as_str().map(str::to_owned);
        let mut found = serde_json::Map::new();
        for resolved in dotenv::resolve(&read.assignments, environment) {
            found.insert(resolved.name, resolved.value.map_or(Value::Null, Value::from));
        }
        assert_eq!(Value::Object(found), case["values"], "{text:?}");
        assert_eq!(read.unreadable.len() as u64, case["unreadable"].as_u64().unwrap(), "{text:?}");
        values += read.assignments.len();
        unreadable += read.unreadable.len();
    }
    assert!(values > 3_000 && unreadable > 300, "{values} values, {unreadable} lines that cannot be read");
    println!("{} files, {values} values and {unreadable} unreadable lines as python-dotenv has them", cases.len());
}
