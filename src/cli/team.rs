//! What the pages reach of the program: the tools of the bot, the settings, and the checks of `doctor`.

use std::sync::Arc;

use async_trait::async_trait;
use secrecy::ExposeSecret as _;
use serde_json::Value;

use super::{Global, app, doctor};
use crate::channels::whatsapp::Account;
use crate::config::Config;
use crate::domain::caller::Caller;
use crate::domain::outgoing::KnownTemplate;
use crate::nlu::{Classifier, NluError, Prediction};
use crate::store::Store;
use crate::support::{Actor, Context};
use crate::tools::Toolbox;
use crate::web::{CheckLine, OrderTools, SettingLine, Setup};

/// The tools, for members of the team.
pub(super) struct TeamTools(pub(super) Toolbox);

#[async_trait]
impl OrderTools for TeamTools {
    async fn call(&self, actor: &Actor, tool: &str, arguments: Value) -> Value {
        let context = Context { caller: Caller::Operator { name: actor.name.clone() }, now: actor.now };
        self.0.call(&context, tool, arguments).await.value
    }

    async fn foresee(&self, actor: &Actor, tool: &str, arguments: Value) -> Value {
        let context = Context { caller: Caller::Operator { name: actor.name.clone() }, now: actor.now };
        self.0.foresee(&context, tool, arguments).await.value
    }
}

/// The pages have no message read: the model is not loaded for them.
struct NoModel;

#[async_trait]
impl Classifier for NoModel {
    async fn classify(&self, _: &str) -> Result<Prediction, NluError> {
        Err(NluError::Stopped)
    }
}

/// The tools for a dashboard that runs by itself.
///
/// # Errors
/// When the settings are wrong.
pub(super) fn tools(global: &Global, config: &Config, store: &Arc<dyn Store>) -> anyhow::Result<Arc<dyn OrderTools>> {
    Ok(Arc::new(TeamTools(app::toolbox(global, config, Arc::clone(store), Arc::new(NoModel))?)))
}

/// The settings and the checks of this process.
pub(super) struct OwnSetup {
    pub(super) global: Global,
    pub(super) config: Config,
}

impl Setup for OwnSetup {
    fn settings(&self) -> Vec<SettingLine> {
        let lines = self.config.shown.iter();
        lines
            .map(|(key, value, from)| SettingLine { key: key.clone(), value: value.clone(), from: from.clone() })
            .collect()
    }

    fn check(&self) -> Vec<CheckLine> {
        doctor::lines(&self.global, &self.config)
    }

    fn has_templates(&self) -> bool {
        let whatsapp = &self.config.whatsapp;
        !whatsapp.account_id.trim().is_empty() && !whatsapp.access_token.expose_secret().is_empty()
    }

    fn templates(&self) -> Result<Vec<KnownTemplate>, String> {
        let whatsapp = &self.config.whatsapp;
        let account = Account {
            base_url: whatsapp.graph_url.clone(),
            version: whatsapp.graph_version.clone(),
            id: whatsapp.account_id.trim().to_owned(),
            token: whatsapp.access_token.clone(),
        };
        tokio::runtime::Handle::current().block_on(account.templates())
    }
}
