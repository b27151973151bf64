//! Members of the team pay orders back, cancel, change and take them back on the pages of the real program: by the shop's policy,
//! each asked once more, within the limit of their role, and on record as the bot's calls are.

use std::time::Duration;

use ecomres::domain::ids::OrderId;
use ecomres::domain::money::Money;
use ecomres::domain::order::{Order, OrderLine, OrderState, PaymentState};
use ecomres::store::{self, ImportMode, Store};
use jiff::Timestamp;
use reqwest::StatusCode;

use crate::cli::{ecomres, run};
use crate::dashboard::{csrf, encoded, started};
use crate::mcp::client::{terminate, wait};

const ORDERS: &str = "Order ID,Customer ID,Platform,Order Date & Time,Product Category,Order Value,Status,Payment Status\n\
    ORD000001,C1,Web,2026-11-30 10:00,Beverages,150,Confirmed,paid\n\
    ORD000002,C2,Web,2026-11-30 10:00,Beverages,900,Confirmed,paid\n\
    ORD000003,C3,Web,2026-11-30 10:00,Beverages,120,Confirmed,paid\n\
    ORD000004,C4,Web,2026-11-30 10:00,Beverages,110,Delivered,paid\n";

struct Member {
    http: reqwest::Client,
    url: String,
    cookie: String,
    csrf: String,
}

impl Member {
    async fn log_in(http: &reqwest::Client, url: &str, name: &str) -> Self {
        let url = url.trim_end_matches('/').to_owned();
        let body = format!("name={name}&word={name}-token-0123456789");
        let answer = http.post(format!("{url}/login")).body(body).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::SEE_OTHER, "{name}");
        let cookie = answer.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
        let mut member = Self { http: http.clone(), url, cookie, csrf: String::new() };
        member.csrf = csrf(&member.get("/alerts").await);
        member
    }

    async fn get(&self, path: &str) -> String {
        let request = self.http.get(format!("{}{path}", self.url)).header("cookie", &self.cookie);
        request.send().await.unwrap().text().await.unwrap()
    }

    /// What a form is answered with: where it leads to, or the text of the page.
    async fn post(&self, path: &str, fields: &str) -> (StatusCode, String) {
        let request = self.http.post(format!("{}{path}", self.url)).header("cookie", &self.cookie);
        let answer = request.body(format!("csrf={}&{fields}", self.csrf)).send().await.unwrap();
        let place = answer.headers().get("location").map(|place| place.to_str().unwrap().to_owned());
        (answer.status(), place.unwrap_or(answer.text().await.unwrap()))
    }

    /// Fills a form in and says yes to what is asked.
    async fn does(&self, fields: &str) -> (StatusCode, String) {
        let (status, asked) = self.post("/order/ask", fields).await;
        if status != StatusCode::OK {
            return (status, asked);
        }
        let form = asked.split("action=\"/order/act\">").nth(1).unwrap().split("</form>").next().unwrap();
        self.post("/order/act", &hidden(form)).await
    }
}

/// The hidden fields of a form but its token.
fn hidden(form: &str) -> String {
    let hidden = form.split("type=\"hidden\" name=\"").skip(1).map(|field| {
        let (name, rest) = field.split_once("\" value=\"").unwrap();
        format!("{name}={}", encoded(&rest.split('"').next().unwrap().replace("&amp;", "&")))
    });
    hidden.filter(|field| !field.starts_with("csrf=")).collect::<Vec<_>>().join("&")
}

/// An order of tea and a pot, which was delivered yesterday.
fn of_two(number: u32, pot: i64) -> Order {
    let line = |sku: &str, name: &str, quantity, price| OrderLine {
        sku: Some(sku.to_owned()),
        name: name.to_owned(),
        quantity,
        price: Some(Money::from_rupees(price)),
    };
    let mut order = Order::new(OrderId::new(&format!("ORD{number:06}")));
    "Beverages".clone_into(&mut order.category);
    order.value = Some(Money::from_rupees(2 * 60 + pot));
    let yesterday = Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).datetime().date().yesterday().unwrap();
    order.placed_at = Some(yesterday.at(0, 0, 0, 0));
    order.details.state = Some(OrderState::Delivered);
    order.details.payment_state = Some(PaymentState::Paid);
    order.details.delivered_at = order.placed_at;
    order.details.lines = vec![line("T-1", "Tea", 2, 60), line("P-1", "Pot", 1, pot)];
    order
}

async fn save(store: &dyn Store, orders: Vec<Order>) {
    let mut import = store.begin_import(ImportMode::Upsert).await.unwrap();
    import.write(orders).await.unwrap();
    import.commit().await.unwrap();
}

