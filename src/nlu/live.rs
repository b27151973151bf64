//! Decides which model answers while its folder may be replaced: the one that was loaded, until another one is proven.
//!
//! It must never answer with a model that does not compute its reference logits, nor stop answering while it loads one.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};
use std::time::Duration;

use super::engine::Engine;
use super::facts::Fingerprint;
use super::inspect::check_served;
use super::packed::Arithmetic;
use super::{Classifier, NluError, Prediction};

/// A model that follows its folder.
pub struct Live {
    folder: PathBuf,
    engine: RwLock<Engine>,
    watch: Mutex<Watch>,
}

/// What was seen of the folder.
struct Watch {
    /// The state that was loaded, or that could not be.
    settled: Fingerprint,
    /// Another one that was seen last time: it is loaded when it stays so.
    last: Fingerprint,
}

/// What a look at the folder came to.
#[derive(Debug)]
pub enum Look {
    /// The folder is as it was.
    Same,
    /// It is being changed, or is not whole: it is looked at again.
    Changing,
    /// Another model answers from now on.
    Loaded,
    /// What is there cannot be used: the model that was loaded goes on. Told once.
    Refused(NluError),
}

impl Live {
    /// Loads a model folder.
    ///
    /// # Errors
    /// As [`Engine::load`].
    pub fn load(folder: &Path) -> Result<Arc<Self>, NluError> {
        let seen = Fingerprint::of(folder);
        let engine = RwLock::new(Engine::load(folder)?);
        let watch = Mutex::new(Watch { settled: seen.clone(), last: seen });
        Ok(Arc::new(Self { folder: folder.to_owned(), engine, watch }))
    }

    /// The model that answers now.
    pub fn engine(&self) -> Engine {
        self.engine.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Looks at the folder. A change that is there twice in a row is loaded, checked, and put in the place of the model that
    /// answered until then. Blocks for as long as loading takes.
    pub fn look(&self) -> Look {
        let seen = Fingerprint::of(&self.folder);
        let mut watch = self.watch.lock().unwrap_or_else(PoisonError::into_inner);
        if seen == watch.settled {
            watch.last = seen;
            return Look::Same;
        }
        if seen != watch.last || !seen.is_whole() {
            watch.last = seen;
            return Look::Changing;
        }
        let loaded = Engine::load(&self.folder)
            .and_then(|engine| check_served(&self.folder, Arithmetic::default()).map(|_| engine));
        if Fingerprint::of(&self.folder) != seen {
            // What was loaded may be of two models.
            return Look::Changing;
        }
        watch.settled = seen;
        match loaded {
            Ok(engine) => {
                *self.engine.write().unwrap_or_else(PoisonError::into_inner) = engine;
                Look::Loaded
            }
            Err(error) => Look::Refused(error),
        }
    }

    /// Looks every so often, on a thread of its own, for as long as the model is in use.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub fn watch(self: &Arc<Self>, every: Duration) -> Result<(), NluError> {
        let live: Weak<Self> = Arc::downgrade(self);
        let run = move || {
            loop {
                std::thread::sleep(every);
                let Some(live) = live.upgrade() else { return };
                let folder = live.folder.display();
                match live.look() {
                    Look::Same | Look::Changing => {}
                    Look::Loaded => tracing::info!(%folder, "another model is in the folder: it answers from now on"),
                    Look::Refused(error) => tracing::error!(
                        %folder, %error, "the model in the folder cannot be used: the one that was loaded goes on"
                    ),
                }
            }
        };
        std::thread::Builder::new()
            .name("nlu-watch".to_owned())
            .spawn(run)
            .map_err(|error| NluError::Fault(format!("the thread that follows the folder cannot start: {error}")))?;
        Ok(())
    }
}

#[async_trait::async_trait]
impl Classifier for Live {
    async fn classify(&self, text: &str) -> Result<Prediction, NluError> {
        self.engine().classify(text).await
    }
}
