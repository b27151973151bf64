//! A client that speaks plain lines, so that what the server really writes is seen.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::cli::{ecomres, run};

/// A folder with the sample orders in `shop.db`.
pub(crate) fn shop() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let (code, _, err) = run(ecomres(folder.path()).args(["sample", "orders", "--out", "orders.csv"]));
    assert_eq!(code, 0, "{err}");
    let (code, _, err) = run(ecomres(folder.path()).args(["import", "orders.csv", "--store", "shop.db", "--quiet"]));
    assert_eq!(code, 0, "{err}");
    folder
}

/// The program as [`ecomres`] makes it, with pipes that stay open.
pub(crate) fn piped(command: &assert_cmd::Command) -> Command {
    let mut piped = Command::new(command.get_program());
    piped.args(command.get_args()).env_clear();
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            piped.env(name, value);
        }
    }
    if let Some(folder) = command.get_current_dir() {
        piped.current_dir(folder);
    }
    piped.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    piped
}

/// Sends SIGTERM.
pub(crate) fn terminate(child: &Child) {
    signal(child, "TERM");
}

/// Sends a signal, by its name without `SIG`.
pub(crate) fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

/// Waits for the end of a process; `None` where it does not end in time.
pub(crate) fn wait(child: &mut Child, longest: Duration) -> Option<i32> {
    let begun = Instant::now();
    while begun.elapsed() < longest {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code();
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    child.kill().unwrap();
    None
}

/// One client of one process.
pub(crate) struct Session {
    child: Child,
    input: Option<ChildStdin>,
    lines: Option<Receiver<String>>,
    next: i64,
    /// Whether each request carries what the generation without `initialize` wants.
    pub stateless: bool,
    /// What came without being an answer.
    pub notifications: Vec<Value>,
}

impl Session {
    /// `ecomres mcp` on the shop of a folder.
    pub(crate) fn start(folder: &Path, arguments: &[&str]) -> Self {
        Self::spawn(ecomres(folder).args(["mcp", "--store", "shop.db"]).args(arguments))
    }

    pub(crate) fn spawn(command: &assert_cmd::Command) -> Self {
        let mut child = piped(command).spawn().unwrap();
        let output = child.stdout.take().unwrap();
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines() {
                let Ok(line) = line else { return };
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        let input = child.stdin.take();
        Self { child, input, lines: Some(lines), next: 1, stateless: false, notifications: Vec::new() }
    }

    pub(crate) fn try_send(&mut self, line: &str) -> bool {
        self.try_send_bytes(format!("{line}\n").as_bytes())
    }

    pub(crate) fn try_send_bytes(&mut self, bytes: &[u8]) -> bool {
        let input = self.input.as_mut().unwrap();
        input.write_all(bytes).and_then(|()| input.flush()).is_ok()
    }

    pub(crate) fn send(&mut self, line: &str) {
        assert!(self.try_send(line));
    }

    /// The next line as JSON, whatever it is.
    pub(crate) fn line(&mut self, longest: Duration) -> Option<Value> {
        let line = self.lines.as_ref().unwrap().recv_timeout(longest).ok()?;
        Some(serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}")))
    }

    /// The next line, which must be a message of the protocol.
    pub(crate) fn receive(&mut self, longest: Duration) -> Option<Value> {
        let line = self.lines.as_ref().unwrap().recv_timeout(longest).ok()?;
        let message: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert_eq!(message["jsonrpc"], "2.0", "{line}");
        Some(message)
    }

    /// Sends a request and returns the whole answer.
    pub(crate) fn ask(&mut self, method: &str, mut params: Value) -> Value {
        if self.stateless {
            params["_meta"]["io.modelcontextprotocol/protocolVersion"] = json!("2026-07-28");
            params["_meta"]["io.modelcontextprotocol/clientInfo"] = json!({"name": "test", "version": "1"});
            params["_meta"]["io.modelcontextprotocol/clientCapabilities"] = json!({});
        }
        let id = self.next;
        self.next += 1;
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).to_string());
        loop {
            let message = self.receive(Duration::from_secs(30)).unwrap_or_else(|| panic!("no answer to {method}"));
            if message["id"] == id {
                return message;
            }
            self.notifications.push(message);
        }
    }

    /// Calls a tool and returns its result.
    #[expect(clippy::needless_pass_by_value, reason = "callers write `json!` in place")]
    pub(crate) fn call(&mut self, tool: &str, arguments: Value) -> Value {
        let answer = self.ask("tools/call", json!({"name": tool, "arguments": arguments}));
        assert!(answer["result"].is_object(), "{answer}");
        answer["result"].clone()
    }

    pub(crate) fn initialize(&mut self, version: &str) -> Value {
        let params = json!({
            "protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}
        });
        let answer = self.ask("initialize", params);
        self.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}).to_string());
        answer["result"].clone()
    }

    pub(crate) fn terminate(&self) {
        terminate(&self.child);
    }

    /// Closes the pipe that the server writes to: its reader is waiting in a thread, which ends with its next line.
    pub(crate) fn close_output(&mut self) {
        self.lines = None;
    }

    pub(crate) fn wait(&mut self, longest: Duration) -> Option<i32> {
        wait(&mut self.child, longest)
    }

    /// Ends the input; returns the exit code and what was written to standard error.
    pub(crate) fn end(mut self) -> (Option<i32>, String) {
        self.input = None;
        let mut errors = String::new();
        let mut stderr = self.child.stderr.take().unwrap();
        let code = {
            let reader = std::thread::spawn(move || {
                stderr.read_to_string(&mut errors).unwrap();
                errors
            });
            let code = self.wait(Duration::from_secs(20));
            errors = reader.join().unwrap();
            code
        };
        (code, errors)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
