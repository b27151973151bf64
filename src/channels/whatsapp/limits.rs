//! The limits of the Cloud API, from its description. No other module names these numbers.

use jiff::SignedDuration;

use crate::domain::inbound::Media;
use crate::domain::outgoing::ChannelLimits;

/// What WhatsApp accepts.
pub const LIMITS: ChannelLimits = ChannelLimits {
    text: 4_096,
    text_with_choices: 1_024,
    buttons: 3,
    button_title: 20,
    button_id: 256,
    rows: 10,
    row_title: 24,
    row_id: 200,
    template_text: 1_000,
    free_text_window: SignedDuration::from_hours(24),
};
/// The largest file of a kind that customers can send, in bytes.
pub(super) fn largest_file(kind: Media) -> u64 {
    const MEGABYTE: u64 = 1_024 * 1_024;
    match kind {
        Media::Image => 5 * MEGABYTE,
        Media::Audio | Media::Video => 16 * MEGABYTE,
        Media::Document => 100 * MEGABYTE,
        Media::Sticker => MEGABYTE / 2,
    }
}
/// The error code for a message that came too late after the customer's last one.
pub(super) const OUTSIDE_WINDOW: i64 = 131_047;
/// The error code for too many messages to one customer.
pub(super) const PAIR_LIMIT: i64 = 131_056;
