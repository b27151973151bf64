//! Decides what happens when a person of the shop writes to a customer from another device: they have taken over.
//!
//! It must never take over twice for one message: a redelivery after the alert was settled changes nothing.

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use crate::domain::alert::{Alert, AlertStatus, Handling, Priority};
use crate::domain::conversation::{Conversation, Mode};
use crate::domain::ids::AlertId;
use crate::domain::inbound::Inbound;
use crate::domain::words::excerpt;
use crate::store::{Store, StoreError};
use crate::telemetry::metric;

/// How often the conversation is marked again after somebody else changed it meanwhile.
const TRIES: u32 = 5;

/// Silences the bot for the conversation in which a person wrote `echo`; a turn in work is not kept, so its reply is never
/// sent. Whether this was new.
///
/// # Errors
/// When the store fails.
pub async fn taken_over(store: &dyn Store, echo: &Inbound, now: Timestamp) -> Result<bool, StoreError> {
    // Named by the message, so that it is raised once however often it comes.
    let digest = Sha256::digest(echo.id.as_str().as_bytes());
    let id: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    let id = AlertId::new(format!("ALERT_{id}"));
    if store.alert(&id).await?.is_some() {
        return Ok(false);
    }
    let raised = store.pending_alert(&echo.user_id).await?.is_none();
    let alert = if raised {
        let alert = Alert {
            id,
            user_id: echo.user_id.clone(),
            reason: "A member of the team answers from the business app".to_owned(),
            last_message: format!("(to the customer) {}", excerpt(&echo.content.told(), 1_000)),
            priority: Priority::Low,
            status: AlertStatus::Pending,
            created_at: now,
            handling: Handling::default(),
        };
        metrics::counter!(metric::HAND_OVERS, "by" => "team").increment(1);
        match store.open_alert(&alert).await {
            Ok(alert) => alert,
            // Somebody else did this very step at the same moment.
            Err(_) if store.alert(&alert.id).await?.is_some() => return Ok(false),
            Err(error) => return Err(error),
        }
    } else {
        // A person was asked in already, and here they are.
        return Ok(false);
    };
    for _ in 0..TRIES {
        let stored = store.conversation(&echo.user_id).await?;
        let mut conversation = stored.unwrap_or_else(|| Conversation::new(echo.user_id.clone()));
        conversation.mode = Mode::HandedOver { alert_id: alert.id.clone() };
        conversation.start_afresh();
        // Where another writer was faster, the next turn follows the alert all the same.
        if store.save_conversation(&conversation).await? {
            break;
        }
    }
    Ok(true)
}
