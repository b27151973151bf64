//! Decides what an error of the Graph API means for the message, and for those after it.
//!
//! It must never give a message up for what passes by itself.

/// What an error means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// It passes: the same message is sent again.
    Retry,
    /// It passes where everything is sent more slowly.
    SlowDown,
    /// This message will never be taken.
    GiveUp,
    /// Nothing will be taken until somebody mends the token.
    Token,
}

/// The class of an error, by the HTTP status and the number in the body.
///
/// The numbers are those of Meta's list of error codes of the Cloud API.
pub(super) fn judge(status: u16, code: Option<i64>) -> Class {
    match code {
        // An unknown fault of authentication, and an expired or invalid token.
        Some(0 | 190) => Class::Token,
        // Limits of calls, of messages and of one pair; a fault or an overload over there; an account under
        // maintenance; a server that is busy for now.
        Some(4 | 80_007 | 130_429 | 131_000 | 131_016 | 131_056 | 131_057 | 133_004) => Class::Retry,
        Some(131_048) => Class::SlowDown,
        // Not on the network; outside of the window; held back for the customer's sake; an unknown kind; the account is
        // restricted or locked; the template is not there or does not fit.
        Some(131_026 | 131_047 | 131_049..=131_051 | 368 | 131_031 | 132_000..=132_999) => Class::GiveUp,
        _ => match status {
            401 => Class::Token,
            408 | 425 | 429 | 500..=599 => Class::Retry,
            // What was wrong with this request is as wrong the next time.
            _ => Class::GiveUp,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_has_its_class() {
        for (class, codes) in [
            (Class::Retry, vec![4, 80_007, 130_429, 131_000, 131_016, 131_056, 131_057, 133_004]),
            (Class::SlowDown, vec![131_048]),
            (Class::GiveUp, vec![131_026, 131_047, 131_049, 131_050, 131_051, 368, 131_031, 132_000, 132_001, 132_999]),
            (Class::Token, vec![0, 190]),
        ] {
            for code in codes {
                for status in [400, 401, 403, 429, 500] {
                    assert_eq!(judge(status, Some(code)), class, "{code} with {status}");
                }
            }
        }
        assert_eq!(judge(400, Some(100)), Class::GiveUp);
        assert_eq!(judge(400, Some(131_009)), Class::GiveUp);
        assert_eq!(judge(503, None), Class::Retry);
        assert_eq!(judge(500, Some(7)), Class::Retry);
        assert_eq!(judge(429, None), Class::Retry);
        assert_eq!(judge(401, None), Class::Token);
        assert_eq!(judge(404, None), Class::GiveUp);
    }
}
