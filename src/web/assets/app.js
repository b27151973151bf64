"use strict";
// Charts, times of the viewer, exports, and looking again when something changed. Pages work without it.
(() => {
  const colours = ["#3b7be8", "#d9730d", "#1a9488", "#8b5cf6", "#d0407f", "#7b8794", "#a3a11a", "#4f9bd9"];
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const title = document.title;
  let drawn = [];

  const number = new Intl.NumberFormat("en-IN", { maximumFractionDigits: 2 });
  const rupees = new Intl.NumberFormat("en-IN", { style: "currency", currency: "INR", maximumFractionDigits: 2 });
  const show = (unit, value) => {
    if (value === null || value === undefined || value === "-") return "—";
    if (unit === "rupees") return rupees.format(value);
    if (unit === "share") return number.format(value * 100) + " %";
    if (unit === "milliseconds") return value < 1000 ? Math.round(value) + " ms" : number.format(value / 1000) + " s";
    if (unit === "minutes") return number.format(value) + " min";
    return number.format(value);
  };

  function options(data) {
    const ink = dark.matches ? "#a6b1c2" : "#505b6d";
    const line = dark.matches ? "#2b3442" : "#e3e7ee";
    const base = {
      animation: false,
      color: colours,
      textStyle: { fontFamily: "inherit", color: ink },
      // Text in the picture: markup in a box would need inline style, which the page forbids.
      tooltip: {
        renderMode: "richText",
        trigger: data.kind === "donut" ? "item" : "axis",
        valueFormatter: (value) => show(data.unit, value),
      },
    };
    if (data.kind === "donut") {
      const values = data.labels.map((name, index) => ({ name, value: data.lines[0].values[index] }));
      return {
        ...base,
        legend: { type: "scroll", orient: "vertical", right: 0, top: "middle", textStyle: { color: ink } },
        series: [{ type: "pie", radius: ["48%", "76%"], center: ["34%", "50%"], label: { show: false }, data: values }],
      };
    }
    const time = data.kind === "lines" || data.kind === "stack";
    const many = data.lines.length > 1;
    const lying = data.kind === "bars";
    const names = {
      type: "category",
      data: data.labels,
      inverse: lying,
      axisLabel: { color: ink, hideOverlap: true, width: 110, overflow: "truncate" },
      axisLine: { lineStyle: { color: line } },
      axisTick: { show: false },
    };
    const values = {
      type: "value",
      axisLabel: { color: ink, hideOverlap: true, formatter: (value) => show(data.unit, value) },
      splitLine: { lineStyle: { color: line } },
    };
    return {
      ...base,
      legend: many ? { top: 0, textStyle: { color: ink } } : undefined,
      grid: { left: 8, right: 16, top: many ? 34 : 14, bottom: time && data.labels.length > 20 ? 44 : 8, containLabel: true },
      dataZoom: time && data.labels.length > 20 ? [{ type: "inside" }, { type: "slider", height: 18, bottom: 8 }] : undefined,
      xAxis: lying ? values : names,
      yAxis: lying ? names : values,
      series: data.lines.map((one) => ({
        name: one.name,
        data: one.values,
        type: data.kind === "lines" ? "line" : "bar",
        stack: data.kind === "stack" ? "all" : undefined,
        showSymbol: data.labels.length < 40,
        connectNulls: false,
        lineStyle: one.name === "target" ? { type: "dashed" } : undefined,
        barMaxWidth: 26,
      })),
    };
  }

  function save(name, address) {
    const link = document.createElement("a");
    link.href = address;
    link.download = name;
    link.click();
  }

  function csv(data) {
    const cell = (value) => {
      let text = value === null || value === undefined ? "" : String(value);
      if (/^[=+\-@\t\r]/.test(text) && isNaN(Number(text))) text = "'" + text;
      return /[",\n\r]/.test(text) ? '"' + text.replaceAll('"', '""') + '"' : text;
    };
    const rows = [["", ...data.lines.map((one) => one.name)]];
    data.labels.forEach((label, index) => rows.push([label, ...data.lines.map((one) => one.values[index])]));
    return rows.map((row) => row.map(cell).join(",")).join("\n") + "\n";
  }

  function button(text, label, act) {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = text;
    made.setAttribute("aria-label", label);
    made.addEventListener("click", act);
    return made;
  }

  function charts() {
    drawn.forEach((chart) => chart.dispose());
    drawn = [];
    if (!window.echarts) return;
    for (const place of document.querySelectorAll(".chart")) {
      const data = JSON.parse(place.dataset.chart);
      const chart = echarts.init(place);
      chart.setOption(options(data));
      drawn.push(chart);
      const exports = document.createElement("span");
      exports.className = "exports";
      const blob = (text, type) => URL.createObjectURL(new Blob([text], { type }));
      exports.append(
        button("CSV", data.title + " as CSV", () => save(data.key + ".csv", blob(csv(data), "text/csv"))),
        button("JSON", data.title + " as JSON", () => save(data.key + ".json", blob(JSON.stringify(data), "application/json"))),
        button("PNG", data.title + " as a picture", () =>
          save(data.key + ".png", chart.getDataURL({ pixelRatio: 2, backgroundColor: dark.matches ? "#181e27" : "#fff" }))),
      );
      place.closest("figure").prepend(exports);
    }
  }

  function times() {
    for (const time of document.querySelectorAll("time[datetime]")) {
      const at = new Date(time.dateTime);
      if (isNaN(at)) continue;
      time.textContent = at.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
      time.title = at.toString();
    }
  }

  // Who waits for a person: the title says how many, and that an urgent one is new until somebody looks. A sound goes with
  // that where the viewer wants one.
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
    // Kept over the pages of this tab: each load would else be the first.
    let before = null;
    try { before = JSON.parse(sessionStorage.getItem("ecomres.waiting")); } catch { before = null; }
    try { sessionStorage.setItem("ecomres.waiting", JSON.stringify({ high: now.high, newest: now.newest })); } catch { /* not kept */ }
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
    const made = button("", "Sound for new urgent alerts", () => {
      try { localStorage.setItem("ecomres.sound", wanted() ? "off" : "on"); } catch { /* not remembered */ }
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

  const live = document.getElementById("live");
  const say = (text) => { if (live) live.textContent = text; };

  // Somebody who writes, or reads what they have opened, is not disturbed.
  const busy = () => {
    const at = document.activeElement;
    const writes = at && at.closest("main") && /^(INPUT|TEXTAREA|SELECT)$/.test(at.tagName);
    const text = [...document.querySelectorAll("main textarea, main input[name=note]")].some((field) => field.value);
    const ticked = document.querySelector("main input[type=checkbox]:checked") !== null;
    return writes || text || ticked || document.querySelector("main details[open]") !== null;
  };

  let asking = false;
  let again = false;
  async function look() {
    if (document.hidden) { again = true; return; }
    if (busy()) { say("something changed: reload to see it"); return; }
    if (asking) { again = true; return; }
    asking = true;
    try {
      const address = new URL(location.href);
      for (const name of ["told", "alert", "settled", "gone"]) address.searchParams.delete(name);
      const answer = await fetch(address, { credentials: "same-origin" });
      if (answer.redirected && new URL(answer.url).pathname === "/login") { location.href = "/login"; return; }
      if (!answer.ok) { say("not reachable"); return; }
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (busy()) return;
      for (const part of ["main", "header.top nav"]) {
        const old = document.querySelector(part);
        const next = fresh.querySelector(part);
        if (old && next) old.replaceChildren(...next.childNodes);
      }
      for (const name of ["pending", "high", "newest"]) document.body.dataset[name] = fresh.body.dataset[name] || "0";
      document.querySelector("main").classList.remove("fresh");
      void document.querySelector("main").offsetWidth;
      document.querySelector("main").classList.add("fresh");
      ready();
      say("up to date");
    } catch {
      say("not reachable");
    } finally {
      asking = false;
      if (again && !document.hidden) { again = false; setTimeout(look, 500); }
    }
  }

  function ready() {
    charts();
    times();
    shown();
  }

  switches();
  ready();
  if (document.body.dataset.live) {
    let told = 0;
    const source = new EventSource("/events");
    source.addEventListener("hello", () => { told = Date.now(); say("live"); });
    source.addEventListener("change", (event) => {
      told = Date.now();
      try { waiting(JSON.parse(event.data)); } catch { /* the page tells when it is loaded */ }
      look();
    });
    source.onerror = () => { told = 0; say("looking every 30 s"); };
    setInterval(() => { if (!told || source.readyState !== 1) look(); }, 30000);
  }
  const calm = () => { if (urgent) { urgent = false; badge(); } };
  addEventListener("pointerdown", calm);
  addEventListener("keydown", calm);
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return;
    calm();
    if (again) { again = false; look(); }
  });
  addEventListener("resize", () => drawn.forEach((chart) => chart.resize()));
  dark.addEventListener("change", charts_again);
  function charts_again() {
    document.querySelectorAll("figure .exports").forEach((part) => part.remove());
    charts();
  }
})();
