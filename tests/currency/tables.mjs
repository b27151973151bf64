// Writes the tables that `src/domain/currency.rs` reads:
//
//     node tests/currency/tables.mjs currencies LIST-ONE.xml > src/domain/currency/currencies.txt
//     node tests/currency/tables.mjs countries > src/domain/currency/countries.txt
//
// LIST-ONE.xml is the list of ISO 4217 as its maintenance agency publishes it ("list one"). All else is Unicode CLDR, as
// Node's Intl holds it (`process.versions.cldr`).
import { readFileSync } from "node:fs";

const VALUE = 1234567.5;

/** Currencies that have ended lately: orders of before still name them. Code, digits. */
const ENDED = { ANG: 2, BGN: 2, CUC: 2, HRK: 2, SLL: 2, ZWL: 2 };

function parts(locale, currency, options = {}) {
  const format = new Intl.NumberFormat(`${locale}-u-nu-latn`, { style: "currency", currency, ...options });
  return format.formatToParts(options.value ?? VALUE);
}
const plain = (text) => text.replace(/[\u061c\u200e\u200f]/g, "");
const symbolIn = (locale, currency, display = "symbol") =>
  plain(parts(locale, currency, { currencyDisplay: display }).find((part) => part.type === "currency").value);

function currencies(list) {
  const digits = new Map(Object.entries(ENDED));
  for (const [entry] of readFileSync(list, "utf8").matchAll(/<CcyNtry>[\s\S]*?<\/CcyNtry>/g)) {
    const field = (name) => new RegExp(`<${name}(?: [^>]*)?>([^<]*)<`).exec(entry)?.[1];
    // Metals, units of account and codes for tests have no minor unit.
    if (field("Ccy") && /^\d$/.test(field("CcyMnrUnts"))) digits.set(field("Ccy"), Number(field("CcyMnrUnts")));
  }
  const published = /Pblshd="([^"]*)"/.exec(readFileSync(list, "utf8"))?.[1];
  console.log(`# ISO 4217 of ${published}, and some that have ended lately; symbols: Unicode CLDR ${process.versions.cldr}, English.`);
  console.log("# Code, digits of the minor unit, digits that are usually shown, symbol, short symbol, name.");
  const names = new Intl.DisplayNames("en", { type: "currency" });
  for (const [code, minor] of [...digits].sort()) {
    const usual = new Intl.NumberFormat("en", { style: "currency", currency: code }).resolvedOptions().maximumFractionDigits;
    const row = [code, minor, Math.min(usual, minor), symbolIn("en", code), symbolIn("en", code, "narrowSymbol"), names.of(code)];
    console.log(row.join("\t"));
  }
}

/** The money of a country (CLDR, supplementalData/currencyData), which Intl does not tell. */
const MONEY = JSON.parse(readFileSync(new URL("money.json", import.meta.url), "utf8"));

function countries() {
  console.log(`# Unicode CLDR ${process.versions.cldr}: the money of each country, and how its main language writes amounts.`);
  console.log("# Country, currency, its symbol there, an amount as an example (¤ for the symbol), digits from which thousands are parted, locale.");
  for (const [country, currency] of Object.entries(MONEY).sort()) {
    const main = new Intl.Locale(`und-${country}`).maximize();
    let locale = `${main.language}-${country}`;
    if (new Intl.Locale(locale).maximize().script !== main.script) locale = `${main.language}-${main.script}-${country}`;
    // Sentences are English: symbols and marks of scripts that do not stand beside it are written as English does there.
    const usable = (text) => !/[^\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}\p{Sc}\s.]/u.test(text);
    if (!Intl.NumberFormat.supportedLocalesOf(locale).length || !usable(symbolIn(locale, currency)) || /[\u061c\u200e\u200f]/.test(parts(locale, currency).map((part) => part.value).join(""))) {
      locale = `en-${country}`;
    }
    const found = parts(locale, currency, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
    const example = found.map((part) => (part.type === "currency" ? "¤" : plain(part.value))).join("");
    const four = parts(locale, currency, { value: 1234 }).some((part) => part.type === "group");
    const symbol = symbolIn(locale, currency).normalize("NFKC");
    console.log([country, currency, symbol, example, four ? 4 : 5, locale].join("\t"));
  }
}

const [what, list] = process.argv.slice(2);
if (what === "currencies") currencies(list);
else countries();
