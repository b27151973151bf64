//! How verdicts are shown: conversations, lines, the table, JSON.

use serde_json::{Map, Value, json};

use super::Options;
use crate::bench::case::Case;
use crate::bench::table::{self, Figures, Verdict};
use crate::cli::Global;
use crate::cli::output::{Output, visible};
use crate::domain::words::excerpt;

/// Shows the lists of words that patterns may name.
pub(super) fn words(
    output: &mut Output,
    as_json: bool,
    lists: impl Iterator<Item = (&'static str, &'static str)>,
) -> anyhow::Result<()> {
    if as_json {
        return Ok(output.json(&lists.collect::<std::collections::BTreeMap<_, _>>())?);
    }
    for (name, meaning) in lists {
        output.line(format!("{:16}{meaning}", format!("<{name}>")))?;
    }
    Ok(())
}

/// Shows what was asked for, then the table.
pub(super) fn verdicts(
    output: &mut Output,
    verdicts: &[Verdict],
    options: &Options,
    global: &Global,
) -> anyhow::Result<()> {
    let all = Figures::of(verdicts);
    let (categories, languages) = (groups(verdicts, |case| &case.category), groups(verdicts, |case| &case.lang));
    let kinds = table::kinds(verdicts);
    if global.json {
        let figures = |groups: &[(&str, Figures)]| {
            groups.iter().map(|(name, figures)| ((*name).to_owned(), json!(figures))).collect::<Map<_, _>>()
        };
        let mut summary = json!(all);
        summary["pass_rate"] = json!((all.pass_rate() * 10.0).round() / 10.0);
        summary["reasons"] = kinds.iter().map(|(kind, count)| json!({"kind": kind, "cases": count})).collect();
        output.json(&json!({
            "summary": summary,
            "categories": figures(&categories),
            "languages": figures(&languages),
            "cases": verdicts.iter().map(as_json).collect::<Vec<_>>(),
        }))?;
        return Ok(());
    }
    let shows = |word: &str| options.show.iter().any(|shown| shown.trim() == word);
    for verdict in verdicts {
        let named = || options.show.iter().any(|word| super::means(word.trim(), &verdict.case));
        if shows("all") || (shows("fails") && !verdict.passed()) || named() {
            conversation(output, verdict)?;
        } else if options.fails && !verdict.passed() {
            let reasons: Vec<String> =
                verdict.wrong.iter().map(|reason| format!("{}: {}", reason.kind.words(), reason.text)).collect();
            let line = format!("{}  {}  {}", verdict.case.id, verdict.case.category, reasons.join("; "));
            output.line(visible(&excerpt(&line, 300)))?;
        }
    }
    if !options.show.is_empty() || (options.fails && all.passed < all.cases) {
        output.line("")?;
    }
    for line in table::lines("category", &categories, &all) {
        output.line(visible(&line))?;
    }
    output.line("")?;
    for line in table::lines("language", &languages, &all) {
        output.line(visible(&line))?;
    }
    output.line("")?;
    for line in table::sentences(&all, &kinds) {
        output.line(line)?;
    }
    let messages: usize = verdicts.iter().map(|verdict| verdict.log.len()).sum();
    output.line(format!("{} conversations, {messages} messages of customers", verdicts.len()))?;
    Ok(())
}

fn groups<'a>(verdicts: &'a [Verdict], name: impl Fn(&'a Case) -> &'a String) -> Vec<(&'a str, Figures)> {
    table::groups(verdicts, |case| name(case).as_str())
}

fn as_json(verdict: &Verdict) -> Value {
    let case = &verdict.case;
    json!({
        "id": case.id,
        "category": case.category,
        "lang": case.lang,
        "goal": case.goal,
        "passed": verdict.passed(),
        "reasons": verdict.wrong,
        "seen": verdict.seen(),
        "done": verdict.done(),
        "money": verdict.paid(),
        "log": verdict.log,
    })
}

fn conversation(output: &mut Output, verdict: &Verdict) -> anyhow::Result<()> {
    let case = &verdict.case;
    let mut line = |text: &str| output.line(visible(text));
    line(&format!("── {}  {}  [{}]  {}", case.id, case.category, case.lang, case.goal))?;
    if !case.why.is_empty() {
        line(&format!("   why: {}", case.why))?;
    }
    for entry in &verdict.log {
        line(&format!("   customer ({}): {}", entry.how.label(), entry.customer))?;
        for call in &entry.tools {
            let (arguments, result) =
                (excerpt(&call.arguments.to_string(), 160), excerpt(&call.result.to_string(), 240));
            line(&format!("      · {} {arguments} → {result}", call.tool))?;
        }
        let with = if entry.with_person { ", with a person" } else { "" };
        line(&format!("      · waits for {}{with}", entry.waiting_for))?;
        match (&entry.fault, &entry.reply) {
            (Some(fault), _) => line(&format!("   fault: {fault}"))?,
            (None, Some(reply)) => line(&format!("   bot: {}", reply.replace('\n', "\n        ")))?,
            (None, None) => line("   (the bot is silent)")?,
        }
    }
    let paid: Vec<String> = verdict.paid().iter().map(|(order, amount)| format!("{amount} for {order}")).collect();
    let paid = if paid.is_empty() { String::new() } else { format!(", paid {}", paid.join(" and ")) };
    let outcome = if verdict.passed() { "PASSED" } else { "FAILED" };
    line(&format!("   {outcome}: {}{paid}", verdict.seen()))?;
    for reason in &verdict.wrong {
        line(&format!("   - {}: {}", reason.kind.words(), reason.text))?;
    }
    line("")?;
    Ok(())
}
