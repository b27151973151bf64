"use strict";
// Notifications of the browser, where somebody switched them on: of what waits for them while they look elsewhere. Customers and
// queues are named, what they wrote is not. One tab of a browser asks for all of them.
(() => {
  const place = document.getElementById("switches");
  // Browsers have neither where the page did not come safely.
  if (!place || !document.body.dataset.live || !("Notification" in window) || !navigator.locks) return;
  const ON = "ecomres.notices";
  const KNOWN = "ecomres.noticed:" + document.body.dataset.me;
  const MOST = 500;
  const AT_ONCE = 3;
  const PAUSE = 2000;
  const wanted = () => {
    try { return localStorage.getItem(ON) === "on" && Notification.permission === "granted"; } catch { return false; }
  };

  const button = document.createElement("button");
  button.type = "button";
  button.id = "notices";
  button.className = "quiet";
  // Chrome on Android shows those of service workers alone, and says so only when one is made.
  let here = true;
  function make(title, more) {
    try {
      return new Notification(title, more);
    } catch {
      here = false;
      tell();
      return null;
    }
  }
  const tell = () => {
    button.disabled = !here;
    button.textContent = !here ? "No notifications here" : Notification.permission === "denied" ? "Notifications blocked" : wanted() ? "Notifications on" : "Notifications off";
  };
  button.addEventListener("click", async () => {
    const on = !wanted();
    // Without a permission nothing is shown: this only asks whether there are any.
    if (on && Notification.permission === "default" && (make("", {}), !here)) return;
    if (on && (await Notification.requestPermission()) !== "granted") {
      tell();
      return;
    }
    try {
      localStorage.setItem(ON, on ? "on" : "off");
      // What there is already is no news.
      localStorage.removeItem(KNOWN);
    } catch { /* not stored */ }
    tell();
    if (on) ask();
  });
  tell();
  place.append(button);

  function show(notice) {
    const shown = make(notice.title, { body: notice.text, tag: notice.key });
    if (shown) shown.onclick = () => {
      window.focus();
      location.href = notice.href;
      shown.close();
    };
  }

  // The tab that is looked at holds a lock of its own name, which ends with it: one tab asks for all.
  const LOOKS = "ecomres.looks:";
  const MINE = LOOKS + Math.random().toString(36).slice(2);
  const looks = () => !document.hidden && document.hasFocus();
  let leave = null;
  function look() {
    if (looks() === Boolean(leave)) return;
    if (leave) {
      leave();
      leave = null;
      return;
    }
    const left = new Promise((done) => { leave = done; });
    navigator.locks.request(MINE, { mode: "shared" }, () => left).catch(() => {});
  }
  for (const name of ["focus", "blur", "pageshow"]) addEventListener(name, look);
  document.addEventListener("visibilitychange", look);
  look();
  async function anyLooks() {
    if (looks()) return true;
    const { held } = await navigator.locks.query();
    return held.some((lock) => lock.name.startsWith(LOOKS) && lock.name !== MINE);
  }

  let timer = 0;
  let last = 0;
  let leads = false;
  const later = (wait) => {
    clearTimeout(timer);
    timer = setTimeout(ask, wait);
  };
  async function ask() {
    if (!leads || !here || !wanted()) return;
    last = Date.now();
    let told;
    try {
      const answer = await fetch("/notices", { credentials: "same-origin" });
      if (!answer.ok || answer.redirected) return;
      told = await answer.json();
    } catch {
      return;
    }
    let known = null;
    try { known = JSON.parse(localStorage.getItem(KNOWN)); } catch { known = null; }
    const fresh = known ? told.notices.filter((one) => !known.includes(one.key)) : [];
    // All that there are, however many: what is forgotten would be told again. Of those that there were, the latest.
    const now = new Set(told.notices.map((one) => one.key));
    const keys = [...now, ...(known ?? []).filter((key) => !now.has(key)).slice(0, MOST)];
    try { localStorage.setItem(KNOWN, JSON.stringify(keys)); } catch { /* told again in the next tab */ }
    // Whoever looks at a page sees it there.
    if (fresh.length && !(await anyLooks().catch(() => looks()))) {
      fresh.slice(0, AT_ONCE).forEach(show);
      if (fresh.length > AT_ONCE) show({ key: "more", title: fresh.length - AT_ONCE + " more", text: "in your queues", href: "/conversations?queue=mine" });
    }
    const wait = told.again - Date.now();
    if (told.again && wait < 2e9) later(Math.max(wait + 500, PAUSE));
  }
  document.addEventListener("news", () => later(Math.max(0, PAUSE - (Date.now() - last))));
  addEventListener("storage", (event) => {
    if (event.key !== ON) return;
    tell();
    ask();
  });
  navigator.locks.request("ecomres.notices", () => {
    leads = true;
    ask();
    // Held until the tab is closed: then another one has its turn.
    return new Promise(() => {});
  });
})();
