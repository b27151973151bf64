use proptest::prelude::*;
use serde_json::json;

use super::*;

fn now() -> Timestamp {
    "2026-06-01T10:00:00Z".parse().unwrap()
}

fn webhook(value: &Value) -> Vec<u8> {
    json!({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [{"field": "messages", "value": value}]}]})
        .to_string()
        .into_bytes()
}

fn one(message: &Value) -> Option<Content> {
    let value = json!({"contacts": [{"wa_id": "9198"}], "messages": [message]});
    read(&webhook(&value), now()).unwrap().messages.pop().map(|message| message.content)
}

fn of(kind: &str, inside: &Value) -> Option<Content> {
    one(&json!({"from": "9198", "id": "m", "timestamp": "1780000000", "type": kind, kind: inside}))
}

#[test]
fn every_kind_of_message() {
    let said = |text: &str| Some(Content::Text { text: text.into() });
    assert_eq!(of("text", &json!({"body": "hi"})), said("hi"));
    let template = Some(Content::Button { text: "Stop".into(), payload: String::new() });
    assert_eq!(of("button", &json!({"payload": "yes:q1", "text": "Stop"})), template, "whatever its payload");
    let pressed = json!({"type": "button_reply", "button_reply": {"id": "yes:q1", "title": "Yes, refund"}});
    assert_eq!(
        of("interactive", &pressed),
        Some(Content::Button { text: "Yes, refund".into(), payload: "yes:q1".into() })
    );
    let row = json!({"type": "list_reply", "list_reply": {"id": "priority", "title": "Express", "description": "d"}});
    let chosen = Content::Button { text: "Express".into(), payload: "priority".into() };
    assert_eq!(of("interactive", &row), Some(chosen));
    for (kind, media) in [
        ("image", Media::Image),
        ("video", Media::Video),
        ("audio", Media::Audio),
        ("voice", Media::Audio),
        ("document", Media::Document),
        ("sticker", Media::Sticker),
    ] {
        let expected = Content::Media { media, caption: "torn".into(), file: "9".into() };
        assert_eq!(of(kind, &json!({"id": "9", "caption": "torn"})), Some(expected));
    }
    let place = json!({"latitude": 37.5, "longitude": -122, "name": "Shop"});
    assert_eq!(of("location", &place), Some(Content::Location { place: "Shop; 37.5, -122".into() }));
    let contacts = of("contacts", &json!([{"name": {"formatted_name": "Lucía"}}, {}]));
    assert_eq!(contacts, Some(Content::Contacts { names: vec!["Lucía".into()] }));
    let phones = json!([{"phone": "+91 98765 00001", "wa_id": "919876500001"}, {"wa_id": "919876500002"}, {}]);
    let contacts =
        of("contacts", &json!([{"name": {"formatted_name": "Lucía"}, "phones": phones}, {"phones": phones}]));
    let numbers = "+91 98765 00001, 919876500002";
    assert_eq!(contacts, Some(Content::Contacts { names: vec![format!("Lucía ({numbers})"), numbers.into()] }));
    let items = json!([{"product_retailer_id": "di9", "quantity": 2, "item_price": 30, "currency": "USD"}, {}]);
    let order = of("order", &json!({"text": "", "product_items": items}));
    let lines = vec!["2 × di9 at 30 USD".to_owned()];
    assert_eq!(order, Some(Content::Order { text: String::new(), products: 2, lines }));
    let filled = json!({"flow_token": "t", "slot": "Friday", "guests": 2, "ok": true, "x": null}).to_string();
    let form = |reply: Value| of("interactive", &json!({"type": "nfm_reply", "nfm_reply": reply}));
    let answered = form(json!({"name": "flow", "body": "Sent", "response_json": filled}));
    let lines = ["slot: Friday", "guests: 2", "ok: true"].map(str::to_owned).to_vec();
    assert_eq!(answered, Some(Content::Form { lines }));
    for odd in [json!({"body": "Sent"}), json!({"body": "Sent", "response_json": "no JSON"})] {
        assert_eq!(form(odd), Some(Content::Form { lines: vec!["Sent".into()] }));
    }
    let reaction = of("reaction", &json!({"message_id": "w", "emoji": "👍"}));
    assert_eq!(reaction, Some(Content::Reaction { emoji: "👍".into(), to: MessageId::new("w") }));
    let edit = json!({"original_message_id": "w", "message": {"type": "text", "text": {"body": "new"}}});
    assert_eq!(of("edit", &edit), Some(Content::Edited { original: MessageId::new("w"), text: "new".into() }));
    let deleted = of("revoke", &json!({"original_message_id": "w"}));
    assert_eq!(deleted, Some(Content::Deleted { original: MessageId::new("w") }));
    let system = of("system", &json!({"body": "…", "wa_id": "1219", "type": "user_changed_number"}));
    assert_eq!(system, Some(Content::NumberChanged { new: UserId::new("1219") }));
    assert_eq!(of("poll", &json!({})), Some(Content::Unsupported { what: "poll".into() }));
    assert_eq!(of("request_welcome", &json!({})), None);
}

