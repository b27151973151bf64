//! The meaning of an error of the Graph API for the message, and for those after it. A message is never given up for an
//! error that may pass, nor for one of the set-up: what the account, its number, its token or its billing does not allow
//! fails for every message until somebody mends it.

use serde_json::Value;

use super::limits::{OUTSIDE_WINDOW, PAIR_LIMIT};
use crate::domain::words::excerpt;

/// The class of an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ErrorClass {
    /// It may pass: the same message is sent again.
    Retry,
    /// It passes if everything is sent more slowly.
    SlowDown,
    /// This message will never be accepted.
    GiveUp,
    /// Nothing will be accepted until somebody sets a valid token.
    Token,
    /// Nothing will be accepted until somebody mends the account, the number or the settings.
    SetUp,
    /// As [`ErrorClass::SetUp`], unless other messages are accepted.
    Suspect,
}

impl ErrorClass {
    /// Whether it is the set-up's fault, and no message's.
    pub(super) fn is_set_up(self) -> bool {
        matches!(self, Self::Token | Self::SetUp | Self::Suspect)
    }
}

/// An error as the API tells it, in an answer or in a status.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ApiError {
    /// The number on Meta's list.
    pub(super) code: Option<i64>,
    /// A finer number, which newer versions leave out.
    pub(super) subcode: Option<i64>,
    /// Its type, such as `OAuthException`.
    pub(super) kind: String,
    /// What it says.
    pub(super) text: String,
}

impl ApiError {
    /// Reads the field `error` of an answer.
    pub(super) fn of(error: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().trim().to_owned();
        let details = text(&error["error_data"]["details"]);
        Self {
            code: error["code"].as_i64(),
            subcode: error["error_subcode"].as_i64(),
            kind: text(&error["type"]),
            text: if details.is_empty() { text(&error["message"]) } else { details },
        }
    }

    /// What it says, shortened.
    pub(super) fn told(&self) -> String {
        if self.text.is_empty() { "no reason given".to_owned() } else { excerpt(&self.text, 300) }
    }

    /// Whether it says that the address names nothing: the number's identifier or the version is another one.
    pub(super) fn names_nothing(&self) -> bool {
        let text = self.text.to_lowercase();
        self.subcode == Some(33)
            || self.kind == "GraphMethodException"
            || text.contains("object with id")
            || text.contains("does not exist")
            || text.contains("number not found")
            || text.contains("unknown path")
    }

    /// Whether it is about what one request contains.
    fn names_content(&self) -> bool {
        let text = self.text.to_lowercase();
        ["parameter", "param ", "json", "template", "must be", "is required", "characters"]
            .iter()
            .any(|word| text.contains(word))
    }
}

