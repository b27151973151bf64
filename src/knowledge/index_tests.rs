//! The search, over the documents of a made-up shop in `fixtures/knowledge`.

use std::path::Path;
use std::time::Instant;

use super::super::{Library, built_in};
use super::*;

fn library() -> Library {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    Library::open(Some(root.join("fixtures/knowledge")), Vec::new())
}

/// The questions: what is asked, the file that answers (`-`: none does), what the answer holds.
fn questions() -> Vec<(&'static str, &'static str, &'static str)> {
    let lines = include_str!("../../fixtures/knowledge-questions.tsv").lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let mut fields = line.split('\t');
            let mut field = || fields.next().unwrap_or_default();
            (field(), field(), field())
        })
        .collect()
}

#[test]
fn paraphrased_questions_find_their_document() {
    let library = library();
    let answerable: Vec<_> = questions().into_iter().filter(|(_, file, _)| *file != "-").collect();
    assert!(answerable.len() >= 60, "{}", answerable.len());
    let mut wrong = Vec::new();
    let (mut right, mut told) = (0_u32, 0_u32);
    for (question, file, holds) in &answerable {
        let found = library.search(question);
        match found.first() {
            Some(first) if first.source.starts_with(file) => {
                right += 1;
                let holds_it = first.text.to_lowercase().contains(&holds.to_lowercase());
                told += u32::from(holds_it);
                if !holds_it {
                    wrong.push(format!("{question}: {}", first.text));
                }
            }
            first => wrong.push(format!("{question}: {:?}", first.map(|first| &first.source))),
        }
    }
    let of = |count: u32| f64::from(count) / f64::from(u32::try_from(answerable.len()).unwrap());
    let report = format!(
        "first passage right: {right} of {} ({:.3}); it holds the answer: {told} ({:.3})\n{}",
        answerable.len(),
        of(right),
        of(told),
        wrong.join("\n")
    );
    eprintln!("{report}");
    assert!(of(right) >= 0.9 && of(told) >= 0.88, "{report}");
}

#[test]
fn nothing_is_made_up() {
    let library = library();
    let unanswerable: Vec<_> = questions().into_iter().filter(|(_, file, _)| *file == "-").collect();
    assert!(unanswerable.len() >= 20);
    let answered: Vec<_> = unanswerable
        .iter()
        .filter_map(|(question, ..)| Some((question, library.search(question).into_iter().next()?)))
        .collect();
    eprintln!("answered although no document says it: {} of {}: {answered:?}", answered.len(), unanswerable.len());
    assert!(answered.len() * 20 <= unanswerable.len() * 2, "{answered:?}");
    for nothing in ["", "hello", "please help me", "😀", "?!", "12345"] {
        assert!(library.search(nothing).is_empty(), "{nothing}");
    }
}

#[test]
fn a_passage_is_the_documents_own_sentences() {
    let library = library();
    let index = library.index();
    for (question, ..) in questions() {
        let found = index.search(question);
        assert!(found.len() <= PASSAGES);
        for passage in found {
            let chunk =
                index.chunks().iter().find(|chunk| format!("{}:{}", chunk.source, chunk.line) == passage.id).unwrap();
            assert!(chunk.text().contains(&passage.text), "{passage:?}");
            assert!(passage.text.chars().count() <= LONGEST && !passage.text.is_empty(), "{passage:?}");
            assert!(passage.score > 0.0 && passage.score <= 1.0);
        }
    }
}

#[test]
fn of_a_long_paragraph_the_sentences_around_the_answer_are_given() {
    let filler = "Nothing of interest stands in this sentence about the weather of the season. ".repeat(8);
    let text = format!("{filler}The drawbridge opens at noon. {filler}");
    let chunk = Chunk { paragraphs: vec![text], built_in: false, ..built_in("Castle", "", "") };
    let found = Index::new(vec![chunk]).search("drawbridge");
    let text = &found[0].text;
    assert!(text.contains("The drawbridge opens at noon.") && text.chars().count() <= LONGEST, "{text}");
    assert!(text.starts_with("The drawbridge") && text.ends_with('.'), "{text}");
}

#[test]
fn what_is_written_for_the_shop_comes_before_what_is_built_in() {
    let own =
        Chunk { built_in: false, source: "a.md".to_owned(), ..built_in("Visit", "", "Our opening hours are 9 to 5.") };
    let chunks = vec![built_in("hours", "opening hours", "Opening hours: any."), own];
    let found = Index::new(chunks).search("opening hours");
    assert_eq!((found.len(), found[0].source.as_str()), (1, "a.md:0"));
}

#[test]
fn five_thousand_chunks_are_searched_at_once() {
    let index = library().index();
    let chunks: Vec<Chunk> = (0..5_000)
        .map(|number| {
            let mut chunk = index.chunks()[number % index.chunks().len()].clone();
            chunk.paragraphs.push(format!("word{number} item{} thing{}", number % 701, number % 97));
            chunk
        })
        .collect();
    let large = Index::new(chunks);
    let questions = questions();
    let begun = Instant::now();
    for (question, ..) in &questions {
        large.search(question);
    }
    let each = begun.elapsed() / u32::try_from(questions.len()).unwrap();
    eprintln!("a search of 5,000 chunks: {each:?}");
    // A development build on a busy machine; a release build needs a tenth.
    assert!(each.as_millis() < 100, "{each:?}");
}
