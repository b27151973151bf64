//! Decides how a conversation is kept on record and read back: one turn a line, as JSON.
//!
//! It must never keep a telephone number, an address, a card or an identity: they become placeholders.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::thread::JoinHandle;

use jiff::Timestamp;
use regex::{Captures, Regex};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Problem;
use crate::agent::{Incoming, TurnReport};
use crate::domain::conversation::Offer;
use crate::domain::ids::{IdPatterns, UserId};
use crate::domain::words::excerpt;
use crate::inbox::Witness;
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
    /// The order of the offer whose button was pressed; its quote, where the offer is not on record.
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

/// What a turn came to, in the form it is kept in. `offered` is what was offered to the customer before it.
pub(super) fn turn(
    session: Option<&str>,
    user: &str,
    offered: &[Offer],
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
        pressed: incoming.pressed.as_ref().map(|quote| {
            // A quote has another identifier each time; what it is for stays the same.
            let offer = offered.iter().find(|offer| offer.quote_id == *quote);
            offer.map_or(quote.as_str(), |offer| offer.order_id.as_str()).to_owned()
        }),
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
    /// Each customer's number.
    users: HashMap<UserId, usize>,
    offered: HashMap<UserId, Vec<Offer>>,
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
        Ok(Self {
            path: path.to_owned(),
            file: BufWriter::new(file),
            users: HashMap::new(),
            offered: HashMap::new(),
            patterns,
        })
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
        let offered = self.offered.remove(user).unwrap_or_default();
        let turn = turn(session, &name, &offered, incoming, at, report, &self.patterns);
        if !report.conversation.offered.is_empty() {
            self.offered.insert(user.clone(), report.conversation.offered.clone());
        }
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
        let next = self.users.len() + 1;
        let number = self.users.entry(user.clone()).or_insert(next);
        format!("customer-{number}")
    }
}

/// Turns that wait to be written; more than these are left out.
const WAITING: usize = 1_000;

/// A turn that is to be written.
struct Kept {
    user: UserId,
    incoming: Incoming,
    at: Timestamp,
    report: TurnReport,
}

/// Records the turns of a bot in a file of its own, beside the turns: none waits for the disk, none fails with it.
pub(super) struct Journal {
    queue: Mutex<Option<SyncSender<Kept>>>,
    writer: Mutex<Option<JoinHandle<()>>>,
    left_out: AtomicU64,
}

impl Journal {
    /// Makes a new file in a folder, which is made when it is not there.
    pub fn begin(folder: &Path, patterns: IdPatterns) -> Result<Self, Problem> {
        std::fs::create_dir_all(folder).map_err(|error| {
            Problem::with_hint(
                format!("the folder {} for recordings cannot be made: {error}", folder.display()),
                "name a folder that can be written",
            )
        })?;
        let name = format!("turns-{}-{}.jsonl", Timestamp::now().strftime("%Y%m%dT%H%M%SZ"), std::process::id());
        let mut recorder = Recorder::create(&folder.join(name), patterns)?;
        let (queue, waiting) = sync_channel::<Kept>(WAITING);
        let writer = std::thread::spawn(move || {
            let (mut written, mut failing) = (0_u64, false);
            for kept in waiting {
                match recorder.add(None, &kept.user, &kept.incoming, kept.at, &kept.report) {
                    Ok(()) => (written, failing) = (written + 1, false),
                    Err(problem) if !failing => {
                        failing = true;
                        tracing::warn!("{problem}");
                    }
                    Err(_) => {}
                }
            }
            if written == 0 {
                // A replay would stumble over an empty file.
                let _ = std::fs::remove_file(&recorder.path);
            }
        });
        Ok(Self { queue: Mutex::new(Some(queue)), writer: Mutex::new(Some(writer)), left_out: AtomicU64::new(0) })
    }

    /// Waits until everything is written; how many turns were left out.
    pub fn end(&self) -> u64 {
        drop(self.queue.lock().unwrap_or_else(PoisonError::into_inner).take());
        if let Some(writer) = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let _ = writer.join();
        }
        self.left_out.load(Ordering::Relaxed)
    }
}

impl Witness for Journal {
    fn saw(&self, user: &UserId, incoming: &Incoming, at: Timestamp, report: &TurnReport) {
        let kept = Kept { user: user.clone(), incoming: incoming.clone(), at, report: report.clone() };
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(queue) = queue.as_ref() else { return };
        if queue.try_send(kept).is_err() && self.left_out.fetch_add(1, Ordering::Relaxed) == 0 {
            tracing::warn!("turns come faster than they can be written: some are left out of the recording");
        }
    }
}

/// Reads a recording; a line that cannot be read is an error that names it.
pub(super) fn read(path: &Path) -> Result<Vec<Turn>, Problem> {
    let hint = "a recording holds one turn a line, as `ecomres simulate --record FILE` and `ecomres bot --record DIR` write it";
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