/// The class of an error, by the HTTP status and what the body says. The codes are those of Meta's list for the Cloud API.
pub(super) fn classify(status: u16, error: &ApiError) -> ErrorClass {
    match error.code {
        // An unknown authentication error, an expired or invalid token, none, one whose session ended.
        Some(0 | 102 | 104 | 190) => ErrorClass::Token,
        // A service that is down for a moment; limits of calls, of messages and of one customer; an internal error or
        // overload of the service; an account under maintenance; a server that is busy.
        Some(2 | 4 | 80_007 | 130_429 | 131_000 | 131_016 | PAIR_LIMIT | 131_057 | 133_004 | 133_015 | 133_016) => {
            ErrorClass::Retry
        }
        Some(131_048) => ErrorClass::SlowDown,
        // Not on WhatsApp; outside of the window; withheld to protect the customer, for an experiment, or in that country;
        // to the shop's own number; an unknown message type; the template is missing or does not match.
        Some(
            130_472
            | 130_497
            | 131_008
            | 131_009
            | 131_021
            | 131_026
            | OUTSIDE_WINDOW
            | 131_049..=131_053
            | 132_000..=132_999
            | 135_000,
        ) => ErrorClass::GiveUp,
        // Permissions of the app and the token; an account that is restricted or locked; a number that was deleted, is not
        // registered, is not certified or whose name is not approved; billing; terms that are not accepted.
        Some(
            3
            | 10
            | 33
            | 200..=299
            | 368
            | 2_500
            | 131_005
            | 131_031
            | 131_037
            | 131_042
            | 131_045
            | 133_000..=133_999
            | 134_011,
        ) => ErrorClass::SetUp,
        Some(100) if error.names_nothing() || status == 404 => ErrorClass::SetUp,
        Some(100) if error.names_content() => ErrorClass::GiveUp,
        // Nobody knows; and a number for trying out, which sends to listed customers only.
        Some(100 | 131_030) => ErrorClass::Suspect,
        // An error that Meta does not explain: of the request, unless the service itself failed.
        Some(1) if status < 500 => ErrorClass::Suspect,
        _ if error.names_nothing() && status < 500 => ErrorClass::SetUp,
        _ => match status {
            401 => ErrorClass::Token,
            408 | 425 | 429 | 500..=599 => ErrorClass::Retry,
            // Not Meta's answer: the address is another one, or something stands between.
            300..=399 | 402..=407 if error.code.is_none() => ErrorClass::SetUp,
            403 => ErrorClass::Suspect,
            // The request itself is wrong, and would be so the next time.
            _ => ErrorClass::GiveUp,
        },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn error(code: i64) -> ApiError {
        ApiError { code: Some(code), ..ApiError::default() }
    }

    fn of(status: u16, value: &Value) -> ErrorClass {
        classify(status, &ApiError::of(value))
    }

    #[test]
    fn each_number_has_its_class() {
        for (class, codes) in [
            (ErrorClass::Retry, vec![2, 4, 80_007, 130_429, 131_000, 131_016, 131_056, 131_057, 133_004]),
            (ErrorClass::SlowDown, vec![131_048]),
            (
                ErrorClass::GiveUp,
                vec![
                    130_472, 130_497, 131_009, 131_021, 131_026, 131_047, 131_049, 131_050, 131_051, 132_000, 132_001,
                    132_999,
                ],
            ),
            (ErrorClass::Token, vec![0, 190]),
            (
                ErrorClass::SetUp,
                vec![
                    3, 10, 33, 200, 299, 368, 131_005, 131_031, 131_037, 131_042, 131_045, 133_000, 133_006, 133_010,
                    134_011,
                ],
            ),
            (ErrorClass::Suspect, vec![131_030]),
        ] {
            for code in codes {
                for status in [400, 401, 403, 429, 500] {
                    assert_eq!(classify(status, &error(code)), class, "{code} with {status}");
                }
            }
        }
        assert_eq!(classify(400, &error(1)), ErrorClass::Suspect);
        assert_eq!(classify(500, &error(1)), ErrorClass::Retry);
        let none = ApiError::default();
        for (status, class) in [
            (503, ErrorClass::Retry),
            (429, ErrorClass::Retry),
            (401, ErrorClass::Token),
            (403, ErrorClass::SetUp),
            (404, ErrorClass::SetUp),
            (302, ErrorClass::SetUp),
            (400, ErrorClass::GiveUp),
        ] {
            assert_eq!(classify(status, &none), class, "{status}");
        }
        assert_eq!(classify(500, &error(7)), ErrorClass::Retry);
        assert_eq!(classify(400, &error(7)), ErrorClass::GiveUp);
    }

    #[test]
    fn an_invalid_parameter_is_the_messages_fault_and_an_unknown_number_the_set_ups() {
        for text in [
            "(#100) Invalid parameter",
            "Param text must be at most 4096 characters long.",
            "Invalid JSON in request body",
        ] {
            assert_eq!(of(400, &json!({"code": 100, "message": text})), ErrorClass::GiveUp, "{text}");
        }
        let unsupported =
            "Unsupported post request. Object with ID '7' does not exist, cannot be loaded due to missing permissions";
        assert_eq!(of(400, &json!({"code": 100, "error_subcode": 33, "message": unsupported})), ErrorClass::SetUp);
        assert_eq!(of(400, &json!({"code": 100, "message": unsupported})), ErrorClass::SetUp);
        assert_eq!(of(404, &json!({"code": 100, "message": "Phone number not found"})), ErrorClass::SetUp);
        assert_eq!(of(400, &json!({"code": 100, "type": "GraphMethodException"})), ErrorClass::SetUp);
        assert_eq!(of(400, &json!({"code": 2_500, "message": "Unknown path components: /v0/7"})), ErrorClass::SetUp);
        assert_eq!(of(400, &json!({"code": 100})), ErrorClass::Suspect, "nobody knows");
    }
}
