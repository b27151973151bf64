//! The body of a webhook of WhatsApp, after its signature was checked.
#![no_main]

use ecomres::channels::whatsapp::payload;
use jiff::Timestamp;

libfuzzer_sys::fuzz_target!(|body: &[u8]| {
    if let Ok(batch) = payload::read(body, Timestamp::UNIX_EPOCH) {
        for message in &batch.messages {
            assert!(!message.id.as_str().is_empty() && !message.user_id.as_str().is_empty(), "{message:?}");
        }
    }
});
