//! The JSON of requests to the Graph API. Texts and lists are cut to what
//! the API accepts.

use serde_json::{Value, json};

use super::limits::LIMITS;
use crate::domain::ids::{MessageId, UserId, transport_phone};
use crate::domain::inbound::Media;
use crate::domain::media::sent_as;
use crate::domain::outgoing::{Body, Choice};
use crate::domain::sendable::Sendable;
use crate::domain::words::excerpt;

/// The request that sends a message with what may be sent of it.
pub fn request(sendable: &Sendable) -> Value {
    let (message, body) = (sendable.message(), sendable.body());
    let mut request = json!({"messaging_product": "whatsapp", "recipient_type": "individual"});
    address(&mut request, sendable.address());
    // Returned with every status, so that a status finds its message even if the response to this request was lost.
    request["biz_opaque_callback_data"] = message.identity().to_string().into();
    if let Some(answers) = message.answers.as_ref().filter(|answers| answers.quote) {
        request["context"] = json!({"message_id": answers.message.as_str()});
    }
    let (kind, content) = content(body);
    request["type"] = kind.into();
    request[kind] = content;
    request
}

/// The request that marks a message as read and shows the typing indicator.
pub fn read_with_typing(message: &MessageId) -> Value {
    json!({
        "messaging_product": "whatsapp",
        "status": "read",
        "message_id": message.as_str(),
        "typing_indicator": {"type": "text"},
    })
}

/// Telephone numbers are sent in one field, identities without a number in another.
fn address(request: &mut Value, user: &UserId) {
    match transport_phone(user) {
        Some(number) => request["to"] = number.into(),
        None => request["recipient"] = user.as_str().into(),
    }
}

fn content(body: &Body) -> (&'static str, Value) {
    match body {
        Body::Text { text } => ("text", json!({"body": cut(text, LIMITS.text), "preview_url": false})),
        Body::Buttons { text, buttons } => {
            let reply = |choice: &Choice| json!({"type": "reply", "reply": {"id": choice.id, "title": cut(&choice.title, LIMITS.button_title)}});
            let buttons: Vec<Value> = buttons.iter().take(LIMITS.buttons).map(reply).collect();
            let body = json!({"text": cut(text, LIMITS.text_with_choices)});
            ("interactive", json!({"type": "button", "body": body, "action": {"buttons": buttons}}))
        }
        Body::List { text, button, rows } => {
            let row = |choice: &Choice| json!({"id": choice.id, "title": cut(&choice.title, LIMITS.row_title)});
            let rows: Vec<Value> = rows.iter().take(LIMITS.rows).map(row).collect();
            let body = json!({"text": cut(text, LIMITS.text_with_choices)});
            let action = json!({"button": cut(button, LIMITS.button_title), "sections": [{"title": cut(button, LIMITS.row_title), "rows": rows}]});
            ("interactive", json!({"type": "list", "body": body, "action": action}))
        }
        Body::Template { name, language, parameters } => {
            let mut template = json!({"name": name, "language": {"policy": "deterministic", "code": language}});
            if !parameters.is_empty() {
                let parameter = |text: &String| json!({"type": "text", "text": one_line(text)});
                let parameters: Vec<Value> = parameters.iter().map(parameter).collect();
                template["components"] = json!([{"type": "body", "parameters": parameters}]);
            }
            ("template", template)
        }
        Body::File { mime, name, caption, .. } => {
            let kind = sent_as(mime).unwrap_or(Media::Document);
            // Its identifier is put in once it is uploaded.
            let mut file = json!({});
            if kind != Media::Audio && !caption.is_empty() {
                file["caption"] = cut(caption, LIMITS.text_with_choices).into();
            }
            if kind == Media::Document {
                file["filename"] = name.as_str().into();
            }
            (kind.as_str(), file)
        }
        Body::Reaction { emoji, to } => ("reaction", json!({"message_id": to.as_str(), "emoji": emoji})),
    }
}

/// A parameter of a template must not contain line ends, tabs or several spaces in a row.
fn one_line(text: &str) -> String {
    cut(&text.split_whitespace().collect::<Vec<_>>().join(" "), LIMITS.template_text)
}

fn cut(text: &str, longest: usize) -> String {
    if text.chars().count() <= longest { text.to_owned() } else { excerpt(text, longest - 1) }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::domain::outgoing::{Answered, Identity, Outgoing};
    use crate::domain::sendable::Contact;

    fn written(user: &str, body: &Body) -> Value {
        let identity = Identity { user_id: UserId::new(user), turn: 7, sequence: 1 };
        let mut message = Outgoing::new(identity, body.clone(), Timestamp::UNIX_EPOCH);
        message.answers = Some(Answered {
            message: MessageId::new("wamid.1"),
            at: Timestamp::UNIX_EPOCH,
            quote: true,
            lag: None,
            number: None,
        });
        let window = LIMITS.free_text_window;
        request(&Sendable::new(&message, &Contact::default(), None, window, Timestamp::UNIX_EPOCH).unwrap())
    }

    #[test]
    fn a_text_carries_its_identity_and_what_it_answers() {
        let text = written("919876543210", &Body::Text { text: "hello".into() });
        assert_eq!(
            text,
            json!({
                "messaging_product": "whatsapp", "recipient_type": "individual", "to": "919876543210",
                "biz_opaque_callback_data": "ecomres:7:1:919876543210", "context": {"message_id": "wamid.1"},
                "type": "text", "text": {"body": "hello", "preview_url": false},
            })
        );
    }

    #[test]
    fn an_identity_without_a_number_goes_in_its_own_field() {
        let text = written("CO.1047385771169864", &Body::Text { text: "hello".into() });
        assert_eq!((&text["recipient"], &text["to"]), (&json!("CO.1047385771169864"), &Value::Null));
    }

    #[test]
    fn nothing_is_longer_than_the_api_takes() {
        let long = "word ".repeat(2_000);
        let choice = |number: u32| Choice::new(format!("yes:{number}"), format!("Yes, refund number {number} of many"));
        let buttons =
            written("9198765432", &Body::Buttons { text: long.clone(), buttons: (0..5).map(choice).collect() });
        let action = &buttons["interactive"]["action"]["buttons"];
        assert_eq!(action.as_array().unwrap().len(), 3);
        assert_eq!(action[0]["reply"]["title"].as_str().unwrap().chars().count(), LIMITS.button_title);
        assert_eq!(buttons["interactive"]["body"]["text"].as_str().unwrap().chars().count(), 1_024);
        let rows = (0..20).map(choice).collect();
        let list = written("9198765432", &Body::List { text: long.clone(), button: "Choose".into(), rows });
        assert_eq!(list["interactive"]["action"]["sections"][0]["rows"].as_array().unwrap().len(), 10);
        let template =
            Body::Template { name: "news".into(), language: "en".into(), parameters: vec![format!("a\n\tb {long}")] };
        let template = written("9198765432", &template);
        let filled = template["template"]["components"][0]["parameters"][0]["text"].as_str().unwrap().to_owned();
        assert!(filled.starts_with("a b word") && filled.chars().count() == 1_000);
    }
}
