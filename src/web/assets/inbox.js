"use strict";
// One conversation: its end stays in view while it grows. Replies wait a moment before they are sent, and begin with a `/` from
// the shop's own list. Keys lead through lists and to the reply.
(() => {
  const byId = (id) => document.getElementById(id);
  const NEAR = 48;

  // The newest message stays in view for whoever was at the end; others are told how many came.
  const atEnd = (chat) => chat.scrollHeight - chat.scrollTop - chat.clientHeight < NEAR;
  const toEnd = (chat) => { chat.scrollTop = chat.scrollHeight; };
  const messages = () => [...document.querySelectorAll("#chat .bubble[data-key]")].map((one) => one.dataset.key);
  let unseen = 0;
  let before = null;
  // Whether the viewer is at the end. Where something below opens, the pane gets smaller and the end stays in view.
  let follows = true;
  const smaller = new ResizeObserver(([pane]) => {
    if (follows) toEnd(pane.target);
  });
  document.addEventListener("updating", () => {
    const chat = byId("chat");
    before = chat && { end: follows, keys: new Set(messages()) };
  });
  document.addEventListener("updated", () => {
    const chat = byId("chat");
    if (!chat || !before) return;
    const come = messages().filter((key) => !before.keys.has(key)).length;
    if (before.end) toEnd(chat);
    else unseen += come;
    newer();
  });
  function newer() {
    const button = byId("newer");
    if (!button) return;
    button.hidden = unseen === 0;
    button.textContent = unseen + " new ↓";
  }
  document.addEventListener(
    "scroll",
    (event) => {
      if (event.target.id !== "chat") return;
      follows = atEnd(event.target);
      if (!unseen || !follows) return;
      unseen = 0;
      newer();
    },
    true,
  );
  document.addEventListener("click", (event) => {
    if (event.target.id === "newer") toEnd(byId("chat"));
  });
  const chat = byId("chat");
  if (chat) {
    const place = location.hash.length > 1 && byId(decodeURIComponent(location.hash.slice(1)));
    if (place) place.scrollIntoView({ block: "center" });
    else toEnd(chat);
    follows = atEnd(chat);
    smaller.observe(chat);
  }

  // A form with `data-undo` is sent after five seconds, at once when asked, or when the page is left.
  const WAIT = 5000;
  let pending = null;
  function settle(send) {
    const { form, timer, bar, fields } = pending;
    clearTimeout(timer);
    pending = null;
    bar.hidden = true;
    for (const field of fields) field.readOnly = false;
    if (send) {
      form.dataset.sending = "yes";
      form.submit();
    } else fields[0]?.focus();
  }
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.matches("[data-undo]")) return;
    event.preventDefault();
    if (pending || form.dataset.sending) return;
    const bar = form.querySelector(".undo");
    // A reply, or the places of a template.
    const draft = form.querySelector("[data-draft]");
    const fields = draft ? [draft] : [...form.querySelectorAll("input[name^=place]")];
    for (const field of fields) field.readOnly = true;
    bar.hidden = false;
    pending = { form, bar, draft, fields, timer: setTimeout(() => settle(true), WAIT) };
    bar.querySelector("button").focus();
  });
  document.addEventListener("click", (event) => {
    if (pending && event.target.closest(".undo button")) settle(event.target.value === "now");
  });
  addEventListener("pagehide", () => {
    if (!pending) return;
    const { form, draft } = pending;
    // Only what the server has as a draft: it stays one where this request is lost or refused.
    if (draft && !drafts.saved(draft)) return;
    form.dataset.sending = "yes";
    fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)), keepalive: true }).catch(() => {});
  });

  // A file leaves when it is chosen, with what stands in the reply below it.
  document.addEventListener("change", async (event) => {
    const field = event.target;
    const file = field.id === "attach" && field.files[0];
    if (!file) return;
    const reply = byId("reply");
    const told = byId("attached");
    if (!confirm("Send " + file.name + (reply.value.trim() ? " with these words?" : "?"))) {
      field.value = "";
      return;
    }
    told.textContent = "Sending " + file.name + " …";
    const query = new URLSearchParams({ user: field.dataset.user, name: file.name, caption: reply.value.trim() });
    try {
      const headers = { "x-csrf": field.form.elements.csrf.value, "content-type": "application/octet-stream" };
      const answer = await fetch("/conversation/attach?" + query, { method: "POST", headers, body: file });
      const text = await answer.text();
      told.textContent = answer.headers.get("content-type")?.startsWith("text/plain") ? text : "Not sent.";
      if (answer.ok) {
        reply.value = "";
        reply.dispatchEvent(new Event("input", { bubbles: true }));
      }
    } catch {
      told.textContent = "Not sent: there is no connection.";
    }
    field.value = "";
  });

  // What a document says is put behind what was typed, never sent.
  document.addEventListener("click", (event) => {
    const text = event.target.dataset?.suggested;
    const field = byId("reply");
    if (text === undefined || !field || field.readOnly) return;
    field.value = field.value.trim() ? field.value.trimEnd() + "\n" + text : text;
    field.focus();
    field.dispatchEvent(new Event("input", { bubbles: true }));
  });

  // Who else is here. What somebody typed is forgotten a moment later, unless they go on.
  const TYPED = 10000;
  let forgets = 0;
  function present(others) {
    const place = byId("presence");
    if (!place) return;
    clearTimeout(forgets);
    const typing = others.filter((one) => one.types);
    const say = (list, one, many) => list.map((other) => other.name).join(", ") + (list.length > 1 ? many : one);
    place.textContent = typing.length
      ? say(typing, " is typing a reply here.", " are typing replies here.")
      : others.length ? say(others, " is looking at this conversation, too.", " are looking at this conversation, too.") : "";
    place.classList.toggle("busy", typing.length > 0);
    if (typing.length) forgets = setTimeout(() => present(others.map((one) => ({ ...one, types: false }))), TYPED);
  }
  document.addEventListener("who", (event) => present(event.detail));
  let toldAt = 0;
  document.addEventListener("input", (event) => {
    const field = event.target;
    if (field.id !== "reply" || !field.form || Date.now() - toldAt < 4000) return;
    toldAt = Date.now();
    const body = new URLSearchParams({ csrf: field.form.elements.csrf.value, user: field.dataset.user });
    fetch("/conversation/typing", { method: "POST", body }).catch(() => {});
  });

  // Canned replies: a name after a slash, at the beginning.
  const list = () => byId("canned");
  const choices = () => [...list().querySelectorAll("button")].filter((one) => !one.hidden);
  function offer(field, wanted) {
    if (!list()) return;
    for (const one of list().querySelectorAll("button")) one.hidden = !one.dataset.name.startsWith(wanted);
    list().hidden = choices().length === 0;
    list().dataset.field = field.id;
  }
  function insert(choice) {
    const field = byId(list().dataset.field || "reply");
    // What waits to be sent stays as it is.
    if (!field || field.readOnly) return;
    const text = choice.dataset.text;
    list().hidden = true;
    field.focus();
    // In the place of what it was searched with, or else where the cursor is.
    const whole = !field.value.trim() || /^\/\S*$/.test(field.value);
    const from = whole ? 0 : field.selectionStart;
    field.setRangeText(text, from, whole ? field.value.length : field.selectionEnd, "end");
    // What is not known is for the writer to fill in.
    const gap = /\{\w+\}/.exec(text);
    if (gap) field.setSelectionRange(from + gap.index, from + gap.index + gap[0].length);
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }
  document.addEventListener("input", (event) => {
    const field = event.target;
    if (field.id !== "reply" || !list()) return;
    const typed = /^\/(\S*)$/.exec(field.value);
    if (typed) offer(field, typed[1].toLowerCase());
    else list().hidden = true;
  });
  document.addEventListener("click", (event) => {
    const choice = event.target.closest?.("#canned button");
    if (choice) insert(choice);
    else if (event.target.id === "replies") {
      if (list().hidden) offer(byId("reply"), "");
      else list().hidden = true;
      choices()[0]?.focus();
    }
  });

  // Emoji are put where the reply is written; the search looks through their names.
  const picker = () => byId("emoji");
  const signs = () => [...picker().querySelectorAll("[data-emoji]")];
  function shows() {
    if (picker()) picker().hidden = false;
  }
  shows();
  document.addEventListener("updated", shows);
  function search(wanted) {
    for (const one of signs()) one.hidden = !one.title.includes(wanted);
    picker().querySelector(".note").hidden = signs().some((one) => !one.hidden);
  }
  function put(sign) {
    const field = byId("reply");
    if (!sign || !field || field.readOnly) return;
    picker().open = false;
    field.focus();
    field.setRangeText(sign, field.selectionStart, field.selectionEnd, "end");
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }
  document.addEventListener("toggle", (event) => {
    if (event.target.id !== "emoji" || !event.target.open) return;
    const field = event.target.querySelector("input");
    field.value = "";
    search("");
    field.focus();
  }, true);
  document.addEventListener("input", (event) => {
    if (event.target.closest("#emoji")) search(event.target.value.trim().toLowerCase());
  });
  document.addEventListener("click", (event) => {
    const sign = event.target.closest?.("[data-emoji]");
    if (sign) put(sign.dataset.emoji);
  });

  // Keys. Single letters count only outside of fields, and can be switched off.
  const KEYS = [
    ["Ctrl+K", "go to or do anything"], ["j, k", "next and previous of a list"], ["Enter", "open it"], ["r", "reply"], ["n", "internal note"],
    ["/", "search; in a reply: canned replies"], ["Ctrl+Enter", "send"], ["Escape", "leave a field"], ["?", "this list"],
  ];
  const wanted = () => { try { return localStorage.getItem("ecomres.keys") !== "off"; } catch { return true; } };
  function help() {
    let dialog = byId("keys");
    if (!dialog) {
      dialog = document.createElement("dialog");
      dialog.id = "keys";
      dialog.setAttribute("aria-labelledby", "keys-title");
      const title = document.createElement("h2");
      title.id = "keys-title";
      title.textContent = "Keys";
      const rows = document.createElement("dl");
      for (const [keys, does] of KEYS) {
        const [dt, dd] = [document.createElement("dt"), document.createElement("dd")];
        dt.textContent = keys;
        dd.textContent = does;
        rows.append(dt, dd);
      }
      const label = document.createElement("label");
      const box = document.createElement("input");
      box.type = "checkbox";
      box.checked = wanted();
      box.addEventListener("change", () => {
        try { localStorage.setItem("ecomres.keys", box.checked ? "on" : "off"); } catch { /* not stored */ }
      });
      label.append(box, " Single letters are keys");
      const close = document.createElement("button");
      close.type = "button";
      close.textContent = "Close";
      close.addEventListener("click", () => dialog.close());
      dialog.append(title, rows, label, close);
      document.body.append(dialog);
    }
    if (!dialog.open) dialog.showModal();
  }
  document.addEventListener("help", help);
  const go = (element) => {
    if (!element) return false;
    element.closest("details")?.setAttribute("open", "");
    element.focus();
    element.scrollIntoView({ block: "nearest" });
    return true;
  };
  function step(by) {
    // Beside an open conversation: opens the next one.
    const open = document.querySelector(".near[aria-current]")?.closest("li");
    const next = open && (by > 0 ? open.nextElementSibling : open.previousElementSibling)?.querySelector("a");
    if (next && next.offsetParent) {
      next.click();
      return true;
    }
    const rows = [...document.querySelectorAll("a.talk, .alert[data-id] .who, a.hit")];
    if (!rows.length) {
      const link = document.querySelector(by > 0 ? "a[rel=next]" : "a[rel=prev]");
      link?.click();
      return Boolean(link);
    }
    const here = rows.indexOf(document.activeElement);
    return go(rows[Math.min(rows.length - 1, Math.max(0, here < 0 ? (by > 0 ? 0 : rows.length - 1) : here + by))]);
  }
  document.addEventListener("keydown", (event) => {
    // The keys of an input method choose among its words.
    if (event.isComposing) return;
    const at = event.target;
    const writes = /^(INPUT|TEXTAREA|SELECT)$/.test(at.tagName);
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && at.form && at.tagName === "TEXTAREA") {
      event.preventDefault();
      at.form.requestSubmit();
      return;
    }
    if (at.closest?.("#emoji .panel") && /^(Enter|Arrow(Left|Right|Up|Down))$/.test(event.key)) {
      const shown = signs().filter((one) => !one.hidden);
      const here = shown.indexOf(at);
      const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -8, ArrowDown: 8 }[event.key];
      if (event.key === "Enter" && here < 0) put(shown[0]?.dataset.emoji);
      else if (event.key === "Enter" || (here < 0 && event.key !== "ArrowDown")) return;
      else shown[here < 0 ? 0 : Math.min(shown.length - 1, Math.max(0, here + by))]?.focus();
      event.preventDefault();
      return;
    }
    if (at.id === "reply" && list() && !list().hidden) {
      if (event.key === "Enter" || event.key === "ArrowDown") {
        event.preventDefault();
        if (event.key === "Enter") insert(choices()[0]);
        else choices()[0].focus();
        return;
      }
    }
    if (at.closest?.("#canned") && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      event.preventDefault();
      choices()[choices().indexOf(at) + (event.key === "ArrowDown" ? 1 : -1)]?.focus();
      return;
    }
    if (event.key === "Escape") {
      if (at.closest?.("#emoji .panel")) return;
      if (list() && !list().hidden) {
        list().hidden = true;
        byId("reply")?.focus();
      } else if (writes) at.blur();
      return;
    }
    if (writes || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (event.key === "?") {
      event.preventDefault();
      help();
      return;
    }
    if (!wanted()) return;
    const acts = {
      j: () => step(1),
      k: () => step(-1),
      r: () => go(byId("reply")),
      n: () => go(byId("note")),
      "/": () => go(document.querySelector("main input[type=search]")),
    };
    if (acts[event.key]?.()) event.preventDefault();
  });
})();
