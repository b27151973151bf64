//! The dashboard: the pages that the team sees over HTTP, who may see them, and when open pages reload.
//!
//! What customers wrote is never rendered as HTML, and nothing is changed without the CSRF token of the session.

mod access;
mod actions;
mod alerts;
mod assets;
mod attach;
mod audit;
mod canned;
mod charts;
mod composer;
mod conversation;
mod conversations;
mod customer;
mod drafts;
mod emoji;
mod export;
mod forms;
mod knowledge;
mod labels;
mod layout;
mod live;
mod login_limit;
mod media;
mod members;
mod notices;
mod now;
mod order_actions;
mod orders;
mod pages;
mod palette;
mod pins;
mod presence;
mod queues;
mod search;
mod setup;
mod shared;
mod suggestion;
mod tasks;
mod team;
mod templates;
mod tool_calls;
mod users;
mod views;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::set_header::SetResponseHeaderLayer;

pub use access::{Access, AccessError};
pub use canned::CannedReply;
pub use order_actions::OrderTools;
pub use setup::{CheckLine, SettingLine, Setup};
pub use users::{Role, TeamMember, hash_password};

use crate::domain::currency::ShopMoney;
use crate::domain::money::Money;
use crate::domain::outgoing::{ChannelLimits, Template};
use crate::domain::phone::Country;
use crate::domain::refund::RefundPolicy;
use crate::domain::target::Targets;
use crate::http::resources::WatchedDisk;
use crate::insights::{ModelFacts, ModelSource};
use crate::knowledge::Library;
use crate::store::{Store, StoreError};

/// No script, style or picture but the dashboard's own files; nothing inline; never inside another page.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self'; connect-src 'self'; \
    form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
/// How long requests in flight are waited for at the end.
pub const SHUTDOWN_GRACE: Duration = Duration::from_secs(10);

/// What the dashboard needs.
pub struct Settings {
    /// The data that is shown.
    pub store: Arc<dyn Store>,
    /// Who may see it.
    pub access: Access,
    /// The time zone of the shop, which days and hours of charts are counted in.
    pub zone: TimeZone,
    /// Silence after which a new conversation begins.
    pub gap: SignedDuration,
    /// What the channel accepts: the longest reply, and until when one can be sent.
    pub limits: ChannelLimits,
    /// The template that is sent where free text must not be; `None` where none is set.
    pub template: Option<Template>,
    /// The shop's own currency.
    pub money: ShopMoney,
    /// What goes back with a return that the team says it has; none: nothing goes back with that.
    pub policy: Option<RefundPolicy>,
    /// What does something to orders for the team; `None`: the pages do nothing to orders.
    pub tools: Option<Arc<dyn OrderTools>>,
    /// The most that an agent lets go back to a customer; `None`: what the policy allows.
    pub agent_limit: Option<Money>,
    /// The settings and the checks of the program, for admins.
    pub setup: Option<Arc<dyn Setup>>,
    /// What the team promises its customers.
    pub targets: Targets,
    /// Whether new alerts are assigned to members by turns.
    pub round_robin: bool,
    /// Whether customers are asked about the team's work.
    pub ask_rating: bool,
    /// Within how many seconds a customer is to be answered.
    pub response_target_seconds: u32,
    /// The facts of the model that classifies messages.
    pub model: ModelSource,
    /// Texts that the team sends often.
    pub replies: Vec<CannedReply>,
    /// The country of numbers that orders hold without a country code.
    pub home: Country,
    /// The shop's documents.
    pub library: Arc<Library>,
    /// The time.
    pub clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    /// The disk of the store, where it is on one.
    pub disk: Option<WatchedDisk>,
    /// Cancelled when the server ends.
    pub stop: CancellationToken,
}

/// What every request works on.
#[derive(Clone)]
pub(crate) struct AppState(Arc<Inner>);

pub(crate) struct Inner {
    settings: Settings,
    live: live::Live,
    presence: Arc<presence::Presence>,
    sections: pages::SectionCache,
    cases: queues::CaseCache,
    /// Set once the sections of the first page are being counted ahead.
    warmed: OnceLock<()>,
    audit: audit::CheckCache,
    templates: templates::TemplateCache,
    decoders: media::Decoders,
}

impl std::ops::Deref for AppState {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl Inner {
    fn store(&self) -> &dyn Store {
        self.settings.store.as_ref()
    }

    fn now(&self) -> Timestamp {
        (self.settings.clock)()
    }

