//! How a server ends: the first Ctrl-C or SIGTERM lets it finish what it has begun, the second one ends it at once.

use std::io;

use tokio_util::sync::CancellationToken;

/// Listens for Ctrl-C and SIGTERM from now on. The first one cancels the token that is returned; the second one ends the
/// process with the exit code of that signal (130 for Ctrl-C, 143 for SIGTERM).
///
/// # Errors
/// When the system grants no thread or no handler.
pub fn on_signal() -> io::Result<CancellationToken> {
    let stop = CancellationToken::new();
    let graceful = stop.clone();
    // A runtime of its own, on a thread of its own: whatever the others are stuck in, the second signal is seen.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let mut signals = {
        let _inside = runtime.enter();
        Signals::listen()?
    };
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        runtime.block_on(async {
            signals.next().await;
            graceful.cancel();
            let code = signals.next().await;
            eprintln!("warning: ended at once by a second signal; what was begun is not finished");
            end(code);
        });
    })?;
    Ok(stop)
}

#[expect(
    clippy::exit,
    reason = "a second signal means that the orderly end takes too long; stores are whole at any moment"
)]
fn end(code: i32) -> ! {
    std::process::exit(code)
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// Waits for the next signal; its exit code, as shells count it.
    async fn next(&mut self) -> i32 {
        tokio::select! {
            _ = self.interrupt.recv() => 130,
            _ = self.terminate.recv() => 143,
        }
    }
}

#[cfg(not(unix))]
struct Signals {
    interrupt: tokio::signal::windows::CtrlC,
}

#[cfg(not(unix))]
impl Signals {
    fn listen() -> io::Result<Self> {
        Ok(Self { interrupt: tokio::signal::windows::ctrl_c()? })
    }

    /// Waits for the next Ctrl-C; its exit code.
    async fn next(&mut self) -> i32 {
        self.interrupt.recv().await;
        130
    }
}