/// What is shown before a yes is what goes back, for every kind, and the limit of a role is held against just that.
async fn only_what_was_shown_goes_back(desk: &Member, store: &dyn Store) {
    let tea = "kind=return&id=ORD000005&resolution=refund&reason=stale&item-0=2&line-0=T-1";
    let (status, asked) = desk.post("/order/ask", tea).await;
    assert!(status == StatusCode::OK && asked.contains("Take it back? ₹120 goes back for it"), "of ₹620: {asked}");
    let form = asked.split("action=\"/order/act\">").nth(1).unwrap().split("</form>").next().unwrap();
    let shown = hidden(form);
    // The order is sent again between the page and the yes: other lines stand there, or cost something else.
    let mut other = of_two(5, 500);
    other.details.lines.reverse();
    save(store, vec![other]).await;
    let (status, told) = desk.post("/order/act", &shown).await;
    assert!(status == StatusCode::BAD_REQUEST && told.contains("has changed"), "{told}");
    let mut dearer = of_two(5, 500);
    dearer.details.lines[0].price = Some(Money::from_rupees(80));
    dearer.value = Some(Money::from_rupees(660));
    save(store, vec![dearer]).await;
    let (status, told) = desk.post("/order/act", &shown).await;
    assert!(status == StatusCode::CONFLICT && told.contains("160"), "another amount than was shown: {told}");
    save(
        store,
        vec![Order {
            details: ecomres::domain::order::OrderDetails { lines: Vec::new(), ..of_two(5, 500).details },
            ..of_two(5, 500)
        }],
    )
    .await;
    assert_eq!(
        desk.post("/order/act", &shown).await.0,
        StatusCode::BAD_REQUEST,
        "the line is gone: not the whole order"
    );
    save(store, vec![of_two(5, 500)]).await;
    for fields in ["kind=return&id=ORD000005&resolution=refund&reason=stale", "kind=cancel&id=ORD000003&reason=late"] {
        assert_eq!(desk.post("/order/act", fields).await.0, StatusCode::BAD_REQUEST, "nothing was shown: {fields}");
    }
    let (status, told) = desk.does("kind=return&id=ORD000005&resolution=refund&reason=stale").await;
    assert!(status == StatusCode::CONFLICT && told.contains("₹200"), "all of it is above the limit: {told}");
    assert!(store.actions_of(&OrderId::new("ORD000005")).await.unwrap().is_empty(), "nothing was done so far");
    assert!(desk.does(tea).await.1.ends_with("told=acted"), "₹120 is not");
    let action = store.actions_of(&OrderId::new("ORD000005")).await.unwrap().remove(0);
    assert_eq!(action.amount.map(|amount| amount.money), Some(Money::from_rupees(120)));
    // The same again brings no money back, however dear the order is.
    let (_, asked) = desk.post("/order/ask", "kind=return&id=ORD000006&resolution=replacement&reason=torn").await;
    assert!(asked.contains("Take it back? No money goes back for it"), "{asked}");
    assert!(desk.does("kind=return&id=ORD000006&resolution=replacement&reason=torn").await.1.ends_with("told=acted"));
    let (_, asked) = desk.post("/order/ask", "kind=cancel&id=ORD000003&reason=late").await;
    assert!(asked.contains("Cancel the order? ₹120 goes back for it"), "{asked}");
    let two = "kind=change&id=ORD000003&address=5+Lake+Road&phone=919876500001";
    let (status, told) = desk.post("/order/ask", two).await;
    assert!(status == StatusCode::BAD_REQUEST && told.contains("One thing is changed at a time"), "{told}");
}

