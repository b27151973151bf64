"use strict";
// The command palette, Ctrl+K: goes to pages, queues, conversations and orders, and does what the open page offers.
(() => {
  if (!document.body.dataset.me) return;
  const WAIT = 150;
  const MOST = 40;
  let dialog = null;
  let field = null;
  let list = null;
  let told = null;
  let always = [];
  let found = [];
  let at = 0;
  let timer = 0;
  let asked = 0;

  const make = (name, more = {}) => Object.assign(document.createElement(name), more);
  const go = (href) => () => { location.href = href; };
  const click = (element) => () => element.click();

  /** Submits a form that the page has, with one of its choices. */
  const submit = (form, choice) => () => {
    if (choice) choice.selected = true;
    form.closest("details")?.setAttribute("open", "");
    form.requestSubmit();
  };
  const focus = (element) => () => {
    element.closest("details")?.setAttribute("open", "");
    element.focus();
  };

  /** What the open page offers. */
  function offered() {
    const all = [];
    const add = (label, act, kind = "Do") => all.push({ kind, label, act });
    const one = (selector) => document.querySelector("main " + selector);
    const reply = one("#reply");
    if (document.getElementById("desk")) {
      if (reply) add("Reply", focus(reply));
      const note = one("#note");
      if (note) add("Internal note", focus(note));
      for (const [action, label] of [
        ["/conversation/take-over", "Take over"], ["/alerts/claim", "Assign to me"], ["/alerts/release", "Release"],
        ["/conversation/return", "Resolve: return to the bot"], ["/conversation/wake", "Wake up"],
        ["/conversation/seen", "Seen: no longer among my mentions"],
      ]) {
        const form = one('form[action="' + action + '"]');
        // What somebody else has is not taken by the way: the page says whose it is, and asks.
        const take = form?.closest("details.take");
        if (take) add(take.querySelector("summary").textContent.trim(), focus(form.querySelector("button")));
        else if (form) add(label, submit(form));
      }
      const assign = one('form[action="/alerts/assign"]');
      for (const choice of assign?.elements.to.options ?? []) {
        add("Assign to " + choice.textContent.trim(), submit(assign, choice));
      }
      const snooze = one('form[action="/conversation/snooze"]');
      for (const choice of snooze?.elements.for.options ?? []) {
        if (choice.value === "time") add("Snooze until …", focus(snooze.elements.until));
        else add("Snooze " + choice.textContent.trim(), submit(snooze, choice));
      }
      const tag = one('form[action="/conversation/tag"] input[name=tag]');
      if (tag) add("Add a tag", focus(tag));
      for (const canned of document.querySelectorAll("#canned button")) {
        add("/" + canned.dataset.name, click(canned), "Canned reply");
      }
    }
    for (const link of document.querySelectorAll("header.top nav a")) {
      const name = [...link.childNodes].filter((node) => node.nodeType === 3).map((node) => node.data.trim()).join("");
      add(name, go(link.getAttribute("href")), "Page");
    }
    for (const button of document.querySelectorAll("#switches button")) add(button.textContent, click(button));
    add("Keys", () => document.dispatchEvent(new Event("help")));
    const out = document.querySelector('form[action="/logout"]');
    if (out) add("Log out", submit(out));
    return all;
  }

  const fits = (one, words) => {
    const text = (one.kind + " " + one.label).toLowerCase();
    return words.every((word) => text.includes(word));
  };

  function show() {
    const wanted = field.value.trim().toLowerCase();
    const words = wanted.split(/\s+/).filter(Boolean);
    const shown = [...found, ...[...offered(), ...always].filter((one) => fits(one, words))].slice(0, MOST);
    if (wanted) shown.push({ kind: "Search", label: "Conversations with “" + field.value.trim() + "”", act: go("/conversations?q=" + encodeURIComponent(field.value.trim())) });
    at = Math.min(at, Math.max(0, shown.length - 1));
    list.replaceChildren(...shown.map((one, place) => {
      const row = make("li", { id: "palette-" + place });
      row.setAttribute("role", "option");
      const kind = make("span", { className: "note", textContent: one.kind });
      row.append(make("span", { textContent: one.label }), kind);
      row.addEventListener("click", () => run(one));
      row.act = () => run(one);
      return row;
    }));
    mark();
    told.textContent = shown.length + (shown.length === 1 ? " choice" : " choices");
  }

  function mark() {
    [...list.children].forEach((row, place) => row.setAttribute("aria-selected", String(place === at)));
    const row = list.children[at];
    if (row) {
      field.setAttribute("aria-activedescendant", row.id);
      row.scrollIntoView({ block: "nearest" });
    } else field.removeAttribute("aria-activedescendant");
  }

  function run(one) {
    dialog.close();
    one.act();
  }

  async function ask(wanted) {
    const number = ++asked;
    try {
      const answer = await fetch("/find?q=" + encodeURIComponent(wanted), { credentials: "same-origin" });
      if (!answer.ok || answer.redirected) return;
      const rows = (await answer.json()).map((one) => ({ ...one, act: go(one.href) }));
      if (!wanted) always = rows;
      else if (number === asked) found = rows;
      else return;
      if (dialog.open) show();
    } catch { /* what the page has is still there */ }
  }

  function build() {
    dialog = make("dialog", { id: "palette" });
    dialog.setAttribute("aria-label", "Go to or do");
    field = make("input", { type: "text", autocomplete: "off", spellcheck: false, placeholder: "Page, queue, number, order, or what to do" });
    field.setAttribute("role", "combobox");
    field.setAttribute("aria-label", "Go to or do");
    field.setAttribute("aria-expanded", "true");
    field.setAttribute("aria-controls", "palette-list");
    field.setAttribute("aria-autocomplete", "list");
    list = make("ul", { id: "palette-list" });
    list.setAttribute("role", "listbox");
    list.setAttribute("aria-label", "Choices");
    told = make("p", { className: "hidden" });
    told.setAttribute("role", "status");
    field.addEventListener("input", () => {
      at = 0;
      found = [];
      asked += 1;
      show();
      clearTimeout(timer);
      const wanted = field.value.trim();
      if (wanted) timer = setTimeout(() => ask(wanted), WAIT);
    });
    field.addEventListener("keydown", (event) => {
      // The keys of an input method choose among its words.
      if (event.isComposing) return;
      const count = list.children.length;
      const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (by && count) at = (at + by + count) % count;
      else if (event.key === "Enter") list.children[at]?.act();
      else return;
      event.preventDefault();
      mark();
    });
    dialog.addEventListener("click", (event) => {
      if (event.target === dialog) dialog.close();
    });
    dialog.append(field, list, told);
    document.body.append(dialog);
  }

  function open() {
    if (!dialog) build();
    if (dialog.open) return;
    field.value = "";
    found = [];
    at = 0;
    show();
    dialog.showModal();
    field.focus();
    ask("");
  }

  document.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return;
    event.preventDefault();
    if (dialog?.open) dialog.close();
    else if (!document.querySelector("dialog[open]")) open();
  });
  // Where it is found without knowing the keys.
  const brand = document.querySelector("header.top .brand");
  if (brand) {
    const button = make("button", { type: "button", className: "quiet", id: "jump", textContent: "Go to …" });
    button.append(make("kbd", { textContent: "Ctrl K" }));
    button.addEventListener("click", open);
    brand.after(button);
  }
})();
