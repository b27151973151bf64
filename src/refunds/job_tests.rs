use std::collections::VecDeque;
use std::sync::Mutex;

use async_trait::async_trait;

use super::*;
use crate::domain::audit::{AuditEntry, AuditPhase};
use crate::domain::caller::Caller;
use crate::domain::ids::{MessageId, OrderId, UserId};
use crate::domain::inbound::{Content, Context as MessageContext, Inbound};
use crate::domain::money::Money;
use crate::domain::opt_out::{Preference, Source};
use crate::domain::refund::{ProviderKind, RefundState};
use crate::store::{ImportMode, Recorded};
use crate::support::{Context, PayOutcome, QuoteOutcome};
use crate::testing::{Shop, customer, order};

/// A provider that answers by a script and counts what it was asked.
#[derive(Default)]
struct Scripted {
    sent: Mutex<VecDeque<Sent>>,
    found: Mutex<VecDeque<Found>>,
    asked: Mutex<Vec<String>>,
}

#[async_trait]
impl RefundProvider for Scripted {
    fn kind(&self) -> ProviderKind {
        ProviderKind::Stripe
    }

    async fn send(&self, payout: &Payout) -> Sent {
        self.asked.lock().unwrap().push(format!("send {}", payout.refund.idempotency_key()));
        self.sent.lock().unwrap().pop_front().expect("it is not sent more often")
    }

    async fn look_up(&self, _: &Payout) -> Found {
        self.asked.lock().unwrap().push("look up".to_owned());
        self.found.lock().unwrap().pop_front().expect("it is not asked more often")
    }

    async fn check(&self) -> std::result::Result<String, String> {
        Ok(String::new())
    }
}

struct Desk {
    shop: Shop,
    provider: Arc<Scripted>,
    now: Arc<Mutex<Timestamp>>,
    job: RefundJob,
    transaction: String,
}

const USER: &str = "919876543210";

impl Desk {
    /// A shop whose customer agreed to a refund that Stripe pays.
    async fn open(sent: Vec<Sent>, found: Vec<Found>) -> Self {
        Box::pin(Self::with_offer_accepted(sent, found)).await
    }

    async fn with_offer_accepted(sent: Vec<Sent>, found: Vec<Found>) -> Self {
        let shop = Shop::with(|config| config.refund.provider = "stripe".to_owned()).await;
        let mut paid = order(3, "Beverages", 599);
        paid.details.payment_id = Some("pi_3".to_owned());
        let mut import = shop.store.begin_import(ImportMode::Upsert).await.unwrap();
        import.write(vec![paid]).await.unwrap();
        import.commit().await.unwrap();
        let mut chat = shop.chat(USER);
        heard(&shop, "hello", shop.now).await;
        assert!(chat.say("I want a refund for ORD000003").await.contains("₹599"));
        let said = chat.say("yes").await;
        assert!(
            said.contains("I have requested the refund of ₹599 for order ORD000003; it is not paid yet."),
            "{said}"
        );
        let refund = shop.store.refund_of(&OrderId::new("ORD000003")).await.unwrap().unwrap();
        assert_eq!((refund.state(), refund.route.payment_id.as_deref()), (RefundState::Requested, Some("pi_3")));
        let provider = Arc::new(Scripted {
            sent: Mutex::new(sent.into()),
            found: Mutex::new(found.into()),
            ..Scripted::default()
        });
        let mut providers = Providers::default();
        providers.add(Arc::clone(&provider) as Arc<dyn RefundProvider>);
        // The clock of a turn runs on while it works.
        let now = Arc::new(Mutex::new(chat.now + SignedDuration::from_mins(1)));
        let clock = Arc::clone(&now);
        let telling = Telling {
            limits: crate::channels::whatsapp::LIMITS,
            template: None,
            arrival: "3-5 business days".to_owned(),
            money: crate::domain::currency::ShopMoney::default(),
        };
        let clock: Clock = Arc::new(move || *clock.lock().unwrap());
        let job = RefundJob::new(Arc::clone(&shop.store), providers, telling, JobSettings::default(), clock);
        Self { shop, provider, now, job, transaction: refund.transaction_id }
    }

