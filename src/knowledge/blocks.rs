//! What a file of the shop holds: headings and paragraphs, without marks. Markdown, plain text and HTML.
//!
//! It must never drop a sentence that a reader of the file would see, but for the menu and the footer of a page (`nav`,
//! `footer`), which stand on every page and answer nothing. Comments, scripts and styles are no text; a script, or a comment of
//! Markdown, that is not closed goes to the end of the file, as it does for a reader.

use std::borrow::Cow;

/// A heading or a paragraph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Block {
    /// Its text: sentences, with a line break after a list entry or a row of a table.
    pub(super) text: String,
    /// The line of the file in which it begins, from 1.
    pub(super) line: usize,
    /// What it is.
    pub(super) kind: Kind,
}

/// What a block is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A heading of a level from 1.
    Heading(usize),
    /// A paragraph, a list or a table.
    Text,
    /// A paragraph that begins with its own heading, `**Limits.** Refunds …`.
    Titled {
        /// The bytes of its text that are the heading.
        heading: usize,
    },
}

/// The blocks of a Markdown or text file, and the title that it gives itself before its text (`title:`).
pub(super) fn of_markdown(text: &str) -> (Option<String>, Vec<Block>) {
    let text = text.trim_start_matches('\u{FEFF}');
    let mut lines: Vec<(usize, &str)> = text.lines().enumerate().map(|(at, line)| (at + 1, line.trim_end())).collect();
    let mut title = None;
    if lines.first().is_some_and(|(_, line)| *line == "---")
        && let Some(end) = lines.iter().skip(1).position(|(_, line)| *line == "---")
    {
        let head = lines.drain(..end + 2).filter_map(|(_, line)| line.strip_prefix("title:"));
        title = head.map(|name| name.trim().trim_matches(['"', '\'']).to_owned()).next();
    }
    let mut reader = Reader::default();
    for (number, line) in lines {
        reader.line(number, line);
    }
    reader.finish();
    (title.filter(|title| !title.is_empty()), reader.blocks)
}

#[derive(Default)]
struct Reader {
    blocks: Vec<Block>,
    open: Option<Block>,
    /// The cells of a table's first row.
    columns: Vec<String>,
    comment: bool,
    fenced: bool,
}

impl Reader {
    fn line(&mut self, number: usize, line: &str) {
        let shown = self.without_comments(line);
        let bare = shown.trim();
        if bare.is_empty() && (self.comment || !line.trim().is_empty()) {
            // A comment is no empty line: it parts no paragraph.
            return;
        }
        if bare.starts_with("```") || bare.starts_with("~~~") {
            self.fenced = !self.fenced;
            return;
        }
        if self.fenced {
            return self.text(number, bare, true);
        }
        if bare.is_empty() {
            self.columns.clear();
            return self.finish();
        }
        if let Some((level, heading)) = heading(bare) {
            self.finish();
            self.blocks.push(Block { text: plain(heading), line: number, kind: Kind::Heading(level) });
            return;
        }
        if bare.len() > 2 && bare.chars().all(|c| c == '=' || c == '-') {
            // The line above it was a heading, or it is a rule.
            if let Some(open) = self.open.take_if(|open| !open.text.contains('\n')) {
                let level = if bare.starts_with('=') { 1 } else { 2 };
                self.blocks.push(Block { kind: Kind::Heading(level), ..open });
            }
            return self.finish();
        }
        if bare.starts_with('|') {
            return self.row(number, bare);
        }
        match list_entry(bare) {
            Some(entry) => self.text(number, entry, true),
            None => self.text(number, bare.trim_start_matches("> ").trim_start_matches('>'), false),
        }
    }

