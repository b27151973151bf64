//! Reads `.env` as python-dotenv 1.2 does. Pure.
//!
//! Ours and not a crate's: those for Rust take `$` for a variable, refuse values with spaces, and drop backslashes, so that
//! a file that worked becomes another secret without a word. What cannot be read is returned with its line, never guessed.

/// One `NAME=value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// The name.
    pub name: String,
    /// The value, before variables are put in; `None` where there is no `=`.
    pub value: Option<String>,
    /// The line in which the name is, from 1.
    pub line: usize,
}

/// A line that is no assignment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub reason: &'static str,
    /// Its text, which may hold a secret.
    pub text: String,
}

/// A file that was read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DotEnv {
    /// The assignments, in their order.
    pub assignments: Vec<Assignment>,
    /// What is passed over.
    pub unreadable: Vec<Unreadable>,
}

/// An assignment with its variables put in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// The name.
    pub name: String,
    /// The value; `None` where there is none.
    pub value: Option<String>,
    /// The line in which the name is, from 1.
    pub line: usize,
    /// Variables in the value that are not set: nothing is put in their place.
    pub unset: Vec<String>,
}

/// Reads the text of a file.
pub fn parse(text: &str) -> DotEnv {
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    // As a file is opened in Python: every end of a line is one character.
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut reader = Reader { text: &text, at: 0, line: 1 };
    let mut read = DotEnv::default();
    loop {
        reader.take_while(is_space);
        if reader.rest().is_empty() {
            return read;
        }
        let (line, start) = (reader.line, reader.at);
        match reader.assignment() {
            Ok(Some((name, value))) => read.assignments.push(Assignment { name, value, line }),
            Ok(None) => {}
            Err(reason) => {
                reader.take_while(|c| c != '\n');
                read.unreadable.push(Unreadable { line, reason, text: text[start..reader.at].to_owned() });
            }
        }
    }
}

/// Puts variables, as `${NAME}` or `${NAME:-default}`, into the values of assignments: from the environment, else from
/// assignments before. Any other `$` is plain text.
pub fn resolve(assignments: &[Assignment], environment: impl Fn(&str) -> Option<String>) -> Vec<Resolved> {
    let mut known: Vec<Resolved> = Vec::new();
    for Assignment { name, value, line } in assignments {
        let mut unset = Vec::new();
        let value = value.as_ref().map(|value| {
            put_in(value, |name, default| {
                let earlier = known.iter().rev().find(|earlier| earlier.name == name);
                let found = environment(name).or_else(|| earlier.map(|known| known.value.clone().unwrap_or_default()));
                found.or_else(|| default.map(str::to_owned)).unwrap_or_else(|| {
                    unset.push(name.to_owned());
                    String::new()
                })
            })
        });
        known.push(Resolved { name: name.clone(), value, line: *line, unset });
    }
    known
}

fn put_in(value: &str, mut variable: impl FnMut(&str, Option<&str>) -> String) -> String {
    let (mut out, mut rest) = (String::with_capacity(value.len()), value);
    while let Some(start) = rest.find("${") {
        let inside = &rest[start + 2..];
        let found = inside.find('}').and_then(|end| {
            let (name, default) = match inside[..end].split_once(':') {
                None => (&inside[..end], None),
                Some((name, default)) => (name, Some(default.strip_prefix('-')?)),
            };
            Some((name, default, end))
        });
        out.push_str(&rest[..start]);
        if let Some((name, default, end)) = found {
            out += &variable(name, default);
            rest = &inside[end + 1..];
        } else {
            out.push_str("${");
            rest = inside;
        }
    }
    out + rest
}

/// White space as Python's `\s` has it.
fn is_space(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{1C}'..='\u{1F}')
}