    fn wait(&self, span: SignedDuration) {
        *self.now.lock().unwrap() += span;
    }

    async fn work(&self) -> Refund {
        self.job.run_due().await.unwrap();
        self.shop.store.refund(&self.transaction).await.unwrap().unwrap()
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.provider.asked.lock().unwrap())
    }

    async fn told(&self) -> Vec<String> {
        let sent = self.shop.store.outgoing_of(&UserId::new(USER), 99).await.unwrap();
        let texts = sent.iter().map(|message| message.body.text().to_owned());
        texts.filter(|text| text.contains("has been paid") || text.contains("could not be paid")).collect()
    }

    async fn holds(&self) {
        assert_eq!(self.shop.store.check_audit().await.unwrap().broken, None);
        assert_eq!(self.shop.store.check_refunds().await.unwrap(), None);
    }
}

async fn heard(shop: &Shop, id: &str, at: Timestamp) {
    let message = Inbound {
        id: MessageId::new(id),
        user_id: UserId::new(USER),
        sent_at: at,
        received_at: at,
        number: None,
        context: MessageContext::default(),
        content: Content::Text { text: "hello".to_owned() },
    };
    shop.store.accept(&[message], at).await.unwrap();
}

#[expect(clippy::unnecessary_wraps, reason = "what it is compared with or passed as is optional")]
fn id() -> Option<String> {
    Some("re_1".to_owned())
}

fn unknown() -> Sent {
    Sent::Unknown { reason: "HTTP 500".to_owned() }
}

#[tokio::test]
async fn a_refund_is_sent_polled_and_told_once() {
    let desk = Desk::open(
        vec![Sent::Has(Report::Pending { id: id() })],
        vec![Found::Has(Report::Pending { id: id() }), Found::Has(Report::Paid { id: id() })],
    )
    .await;
    let refund = desk.work().await;
    assert_eq!((refund.state(), desk.asked().len()), (RefundState::Submitted, 1));
    let mut chat = desk.shop.chat(USER);
    chat.now = *desk.now.lock().unwrap();
    let status = chat.say("where is my refund for ORD000003?").await;
    assert!(status.contains("has not confirmed yet that it is paid"), "{status}");
    desk.wait(SignedDuration::from_mins(2));
    assert_eq!(desk.work().await.state(), RefundState::Submitted);
    desk.holds().await;
    desk.wait(SignedDuration::from_hours(2));
    let refund = desk.work().await;
    assert_eq!((refund.state(), refund.progress.next_at), (RefundState::Paid, None));
    let told = desk.told().await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("₹599") && told[0].contains(&desk.transaction), "{told:?}");
    desk.wait(SignedDuration::from_hours(2));
    assert_eq!(desk.job.run_due().await.unwrap(), 0);
    desk.holds().await;
    let status = chat.say("where is my refund for ORD000003?").await;
    assert!(status.contains("was refunded: ₹599"), "{status}");
}

#[tokio::test]
async fn a_customer_whose_conversation_went_on_is_told_later() {
    let mut desk = Desk::open(vec![Sent::Has(Report::Paid { id: id() })], vec![]).await;
    // As if other writers were faster each time.
    let attempts = std::mem::take(&mut desk.job.save_attempts);
    let refund = desk.work().await;
    assert_eq!((refund.state(), refund.progress.untold, desk.told().await.len()), (RefundState::Paid, true, 0));
    assert_eq!(desk.job.run_due().await.unwrap(), 0, "not again at once");
    desk.job.save_attempts = attempts;
    desk.wait(JobSettings::default().lease + SignedDuration::from_secs(1));
    let refund = desk.work().await;
    assert_eq!((refund.progress.untold, refund.progress.next_at, desk.told().await.len()), (false, None, 1));
    desk.holds().await;
}

