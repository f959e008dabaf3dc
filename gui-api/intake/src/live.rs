//! Live events: what was just stored, published to whoever listens.
//!
//! For watching only: a message that is lost, or sent twice after a crash, changes nothing that is kept.

use redis::Pipeline;
use tideline_model::Event;

/// The longest message, in bytes.
const MAX_MESSAGE_BYTES: usize = 1024 * 1024;

/// The commands that publish these events, as JSON arrays in messages of bounded size.
pub(crate) fn publish(channel: &str, events: &[Event]) -> Pipeline {
    let mut commands = redis::pipe();
    for message in messages(events, MAX_MESSAGE_BYTES) {
        commands.publish(channel, message).ignore();
    }
    commands
}

/// An event that alone exceeds the limit is left out.
fn messages(events: &[Event], most_bytes: usize) -> Vec<String> {
    let mut messages = Vec::new();
    let mut message = String::new();
    for event in events {
        let Ok(event) = serde_json::to_string(event) else { continue };
        // `[`, `,` and `]`.
        if !message.is_empty() && message.len() + event.len() + 2 > most_bytes {
            message.push(']');
            messages.push(std::mem::take(&mut message));
        }
        if event.len() + 2 <= most_bytes {
            message.push(if message.is_empty() { '[' } else { ',' });
            message.push_str(&event);
        }
    }
    if !message.is_empty() {
        message.push(']');
        messages.push(message);
    }
    messages
}