fn is_blank(c: char) -> bool {
    is_space(c) && c != '\n'
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    line: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn advance(&mut self, bytes: usize) -> &'a str {
        let taken = &self.rest()[..bytes];
        self.at += bytes;
        self.line += taken.matches('\n').count();
        taken
    }

    fn take_while(&mut self, which: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        self.advance(rest.find(|c| !which(c)).unwrap_or(rest.len()))
    }

    /// One assignment to the end of its line; `None` for a comment.
    fn assignment(&mut self) -> Result<Option<(String, Option<String>)>, &'static str> {
        if let Some(after) = self.rest().strip_prefix("export")
            && after.starts_with(is_blank)
        {
            self.advance("export".len());
            self.take_while(is_blank);
        }
        let name = match self.peek() {
            Some('#') => None,
            Some('\'') => {
                let inside = &self.rest()[1..];
                let end = inside.find('\'').filter(|end| *end > 0).ok_or("the quote of its name is not closed")?;
                self.advance(end + 2);
                Some(inside[..end].to_owned())
            }
            _ => {
                let name = self.take_while(|c| c != '=' && c != '#' && !is_space(c));
                if name.is_empty() {
                    return Err("there is no name before “=”");
                }
                Some(name.to_owned())
            }
        };
        self.take_while(is_blank);
        let mut value = None;
        if self.peek() == Some('=') {
            self.advance(1);
            let separated = !self.take_while(is_blank).is_empty();
            value = Some(match self.peek() {
                Some('#') if separated => String::new(),
                Some(quote @ ('"' | '\'')) => self.quoted(quote)?,
                None | Some('\n') => String::new(),
                Some(_) => unquoted(self.take_while(|c| c != '\n')),
            });
        }
        let blanks = self.take_while(is_blank).len();
        if self.peek() == Some('#') {
            self.take_while(|c| c != '\n');
        } else if self.peek().is_some_and(|c| c != '\n') {
            // The rest is read as it stands.
            self.at -= blanks;
            return Err(match value {
                Some(_) => "there is text after the closing quote",
                None => "there is no “=” after the name",
            });
        }
        Ok(name.map(|name| (name, value)))
    }

    /// A value in quotes, which may go over several lines. A backslash keeps the character after it from closing.
    fn quoted(&mut self, quote: char) -> Result<String, &'static str> {
        let inside = &self.rest()[1..];
        let mut escaped = false;
        let end = inside.char_indices().find_map(|(at, c)| {
            let closes = c == quote && !escaped;
            escaped = c == '\\' && !escaped;
            closes.then_some(at)
        });
        let end = end.ok_or("its quote is not closed")?;
        self.advance(end + 2);
        Ok(unescaped(&inside[..end], quote))
    }
}

/// The value without a comment, which begins after white space, and without white space at its end.
fn unquoted(text: &str) -> String {
    let mut before = None;
    let comment = text.char_indices().find(|(_, c)| {
        let begins = *c == '#' && before.is_some_and(is_space);
        before = Some(*c);
        begins
    });
    text[..comment.map_or(text.len(), |(at, _)| at)].trim_end_matches(is_space).to_owned()
}

/// A value in quotes with its escapes read: in single ones only those of the backslash and the quote.
fn unescaped(text: &str, quote: char) -> String {
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        let Some(next) = characters.next() else {
            out.push('\\');
            break;
        };
        let read = match (quote, next) {
            (_, '\\' | '\'') | ('"', '"') => Some(next),
            ('"', 'a') => Some('\u{7}'),
            ('"', 'b') => Some('\u{8}'),
            ('"', 'f') => Some('\u{C}'),
            ('"', 'n') => Some('\n'),
            ('"', 'r') => Some('\r'),
            ('"', 't') => Some('\t'),
            ('"', 'v') => Some('\u{B}'),
            _ => None,
        };
        if read.is_none() {
            out.push('\\');
        }
        out.push(read.unwrap_or(next));
    }
    out
}

#[cfg(test)]
#[path = "dotenv_tests.rs"]
mod tests;