    /// The facts of the model; a folder that was replaced is read again.
    async fn model(&self) -> Option<Arc<ModelFacts>> {
        let facts = Arc::clone(&self.settings.model.facts);
        // Hashing the weights takes a moment.
        tokio::task::spawn_blocking(move || facts()).await.ok().flatten()
    }
}

/// Why a page cannot be shown.
#[derive(Debug)]
pub(crate) enum PageError {
    /// The store failed.
    Store(StoreError),
    /// There is no such page or record.
    NotFound,
    /// The request makes no sense; the sentence says why.
    BadRequest(&'static str),
    /// The member's role may not do this; the sentence says which may.
    Forbidden(&'static str),
}

impl From<StoreError> for PageError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        let (status, message) = match &self {
            Self::Store(error) => {
                tracing::error!(%error, "a page could not be made");
                (StatusCode::SERVICE_UNAVAILABLE, "The store cannot be read at the moment.")
            }
            Self::NotFound => (StatusCode::NOT_FOUND, "There is nothing here."),
            Self::BadRequest(why) => (StatusCode::BAD_REQUEST, *why),
            Self::Forbidden(why) => (StatusCode::FORBIDDEN, *why),
        };
        (status, layout::message("Not possible", message)).into_response()
    }
}

/// The pages, with everything that guards them. Serve them with [`crate::http::serve`]: the limit of logins goes by the
/// address of the peer.
pub fn router(settings: Settings) -> Router {
    let live = live::Live::new(Arc::clone(&settings.store), settings.stop.clone());
    let inner = Inner {
        settings,
        live,
        presence: Arc::default(),
        sections: pages::SectionCache::default(),
        cases: queues::CaseCache::default(),
        warmed: OnceLock::new(),
        audit: audit::CheckCache::default(),
        templates: templates::TemplateCache::default(),
        decoders: media::Decoders::default(),
    };
    let state = AppState(Arc::new(inner));
    team::watch(&state);
    shared::watch(&state);
    // Before anybody asks: the first count of a store reads all of its messages.
    state.warm();
    let header = |name, value| SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value));
    Router::new()
        .route("/", get(pages::overview))
        .route("/analytics", get(pages::analytics))
        .route("/alerts", get(alerts::list))
        .route("/alerts/claim", post(alerts::claim))
        .route("/alerts/release", post(alerts::release))
        .route("/alerts/assign", post(alerts::assign))
        .route("/alerts/resolve", post(alerts::resolve))
        .route("/alerts/resolve-many", post(alerts::resolve_many))
        .route("/alerts/reopen", post(alerts::reopen))
        .route("/actions/done", post(tasks::done))
        .route("/conversations", get(conversations::list))
        .route("/conversation", get(conversation::view))
        .route("/conversation/take-over", post(conversation::take_over))
        .route("/conversation/reply", post(conversation::reply))
        .route("/conversation/return", post(conversation::return_to_bot))
        .route("/conversation/note", post(conversation::note))
        .route("/conversation/draft", post(drafts::save))
        .route("/conversation/attach", post(attach::attach))
        .route("/conversation/tag", post(pins::add_tag))
        .route("/conversation/untag", post(pins::remove_tag))
        .route("/conversation/snooze", post(pins::snooze))
        .route("/conversation/wake", post(pins::wake))
        .route("/conversation/seen", post(pins::seen))
        .route("/conversation/typing", post(presence::types))
        .route("/views/save", post(views::save))
        .route("/views/remove", post(views::remove))
        .route("/conversation/label", post(labels::correct))
        .route("/media/{id}", get(media::file))
        .route("/order", get(orders::page))
        .route("/order/ask", post(order_actions::ask))
        .route("/order/act", post(order_actions::act))
        .route("/quality", get(labels::quality))
        .route("/team", get(team::page))
        .route("/export/{name}", get(export::file))
        .route("/settings", get(setup::page))
        .route("/settings/check", get(setup::page).post(setup::check))
        .route("/settings/reply", post(setup::save_reply))
        .route("/settings/member", get(setup::page).post(members::save))
        .route("/settings/password", get(setup::page).post(members::new_password))
        .route("/settings/templates", post(templates::read_again))
        .route("/settings/remove", post(members::remove))
        .route("/settings/away", post(members::away))
        .route("/team/away", post(members::own_away))
        .route("/knowledge/answer", post(knowledge::answer))
        .route("/audit", get(audit::page))
        .route("/events", get(live::events))
        .route("/find", get(palette::find))
        .route("/notices", get(notices::list))
        .route("/login", get(access::login_page).post(access::log_in))
        .route("/logout", post(access::log_out))
        .route("/assets/{name}", get(assets::file))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .fallback(|| async { PageError::NotFound })
        .layer(axum::middleware::from_fn_with_state(state.clone(), access::check))
        .layer(header(header::CONTENT_SECURITY_POLICY, POLICY))
        .layer(header(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(header(header::X_FRAME_OPTIONS, "DENY"))
        // Not "no-referrer": with that, browsers name no origin in forms either, and each would be taken for another site's.
        .layer(header(header::REFERRER_POLICY, "same-origin"))
        .layer(header(header::CACHE_CONTROL, "no-store"))
        .layer(CompressionLayer::new())
        .layer(CatchPanicLayer::new())
        .with_state(state)
}

async fn ready(State(state): State<AppState>) -> (StatusCode, String) {
    if state.settings.stop.is_cancelled() {
        return (StatusCode::SERVICE_UNAVAILABLE, "ending\n".to_owned());
    }
    if state.store().audit_length().await.is_err() {
        return (StatusCode::SERVICE_UNAVAILABLE, "the store cannot be read\n".to_owned());
    }
    if let Some(disk) = &state.settings.disk
        && let Err(told) = disk.check().await
    {
        return (StatusCode::SERVICE_UNAVAILABLE, format!("disk: {told}\n"));
    }
    (StatusCode::OK, "ready\n".to_owned())
}