#[tokio::test]
async fn an_unknown_outcome_is_looked_up_and_sent_again_only_under_the_same_key() {
    let desk =
        Desk::open(vec![unknown(), unknown()], vec![Found::Nothing, Found::Has(Report::Paid { id: id() })]).await;
    let refund = desk.work().await;
    assert_eq!((refund.state(), refund.progress.problem.as_deref()), (RefundState::Requested, Some("HTTP 500")));
    desk.wait(SignedDuration::from_mins(1));
    desk.work().await;
    desk.wait(SignedDuration::from_mins(5));
    assert_eq!(desk.work().await.state(), RefundState::Paid);
    let asked = desk.asked();
    let key = refund.idempotency_key();
    assert_eq!(asked, [format!("send {key}"), "look up".to_owned(), format!("send {key}"), "look up".to_owned()]);
    desk.holds().await;
}

#[tokio::test]
async fn what_was_sent_too_long_ago_goes_to_a_person_and_is_never_sent_again() {
    let desk = Desk::open(vec![unknown()], vec![Found::Nothing, Found::Nothing]).await;
    desk.work().await;
    desk.wait(SignedDuration::from_hours(30));
    let refund = desk.work().await;
    assert_eq!(refund.state(), RefundState::Requested);
    assert!(refund.progress.problem.unwrap().contains("ecomres refunds settle"));
    let alert = desk.shop.store.pending_alert(&UserId::new(USER)).await.unwrap().unwrap();
    assert!(alert.bot_answers && alert.reason.contains("does not go on"), "{}", alert.reason);
    desk.wait(SignedDuration::from_hours(1));
    desk.work().await;
    assert_eq!(desk.asked().iter().filter(|asked| asked.starts_with("send")).count(), 1);
}

#[tokio::test]
async fn a_refusal_counts_only_where_the_provider_has_none() {
    let refused = || Sent::Refused { reason: "already refunded".to_owned() };
    let desk = Desk::open(vec![refused()], vec![Found::Has(Report::Paid { id: id() })]).await;
    assert_eq!(desk.work().await.state(), RefundState::Paid, "an earlier request of ours was why");
    let desk = Desk::open(vec![refused()], vec![Found::Nothing]).await;
    let refund = desk.work().await;
    assert_eq!((refund.state(), refund.progress.reason.as_deref()), (RefundState::Failed, Some("already refunded")));
    let alert = desk.shop.store.pending_alert(&UserId::new(USER)).await.unwrap().unwrap();
    assert!(alert.reason.contains("could not be paid: already refunded"), "{}", alert.reason);
    assert_eq!(desk.told().await.len(), 1);
    // Nothing goes on by itself, and neither a customer nor an operator starts it anew.
    desk.wait(SignedDuration::from_hours(5));
    assert_eq!(desk.job.run_due().await.unwrap(), 0);
    let operator = Context { caller: Caller::Operator { name: "x".into() }, now: desk.shop.now };
    let outcome = desk.shop.support().pay(&operator, (&OrderId::new("ORD000003"), &[]), None, "").await.unwrap();
    assert!(matches!(outcome, PayOutcome::Denied(denial) if denial.code() == "refund_failed"));
    let mut chat = desk.shop.chat(USER);
    chat.now = *desk.now.lock().unwrap();
    let said = chat.say("where is my refund for ORD000003?").await;
    assert!(said.contains("could not be paid") && !said.contains("has been refunded"), "{said}");
    desk.holds().await;
}

#[tokio::test]
async fn a_person_tries_a_failed_one_again_with_another_key() {
    let failed = Sent::Has(Report::Failed { id: id(), reason: "lost_or_stolen_card".to_owned() });
    let desk = Desk::open(vec![failed, Sent::Has(Report::Paid { id: None })], vec![Found::Nothing]).await;
    let refund = desk.work().await;
    let first = refund.idempotency_key();
    let moved = change(desk.shop.store.as_ref(), "operator:desk", &refund, Change::Again, desk.shop.now).await.unwrap();
    assert!(matches!(moved, Moved::Done(_)));
    // Two who want it at the same moment want the same attempt.
    let twice = change(desk.shop.store.as_ref(), "operator:desk", &refund, Change::Again, desk.shop.now).await.unwrap();
    assert!(matches!(twice, Moved::Done(refund) if refund.progress.attempt == 2));
    desk.wait(SignedDuration::from_mins(1));
    assert_eq!(desk.work().await.state(), RefundState::Paid);
    let asked = desk.asked();
    assert_eq!(asked.len(), 3, "{asked:?}");
    assert!(asked[0].ends_with(&first) && asked[1] == "look up" && !asked[2].ends_with(&first), "{asked:?}");
    desk.holds().await;
}

