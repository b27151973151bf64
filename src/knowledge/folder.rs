//! The folder of documents: which files are read, what is wrong with them, copying others there, adding an answer.
//!
//! It must never change a document of the shop but `answers.md`.

use std::collections::HashMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::blocks::{of_html, of_markdown};
use super::chunks::{Chunk, cut};
use super::terms::folded_words;

/// The file that answers of the team are written into.
pub const ANSWERS: &str = "answers.md";
/// Bytes of the largest document.
const LARGEST: u64 = 4 * 1024 * 1024;
/// Documents that a folder holds at most.
const MOST: usize = 5_000;
/// How deep folders are followed.
const DEEPEST: usize = 8;

/// Why the folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KnowledgeError {
    /// It is not there, or cannot be read.
    #[error("the folder of documents {path} cannot be read: {reason}")]
    Folder {
        /// The folder.
        path: String,
        /// Why.
        reason: String,
    },
    /// A file cannot be written.
    #[error("{path} cannot be written: {reason}")]
    Write {
        /// The file.
        path: String,
        /// Why.
        reason: String,
    },
    /// There is nothing in it that can be read.
    #[error("there is no document in {path} that can be read")]
    Empty {
        /// The folder.
        path: String,
    },
}

impl KnowledgeError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Folder { .. } => {
                "name a folder that is there in [knowledge] folder, or import one: ecomres knowledge import FOLDER"
            }
            Self::Write { .. } => {
                "make the folder writable for this program, or name another one in [knowledge] folder"
            }
            Self::Empty { .. } => {
                "put Markdown (.md), text (.txt) or HTML (.html) files there; save PDF and Word documents in one of these forms first"
            }
        }
    }
}

/// What a file of the folder is read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Markdown,
    Html,
    /// A form that is not read, with what to do about it.
    Unread(&'static str),
    /// None of the shop's documents, such as a picture.
    Other,
}

fn form(path: &Path) -> Form {
    let end = path.extension().map(|end| end.to_string_lossy().to_lowercase()).unwrap_or_default();
    match end.as_str() {
        "md" | "markdown" | "txt" | "text" => Form::Markdown,
        "html" | "htm" => Form::Html,
        "pdf" => Form::Unread("PDF is not read: save its text as .md, .txt or .html"),
        "doc" | "docx" | "odt" | "rtf" | "pages" => {
            Form::Unread("documents of word processors are not read: save the text as .md, .txt or .html")
        }
        "xls" | "xlsx" | "ods" | "csv" | "ppt" | "pptx" => {
            Form::Unread("tables and slides are not read: write what they say into an .md, .txt or .html file")
        }
        _ => Form::Other,
    }
}

/// A file of the folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct File {
    path: PathBuf,
    /// Its name within the folder, with `/`.
    name: String,
    size: u64,
    changed: Option<SystemTime>,
}

/// The files of a folder and of those in it, by name. Hidden ones are passed over.
pub(super) fn files(folder: &Path) -> Result<Vec<File>, KnowledgeError> {
    let failed = |error: &std::io::Error| KnowledgeError::Folder {
        path: folder.display().to_string(),
        reason: error.to_string(),
    };
    let mut found = Vec::new();
    let mut open = vec![(folder.to_owned(), 0)];
    while let Some((place, depth)) = open.pop() {
        let entries = match fs::read_dir(&place) {
            Ok(entries) => entries,
            Err(error) if depth == 0 => return Err(failed(&error)),
            Err(_) => continue,
        };
        for entry in entries.flatten() {
            let path = entry.path();
            if entry.file_name().to_string_lossy().starts_with('.') {
                continue;
            }
            let Ok(about) = fs::metadata(&path) else { continue };
            if about.is_dir() {
                if depth < DEEPEST {
                    open.push((path, depth + 1));
                }
            } else if form(&path) != Form::Other && found.len() < MOST {
                let inside = path.strip_prefix(folder).unwrap_or(&path);
                let name =
                    inside.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/");
                found.push(File { path, name, size: about.len(), changed: about.modified().ok() });
            }
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

/// The chunks of a file.
///
/// # Errors
/// Why it cannot be read, for people.
pub(super) fn read(file: &File) -> Result<Vec<Chunk>, String> {
    let form = form(&file.path);
    if let Form::Unread(why) = form {
        return Err(why.to_owned());
    }
    if file.size > LARGEST {
        return Err(format!("it is larger than {} MiB", LARGEST / (1024 * 1024)));
    }
    let bytes = fs::read(&file.path).map_err(|error| error.to_string())?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..valid].split(|byte| *byte == b'\n').count();
        format!("line {line} is not UTF-8: save it as UTF-8")
    })?;
    let (title, blocks) = if form == Form::Html { of_html(&text) } else { of_markdown(&text) };
    Ok(cut(&file.name, title, blocks))
}

/// Something that is wrong with a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file, with a line where it is about one.
    pub place: String,
    /// What is wrong.
    pub what: String,
}

/// What `knowledge check` found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Checked {
    /// Documents that were read.
    pub documents: usize,
    /// Passages that can be found.
    pub chunks: usize,
    /// Their words.
    pub words: usize,
    /// What is wrong.
    pub problems: Vec<Problem>,
}