#[test]
fn the_team_acts_by_the_policy_within_its_roles_and_on_record() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("orders.csv"), ORDERS).unwrap();
    let users = ["auditor", "desk", "lead"].iter().zip(["viewer", "agent", "admin"]).map(|(name, role)| {
        format!("[[dashboard.users]]\nname = \"{name}\"\nrole = \"{role}\"\ntoken = \"{name}-token-0123456789\"\n")
    });
    let settings = format!("[team]\nagent_refund_limit = 200\n{}", users.collect::<String>());
    std::fs::write(folder.path().join("ecomres.toml"), settings).unwrap();
    let (code, _, err) = run(ecomres(folder.path()).args(["import", "orders.csv", "--store", "shop.db", "--quiet"]));
    assert_eq!(code, 0, "{err}");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let path = folder.path().join("shop.db");
    let beside = runtime.block_on(async { store::open(path.to_str().unwrap()).unwrap() });
    runtime.block_on(save(beside.as_ref(), vec![of_two(5, 500), of_two(6, 500)]));
    let (mut child, url, _lines) = started(folder.path(), &[]);
    runtime.block_on(async {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let plain = reqwest::redirect::Policy::none();
        let http = reqwest::Client::builder().redirect(plain).timeout(Duration::from_secs(20)).build().unwrap();
        let (desk, lead) = (Member::log_in(&http, &url, "desk").await, Member::log_in(&http, &url, "lead").await);
        let viewer = Member::log_in(&http, &url, "auditor").await;
        assert!(desk.get("/order?id=ORD000001").await.contains("action=\"/order/ask\""));
        assert!(!viewer.get("/order?id=ORD000001").await.contains("/order/ask"));
        assert_eq!(viewer.post("/order/act", "kind=refund&id=ORD000001").await.0, StatusCode::FORBIDDEN);
        // Nothing is paid that was not shown before.
        let (status, _) = desk.post("/order/act", "kind=refund&id=ORD000001&reason=torn").await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        let (_, asked) = desk.post("/order/ask", "kind=refund&id=ORD000001&reason=torn+%3Cb%3E").await;
        assert!(asked.contains("Pay ₹150 back?") && asked.contains("torn &lt;b&gt;"), "{asked}");
        let (status, told) =
            desk.post("/order/act", "kind=refund&id=ORD000001&reason=torn&amount=149&currency=INR").await;
        assert!(status == StatusCode::CONFLICT && told.contains("150"), "another amount: {told}");
        let (status, told) = desk.post("/order/act", "kind=refund&id=ORD000001&reason=torn&amount=150").await;
        assert!(status == StatusCode::CONFLICT && told.contains("currency"), "an amount of no currency: {told}");
        let (_, place) = desk.does("kind=refund&id=ORD000001&reason=torn").await;
        assert_eq!(place, "/order?id=ORD000001&told=acted");
        assert!(desk.get(&place).await.contains("Done, and on record"));
        let (status, told) = desk.does("kind=refund&id=ORD000001&reason=torn").await;
        assert!(status == StatusCode::CONFLICT && !told.contains("The tool gave no reason"), "once: {told}");
        // An agent's limit, which is no admin's.
        for fields in ["kind=refund&id=ORD000002&reason=late", "kind=cancel&id=ORD000002&reason=late"] {
            let (status, told) = desk.does(fields).await;
            assert!(status == StatusCode::CONFLICT && told.contains("₹200"), "{fields}: {told}");
        }
        only_what_was_shown_goes_back(&desk, beside.as_ref()).await;
        assert!(lead.does("kind=refund&id=ORD000002&reason=late").await.1.ends_with("told=acted"));
        let (_, place) = desk.does("kind=change&id=ORD000003&address=5+Lake+Road&user=919876500001").await;
        assert_eq!(place, "/conversation?user=919876500001&told=acted");
        assert_eq!(desk.does("kind=change&id=ORD000003").await.0, StatusCode::BAD_REQUEST);
        assert!(desk.does("kind=cancel&id=ORD000003&reason=twice").await.1.ends_with("told=acted"));
        let (status, told) = desk.does("kind=cancel&id=ORD000004&reason=twice").await;
        assert!(status == StatusCode::CONFLICT && told.contains("Not done: Cancel"), "it is delivered: {told}");
        assert_eq!(desk.does("kind=refund&id=ORD999999&reason=x").await.0, StatusCode::NOT_FOUND);
        assert_eq!(desk.does("kind=gift&id=ORD000001").await.0, StatusCode::BAD_REQUEST);
    });
    terminate(&child);
    assert_eq!(wait(&mut child, Duration::from_secs(20)), Some(0));
    let (code, out, err) = run(ecomres(folder.path()).args(["report", "audit", "--verify", "--store", "shop.db"]));
    assert!(code == 0, "the ledger and the trail agree: {out} {err}");
    runtime.block_on(async {
        let store = beside;
        let refund = store.refund_of(&OrderId::new("ORD000001")).await.unwrap().unwrap();
        assert_eq!((refund.actor.as_str(), refund.reason.as_str()), ("operator:desk", "torn"));
        let order = store.order(&OrderId::new("ORD000003")).await.unwrap().unwrap();
        assert_eq!(
            (order.details.address.as_deref(), order.status.as_deref()),
            (Some("5 Lake Road"), Some("Cancelled"))
        );
        let entries = store.audit_entries(1, 999).await.unwrap();
        let records: Vec<_> = entries.iter().filter_map(ecomres::domain::audit::AuditEntry::record).collect();
        for (action, actor) in [
            ("check_refund_eligibility", "operator:desk"),
            ("process_refund", "operator:desk"),
            ("process_refund", "operator:lead"),
            ("change_order", "operator:desk"),
            ("cancel_order", "operator:desk"),
            ("foresee_action", "operator:desk"),
            ("return_order", "operator:desk"),
        ] {
            assert!(records.iter().any(|one| one.action == action && one.actor == actor), "{action} by {actor}");
        }
    });
}