    /// A line without its comments. One that begins a line, and is closed on none, goes on in the next; one that begins within a
    /// line has to end there, else it is a sign that somebody wrote.
    fn without_comments<'a>(&mut self, line: &'a str) -> Cow<'a, str> {
        if self.fenced || !(self.comment || line.contains("<!--")) {
            return Cow::Borrowed(line);
        }
        let (mut shown, mut rest) = (String::new(), line);
        loop {
            if self.comment {
                let Some(end) = rest.find("-->") else { break };
                self.comment = false;
                rest = &rest[end + 3..];
            }
            let Some(open) = rest.find("<!--") else {
                shown.push_str(rest);
                break;
            };
            let begins = shown.trim().is_empty() && rest[..open].trim().is_empty();
            if !begins && !rest[open..].contains("-->") {
                shown.push_str(rest);
                break;
            }
            shown.push_str(&rest[..open]);
            self.comment = true;
            rest = &rest[open..];
        }
        Cow::Owned(shown)
    }

    fn row(&mut self, number: usize, row: &str) {
        let cells: Vec<String> = row.trim_matches('|').split('|').map(|cell| plain(cell.trim())).collect();
        if cells.iter().all(|cell| cell.chars().all(|c| "-: ".contains(c))) {
            return;
        }
        if self.columns.is_empty() {
            self.finish();
            self.columns = cells;
            return;
        }
        let named = cells.iter().enumerate().filter(|(_, cell)| !cell.is_empty()).map(|(at, cell)| {
            match self.columns.get(at).filter(|column| !column.is_empty()) {
                Some(column) => format!("{column}: {cell}"),
                None => cell.clone(),
            }
        });
        let line = named.collect::<Vec<_>>().join("; ");
        self.text(number, &line, true);
    }

    /// Adds a line to the open block. `own`: it stands on a line of its own there.
    fn text(&mut self, number: usize, line: &str, own: bool) {
        let text = plain(line);
        if text.is_empty() {
            return;
        }
        let titled = line.starts_with("**") && line[2..].contains("**");
        if titled && !own {
            self.finish();
        }
        if let Some(open) = &mut self.open {
            open.text.push(if own { '\n' } else { ' ' });
            open.text.push_str(&text);
        } else {
            let end = line.get(2..).and_then(|rest| rest.find("**")).filter(|_| titled && !own);
            let kind =
                end.map_or(Kind::Text, |end| Kind::Titled { heading: plain(&line[..end + 4]).len().min(text.len()) });
            self.open = Some(Block { text, line: number, kind });
        }
    }

    fn finish(&mut self) {
        self.blocks.extend(self.open.take());
    }
}

fn heading(line: &str) -> Option<(usize, &str)> {
    let level = line.bytes().take_while(|byte| *byte == b'#').count();
    let rest = line[level..].strip_prefix(' ')?;
    ((1..=6).contains(&level)).then(|| (level, rest.trim().trim_end_matches('#').trim_end()))
}

fn list_entry(line: &str) -> Option<&str> {
    let sign = ["- ", "* ", "+ ", "• "].iter().find_map(|sign| line.strip_prefix(sign));
    sign.or_else(|| {
        let digits = line.bytes().take_while(u8::is_ascii_digit).count();
        let rest = &line[digits..];
        ((1..=3).contains(&digits)).then(|| rest.strip_prefix(". ").or_else(|| rest.strip_prefix(") "))).flatten()
    })
    .map(str::trim)
}

