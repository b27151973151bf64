//! Recordings of conversations, one turn a line, as JSON. Telephone numbers, addresses, cards, numbers of accounts and papers,
//! and identities are replaced by placeholders.

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

use super::InputError;
use crate::agent::{Incoming, TurnReport};
use crate::domain::consent::Press;
use crate::domain::conversation::Offer;
use crate::domain::ids::{QuoteId, UserId};
use crate::domain::mask::Mask;
use crate::domain::words::excerpt;
use crate::files;
use crate::inbox::TurnObserver;

/// One turn of a recorded conversation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Turn {
    /// Turns of one session share a store; another session starts with a new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// Who wrote.
    pub user: String,
    /// When.
    pub at: Timestamp,
    /// What was written.
    pub text: String,
    /// The orders of the offers to which a pressed button says yes, parted by commas; their quotes, where the offers are
    /// not recorded; [`FOREIGN`] for a button of another program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pressed: Option<String>,
    /// What was answered.
    pub replies: Vec<String>,
    /// The tools that were called, without the classification of the message.
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

/// The text with made-up personal data in place of the placeholders: the model has to read what people write, and nobody
/// writes `[PHONE_1]`. It is masked again before anything is compared.
pub(super) fn unmask(text: &str) -> String {
    #[expect(clippy::expect_used, reason = "a constant pattern, which a test compiles")]
    static PLACEHOLDER: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"\[(PHONE|EMAIL|CARD|ACCOUNT|ID|ADDRESS)_(\d{1,4})\]").expect("a valid pattern"));
    PLACEHOLDER
        .replace_all(text, |found: &Captures<'_>| {
            let number: u32 = found[2].parse().unwrap_or_default();
            match &found[1] {
                "PHONE" => format!("90000 {number:05}"),
                "EMAIL" => format!("someone{number}@example.com"),
                "ACCOUNT" => format!("TEST0{number:06}"),
                "ID" => format!("AAAPA{number:04}A"),
                "ADDRESS" => format!("{number} Example Road"),
                _ => "4111 1111 1111 1111".to_owned(),
            }
        })
        .into_owned()
}

/// A pressed button that this program did not make, as it is recorded.
const FOREIGN: &str = "?";

/// A pressed button as it is recorded. A no is recorded by its words alone.
fn recorded_press(press: &Press, offered: &[Offer]) -> Option<String> {
    // A quote has another identifier each time; its order stays the same.
    let order = |quote: &QuoteId| {
        let offer = offered.iter().find(|offer| offer.quote_id == *quote);
        offer.map_or(quote.as_str(), |offer| offer.order_id.as_str()).to_owned()
    };
    match press {
        Press::Yes(quotes) => Some(quotes.iter().map(order).collect::<Vec<_>>().join(",")),
        // Their words name the order, or none.
        Press::No(_) | Press::Order(_) | Press::OtherOrder => None,
        Press::Foreign => Some(FOREIGN.to_owned()),
    }
}

/// The pressed button of a recorded turn, with the quotes that are offered now.
pub(super) fn press(recorded: &str, offered: &[Offer]) -> Press {
    let quote = |name: &str| {
        let offer = offered.iter().find(|offer| offer.order_id.as_str() == name);
        offer.map_or_else(|| QuoteId::new(name), |offer| offer.quote_id.clone())
    };
    if recorded == FOREIGN { Press::Foreign } else { Press::Yes(recorded.split(',').map(quote).collect()) }
}

/// What was written, and nothing of a place or a number that was given beside it.
fn recorded_text(incoming: &Incoming, mask: &mut Mask) -> String {
    mask.hide(&incoming.text())
}

