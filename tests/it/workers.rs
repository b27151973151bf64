//! Processes that do a test's work on one store, and are killed at any moment.

use std::process::{Child, Command, Stdio};

/// The processes; all of them end with this.
pub(crate) struct Workers {
    test: &'static str,
    variables: Vec<(&'static str, String)>,
    children: Vec<Child>,
}

impl Workers {
    /// None yet. Each will run the ignored test of this name, with these variables, until its standard input is closed.
    pub(crate) fn new(test: &'static str, variables: Vec<(&'static str, String)>) -> Self {
        Self { test, variables, children: Vec::new() }
    }

    pub(crate) fn start(&mut self) {
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", self.test, "--ignored", "--nocapture", "--test-threads", "1"])
            .envs(self.variables.iter().map(|(name, value)| (*name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        self.children.push(child);
    }

    pub(crate) fn count(&self) -> usize {
        self.children.len()
    }

    pub(crate) fn kill(&mut self, place: usize) {
        let mut child = self.children.swap_remove(place);
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        for child in &mut self.children {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
