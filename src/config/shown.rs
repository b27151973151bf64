//! Settings as they may be shown to admins.

use figment::value::Value as Found;

use super::setting::Kind;

/// A value as it may be shown: of what may hold a secret only whether it is set.
pub(super) fn shown(kind: Kind, value: Option<&Found>) -> String {
    let Some(value) = value else { return "not set".to_owned() };
    let is_open = matches!(
        kind,
        Kind::Whole(..)
            | Kind::Days(_)
            | Kind::Share
            | Kind::UpToTwo
            | Kind::Flag
            | Kind::Amount
            | Kind::Percent
            | Kind::OneOf(_)
            | Kind::Country
            | Kind::Currency
            | Kind::CountryCode
            | Kind::Zone
            | Kind::OrderPattern
            | Kind::CustomerPattern
    );
    match value {
        Found::String(_, text) if text.is_empty() => "empty".to_owned(),
        Found::String(_, text) if is_open => text.clone(),
        Found::Bool(_, flag) => flag.to_string(),
        Found::Num(_, number) => match (number.to_i128(), number.to_f64()) {
            (Some(whole), _) => whole.to_string(),
            (_, Some(number)) => number.to_string(),
            _ => "set".to_owned(),
        },
        Found::Array(_, list) if list.is_empty() => "none".to_owned(),
        Found::Array(_, list) => format!("{} entries", list.len()),
        _ => "set".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_a_secret_is_not_shown() {
        let text = |text: &str| Found::from(text);
        assert_eq!(shown(Kind::Text, Some(&text("s3cret"))), "set");
        assert_eq!(shown(Kind::OptionalUrl, Some(&text("https://mia:s3cret@shop.example"))), "set");
        assert_eq!(shown(Kind::Text, Some(&text(""))), "empty");
        assert_eq!(shown(Kind::Country, Some(&text("IN"))), "IN");
        assert_eq!(shown(Kind::Whole(0, 9), Some(&Found::from(7))), "7");
        assert_eq!(shown(Kind::Flag, Some(&Found::from(true))), "true");
        assert_eq!(shown(Kind::List, Some(&Found::from(vec!["a", "b"]))), "2 entries");
        assert_eq!(shown(Kind::Amount, None), "not set");
    }
}