/// A turn as it is recorded. `offered` are the offers to the customer before it.
pub(super) fn turn(
    session: Option<&str>,
    user: &str,
    offered: &[Offer],
    incoming: &Incoming,
    at: Timestamp,
    report: &TurnReport,
) -> Turn {
    let mut mask = Mask::new(report.patterns.clone(), true);
    Turn {
        session: session.map(str::to_owned),
        user: user.to_owned(),
        at,
        text: recorded_text(incoming, &mut mask),
        pressed: incoming.pressed.as_ref().and_then(|press| recorded_press(press, offered)),
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
}

impl Recorder {
    /// Creates the file, which only its owner may read; an existing one is not overwritten.
    pub(super) fn create(path: &Path) -> Result<Self, InputError> {
        let file = files::create_new(path).map_err(|error| {
            InputError::with_hint(
                format!("the recording {} cannot be created: {error}", path.display()),
                "name a new file in a folder that can be written",
            )
        })?;
        Ok(Self { path: path.to_owned(), file: BufWriter::new(file), users: HashMap::new(), offered: HashMap::new() })
    }

    /// Appends a turn.
    pub(super) fn add(
        &mut self,
        session: Option<&str>,
        user: &UserId,
        incoming: &Incoming,
        at: Timestamp,
        report: &TurnReport,
    ) -> Result<(), InputError> {
        let name = self.name(user);
        let offered = self.offered.remove(user).unwrap_or_default();
        let turn = turn(session, &name, &offered, incoming, at, report);
        if !report.conversation.offered.is_empty() {
            self.offered.insert(user.clone(), report.conversation.offered.clone());
        }
        let written = serde_json::to_writer(&mut self.file, &turn).map_err(std::io::Error::other);
        written.and_then(|()| self.file.write_all(b"\n")).and_then(|()| self.file.flush()).map_err(|error| {
            InputError::with_hint(
                format!("the recording {} cannot be written: {error}", self.path.display()),
                "free some space, or record elsewhere",
            )
        })
    }

    /// A pseudonym of a customer: identities with a number in them become `customer-1`, `customer-2`, ….
    fn name(&mut self, user: &UserId) -> String {
        if user.as_str().chars().filter(char::is_ascii_digit).count() < 6 && !user.as_str().contains('@') {
            return user.as_str().to_owned();
        }
        let next = self.users.len() + 1;
        let number = self.users.entry(user.clone()).or_insert(next);
        format!("customer-{number}")
    }
}

/// Turns that wait to be written at most; more than these are left out.
const QUEUE_LENGTH: usize = 1_000;

/// A turn that waits to be written.
struct RecordedTurn {
    user: UserId,
    incoming: Incoming,
    at: Timestamp,
    report: TurnReport,
}

/// Records the turns of a bot in a file, in a thread of its own: no turn waits for the disk or fails with it.
pub(super) struct Journal {
    queue: Mutex<Option<SyncSender<RecordedTurn>>>,
    writer: Mutex<Option<JoinHandle<()>>>,
    left_out: AtomicU64,
}

impl Journal {
    /// Creates a new file in a folder, which is created where it does not exist.
    pub(super) fn begin(folder: &Path) -> Result<Self, InputError> {
        std::fs::create_dir_all(folder).map_err(|error| {
            InputError::with_hint(
                format!("the folder {} for recordings cannot be created: {error}", folder.display()),
                "name a folder that can be written",
            )
        })?;
        let name = format!("turns-{}-{}.jsonl", Timestamp::now().strftime("%Y%m%dT%H%M%SZ"), std::process::id());
        let mut recorder = Recorder::create(&folder.join(name))?;
        let (queue, waiting) = sync_channel::<RecordedTurn>(QUEUE_LENGTH);
        let writer = std::thread::spawn(move || {
            let (mut written, mut failing) = (0_u64, false);
            for turn in waiting {
                match recorder.add(None, &turn.user, &turn.incoming, turn.at, &turn.report) {
                    Ok(()) => (written, failing) = (written + 1, false),
                    Err(error) if !failing => {
                        failing = true;
                        tracing::warn!("{error}");
                    }
                    Err(_) => {}
                }
            }
            if written == 0 {
                // A replay of an empty file is an error.
                let _ = std::fs::remove_file(&recorder.path);
            }
        });
        Ok(Self { queue: Mutex::new(Some(queue)), writer: Mutex::new(Some(writer)), left_out: AtomicU64::new(0) })
    }

    /// Waits until everything is written; returns how many turns were left out.
    pub(super) fn end(&self) -> u64 {
        drop(self.queue.lock().unwrap_or_else(PoisonError::into_inner).take());
        if let Some(writer) = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let _ = writer.join();
        }
        self.left_out.load(Ordering::Relaxed)
    }
}

