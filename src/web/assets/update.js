"use strict";
// Brings the page up to date in place. What is the same stays the very same element: so the keyboard, what was typed, what is
// open and how far something is scrolled stay as they are. `data-own` marks what scripts made, which is left alone.
const update = (() => {
  const FIELDS = "input, textarea, select";
  // Whether something is open, or shown, is the viewer's choice.
  const CHOSEN = ["open", "hidden"];
  const own = (node) => node.nodeType === 1 && node.dataset.own !== undefined;
  const key = (node) => (node.nodeType === 1 ? node.dataset.key || node.id || node.dataset.id || null : null);
  // Elements without a key are the same where this is the same. A chart gets more classes where it is drawn.
  const named = (node) => (node.classList.contains("chart") ? "chart" : node.getAttribute("class"));
  const kind = (node) =>
    node.nodeType === 1 ? [node.nodeName, named(node), node.getAttribute("name")].join(" ") : node.nodeType;

  /** Whether the viewer has changed a field. */
  function touched(field) {
    if (field.type === "hidden") return false;
    if (field.type === "checkbox" || field.type === "radio") return field.checked !== field.defaultChecked;
    if (field.tagName !== "SELECT") return field.value !== field.defaultValue;
    const before = [...field.options].findIndex((option) => option.defaultSelected);
    return field.selectedIndex !== Math.max(0, before);
  }

  /** Whether the viewer is at work in there: has the keyboard in a field, or has changed one. */
  function held(node) {
    if (node.nodeType !== 1) return false;
    const fields = node.matches(FIELDS) ? [node] : [...node.querySelectorAll(FIELDS)];
    return fields.some((field) => field === document.activeElement || touched(field));
  }

  function attributes(old, next) {
    for (const { name } of [...old.attributes]) {
      if (!CHOSEN.includes(name) && !next.hasAttribute(name)) old.removeAttribute(name);
    }
    for (const { name, value } of next.attributes) {
      if (!CHOSEN.includes(name) && old.getAttribute(name) !== value) old.setAttribute(name, value);
    }
  }

  function field(old, next) {
    if (held(old)) return;
    attributes(old, next);
    if (old.nodeName === "SELECT") {
      old.replaceChildren(...next.childNodes);
    } else if (old.type === "checkbox" || old.type === "radio") {
      old.checked = next.defaultChecked;
    } else {
      old.defaultValue = next.defaultValue;
      old.value = next.defaultValue;
    }
  }

  function one(old, next) {
    if (old.nodeType !== 1) {
      if (old.data !== next.data) old.data = next.data;
    } else if (old.matches(FIELDS)) {
      field(old, next);
    } else if (old.classList.contains("chart")) {
      charts.change(old, next.dataset.chart);
    } else if (!own(old) && !old.isEqualNode(next)) {
      attributes(old, next);
      children(old, next);
    }
  }

  /** Takes something off the page, unless the viewer is writing in it: then it is said that it is outdated. */
  function drop(node) {
    if (!held(node)) {
      node.remove();
      return;
    }
    if (node.dataset.kept !== undefined) return;
    const told = document.createElement("p");
    told.className = "warning";
    told.setAttribute("role", "alert");
    told.textContent = "This changed meanwhile and can no longer be sent as it is. Your words stay here until you leave.";
    node.dataset.kept = "";
    node.prepend(told);
  }

  function children(parent, fresh) {
    const wanted = new Set([...fresh.childNodes].map(key).filter(Boolean));
    let at = parent.firstChild;
    const past = (node) => {
      while (node && own(node)) node = node.nextSibling;
      return node;
    };
    for (const next of [...fresh.childNodes]) {
      at = past(at);
      const name = key(next);
      if (own(next)) {
        const there = [...parent.children].some((node) => own(node) && key(node) === name && kind(node) === kind(next));
        if (!there) parent.insertBefore(next, at);
        continue;
      }
      const fits = (node) => !own(node) && (name ? key(node) === name : !key(node)) && kind(node) === kind(next);
      let match = at;
      while (match && !fits(match)) match = match.nextSibling;
      if (!match) {
        parent.insertBefore(next, at);
        continue;
      }
      // What is in between goes, or comes later.
      while (at !== match) {
        const between = at;
        at = past(at.nextSibling);
        if (wanted.has(key(between))) parent.insertBefore(between, match.nextSibling);
        else drop(between);
      }
      one(match, next);
      at = match.nextSibling;
    }
    while (at) {
      const rest = at;
      at = at.nextSibling;
      if (!own(rest)) drop(rest);
    }
  }

  /** Makes the content of an element that of another one, of a page that was just loaded. */
  function bring(old, fresh) {
    children(old, fresh);
    charts.tidy();
  }

  return { bring, held, touched };
})();
