//! Decides how a message to a customer is written for the Graph API, and what comes back when a choice is made.
//!
//! It must never write what the API refuses by its description: too long texts, too many choices.

use serde_json::{Value, json};

use crate::domain::ids::{MessageId, UserId, transport_phone};
use crate::domain::inbound::Content;
use crate::domain::outgoing::{Body, Choice, LONGEST_TEXT, LONGEST_WITH_CHOICES, Outgoing};
use crate::domain::words::excerpt;

/// Characters on a button.
const BUTTON: usize = 20;
/// Characters in the title of a row.
const ROW: usize = 24;
/// Characters in what fills a place of a template.
const PARAMETER: usize = 1_000;

/// The request that sends a message; `body` is what it says, where that differs from the message's own.
pub fn request(message: &Outgoing, body: &Body) -> Value {
    let mut request = json!({"messaging_product": "whatsapp", "recipient_type": "individual"});
    address(&mut request, &message.user_id);
    // It comes back with every status: so a status finds its message even where the answer to this request was lost.
    request["biz_opaque_callback_data"] = message.identity().to_string().into();
    if let Some(answers) = message.answers.as_ref().filter(|answers| answers.quote) {
        request["context"] = json!({"message_id": answers.message.as_str()});
    }
    let (kind, content) = content(body);
    request["type"] = kind.into();
    request[kind] = content;
    request
}

/// The request that marks a message as read and shows that an answer is being written.
pub fn working_on(message: &MessageId) -> Value {
    json!({
        "messaging_product": "whatsapp",
        "status": "read",
        "message_id": message.as_str(),
        "typing_indicator": {"type": "text"},
    })
}

/// Telephone numbers go in one field, identities without a number in another.
fn address(request: &mut Value, user: &UserId) {
    match transport_phone(user) {
        Some(number) => request["to"] = number.into(),
        None => request["recipient"] = user.as_str().into(),
    }
}

fn content(body: &Body) -> (&'static str, Value) {
    match body {
        Body::Text { text } => ("text", json!({"body": cut(text, LONGEST_TEXT), "preview_url": false})),
        Body::Buttons { text, buttons } => {
            let reply = |choice: &Choice| json!({"type": "reply", "reply": {"id": choice.id, "title": cut(&choice.title, BUTTON)}});
            let buttons: Vec<Value> = buttons.iter().take(3).map(reply).collect();
            let body = json!({"text": cut(text, LONGEST_WITH_CHOICES)});
            ("interactive", json!({"type": "button", "body": body, "action": {"buttons": buttons}}))
        }
        Body::List { text, button, rows } => {
            let row = |choice: &Choice| json!({"id": choice.id, "title": cut(&choice.title, ROW)});
            let rows: Vec<Value> = rows.iter().take(10).map(row).collect();
            let body = json!({"text": cut(text, LONGEST_WITH_CHOICES)});
            let action =
                json!({"button": cut(button, BUTTON), "sections": [{"title": cut(button, ROW), "rows": rows}]});
            ("interactive", json!({"type": "list", "body": body, "action": action}))
        }
        Body::Template { name, language, parameters } => {
            let mut template = json!({"name": name, "language": {"policy": "deterministic", "code": language}});
            if !parameters.is_empty() {
                let fill = |text: &String| json!({"type": "text", "text": one_line(text)});
                let parameters: Vec<Value> = parameters.iter().map(fill).collect();
                template["components"] = json!([{"type": "body", "parameters": parameters}]);
            }
            ("template", template)
        }
        Body::Reaction { emoji, to } => ("reaction", json!({"message_id": to.as_str(), "emoji": emoji})),
    }
}

/// What fills a place of a template may hold no line ends, tabs or long gaps.
fn one_line(text: &str) -> String {
    cut(&text.split_whitespace().collect::<Vec<_>>().join(" "), PARAMETER)
}

fn cut(text: &str, longest: usize) -> String {
    if text.chars().count() <= longest { text.to_owned() } else { excerpt(text, longest - 1) }
}

/// What a customer said by making a choice. An identifier that this program did not make carries nothing: then the words
/// alone count.
pub(super) fn chosen(id: &str, title: &str) -> Content {
    let quote = id.strip_prefix("yes:").or_else(|| id.strip_prefix("no:")).filter(|quote| !quote.is_empty());
    match quote {
        Some(quote) => Content::Button { text: title.to_owned(), payload: quote.to_owned() },
        None => Content::Text { text: title.to_owned() },
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::domain::outgoing::{Answered, Identity};

    fn written(user: &str, body: Body) -> Value {
        let identity = Identity { user_id: UserId::new(user), turn: 7, sequence: 1 };
        let mut message = Outgoing::new(identity, body.clone(), Timestamp::UNIX_EPOCH);
        message.answers = Some(Answered { message: MessageId::new("wamid.1"), at: Timestamp::UNIX_EPOCH, quote: true });
        request(&message, &body)
    }

    #[test]
    fn a_text_carries_its_identity_and_what_it_answers() {
        let text = written("919876543210", Body::Text { text: "hello".into() });
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
        let text = written("CO.1047385771169864", Body::Text { text: "hello".into() });
        assert_eq!((&text["recipient"], &text["to"]), (&json!("CO.1047385771169864"), &Value::Null));
    }

    #[test]
    fn nothing_is_longer_than_the_api_takes() {
        let long = "word ".repeat(2_000);
        let choice = |number: u32| Choice::new(format!("yes:{number}"), format!("Yes, refund number {number} of many"));
        let buttons =
            written("9198765432", Body::Buttons { text: long.clone(), buttons: (0..5).map(choice).collect() });
        let action = &buttons["interactive"]["action"]["buttons"];
        assert_eq!(action.as_array().unwrap().len(), 3);
        assert_eq!(action[0]["reply"]["title"].as_str().unwrap().chars().count(), 20);
        assert_eq!(buttons["interactive"]["body"]["text"].as_str().unwrap().chars().count(), 1_024);
        let rows = (0..20).map(choice).collect();
        let list = written("9198765432", Body::List { text: long.clone(), button: "Choose".into(), rows });
        assert_eq!(list["interactive"]["action"]["sections"][0]["rows"].as_array().unwrap().len(), 10);
        let template =
            Body::Template { name: "news".into(), language: "en".into(), parameters: vec![format!("a\n\tb {long}")] };
        let template = written("9198765432", template);
        let filled = template["template"]["components"][0]["parameters"][0]["text"].as_str().unwrap().to_owned();
        assert!(filled.starts_with("a b word") && filled.chars().count() == 1_000);
    }

    #[test]
    fn only_our_own_choices_carry_a_quote() {
        let button = Content::Button { text: "Yes, refund".into(), payload: "q1".into() };
        assert_eq!(chosen("yes:q1", "Yes, refund"), button);
        assert_eq!(chosen("no:q1", "No").pressed(), Some("q1"));
        for id in ["cancel-button", "yes:", "all", "YES:q1", ""] {
            assert_eq!(chosen(id, "Yes"), Content::Text { text: "Yes".into() }, "{id}");
        }
    }
}