impl TurnObserver for Journal {
    fn on_turn(&self, user: &UserId, incoming: &Incoming, at: Timestamp, report: &TurnReport) {
        let turn = RecordedTurn { user: user.clone(), incoming: incoming.clone(), at, report: report.clone() };
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(queue) = queue.as_ref() else { return };
        if queue.try_send(turn).is_err() && self.left_out.fetch_add(1, Ordering::Relaxed) == 0 {
            tracing::warn!("turns come faster than they can be written: some are left out of the recording");
        }
    }
}

/// Reads a recording; a line that cannot be read is an error that names it.
pub(super) fn read(path: &Path) -> Result<Vec<Turn>, InputError> {
    let hint = "a recording holds one turn a line, as `ecomres simulate --record FILE` and `ecomres bot --record DIR` write it";
    let failed = |error: &dyn std::fmt::Display| {
        InputError::with_hint(format!("the recording {} cannot be read: {error}", path.display()), hint)
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
            InputError::with_hint(format!("{}:{}: this is no recorded turn: {why}", path.display(), index + 1), hint)
        })?;
        turns.push(turn);
    }
    if turns.is_empty() {
        return Err(InputError::with_hint(format!("the recording {} holds no turn", path.display()), hint));
    }
    Ok(turns)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::currency::Amount;
    use crate::domain::ids::{IdPatterns, OrderId};

    #[test]
    fn where_somebody_lives_is_in_no_recording() {
        let mut mask = Mask::new(IdPatterns::default(), true);
        let given = Some(crate::domain::inbound::Given::Place("12 Lake Road, Pune".to_owned()));
        assert_eq!(recorded_text(&Incoming { given, ..Incoming::typed("to this place") }, &mut mask), "to this place");
    }

    #[test]
    fn a_pressed_button_is_recorded_by_its_orders() {
        let offer = |number: u32, quote: &str| {
            Offer::new(QuoteId::new(quote), OrderId::new(&format!("ORD{number:06}")), Amount::rupees(1))
        };
        let before = [offer(4, "q1"), offer(5, "q2")];
        let now = [offer(4, "q8"), offer(5, "q9")];
        let again = |pressed: Press| recorded_press(&pressed, &before).map(|recorded| press(&recorded, &now));
        let yes = |ids: &[&str]| Press::Yes(ids.iter().map(|id| QuoteId::new(*id)).collect());
        assert_eq!(again(yes(&["q1"])), Some(yes(&["q8"])));
        assert_eq!(again(yes(&["q1", "q2"])), Some(yes(&["q8", "q9"])));
        assert_eq!(again(yes(&["old"])), Some(yes(&["old"])));
        assert_eq!(again(Press::Foreign), Some(Press::Foreign));
        assert_eq!(again(Press::No(vec![QuoteId::new("q1")])), None, "the words say no");
    }

    #[test]
    fn made_up_data_becomes_the_same_placeholders_again() {
        let masked =
            "call [PHONE_1] or write to [EMAIL_2], card [CARD_3], to [ACCOUNT_4], [ID_5], [ADDRESS_6], order ORD000003";
        let text = unmask(masked);
        assert!(!text.contains('['), "{text}");
        assert_eq!(Mask::new(IdPatterns::default(), true).hide(&text), masked);
    }
}
