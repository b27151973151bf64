"use strict";
// Times in the viewer's time zone, menus, and reloading when something changed. Pages work without it.
(() => {
  const title = document.title;
  const language = undefined;
  const relative = new Intl.RelativeTimeFormat(language, { numeric: "auto", style: "short" });

  function age(at) {
    const minutes = Math.round((at - Date.now()) / 60000);
    if (Math.abs(minutes) < 60) return relative.format(minutes, "minute");
    if (Math.abs(minutes) < 24 * 60) return relative.format(Math.round(minutes / 60), "hour");
    const year = at.getFullYear() === new Date().getFullYear() ? undefined : "numeric";
    return at.toLocaleDateString(language, { month: "short", day: "numeric", year });
  }

  // Lists show a short age instead of the time, and messages of one day the day once; the full time is the tooltip.
  function times() {
    let day = "";
    for (const time of document.querySelectorAll("time[datetime]")) {
      const at = new Date(time.dateTime);
      if (isNaN(at)) continue;
      const chats = time.closest(".chat .meta");
      const said = chats && at.toDateString();
      const whole = at.toLocaleString(language, { dateStyle: "medium", timeStyle: "short" });
      const text = time.closest(".line") ? age(at)
        : said && said === day ? at.toLocaleTimeString(language, { timeStyle: "short" })
        : whole;
      if (said) day = said;
      if (time.textContent !== text) time.textContent = text;
      time.title = at.toLocaleString(language, { dateStyle: "full", timeStyle: "long" });
    }
  }

  // Pending alerts: the title shows how many, and an exclamation mark for a new urgent one until the viewer is active. A sound
  // is played with it where the viewer has switched it on.
  const wanted = () => { try { return localStorage.getItem("ecomres.sound") === "on"; } catch { return false; } };
  let voice = null;
  let urgent = false;

  function ring() {
    try {
      voice = voice || new AudioContext();
      // Browsers stay silent until the viewer has touched the page once.
      voice.resume();
      [660, 880].forEach((pitch, index) => {
        const tone = voice.createOscillator();
        const loudness = voice.createGain();
        const begin = voice.currentTime + index * 0.18;
        tone.frequency.value = pitch;
        loudness.gain.setValueAtTime(0, begin);
        loudness.gain.linearRampToValueAtTime(0.15, begin + 0.02);
        loudness.gain.linearRampToValueAtTime(0, begin + 0.16);
        tone.connect(loudness).connect(voice.destination);
        tone.start(begin);
        tone.stop(begin + 0.17);
      });
      document.body.dataset.rang = String(Number(document.body.dataset.rang || 0) + 1);
    } catch { /* no sound here */ }
  }

  function badge() {
    const pending = Number(document.body.dataset.pending || 0);
    document.title = (urgent ? "\u2757 " : "") + (pending > 0 ? "(" + pending + ") " : "") + title;
  }

  function waiting(now) {
    if (!now || isNaN(now.high)) return;
    // Stored for the pages of this tab: each load would else be the first.
    let before = null;
    try { before = JSON.parse(sessionStorage.getItem("ecomres.waiting")); } catch { before = null; }
    try { sessionStorage.setItem("ecomres.waiting", JSON.stringify({ high: now.high, newest: now.newest })); } catch { /* not stored */ }
    if (before && (now.high > before.high || (now.high > 0 && now.newest > before.newest))) {
      urgent = true;
      if (wanted()) ring();
    }
    if (now.high === 0) urgent = false;
    document.body.dataset.pending = String(now.pending);
    badge();
  }

  function shown() {
    const data = document.body.dataset;
    waiting({ pending: Number(data.pending), high: Number(data.high), newest: Number(data.newest) });
  }

  function switches() {
    const place = document.getElementById("switches");
    if (!place || !document.body.dataset.live) return;
    const made = document.createElement("button");
    made.type = "button";
    made.addEventListener("click", () => {
      try { localStorage.setItem("ecomres.sound", wanted() ? "off" : "on"); } catch { /* not stored */ }
      tell();
      if (wanted()) ring();
    });
    const tell = () => {
      made.textContent = wanted() ? "Sound on" : "Sound off";
      made.setAttribute("aria-label", made.textContent + ": new urgent alerts");
    };
    made.id = "sound";
    made.className = "quiet";
    tell();
    place.append(made);
  }

  // On a telephone the tabs do not all fit: scrolls to the current one.
  function section() {
    const nav = document.querySelector(".top nav");
    const here = nav && nav.querySelector("[aria-current]");
    if (here) nav.scrollLeft = here.offsetLeft - nav.offsetLeft - (nav.clientWidth - here.offsetWidth) / 2;
  }

  // A link that leads to a place within a page survives the login. A browser sends no session with a link from another site:
  // asked from here it does.
  const next = document.querySelector(".login input[name=next]");
  if (next) {
    next.value += location.hash;
    if (!document.querySelector(".login .warning"))
      fetch(next.value, { redirect: "manual" }).then((answer) => answer.ok && location.replace(next.value)).catch(() => {});
  }

  const menus = ".menu[open], .custom[open], .account[open], .emoji[open]";
  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll(menus)) if (!menu.contains(event.target)) menu.open = false;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of document.querySelectorAll(menus)) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });

  const live = document.getElementById("live");
  const say = (text, state) => {
    if (!live) return;
    if (live.textContent !== text) live.textContent = text;
    live.className = "live " + state;
  };

  // “Live” is said only while the connection is open and what is shown is what there is.
  let connected = false;
  let current = true;
  const tell = () => {
    if (connected && current) say("Live", "on");
    else if (navigator.onLine === false) say("Offline", "off");
    else say(current ? "Connecting again" : "Not reachable", "off");
  };

  /** The session has ended. Whoever is writing stays here; others go to the login, and come back from it. */
  function loggedOut() {
    const address = "/login?next=" + encodeURIComponent(location.pathname + location.search) + location.hash;
    if (!update.held(document.querySelector("main"))) {
      location.href = address;
      return;
    }
    current = false;
    say("Logged out: ", "off");
    const link = document.createElement("a");
    link.href = address;
    link.textContent = "log in again";
    live.append(link);
  }

  let asking = false;
  let again = false;
  async function reload() {
    if (document.hidden || asking) {
      again = true;
      return;
    }
    asking = true;
    again = false;
    try {
      const answer = await fetch(location.href, { credentials: "same-origin" });
      if (answer.redirected && new URL(answer.url).pathname === "/login") {
        loggedOut();
        return;
      }
      current = answer.ok;
      if (answer.ok) replace(new DOMParser().parseFromString(await answer.text(), "text/html"));
      tell();
    } catch {
      current = false;
      tell();
    } finally {
      asking = false;
      if (again) setTimeout(late, 500);
    }
  }

  function replace(fresh) {
    document.dispatchEvent(new Event("updating"));
    for (const selector of ["main", "header.top nav"]) {
      const old = document.querySelector(selector);
      const next = fresh.querySelector(selector);
      if (old && next) update.bring(old, next);
    }
    for (const name of ["pending", "high", "newest"]) document.body.dataset[name] = fresh.body.dataset[name] || "0";
    ready();
    document.dispatchEvent(new Event("updated"));
  }

  // What comes back by itself is shown then.
  let due = 0;
  function comeBack() {
    clearTimeout(due);
    const times = [...document.querySelectorAll("[data-again]")].map((one) => Number(one.dataset.again) - Date.now());
    const next = Math.min(...times.filter((wait) => wait > 0));
    // Timers hold 24 days at most.
    if (next < 2e9) due = setTimeout(reload, next + 500);
  }

  function ready() {
    comeBack();
    charts.all();
    times();
    shown();
    section();
  }

  // A notice is shown once, not again when the page is reloaded or bookmarked. It stays for some seconds, and a refusal until
  // the page is left, whatever else is updated.
  const here = new URL(location.href);
  const notice = document.querySelector("main [data-told]");
  if (notice) {
    notice.dataset.own = "";
    if (notice.matches("[role=status]")) setTimeout(() => notice.remove(), 8000);
  }
  if (here.searchParams.has("told")) {
    for (const name of ["told", "alert", "resolved", "gone"]) here.searchParams.delete(name);
    history.replaceState(null, "", here);
  }
  switches();
  ready();
  setInterval(times, 30000);
  // What changed while the viewer was in another tab is loaded afterwards.
  const late = () => {
    if (again && !document.hidden) reload();
  };
  if (document.body.dataset.live) {
    // The server says something every 20 seconds: who hears nothing for longer has lost it.
    const SILENCE = 50000;
    let source = null;
    let heard = 0;
    let wait = 1000;
    let timer = 0;
    let gap = false;
    const listen = () => {
      clearTimeout(timer);
      source?.close();
      const user = document.getElementById("desk")?.dataset.user;
      source = new EventSource("/events" + (user ? "?user=" + encodeURIComponent(user) : ""));
      heard = Date.now();
      source.addEventListener("hello", () => {
        heard = Date.now();
        wait = 1000;
        connected = true;
        // What changed while there was no connection nobody told.
        if (gap) reload();
        gap = false;
        tell();
      });
      // Who else is at this conversation.
      source.addEventListener("who", (event) => {
        heard = Date.now();
        document.dispatchEvent(new CustomEvent("who", { detail: JSON.parse(event.data) }));
      });
      source.addEventListener("tick", () => { heard = Date.now(); });
      source.addEventListener("change", (event) => {
        heard = Date.now();
        try { waiting(JSON.parse(event.data)); } catch { /* the reloaded page has the numbers */ }
        document.dispatchEvent(new Event("news"));
        reload();
      });
      // A browser gives up where a proxy answered something else, such as 502: so it is opened again here, always.
      source.onerror = lost;
    };
    function lost() {
      connected = false;
      gap = true;
      source.close();
      tell();
      clearTimeout(timer);
      timer = setTimeout(listen, wait);
      wait = Math.min(wait * 2, 15000);
    }
    listen();
    setInterval(() => {
      if (connected && Date.now() - heard > SILENCE) lost();
      if (!connected) reload();
    }, 15000);
    addEventListener("offline", lost);
    addEventListener("online", listen);
    // A page that was left can stay in memory with its connection, and browsers open only six to one server.
    addEventListener("pagehide", () => {
      clearTimeout(timer);
      source.close();
    });
    addEventListener("pageshow", (event) => {
      if (!event.persisted) return;
      asking = false;
      connected = false;
      listen();
      reload();
    });
  }
  const calm = () => {
    if (!urgent || document.hidden) return;
    urgent = false;
    badge();
  };
  for (const name of ["pointerdown", "keydown", "visibilitychange"]) document.addEventListener(name, calm);
  document.addEventListener("visibilitychange", late);
})();
