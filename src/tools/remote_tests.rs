//! Tools on another server: what it says means something, and loosens nothing.

use std::sync::Mutex;

use serde_json::json;

use super::super::catalogue;
use super::*;
use crate::domain::caller::Caller;
use crate::domain::conversation::Mode;
use crate::domain::identity::NumberChange;
use crate::domain::ids::MessageId;
use crate::support::identities::number_changed;
use crate::testing::{Chat, Shop, customer, order};

/// A server that answers through the tools of another shop, as an operator's client would see them, unless the test put
/// an answer of its own in.
struct Elsewhere {
    toolbox: Toolbox,
    now: jiff::Timestamp,
    instead: Mutex<Vec<(&'static str, Result<Value, RemoteError>)>>,
    calls: Mutex<Vec<(String, Value)>>,
}

impl Elsewhere {
    fn of(shop: &Shop) -> Arc<Self> {
        let (toolbox, now) = (shop.toolbox(), shop.now);
        Arc::new(Self { toolbox, now, instead: Mutex::default(), calls: Mutex::default() })
    }

    fn says(&self, tool: &'static str, answer: Value) {
        self.instead.lock().unwrap().push((tool, Ok(answer)));
    }

    fn called(&self, tool: &str) -> Vec<Value> {
        self.calls.lock().unwrap().iter().filter(|(name, _)| name == tool).map(|(_, call)| call.clone()).collect()
    }
}

#[async_trait]
impl RemoteTools for Elsewhere {
    async fn call(&self, name: &str, arguments: Value, _again: bool) -> Result<Value, RemoteError> {
        self.calls.lock().unwrap().push((name.to_owned(), arguments.clone()));
        if let Some((_, answer)) = self.instead.lock().unwrap().iter().rev().find(|(tool, _)| *tool == name) {
            return answer.clone();
        }
        let context = Context { caller: Caller::Operator { name: "mcp:ecomres".into() }, now: self.now };
        let result = self.toolbox.call(&context, name, arguments).await;
        if result.is_error() {
            return Err(RemoteError::Refused(result.value["error"].as_str().unwrap_or_default().to_owned()));
        }
        Ok(result.value)
    }
}

async fn two_shops() -> (Shop, Arc<Elsewhere>, Shop) {
    let there = Shop::open().await;
    let elsewhere = Elsewhere::of(&there);
    (Shop::open().await, elsewhere, there)
}

#[tokio::test]
async fn the_documented_conversation_runs_on_another_servers_tools() {
    let (here, elsewhere, there) = two_shops().await;
    let worker = here.worker_over(here.toolbox().with_remote(elsewhere.clone()), here.playbook());
    let mut chat = Chat::over(worker, "alice", here.now);
    chat.say("I want a refund").await;
    assert!(chat.say("ORD000003, the bottle was broken").await.contains("₹599"));
    let turn = chat.turn("yes please").await;
    assert_eq!(turn.calls.last().unwrap().tool, REFUND, "{:?}", turn.reply);
    assert_eq!(turn.guard, None);
    assert!(turn.reply.unwrap().contains("RFND_"));
    assert_eq!(there.store.refunds(10).await.unwrap().len(), 1);
    assert_eq!(here.store.refunds(10).await.unwrap(), [], "it was paid there, and is in the ledger there");
    assert_eq!(here.store.check_refunds().await.unwrap(), None, "the trail here does not claim it");
    assert_eq!(elsewhere.called(REFUND)[0]["amount"], 599);
}

#[tokio::test]
async fn a_hand_over_elsewhere_silences_the_bot_here() {
    let (here, elsewhere, there) = two_shops().await;
    let worker = here.worker_over(here.toolbox().with_remote(elsewhere), here.playbook());
    let mut chat = Chat::over(worker, "alice", here.now);
    chat.say("get me a real person please").await;
    let alerts = there.store.alerts(10).await.unwrap();
    assert_eq!((alerts.len(), alerts[0].user_id.as_str()), (1, "alice"), "the customer is who the channel says");
    let turn = chat.turn("hello?").await;
    assert!(turn.reply.is_none() && matches!(turn.conversation.mode, Mode::HandedOver { .. }));
}

#[tokio::test]
async fn no_consent_no_call() {
    let (here, elsewhere, there) = two_shops().await;
    let toolbox = here.toolbox().with_remote(elsewhere.clone());
    let refund = json!({"order_id": "ORD000003", "amount": 599});
    let result = toolbox.call(&customer("a", 2, "yes", &[], here.now), REFUND, refund.clone()).await;
    assert_eq!(result.value["code"], "no_quote");
    let quoted =
        toolbox.call(&customer("a", 1, "", &[], here.now), CHECK_REFUND, json!({"order_id": "ORD000003"})).await;
    let Outcome::Quoted(quote) = quoted.outcome else { panic!("{:?}", quoted.value) };
    for (turn, text, code) in [(1, "yes", "consent_needed"), (2, "maybe", "consent_needed")] {
        let context = customer("a", turn, text, &[&quote.id], here.now);
        assert_eq!(toolbox.call(&context, REFUND, refund.clone()).await.value["code"], code);
    }
    let other = customer("b", 2, "yes", &[&quote.id], here.now);
    assert_ne!(toolbox.call(&other, REFUND, refund.clone()).await.value["status"], "success");
    assert!(elsewhere.called(REFUND).is_empty(), "the other server was never asked to pay");
    let wrong = json!({"order_id": "ORD000003", "amount": 5_990});
    let agreed = customer("a", 2, "yes", &[&quote.id], here.now);
    assert_eq!(toolbox.call(&agreed, REFUND, wrong).await.value["code"], "wrong_amount");
    assert_eq!(toolbox.call(&agreed, REFUND, refund.clone()).await.value["status"], "success");
    assert_eq!(toolbox.call(&agreed, REFUND, refund).await.value["status"], "already_refunded");
    assert_eq!(there.store.refunds(10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn an_order_that_is_not_theirs_stays_hidden_whatever_the_server_says() {
    let (here, elsewhere, _there) = two_shops().await;
    let toolbox = here.toolbox().with_remote(elsewhere.clone());
    // ORD000009 has a telephone number.
    for tool in [ORDER, CHECK_REFUND, REFUND] {
        let ask = async |id: &str| {
            let result = toolbox.call(&customer("b", 1, "", &[], here.now), tool, json!({"order_id": id})).await;
            result.value.to_string().replace(id, "ID")
        };
        assert_eq!(ask("ORD000009").await, ask("ORD000199").await, "{tool}");
    }
    let before = elsewhere.calls.lock().unwrap().len();
    let unnamed = toolbox.call(&customer("b", 1, "", &[], here.now), ORDER, json!({"order_id": "ORD000200"})).await;
    assert!(matches!(unnamed.outcome, Outcome::NotFound(_)));
    assert_eq!(elsewhere.calls.lock().unwrap().len(), before, "an order they did not name is not even asked for");
}

#[tokio::test]
async fn orders_of_a_number_are_found_elsewhere_and_checked_here() {
    let (here, elsewhere, _there) = two_shops().await;
    let toolbox = here.toolbox().with_remote(elsewhere.clone());
    let find = async |user: &str| {
        let result = toolbox.call(&customer(user, 1, "", &[], here.now), FIND_ORDERS, json!({})).await.value;
        result["orders"].as_array().unwrap().iter().map(|order| order["order_id"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(find("919876543210").await, ["ORD000009"]);
    assert_eq!(elsewhere.called(FIND_ORDERS), [json!({"user_id": "919876543210"})]);
    assert!(find("919876543211").await.is_empty() && find("tester").await.is_empty());
    // A server that lists somebody else's orders is not believed.
    elsewhere.says(FIND_ORDERS, json!({"orders": [{"order_id": "ORD000009"}, {"order_id": "ORD000001"}, {"id": 3}]}));
    assert!(find("919876543211").await.is_empty());
    assert_eq!(find("919876543210").await, ["ORD000009"]);
}

#[tokio::test]
async fn orders_of_a_number_that_was_given_up_are_those_of_its_time() {
    let (here, elsewhere, there) = two_shops().await;
    let (old, new) = ("918123456789", "918123450001");
    let day = |day: i8| Some(jiff::civil::date(2026, 5, day).at(12, 0, 0, 0));
    for (number, placed_at) in [(20, day(1)), (21, day(30))] {
        let phone = Some(format!("+{old}"));
        there.store.upsert_order(&Order { placed_at, phone, ..order(number, "Dairy", 100) }).await.unwrap();
    }
    let change = NumberChange {
        event: MessageId::new("m"),
        old: UserId::new(old),
        new: UserId::new(new),
        customer: UserId::new(old),
        at: "2026-05-15T00:00:00Z".parse().unwrap(),
    };
    number_changed(here.store.as_ref(), &change, here.now).await.unwrap();
    let toolbox = here.toolbox().with_remote(elsewhere.clone());
    let ask = async |tool: &str, arguments: Value| {
        toolbox.call(&customer(old, 1, "", &[], here.now), tool, arguments).await.value
    };
    let found = ask(FIND_ORDERS, json!({})).await;
    assert_eq!((found["orders"].as_array().unwrap().len(), &found["orders"][0]["order_id"]), (1, &json!("ORD000020")));
    let seen = ask(ORDER, json!({"order_id": "ORD000020"})).await;
    assert_eq!((&seen["Order ID"], seen.get(PLACED_AT)), (&json!("ORD000020"), None), "the customer is not told");
    let check = async |id: &str| ask(CHECK_REFUND, json!({"order_id": id})).await["eligible"].clone();
    assert_eq!((check("ORD000020").await, check("ORD000021").await), (json!(true), json!(false)), "its next owner's");
    // A server of before does not say when it was placed.
    let mut silent = order(21, "Dairy", 100).to_json();
    silent.insert("Customer Phone".to_owned(), format!("+{old}").into());
    elsewhere.says(ORDER, Value::Object(silent.clone()));
    assert_eq!(check("ORD000021").await, json!(false));
    // One that says that it does not know leaves it to who had the number first, as the own store does.
    silent.insert(PLACED_AT.to_owned(), Value::Null);
    elsewhere.says(ORDER, Value::Object(silent));
    assert_eq!(check("ORD000021").await, json!(true));
}

#[tokio::test]
async fn what_goes_back_with_an_action_is_what_was_agreed_to() {
    for (percent, done) in [("0", true), ("5", false)] {
        let fee = serde_json::from_value(json!(percent)).unwrap();
        let there = Shop::with(|config| config.refund.shipping_fee_percent = Some(fee)).await;
        let here = Shop::open().await;
        let elsewhere = Elsewhere::of(&there);
        let toolbox = here.toolbox().with_remote(elsewhere.clone());
        let mut delivered = order(22, "Dairy", 262);
        delivered.placed_at = Some(jiff::civil::date(2026, 5, 30).at(9, 0, 0, 0));
        delivered.details.payment_state = Some(crate::domain::order::PaymentState::Paid);
        let mut packed = Order { id: OrderId::new("ORD000020"), delivery_minutes: None, ..delivered.clone() };
        packed.details.state = Some(crate::domain::order::OrderState::Packed);
        there.store.upsert_orders(&[delivered, packed]).await.unwrap();
        for (tool, arguments, agrees) in [
            (RETURN, json!({"order_id": "ORD000022", "resolution": "refund"}), done),
            // Nothing is deducted of what is called off.
            (CANCEL, json!({"order_id": "ORD000020"}), true),
        ] {
            let proposed = toolbox.call(&customer("a", 1, "please", &[], here.now), tool, arguments.clone()).await;
            let Outcome::Proposed(offer) = &proposed.outcome else { panic!("{}", proposed.value) };
            let yes = customer("a", 2, "yes", &[&offer.id], here.now);
            let other = arguments.as_object().unwrap().iter().map(|(name, value)| (name.clone(), value.clone()));
            let other: Value = Value::Object(other.chain([("amount".to_owned(), json!(1))]).collect());
            assert_eq!(toolbox.call(&yes, tool, other).await.value["code"], "wrong_amount");
            assert!(elsewhere.called(tool).is_empty(), "{tool}");
            let result = toolbox.call(&yes, tool, arguments).await;
            assert_eq!(elsewhere.called(tool)[0]["amount"], 262);
            assert_eq!(result.value["status"] == "success", agrees, "{percent} {tool}: {}", result.value);
            assert_eq!(matches!(result.outcome, Outcome::Declined(..)), !agrees);
        }
        assert_eq!(there.store.actions(false, 9).await.unwrap().len(), 1 + usize::from(done));
    }
}

#[tokio::test]
async fn a_generous_or_confused_server_is_not_believed() {
    let (here, elsewhere, _there) = two_shops().await;
    let toolbox = here.toolbox().with_remote(elsewhere.clone());
    let quote = async || {
        let context = customer("a", 1, "", &[], here.now);
        toolbox.call(&context, CHECK_REFUND, json!({"order_id": "ORD000003"})).await
    };
    let offer = |amount: i64| {
        json!({
            "eligible": true, "order_id": "ORD000003", "order_value": 599, "refund_amount": amount, "shipping_fee": 0,
            "reason": "x", "quote_id": "QUOTE_x", "expires_at": "2030-01-01T00:00:00Z"
        })
    };
    elsewhere.says(CHECK_REFUND, offer(600));
    assert_eq!(quote().await.value["eligible"], false, "more than was paid");
    elsewhere.says(CHECK_REFUND, offer(500));
    assert_eq!(quote().await.value["refund_amount"], 500, "less is its own policy");
    for nonsense in [json!({}), json!({"eligible": true}), json!({"eligible": "yes"}), json!({"text": "sure!"})] {
        elsewhere.says(CHECK_REFUND, nonsense);
        assert!(quote().await.is_error());
    }
    elsewhere.says(ORDER, json!({"Order ID": "ORD000004", "Order Value (INR)": 1}));
    let result = toolbox.call(&customer("a", 1, "", &[], here.now), ORDER, json!({"order_id": "ORD000003"})).await;
    assert!(result.is_error(), "another order is no answer: {:?}", result.value);
}

#[tokio::test]
async fn a_third_partys_tool_runs_under_its_name_and_never_hides_ours() {
    let (here, elsewhere, _there) = two_shops().await;
    let tool = |name: &str| {
        let mut spec = catalogue()[1].clone();
        spec.name = name.to_owned().into();
        ForeignTool { spec, name: "track".to_owned(), server: elsewhere.clone() }
    };
    elsewhere.says("track", json!({"where": "on its way"}));
    let toolbox = here.toolbox().with_foreign(vec![tool("courier_track"), tool(REFUND)]);
    assert_eq!(toolbox.specs().len(), 12);
    let context = customer("a", 1, "", &[], here.now);
    let result = toolbox.call(&context, "courier_track", json!({"id": 1})).await;
    assert_eq!(result.value["where"], "on its way");
    assert!(matches!(result.outcome, Outcome::Foreign));
    let refund = toolbox.call(&context, REFUND, json!({"order_id": "ORD000003"})).await;
    assert_eq!(refund.value["code"], "no_quote", "a tool of ours is not replaced");
}

#[tokio::test]
async fn what_a_server_may_leave_out_is_decided_here() {
    let (here, elsewhere, _there) = two_shops().await;
    let toolbox = here.toolbox().with_remote(elsewhere.clone());
    for left_out in [json!({"quote_id": null, "expires_at": null, "shipping_fee": null}), json!({})] {
        let mut offer = json!({"eligible": true, "order_id": "ORD000003", "order_value": 599, "refund_amount": 500});
        offer.as_object_mut().unwrap().extend(left_out.as_object().unwrap().clone());
        elsewhere.says(CHECK_REFUND, offer);
        let context = customer("a", 1, "", &[], here.now);
        let result = toolbox.call(&context, CHECK_REFUND, json!({"order_id": "ORD000003"})).await;
        let Outcome::Quoted(quote) = &result.outcome else { panic!("{}", result.value) };
        assert_eq!((quote.amount, quote.fee), (Money::from_rupees(500), Money::from_rupees(99)));
        assert!(quote.expires_at > here.now && quote.id.as_str().starts_with("QUOTE_"));
    }
}

#[tokio::test]
async fn a_third_partys_error_reaches_the_model_and_its_address_does_not() {
    let (here, elsewhere, _there) = two_shops().await;
    let mut spec = catalogue()[1].clone();
    spec.name = "courier_track".into();
    let tool = ForeignTool { spec, name: "track".to_owned(), server: elsewhere.clone() };
    let toolbox = here.toolbox().with_foreign(Vec::new());
    let shared = toolbox.clone();
    assert_eq!(shared.specs().len(), 11);
    toolbox.add_foreign(vec![tool]);
    assert_eq!(shared.specs().len(), 12, "whoever shares it sees what is added later");
    let ask = async || shared.call(&customer("a", 1, "", &[], here.now), "courier_track", json!({"id": 1})).await;
    let refused = RemoteError::Refused("parcel 1 is not known; give its number".to_owned());
    elsewhere.instead.lock().unwrap().push(("track", Err(refused)));
    let result = ask().await;
    assert_eq!(result.value["error"], "parcel 1 is not known; give its number");
    assert!(result.is_error());
    let away = RemoteError::Unreachable { server: "10.1.2.3:80".to_owned(), reason: "refused".to_owned() };
    elsewhere.instead.lock().unwrap().push(("track", Err(away)));
    assert!(!ask().await.value.to_string().contains("10.1.2.3"));
}