#[test]
fn a_message_says_what_it_refers_to() {
    let context = |context: Value| {
        let message = json!({"from": "9198", "id": "m", "type": "text", "text": {"body": "yes"}, "context": context});
        read(&webhook(&json!({"messages": [message]})), now()).unwrap().messages.remove(0).context
    };
    assert_eq!(context(Value::Null), Context::default());
    let about = context(json!({"from": "15550001111", "id": "wamid.7"}));
    assert_eq!(about, Context { about: Some(MessageId::new("wamid.7")), ..Context::default() });
    assert!(context(json!({"referred_product": {"catalog_id": "1", "product_retailer_id": "2"}})).from_elsewhere);
    for forwarded in [json!({"forwarded": true}), json!({"frequently_forwarded": true}), json!({"forwarded": "yes"})] {
        assert!(context(forwarded).forwarded);
    }
    assert!(!context(json!({"forwarded": false, "frequently_forwarded": null})).forwarded);
    let clicked =
        json!({"from": "9198", "id": "m", "type": "text", "text": {"body": "yes"}, "referral": {"source_type": "ad"}});
    assert!(read(&webhook(&json!({"messages": [clicked]})), now()).unwrap().messages[0].context.from_elsewhere);
}

#[test]
fn an_odd_message_spoils_no_other() {
    let good = json!({"from": "9198", "id": "good", "type": "text", "text": {"body": "hi"}}).to_string();
    let deep = format!("{}1{}", "[".repeat(500), "]".repeat(500));
    let odd = [
        r#"{"from": "9199", "id": "odd", "type": "text", "text": {"body": "hm \udbff"}}"#.to_owned(),
        r#"{"from": "9199\udc00", "id": "odd", "type": "text", "text": {"body": "hm"}}"#.to_owned(),
        r#"{"from": "9199", "id": "odd", "timestamp": NaN, "type": "text", "text": {"body": "hm"}}"#.to_owned(),
        r#"{"from": "9199", "id": "odd", "type": "text", "text": DEEP}"#.replace("DEEP", &deep),
    ];
    for odd in odd {
        let text = String::from_utf8(webhook(&json!({"messages": ["ODD", "GOOD"]}))).unwrap();
        let text = text.replace(r#""ODD""#, &odd).replace(r#""GOOD""#, &good);
        let batch = read(text.as_bytes(), now()).unwrap();
        assert_eq!(batch.messages.len(), 2, "{odd}");
        assert_eq!(batch.messages[1].id, MessageId::new("good"), "{odd}");
    }
}

#[test]
fn a_customer_without_a_number_is_known_by_another_identity() {
    let value = json!({
        "contacts": [{"profile": {"name": "J"}, "user_id": "CO.1"}],
        "messages": [{"from_user_id": "CO.1", "id": "a", "type": "text", "text": {"body": "hi"}},
                     {"id": "b", "type": "text", "text": {"body": "hi"}}],
    });
    let read = read(&webhook(&value), now()).unwrap();
    assert!(read.messages.len() == 2 && read.messages.iter().all(|message| message.user_id == UserId::new("CO.1")));
    assert_eq!(read.messages[0].sent_at, now(), "ours where it has no time");
}

#[test]
fn identities_of_one_customer_are_told_by_the_channel_alone() {
    let hi = json!({"id": "a", "type": "text", "text": {"body": "my number changed to 918123450001"}});
    let message = |more: Value| {
        let mut message = hi.clone();
        message.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        message
    };
    let read = |value: Value| read(&webhook(&value), now()).unwrap();
    let told = |batch: &Batch| {
        let one = |same: &SamePerson| (same.number.as_str().to_owned(), same.scoped.as_str().to_owned());
        batch.same.iter().map(one).collect::<Vec<_>>()
    };
    let pair = vec![("918123456789".to_owned(), "IN.1".to_owned())];
    let both = message(json!({"from": "918123456789", "from_user_id": "IN.1"}));
    let alone = message(json!({"from": "918123456789"}));
    let contact = json!([{"wa_id": "918123456789", "user_id": "IN.1"}]);
    assert_eq!(told(&read(json!({"messages": [both]}))), pair);
    assert_eq!(told(&read(json!({"contacts": contact, "messages": [alone.clone()]}))), pair);
    // Of whom, is not known; or it is somebody else's; or there is one identity only.
    let two = json!([{"wa_id": "918123456789", "user_id": "IN.1"}, {"wa_id": "9181", "user_id": "IN.2"}]);
    let other = json!([{"wa_id": "918123450001", "user_id": "IN.1"}]);
    for contacts in [two, other, json!([{"wa_id": "918123456789"}]), json!([])] {
        let batch = read(json!({"contacts": contacts, "messages": [alone.clone()]}));
        assert!(batch.same.is_empty() && batch.number_changes.is_empty() && batch.messages.len() == 1, "{batch:?}");
    }
    let system = |kind: &str, inside: Value| {
        let mut inside = inside;
        inside["type"] = kind.into();
        read(
            json!({"messages": [{"from": "918123456789", "id": "s", "timestamp": "1780000000", "type": "system", "system": inside}]}),
        )
    };
    let batch = system("user_changed_number", json!({"body": "…", "wa_id": "918123450001", "user_id": "IN.1"}));
    let change = &batch.number_changes[0];
    assert_eq!(
        (change.old.as_str(), change.new.as_str(), change.event.as_str()),
        ("918123456789", "918123450001", "s")
    );
    assert_eq!(told(&batch), [("918123450001".to_owned(), "IN.1".to_owned())]);
    for batch in [
        system("customer_identity_changed", json!({"wa_id": "918123450001"})),
        system("user_changed_number", json!({"wa_id": "IN.1"})),
        system("user_changed_number", json!({"body": "changed to 918123450001"})),
    ] {
        assert!(batch.number_changes.is_empty(), "{batch:?}");
    }
}

#[test]
fn groups_are_passed_over_and_the_rest_of_the_batch_is_not() {
    let good = json!({"from": "+9198", "id": "good", "type": "text", "text": {"body": "hi"}});
    let value = json!({
        "messages": [{"from": "9198", "group_id": "g", "id": "a", "type": "text", "text": {"body": "hi"}}, 7, good.clone(), null, {}],
        "statuses": [{"id": "s", "status": "brand-new"}, {"id": "s", "status": "read", "group_id": "g"}, {"id": "s", "status": "read"}],
    });
    let whole =
        json!({"entry": [5, {"changes": "no"}, {"changes": [{"value": value}, {"value": {"messages": [good]}}]}]});
    let batch = read(whole.to_string().as_bytes(), now()).unwrap();
    let ids: Vec<_> = batch.messages.iter().map(|message| (message.id.as_str(), message.user_id.as_str())).collect();
    assert_eq!(ids, [("good", "9198"), ("good", "9198")]);
    assert_eq!((batch.statuses.len(), batch.passed_over), (1, 6));
}

#[test]
fn what_a_person_wrote_is_an_echo_and_tidying_up_is_none() {
    let value = json!({"message_echoes": [
        {"from": "1555", "to": "9198", "id": "e", "timestamp": "1780000000", "type": "text", "text": {"body": "I'll see"}},
        {"from": "1555", "to": "9198", "id": "f", "type": "revoke", "revoke": {"original_message_id": "e"}},
        {"from": "1555", "to": "9198", "id": "g", "type": "edit",
         "edit": {"original_message_id": "d", "message": {"type": "text", "text": {"body": "Please wait"}}}},
        {"from": "1555", "to": "9198", "id": "h", "type": "reaction", "reaction": {"message_id": "d", "emoji": "👍"}},
    ]});
    let batch = read(&webhook(&value), now()).unwrap();
    assert_eq!((batch.echoes.len(), batch.passed_over, batch.messages.len()), (1, 1, 0));
    let gone: Vec<_> = batch.statuses.iter().map(|gone| (gone.provider_id.as_str(), gone.receipt)).collect();
    assert_eq!(gone, [("e", Receipt::Deleted), ("d", Receipt::Deleted)], "what they took back, or changed");
    assert_eq!(batch.echoes[0].user_id, UserId::new("9198"));
    assert_eq!(batch.echoes[0].content, Content::Echo { text: "I'll see".into() });
}

#[test]
fn news_names_its_message_and_says_what_failed() {
    let value = json!({"statuses": [{
        "id": "wamid.1", "status": "failed", "timestamp": 1_780_000_000, "recipient_id": "9198",
        "biz_opaque_callback_data": "ecomres:3:0:9198",
        "errors": [{"code": 131_047, "title": "t", "error_data": {"details": "More than 24 hours"}}],
    }]});
    let status = read(&webhook(&value), now()).unwrap().statuses.remove(0);
    assert_eq!((status.receipt, status.code), (Receipt::Failed, Some(131_047)));
    assert_eq!(status.error.as_deref(), Some("More than 24 hours (131047)"));
    assert_eq!(status.identity.unwrap().turn, 3);
}

#[test]
fn a_message_without_an_identifier_has_the_same_one_again() {
    let value =
        json!({"messages": [{"from": "9198", "timestamp": "1780000000", "type": "text", "text": {"body": "hi"}}]});
    let read = || read(&webhook(&value), now()).unwrap().messages.remove(0).id;
    assert_eq!(read(), read());
    assert!(read().as_str().starts_with("made-"));
}

#[test]
fn what_is_of_another_number_is_taken_away_and_counted() {
    let of = |number: &str| {
        json!({
            "metadata": {"phone_number_id": number},
            "messages": [{"from": "9198", "id": number, "type": "text", "text": {"body": "hi"}}],
            "statuses": [{"id": "s", "status": "failed"}],
            "message_echoes": [{"from": "1", "to": "9198", "id": "e", "type": "text", "text": {"body": "hi"}}],
            "user_preferences": [{"wa_id": "9198", "category": "marketing_messages", "value": "stop"}],
        })
    };
    let change = |value: Value| json!({"value": value});
    let none = json!({"messages": [{"from": "9198", "id": "none", "type": "text", "text": {"body": "hi"}}]});
    let changes = json!([change(of("1")), change(of("2")), change(of("3")), change(none)]);
    let mut batch = read(json!({"entry": [{"id": "9", "changes": changes}]}).to_string().as_bytes(), now()).unwrap();
    batch.keep_own(&["1".to_owned(), "3".to_owned()]);
    let ids: Vec<_> = batch.messages.iter().map(|message| message.id.as_str()).collect();
    assert_eq!(ids, ["1", "3", "none"]);
    assert_eq!((batch.of_others, batch.statuses.len(), batch.echoes.len(), batch.preferences.len()), (4, 2, 2, 2));
    assert_eq!(batch.messages[1].number.as_deref(), Some("3"));
}

#[test]
fn a_sample_of_metas_pages_is_nobodys_message() {
    let value =
        json!({"messages": [{"from": "16315551181", "id": "ABGG", "type": "text", "text": {"body": "a sample"}}]});
    let sample = json!({"entry": [{"id": "0", "changes": [{"field": "messages", "value": value}]}]});
    let batch = read(sample.to_string().as_bytes(), now()).unwrap();
    assert_eq!((batch.messages.len(), batch.passed_over), (0, 1));
}

#[test]
fn a_preference_is_read_and_another_category_is_not() {
    let stated = |value: &str, category: &str| {
        let stated = json!({"wa_id": "9198", "category": category, "value": value, "timestamp": 1_780_000_000});
        read(&webhook(&json!({"user_preferences": [stated]})), now()).unwrap().preferences.pop()
    };
    let stop = stated("stop", "marketing_messages").unwrap();
    assert_eq!(
        (stop.user_id.as_str(), stop.preference.stopped, stop.preference.source),
        ("9198", true, Source::Channel)
    );
    assert_eq!(stop.preference.at.as_second(), 1_780_000_000);
    assert!(!stated("resume", "marketing_messages").unwrap().preference.stopped);
    assert_eq!(stated("stop", "utility"), None);
    assert_eq!(stated("pause", "marketing_messages"), None);
}

fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        prop_oneof!["text", "image", "interactive", "edit", "button_reply", "failed", "9198"].prop_map(Value::from),
    ];
    let name = prop_oneof![
        "entry",
        "changes",
        "value",
        "messages",
        "statuses",
        "message_echoes",
        "contacts",
        "type",
        "text",
        "body",
        "from",
        "to",
        "id",
        "timestamp",
        "interactive",
        "button_reply",
        "title",
        "edit",
        "message",
        "errors",
        "status",
        "metadata",
        "phone_number_id",
        "user_preferences",
        "value",
    ];
    leaf.prop_recursive(7, 200, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::vec((name.clone(), inner), 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn anything_may_come(body in proptest::collection::vec(any::<u8>(), 0..200), value in anything()) {
        let _ = read(&body, now());
        prop_assert_eq!(read(value.to_string().as_bytes(), now()).is_ok(), value.is_object());
    }

    #[test]
    fn a_good_message_is_read_whatever_stands_beside_it(odd in anything(), odder in anything(), place in 0..3_usize) {
        let mut messages = vec![odd, odder.clone()];
        messages.insert(place.min(2), json!({"from": "9198", "id": "good", "type": "text", "text": {"body": "hi"}, "new": odder}));
        let batch = read(&webhook(&json!({"messages": messages, "statuses": odder, "contacts": odder})), now()).unwrap();
        prop_assert!(batch.messages.iter().any(|message| message.id.as_str() == "good"));
    }
}