/// A line without the marks of Markdown; of a link its words, and its address where it is a whole one.
fn plain(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(open) = rest.find('[') {
        let image = rest[..open].ends_with('!');
        let link = rest[open..].find("](").and_then(|middle| {
            let address = &rest[open + middle + 2..];
            let end = address.find(')')?;
            Some((&rest[open + 1..open + middle], &address[..end], open + middle + 2 + end + 1))
        });
        let Some((words, address, end)) = link else {
            text.push_str(&rest[..=open]);
            rest = &rest[open + 1..];
            continue;
        };
        text.push_str(rest[..open].trim_end_matches('!'));
        text.push_str(words);
        let address = address.split_whitespace().next().unwrap_or_default();
        let whole = address.starts_with("http") || address.starts_with("mailto:");
        if whole && !image && !words.contains(address.trim_start_matches("mailto:")) {
            text.push_str(" (");
            text.push_str(address.trim_start_matches("mailto:"));
            text.push(')');
        }
        rest = &rest[end..];
    }
    text.push_str(rest);
    let text = text.replace("**", "").replace("__", "").replace('`', "");
    // Emphasis with one sign, around words only.
    let words = text.split(' ').map(|word| {
        let bare = word.trim_start_matches(['*', '_']);
        let end = bare.trim_end_matches(|c: char| !c.is_alphanumeric() && c != '*' && c != '_' && c != ')');
        let tail = &bare[end.len()..];
        format!("{}{tail}", end.trim_end_matches(['*', '_']))
    });
    words.collect::<Vec<_>>().join(" ").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The blocks of an HTML page, and its title.
pub(super) fn of_html(text: &str) -> (Option<String>, Vec<Block>) {
    let mut page = Page { line: 1, ..Page::default() };
    let mut rest = text;
    while !rest.is_empty() {
        let Some(open) = rest.find('<') else {
            page.words(rest);
            break;
        };
        page.words(&rest[..open]);
        let tag = &rest[open..];
        // A bare “<” in the text begins no tag.
        let begins = tag[1..].starts_with(|c: char| c.is_ascii_alphabetic() || "/!?".contains(c));
        let end = match tag {
            _ if tag.starts_with("<!--") => tag.find("-->").map(|end| end + 3),
            _ if begins => tag.find('>').map(|end| end + 1),
            _ => None,
        };
        let Some(end) = end else {
            page.words("<");
            rest = &tag[1..];
            continue;
        };
        page.line += tag[..end].matches('\n').count();
        rest = &tag[end..];
        let name =
            tag[1..end].trim_end_matches(['>', '/']).split_whitespace().next().unwrap_or_default().to_lowercase();
        if let Some(skipped) = skipped(&name, rest) {
            page.line += rest[..skipped].matches('\n').count();
            rest = &rest[skipped..];
            continue;
        }
        page.tag(&name);
    }
    page.finish();
    (page.title.filter(|title| !title.is_empty()), page.blocks)
}

/// How much is left out behind the tag of an element whose content is not read; none where all of it is.
fn skipped(name: &str, rest: &str) -> Option<usize> {
    let end = || rest.to_ascii_lowercase().find(&format!("</{name}"));
    match name {
        "script" | "style" => Some(end().unwrap_or(rest.len())),
        // One that is not closed would take the page with it.
        "noscript" | "template" | "svg" | "nav" | "footer" => end(),
        _ => None,
    }
}

#[derive(Default)]
struct Page {
    blocks: Vec<Block>,
    title: Option<String>,
    in_title: bool,
    open: String,
    began: usize,
    kind: Option<usize>,
    line: usize,
}

impl Page {
    fn words(&mut self, text: &str) {
        let decoded = entities(text);
        let words = decoded.split_whitespace().collect::<Vec<_>>().join(" ");
        let (before, after) = (decoded.starts_with(char::is_whitespace), decoded.ends_with(char::is_whitespace));
        let skipped = text.len() - text.trim_start().len();
        if self.in_title {
            self.title = Some(words);
        } else if words.is_empty() {
            if !self.open.is_empty() && before && !self.open.ends_with([' ', '\n']) {
                self.open.push(' ');
            }
        } else {
            if self.open.is_empty() {
                self.began = self.line + text[..skipped].matches('\n').count();
            } else if before && !self.open.ends_with([' ', '\n']) {
                self.open.push(' ');
            }
            self.open.push_str(&words);
            if after {
                self.open.push(' ');
            }
        }
        self.line += text.matches('\n').count();
    }

    fn tag(&mut self, name: &str) {
        let bare = name.trim_start_matches('/');
        match bare {
            "title" => self.in_title = !name.starts_with('/'),
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
                if name.starts_with('/') {
                    self.kind = bare[1..].parse().ok();
                }
                self.finish();
            }
            "li" | "tr" | "br" | "dd" | "dt" => {
                let trimmed = self.open.trim_end().len();
                self.open.truncate(trimmed);
                if !self.open.is_empty() {
                    self.open.push('\n');
                }
            }
            "td" | "th" if name.starts_with('/') => self.open.push(' '),
            "p" | "div" | "section" | "article" | "main" | "header" | "body" | "table" | "ul" | "ol" | "blockquote"
            | "summary" | "details" | "pre" | "dl" => self.finish(),
            _ => {}
        }
    }

    fn finish(&mut self) {
        let text = std::mem::take(&mut self.open);
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let text = lines.collect::<Vec<_>>().join("\n");
        let kind = self.kind.take().map_or(Kind::Text, Kind::Heading);
        if !text.is_empty() {
            self.blocks.push(Block { text, line: self.began, kind });
        }
    }
}

