//! Decides how a conversation is kept on record and read back: one turn a line, as JSON.
//!
//! It must never keep a telephone number, an address, a card or an identity: they become placeholders.

use std::fs::File;
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use jiff::Timestamp;
use regex::{Captures, Regex};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Problem;
use crate::agent::{Incoming, TurnReport};
use crate::domain::ids::{IdPatterns, UserId};
use crate::domain::words::excerpt;
use crate::llm::mask::Mask;

/// One turn of a recorded conversation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Turn {
    /// Turns of one session share a store; another session begins with a fresh one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// Who wrote.
    pub user: String,
    /// When.
    pub at: Timestamp,
    /// What was written.
    pub text: String,
    /// The quote of a pressed button.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pressed: Option<String>,
    /// What was answered.
    pub replies: Vec<String>,
    /// The tools that were called, without the first reading of the message.
    pub tool_calls: Vec<Call>,
}

/// A tool call of a recorded turn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Call {
    /// The tool.
    pub tool: String,
    /// Its arguments.
    pub arguments: Value,
}

/// The text with made-up personal data in the place of the placeholders: the model has to read what people write, and
/// nobody writes `[PHONE_1]`. It is replaced by placeholders again before anything is compared.
pub(super) fn stand_ins(text: &str) -> String {
    static PLACEHOLDER: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"\[(PHONE|EMAIL|CARD)_(\d{1,4})\]").expect("a valid pattern"));
    PLACEHOLDER
        .replace_all(text, |found: &Captures<'_>| {
            let number: u32 = found[2].parse().unwrap_or_default();
            match &found[1] {
                "PHONE" => format!("90000 {number:05}"),
                "EMAIL" => format!("someone{number}@example.com"),
                _ => "4111 1111 1111 1111".to_owned(),
            }
        })
        .into_owned()
}

/// What a turn came to, in the form it is kept in.
pub(super) fn turn(
    session: Option<&str>,
    user: &str,
    incoming: &Incoming,
    at: Timestamp,
    report: &TurnReport,
    patterns: &IdPatterns,
) -> Turn {
    let mut mask = Mask::new(patterns.clone(), true);
    Turn {
        session: session.map(str::to_owned),
        user: user.to_owned(),
        at,
        text: mask.hide(&incoming.text()),
        pressed: incoming.pressed.as_ref().map(|quote| quote.as_str().to_owned()),
        replies: report.reply.iter().map(|reply| mask.hide(reply)).collect(),
        tool_calls: report
            .calls
            .iter()
            .map(|call| Call { tool: call.tool.clone(), arguments: mask.hide_json(&call.arguments) })
            .collect(),
    }
}

/// Writes turns into a new file.
pub(super) struct Recorder {
    path: PathBuf,
    file: BufWriter<File>,
    users: Vec<UserId>,
    patterns: IdPatterns,
}

impl Recorder {
    /// Makes the file; one that is there is not written over.
    pub fn create(path: &Path, patterns: IdPatterns) -> Result<Self, Problem> {
        let file = File::create_new(path).map_err(|error| {
            Problem::with_hint(
                format!("the recording {} cannot be made: {error}", path.display()),
                "name a new file in a folder that can be written",
            )
        })?;
        Ok(Self { path: path.to_owned(), file: BufWriter::new(file), users: Vec::new(), patterns })
    }

    /// Adds a turn.
    pub fn add(
        &mut self,
        session: Option<&str>,
        user: &UserId,
        incoming: &Incoming,
        at: Timestamp,
        report: &TurnReport,
    ) -> Result<(), Problem> {
        let name = self.name(user);
        let turn = turn(session, &name, incoming, at, report, &self.patterns);
        let written = serde_json::to_writer(&mut self.file, &turn).map_err(std::io::Error::other);
        written.and_then(|()| self.file.write_all(b"\n")).and_then(|()| self.file.flush()).map_err(|error| {
            Problem::with_hint(
                format!("the recording {} cannot be written: {error}", self.path.display()),
                "free some space, or record elsewhere",
            )
        })
    }

    /// Who wrote, without saying who: identities with a number in them become `customer-1`, `customer-2`, ….
    fn name(&mut self, user: &UserId) -> String {
        if user.as_str().chars().filter(char::is_ascii_digit).count() < 6 && !user.as_str().contains('@') {
            return user.as_str().to_owned();
        }
        let place = self.users.iter().position(|known| known == user).unwrap_or_else(|| {
            self.users.push(user.clone());
            self.users.len() - 1
        });
        format!("customer-{}", place + 1)
    }
}

/// Reads a recording; a line that cannot be read is an error that names it.
pub(super) fn read(path: &Path) -> Result<Vec<Turn>, Problem> {
    let hint = "a recording holds one turn a line, as `ecomres simulate --record FILE` writes it";
    let failed = |error: &dyn std::fmt::Display| {
        Problem::with_hint(format!("the recording {} cannot be read: {error}", path.display()), hint)
    };
    let file = File::open(path).map_err(|error| failed(&error))?;
    let mut turns = Vec::new();
    for (index, line) in BufReader::new(file).lines().enumerate() {
        let line = line.map_err(|error| failed(&error))?;
        if line.trim().is_empty() {
            continue;
        }
        let turn = serde_json::from_str(&line).map_err(|error| {
            let why = excerpt(&error.to_string(), 200);
            Problem::with_hint(format!("{}:{}: this is no recorded turn: {why}", path.display(), index + 1), hint)
        })?;
        turns.push(turn);
    }
    if turns.is_empty() {
        return Err(Problem::with_hint(format!("the recording {} holds no turn", path.display()), hint));
    }
    Ok(turns)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_up_data_becomes_the_same_placeholders_again() {
        let kept = "call [PHONE_1] or write to [EMAIL_2], card [CARD_3], order ORD000003";
        let text = stand_ins(kept);
        assert!(!text.contains('['), "{text}");
        assert_eq!(Mask::new(IdPatterns::default(), true).hide(&text), kept);
    }
}
