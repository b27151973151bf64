//! An engine that loads the model in its folder anew when the files change.
//!
//! Until the new model computes its reference logits, the one that was loaded answers; it also does while the new one loads.

use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};
use std::time::Duration;

use crate::model::inspect::check_served;
use crate::model::summary::Fingerprint;
use crate::packed::Arithmetic;
use crate::serving::engine::Engine;
use crate::{Classifier, ModelLocation, NluError, Prediction};

/// An engine that follows the folder of its model.
pub struct ReloadingEngine {
    location: ModelLocation,
    engine: RwLock<Engine>,
    watch: Mutex<Watch>,
}

/// What was seen of the files.
struct Watch {
    /// The state that was loaded, or that could not be.
    handled: Fingerprint,
    /// What the last poll found: another state is loaded when it is found twice.
    last: Fingerprint,
}

/// What a poll of the folder found.
#[derive(Debug)]
pub enum Reload {
    /// The files are as they were.
    Unchanged,
    /// They are being changed, or some are missing.
    Changing,
    /// Another model answers from now on.
    Loaded,
    /// They cannot be used: the model that was loaded goes on. Reported once for each change.
    Refused(NluError),
}

impl ReloadingEngine {
    /// Loads a model.
    ///
    /// # Errors
    /// As [`Engine::load`].
    pub fn load(location: impl Into<ModelLocation>) -> Result<Arc<Self>, NluError> {
        let location = location.into();
        let seen = Fingerprint::of(&location);
        let engine = RwLock::new(Engine::load(&location)?);
        let watch = Mutex::new(Watch { handled: seen.clone(), last: seen });
        Ok(Arc::new(Self { location, engine, watch }))
    }

    /// The model that answers now.
    pub fn engine(&self) -> Engine {
        self.engine.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Compares the files with what they were. A change that is found twice in a row is loaded, checked, and answers from
    /// then on. Blocks for as long as loading takes.
    pub fn poll(&self) -> Reload {
        let seen = Fingerprint::of(&self.location);
        let mut watch = self.watch.lock().unwrap_or_else(PoisonError::into_inner);
        if seen == watch.handled {
            watch.last = seen;
            return Reload::Unchanged;
        }
        if seen != watch.last || !seen.is_whole() {
            watch.last = seen;
            return Reload::Changing;
        }
        let loaded = Engine::load(&self.location)
            .and_then(|engine| check_served(&self.location, Arithmetic::default()).map(|_| engine));
        if Fingerprint::of(&self.location) != seen {
            // What was loaded may be of two models.
            return Reload::Changing;
        }
        watch.handled = seen;
        match loaded {
            Ok(engine) => {
                *self.engine.write().unwrap_or_else(PoisonError::into_inner) = engine;
                Reload::Loaded
            }
            Err(error) => Reload::Refused(error),
        }
    }

    /// Polls on a thread of its own for as long as the engine is in use. A built-in model cannot change: no thread is started.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub fn watch(self: &Arc<Self>, every: Duration) -> Result<(), NluError> {
        if self.location == ModelLocation::BuiltIn {
            return Ok(());
        }
        let engine: Weak<Self> = Arc::downgrade(self);
        let run = move || {
            loop {
                std::thread::sleep(every);
                let Some(engine) = engine.upgrade() else { return };
                let folder = &engine.location;
                match engine.poll() {
                    Reload::Unchanged | Reload::Changing => {}
                    Reload::Loaded => tracing::info!(%folder, "another model is in the folder: it answers from now on"),
                    Reload::Refused(error) => tracing::error!(
                        %folder, %error, "the model in the folder cannot be used: the one that was loaded goes on"
                    ),
                }
            }
        };
        std::thread::Builder::new()
            .name("nlu-watch".to_owned())
            .spawn(run)
            .map_err(|error| NluError::Internal(format!("the thread that follows the folder cannot start: {error}")))?;
        Ok(())
    }
}

#[async_trait::async_trait]
impl Classifier for ReloadingEngine {
    async fn classify(&self, text: &str) -> Result<Prediction, NluError> {
        self.engine().classify(text).await
    }
}