fn entities(text: &str) -> String {
    let mut decoded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find('&') {
        decoded.push_str(&rest[..open]);
        rest = &rest[open..];
        let end = rest.find(';').filter(|end| *end <= 10);
        let named = end.and_then(|end| {
            let name = &rest[1..end];
            let number = name.strip_prefix("#x").or_else(|| name.strip_prefix("#X"));
            let c = match name {
                "amp" => '&',
                "lt" => '<',
                "gt" => '>',
                "quot" => '"',
                "apos" => '\'',
                "nbsp" => ' ',
                "ndash" => '–',
                "mdash" => '—',
                "rsquo" | "lsquo" => '’',
                "ldquo" => '“',
                "rdquo" => '”',
                "hellip" => '…',
                "euro" => '€',
                "pound" => '£',
                "middot" | "bull" => '·',
                _ => match number {
                    Some(hex) => char::from_u32(u32::from_str_radix(hex, 16).ok()?)?,
                    None => char::from_u32(name.strip_prefix('#')?.parse().ok()?)?,
                },
            };
            Some((c, end))
        });
        if let Some((c, end)) = named {
            decoded.push(c);
            rest = &rest[end + 1..];
        } else {
            decoded.push('&');
            rest = &rest[1..];
        }
    }
    decoded.push_str(rest);
    decoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markdown_is_read_without_its_marks() {
        let text = "---\ntitle: \"Our returns\"\n---\n# Returns & refunds #\n\nSend it *back* within **10 days**, see [the form](https://x.example/form).\nFree.\n\n- one\n- two\n\n**Limits.** At most ₹500.\n\n| City | Days |\n|---|---|\n| Pune | 2 |\n\nOld\n---\ntext <!-- not a comment\n";
        let (title, blocks) = of_markdown(text);
        assert_eq!(title.as_deref(), Some("Our returns"));
        let read: Vec<(usize, Kind, &str)> =
            blocks.iter().map(|block| (block.line, block.kind, block.text.as_str())).collect();
        assert_eq!(
            read,
            [
                (4, Kind::Heading(1), "Returns & refunds"),
                (6, Kind::Text, "Send it back within 10 days, see the form (https://x.example/form). Free."),
                (9, Kind::Text, "one\ntwo"),
                (12, Kind::Titled { heading: 7 }, "Limits. At most ₹500."),
                (16, Kind::Text, "City: Pune; Days: 2"),
                (18, Kind::Heading(2), "Old"),
                (20, Kind::Text, "text <!-- not a comment"),
            ]
        );
    }

    /// The texts of the blocks.
    fn texts(blocks: &[Block]) -> Vec<&str> {
        blocks.iter().map(|block| block.text.as_str()).collect()
    }

    #[test]
    fn a_comment_hides_itself_and_nothing_else() {
        let text = "<!-- note --> Parcels leave on Monday.\nThey <!-- soon --> arrive <!-- x --> on Friday.\n\n<!-- a\nb --> Returns are free.\n\n\
                    One\n<!-- between -->\ntwo.\n\n```\n<!-- shown -->\n```\n\n<!-- to the end\nhidden\n";
        let (_, blocks) = of_markdown(text);
        assert_eq!(
            texts(&blocks),
            ["Parcels leave on Monday. They arrive on Friday.", "Returns are free.", "One two.", "<!-- shown -->",]
        );
    }

    #[test]
    fn of_a_page_only_its_menu_and_footer_are_left_out() {
        let page = "<nav>Home</nav><p>Open daily.</p><footer>Imprint</footer><p>Free parking.</p>";
        assert_eq!(texts(&of_html(page).1), ["Open daily.", "Free parking."]);
        let unclosed = "<nav><p>Open daily.</p><footer><p>Free parking.</p><script>hidden()";
        assert_eq!(texts(&of_html(unclosed).1), ["Open daily.", "Free parking."]);
    }

    #[test]
    fn html_is_read_without_its_tags() {
        let text = "<html><head><title>Help</title><style>p { color: red }</style></head>\n<body><h2>Opening\nhours</h2>\n<p>We are open <b>9</b>&nbsp;to 5.</p><ul><li>Pune</li><li>Goa &amp; more</li></ul><script>alert(1)</script><p>2 < 3</p>";
        let (title, blocks) = of_html(text);
        assert_eq!(title.as_deref(), Some("Help"));
        let read: Vec<(usize, Kind, &str)> =
            blocks.iter().map(|block| (block.line, block.kind, block.text.as_str())).collect();
        assert_eq!(
            read,
            [
                (2, Kind::Heading(2), "Opening hours"),
                (4, Kind::Text, "We are open 9 to 5."),
                (4, Kind::Text, "Pune\nGoa & more"),
                (4, Kind::Text, "2 < 3"),
            ]
        );
    }
}