/// Reads a folder and says what is wrong with it: files that are not read, documents without text, chunks that are there twice.
///
/// # Errors
/// When the folder cannot be read.
pub fn check(folder: &Path) -> Result<Checked, KnowledgeError> {
    let mut checked = Checked::default();
    let mut seen: HashMap<Vec<String>, String> = HashMap::new();
    for file in files(folder)? {
        let problem = |what: String| Problem { place: file.name.clone(), what };
        let chunks = match read(&file) {
            Ok(chunks) => chunks,
            Err(why) => {
                checked.problems.push(problem(why));
                continue;
            }
        };
        if chunks.is_empty() {
            checked.problems.push(problem("it holds no text".to_owned()));
            continue;
        }
        checked.documents += 1;
        for chunk in chunks {
            let words = folded_words(&chunk.text());
            let place = format!("{}:{}", chunk.source, chunk.line);
            checked.chunks += 1;
            checked.words += words.len();
            if words.len() < 2 {
                checked.problems.push(Problem { place, what: "the passage holds next to no words".to_owned() });
            } else if let Some(first) = seen.get(&words) {
                checked.problems.push(Problem { place, what: format!("the same text as {first}") });
            } else {
                seen.insert(words, place);
            }
        }
    }
    Ok(checked)
}

/// What an import copied.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Imported {
    /// Documents that were copied.
    pub copied: usize,
    /// Files that were left out, and why.
    pub left_out: Vec<Problem>,
}

/// Copies the documents of a folder into another one; those of the same names are replaced, others stay. Nothing is copied where
/// the folder holds no document that can be read.
///
/// # Errors
/// When a folder cannot be read or written, or there is nothing to copy.
pub fn import(from: &Path, to: &Path) -> Result<Imported, KnowledgeError> {
    let mut imported = Imported::default();
    let mut documents = Vec::new();
    for file in files(from)? {
        match read(&file) {
            Ok(chunks) if chunks.is_empty() => {
                imported.left_out.push(Problem { place: file.name, what: "it holds no text".to_owned() });
            }
            Ok(_) => documents.push(file),
            Err(what) => imported.left_out.push(Problem { place: file.name, what }),
        }
    }
    if documents.is_empty() {
        return Err(KnowledgeError::Empty { path: from.display().to_string() });
    }
    let same = match (from.canonicalize(), to.canonicalize()) {
        (Ok(from), Ok(to)) => from == to,
        _ => false,
    };
    for file in documents {
        let place = to.join(&file.name);
        let failed = |error: &std::io::Error| KnowledgeError::Write {
            path: place.display().to_string(),
            reason: error.to_string(),
        };
        if !same {
            if let Some(folder) = place.parent() {
                fs::create_dir_all(folder).map_err(|error| failed(&error))?;
            }
            fs::copy(&file.path, &place).map_err(|error| failed(&error))?;
        }
        imported.copied += 1;
    }
    Ok(imported)
}

/// Writes a question and its answer to the end of [`ANSWERS`], and makes folder and file where they are missing.
///
/// # Errors
/// When the file cannot be written.
pub fn add_answer(folder: &Path, question: &str, answer: &str) -> Result<(), KnowledgeError> {
    let path = folder.join(ANSWERS);
    let failed =
        |error: &std::io::Error| KnowledgeError::Write { path: path.display().to_string(), reason: error.to_string() };
    fs::create_dir_all(folder).map_err(|error| failed(&error))?;
    let question = question.split_whitespace().collect::<Vec<_>>().join(" ");
    // A line of an answer that looks like a heading or a rule would end it.
    let answer: Vec<String> = answer
        .lines()
        .map(|line| line.trim().trim_start_matches('#').trim_start().to_owned())
        .filter(|line| line.len() < 2 || !line.chars().all(|c| c == '-' || c == '='))
        .collect();
    let entry = format!("\n## {}\n\n{}\n", question.trim_start_matches('#').trim_start(), answer.join("\n").trim());
    let mut file = fs::OpenOptions::new().create(true).append(true).open(&path).map_err(|error| failed(&error))?;
    let new = file.metadata().map_err(|error| failed(&error))?.len() == 0;
    let text = if new { format!("# Answers of the team\n{entry}") } else { entry };
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(|error| failed(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_a_folder_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
        write("a.md", b"# A\n\nSome words that are there.\n");
        write("b.txt", b"Some words that are there.");
        write("c.pdf", b"%PDF");
        write("d.md", b"# Only a heading\n");
        write("e.html", &[0xFF, 0xFE]);
        write("photo.jpg", b"x");
        write(".hidden.md", b"hidden words");
        let checked = check(folder.path()).unwrap();
        assert_eq!((checked.documents, checked.chunks), (2, 2));
        let problems: Vec<String> = checked.problems.iter().map(|one| format!("{}: {}", one.place, one.what)).collect();
        assert_eq!(
            problems,
            [
                "b.txt:1: the same text as a.md:3",
                "c.pdf: PDF is not read: save its text as .md, .txt or .html",
                "d.md: it holds no text",
                "e.html: line 1 is not UTF-8: save it as UTF-8",
            ]
        );
        let to = folder.path().join("sub/there");
        let imported = import(folder.path(), &to).unwrap();
        assert_eq!((imported.copied, imported.left_out.len()), (2, 3));
        assert_eq!(check(&to).unwrap().documents, 2);
        assert!(matches!(import(&folder.path().join("none"), &to), Err(KnowledgeError::Folder { .. })));
    }

    #[test]
    fn an_answer_is_one_section() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("new");
        add_answer(&place, "Is there\nparking?", "# Yes.\n\n---\nBehind the shop.").unwrap();
        add_answer(&place, "Do you sell ice?", "No.").unwrap();
        let text = fs::read_to_string(place.join(ANSWERS)).unwrap();
        let expected =
            "# Answers of the team\n\n## Is there parking?\n\nYes.\n\nBehind the shop.\n\n## Do you sell ice?\n\nNo.\n";
        assert_eq!(text, expected);
        assert_eq!(check(&place).unwrap().chunks, 2);
    }
}
