"use strict";
// Times in the viewer's time zone, menus, and reloading when something changed. Pages work without it.
(() => {
  const title = document.title;
  const language = undefined;
  const relative = new Intl.RelativeTimeFormat(language, { numeric: "auto", style: "short" });

  function age(at) {
    const minutes = Math.round((at - Date.now()) / 60000);
    if (Math.abs(minutes) < 60) return relative.format(minutes, "minute");
    return Math.abs(minutes) < 24 * 60 ? relative.format(Math.round(minutes / 60), "hour") : null;
  }

  // Lists show a short age instead of the time; the full time is the tooltip.
  function times() {
    for (const time of document.querySelectorAll("time[datetime]")) {
      const at = new Date(time.dateTime);
      if (isNaN(at)) continue;
      const whole = at.toLocaleString(language, { dateStyle: "medium", timeStyle: "short" });
      const text = (time.closest(".line") && age(at)) || whole;
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
    const place = document.getElementById("live");
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
    place.after(made);
  }

  // On a telephone the tabs do not all fit: scrolls to the current one.
  function section() {
    const nav = document.querySelector(".top nav");
    const here = nav && nav.querySelector("[aria-current]");
    if (here) nav.scrollLeft = here.offsetLeft - nav.offsetLeft - (nav.clientWidth - here.offsetWidth) / 2;
  }

  const menus = ".menu[open], .custom[open]";
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

  // Whether the viewer has changed a field.
  const touched = (field) => {
    if (field.type === "hidden") return false;
    if (field.type === "checkbox" || field.type === "radio") return field.checked !== field.defaultChecked;
    if (field.tagName !== "SELECT") return field.value !== field.defaultValue;
    const before = [...field.options].findIndex((option) => option.defaultSelected);
    return field.selectedIndex !== Math.max(0, before);
  };

  // The page is not replaced while the viewer types or has something open.
  const busy = () => {
    const at = document.activeElement;
    const writes = at && at.closest("main") && /^(INPUT|TEXTAREA|SELECT)$/.test(at.tagName);
    const begun = [...document.querySelectorAll("main input, main textarea, main select")].some(touched);
    return writes || begun || document.querySelector("main details[open]") !== null;
  };

  let asking = false;
  let again = false;
  async function reload() {
    if (document.hidden) {
      again = true;
      return;
    }
    if (busy()) {
      say("Something changed: reload to see it", "off");
      again = true;
      return;
    }
    if (asking) {
      again = true;
      return;
    }
    asking = true;
    again = false;
    try {
      const answer = await fetch(location.href, { credentials: "same-origin" });
      if (answer.redirected && new URL(answer.url).pathname === "/login") {
        location.href = "/login";
        return;
      }
      if (!answer.ok) {
        say("Not reachable", "off");
        return;
      }
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (busy()) {
        again = true;
        return;
      }
      replace(fresh);
      say("Live", "on");
    } catch {
      say("Not reachable", "off");
    } finally {
      asking = false;
      if (again && !document.hidden && !busy()) setTimeout(reload, 500);
    }
  }

  function replace(fresh) {
    // The keyboard focus stays where it is.
    const focus = document.activeElement;
    const links = [...document.querySelectorAll("main a, main button, main summary")];
    const place = links.indexOf(focus);
    const restore = charts.keep();
    const notice = performance.now() < 8000 ? document.querySelector("main > .told[role=status]") : null;
    for (const selector of ["main", "header.top nav"]) {
      const old = document.querySelector(selector);
      const next = fresh.querySelector(selector);
      if (old && next) old.replaceChildren(...next.childNodes);
    }
    restore();
    // The notice about a change stays for some seconds, whatever else is reloaded.
    if (notice && !document.querySelector("main > .told")) document.querySelector("main > .heading")?.after(notice);
    for (const name of ["pending", "high", "newest"]) document.body.dataset[name] = fresh.body.dataset[name] || "0";
    ready();
    if (place >= 0)
      document.querySelectorAll("main a, main button, main summary")[place]?.focus({ preventScroll: true });
    const main = document.querySelector("main");
    main.classList.remove("fresh");
    void main.offsetWidth;
    main.classList.add("fresh");
  }

  function ready() {
    charts.all();
    times();
    shown();
    section();
  }

  // A notice is shown once, not again when the page is reloaded or bookmarked.
  const here = new URL(location.href);
  if (here.searchParams.has("told")) {
    for (const name of ["told", "alert", "resolved", "gone"]) here.searchParams.delete(name);
    history.replaceState(null, "", here);
  }
  switches();
  ready();
  setInterval(times, 30000);
  if (document.body.dataset.live) {
    let source = null;
    const listen = () => {
      source = new EventSource("/events");
      source.addEventListener("hello", () => say("Live", "on"));
      source.addEventListener("change", (event) => {
        try { waiting(JSON.parse(event.data)); } catch { /* the reloaded page has the numbers */ }
        reload();
      });
      source.onerror = () => say("Checking every 30 s", "off");
    };
    listen();
    setInterval(() => {
      if (source.readyState !== 1) reload();
    }, 30000);
    // A page that was left can stay in memory with its connection, and browsers open only six to one server.
    addEventListener("pagehide", () => source.close());
    addEventListener("pageshow", (event) => {
      if (!event.persisted) return;
      asking = false;
      listen();
      reload();
    });
  }
  // What changed while the viewer typed or was in another tab is loaded afterwards.
  const late = () => {
    if (again && !document.hidden)
      setTimeout(() => {
        if (again && !busy()) reload();
      }, 200);
  };
  const calm = () => {
    if (!urgent || document.hidden) return;
    urgent = false;
    badge();
  };
  for (const name of ["pointerdown", "keydown", "visibilitychange"]) document.addEventListener(name, calm);
  document.addEventListener("visibilitychange", late);
  document.addEventListener("focusout", late);
  document.addEventListener("toggle", late, true);
})();
