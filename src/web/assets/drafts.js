"use strict";
// What is typed into a reply or a note is never lost. Fields with `data-draft` are kept in this browser at every key, and on the
// server some seconds later and on leaving. What the server does not have yet is the newer one.
const drafts = (() => {
  const me = document.body.dataset.me;
  if (!me) return { saved: () => false };
  const MONTH = 30 * 24 * 3600 * 1000;
  const PREFIX = "ecomres.draft:";
  const SENT = "ecomres.sent";
  const name = (field) => PREFIX + JSON.stringify([me, field.dataset.user, field.dataset.draft]);
  const read = (key) => {
    try { return JSON.parse(localStorage.getItem(key)); } catch { return null; }
  };
  const write = (key, value) => {
    try {
      if (value) localStorage.setItem(key, JSON.stringify(value));
      else localStorage.removeItem(key);
    } catch { /* the server has it */ }
  };
  const restored = new WeakSet();
  const timers = new Map();
  const fields = () => document.querySelectorAll("[data-draft]");
  const changed = (field) => field.dispatchEvent(new Event("draft", { bubbles: true }));

  async function save(field, leaving) {
    clearTimeout(timers.get(field));
    timers.delete(field);
    const key = name(field);
    const kept = read(key);
    if (!kept || kept.saved || !field.form || field.form.dataset.sending) return;
    const text = kept.text;
    const body = new URLSearchParams({
      csrf: field.form.elements.csrf.value, user: field.dataset.user, field: field.dataset.draft, text,
    });
    try {
      const answer = await fetch("/conversation/draft", { method: "POST", body, keepalive: leaving, redirect: "manual" });
      if (answer.ok && read(key)?.text === text) write(key, text ? { text, saved: true, at: Date.now() } : null);
    } catch { /* kept here, and sent with the next key */ }
  }

  document.addEventListener("input", (event) => {
    const field = event.target.closest?.("[data-draft]");
    if (!field) return;
    write(name(field), { text: field.value, saved: false, at: Date.now() });
    if (!timers.has(field)) timers.set(field, setTimeout(() => save(field, false), 2000));
  });
  const leave = () => {
    for (const field of fields()) save(field, true);
  };
  addEventListener("pagehide", leave);
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) leave();
  });

  // What was sent is no draft any more, also where the server had not got it before.
  document.addEventListener("submit", (event) => {
    const field = event.target.querySelector("[data-draft]");
    if (!field) return;
    save(field, false);
    if (!event.target.matches("[data-undo]")) event.target.dataset.sending = "yes";
    try { sessionStorage.setItem(SENT, JSON.stringify([name(field), field.value])); } catch { /* asked about by the page */ }
  });
  const told = document.querySelector("main [data-told]")?.dataset.told;
  try {
    const [key, text] = JSON.parse(sessionStorage.getItem(SENT)) || [];
    sessionStorage.removeItem(SENT);
    if (["queued", "noted", "resolved", "returned"].includes(told) && read(key)?.text === text) write(key, null);
  } catch { /* nothing was sent */ }

  function restore() {
    for (const field of fields()) {
      if (restored.has(field)) continue;
      restored.add(field);
      const key = name(field);
      const kept = read(key);
      if (!kept || kept.text === field.value) continue;
      if (kept.saved) {
        // Changed, or sent, in another browser since.
        write(key, null);
        continue;
      }
      field.value = kept.text;
      changed(field);
      save(field, false);
    }
  }

  // Another tab of this browser.
  addEventListener("storage", (event) => {
    for (const field of fields()) {
      if (event.key !== name(field) || field === document.activeElement) continue;
      const kept = read(event.key);
      if (!kept && event.oldValue && JSON.parse(event.oldValue).text !== field.value) continue;
      field.value = kept?.text ?? "";
      changed(field);
    }
  });

  try {
    for (const key of Object.keys(localStorage)) {
      if (key.startsWith(PREFIX) && !(Date.now() - read(key)?.at < MONTH)) localStorage.removeItem(key);
    }
  } catch { /* nothing is stored here */ }
  restore();
  document.addEventListener("updated", restore);
  return { saved: (field) => Boolean(read(name(field))?.saved) };
})();