#[tokio::test]
async fn nobody_is_told_who_wants_no_messages_or_wrote_long_ago() {
    let paid = || vec![Sent::Has(Report::Paid { id: id() })];
    let desk = Desk::open(paid(), Vec::new()).await;
    let wish = Preference { stopped: true, at: desk.shop.now, source: Source::Channel, message: None };
    desk.shop.store.record_preference(&UserId::new(USER), &wish).await.unwrap();
    assert_eq!(desk.work().await.state(), RefundState::Paid);
    assert_eq!(desk.told().await, Vec::<String>::new(), "opted out");
    let desk = Desk::open(paid(), Vec::new()).await;
    desk.wait(SignedDuration::from_hours(25));
    assert_eq!(desk.work().await.state(), RefundState::Paid);
    assert_eq!(desk.told().await, Vec::<String>::new(), "outside of the window, without a template");
}

#[tokio::test]
async fn wrong_keys_leave_a_refund_as_it_was() {
    let turned_away = || Sent::TurnedAway { reason: "Invalid API Key".to_owned() };
    let desk = Desk::open(vec![turned_away(), Sent::Has(Report::Paid { id: id() })], Vec::new()).await;
    let refund = desk.work().await;
    assert_eq!((refund.state(), refund.progress.requests), (RefundState::Requested, 0));
    desk.wait(SignedDuration::from_hours(40));
    assert_eq!(desk.work().await.state(), RefundState::Paid, "nothing was sent before: there is nothing to look up");
}

#[tokio::test]
async fn without_a_payment_a_person_decides() {
    let desk = Desk::open(Vec::new(), Vec::new()).await;
    let support = desk.shop.support();
    let context = customer("a", 1, "refund ORD000004", &[], desk.shop.now);
    let outcome = support.create_quote(&context, &OrderId::new("ORD000004"), &[]).await.unwrap();
    assert!(matches!(outcome, QuoteOutcome::Refused { refusal, .. } if refusal.needs_person()));
}

#[tokio::test]
async fn a_state_that_nobody_put_on_record_is_found() {
    let desk = Desk::open(vec![Sent::Has(Report::Pending { id: id() })], Vec::new()).await;
    let refund = desk.work().await;
    desk.holds().await;
    // Straight into the ledger, without the record that `change` writes.
    let paid = refund.progress.after(Change::Paid { id: None }, desk.shop.now).unwrap();
    assert!(desk.shop.store.advance_refund(&refund, &paid).await.unwrap());
    let (_, why) = desk.shop.store.check_refunds().await.unwrap().unwrap();
    assert!(why.contains("is paid, and the entries that it is submitted"), "{why}");
    let entries = desk.shop.store.audit_entries(1, 99).await.unwrap();
    let changes = entries.iter().filter_map(AuditEntry::record).filter(|record| record.action == "refund_state");
    assert_eq!(changes.map(|record| record.phase).collect::<Vec<_>>(), [AuditPhase::Started, AuditPhase::Finished]);
}

#[tokio::test]
async fn the_amount_never_changes_on_the_way() {
    let desk = Desk::open(vec![Sent::Has(Report::Paid { id: id() })], Vec::new()).await;
    let refund = desk.work().await;
    assert_eq!(refund.amount, Money::from_rupees(599));
    let operator = Context { caller: Caller::Operator { name: "x".into() }, now: desk.shop.now };
    let outcome = desk.shop.support().pay(&operator, (&refund.order_id, &[]), None, "").await.unwrap();
    assert_eq!(outcome, PayOutcome::Paid(Recorded { refund, already: true }));
}
