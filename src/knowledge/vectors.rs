//! How near two English words are to each other: vectors of the words that the shipped model's table knows.
//!
//! It must never fail: a word that has no vector is near to nothing. `tests/knowledge/vectors.py` makes the file.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::stems::stem;

/// The numbers of a vector.
pub(super) const DIMENSIONS: usize = 64;

/// A vector of length 1.
pub(super) type Vector = [f32; DIMENSIONS];

static BYTES: &[u8] = include_bytes!("vectors.bin");

/// The words, with their places and rows.
type Words = HashMap<&'static str, (usize, &'static [u8])>;

static WORDS: LazyLock<Words> = LazyLock::new(|| read(BYTES).unwrap_or_default());

/// The words and rows of the file, the most common words first: their number, the dimensions and the bytes of the words as `u32`,
/// the words, the rows.
fn read(bytes: &'static [u8]) -> Option<Words> {
    let number = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?) as usize);
    let (count, dimensions, text) = (number(0)?, number(4)?, number(8)?);
    let words = std::str::from_utf8(bytes.get(12..12 + text)?).ok()?.split('\n');
    let rows = bytes.get(12 + text..)?.chunks_exact(DIMENSIONS);
    (dimensions == DIMENSIONS && rows.len() == count).then(|| words.zip(rows.enumerate()).collect())
}

/// The commonest word of each stem.
static STEMS: LazyLock<HashMap<String, &'static str>> = LazyLock::new(|| {
    let mut stems: HashMap<String, &'static str> = HashMap::new();
    for word in WORDS.keys() {
        let best = stems.entry(stem(word)).or_insert(word);
        if rank(word) < rank(best) {
            *best = word;
        }
    }
    stems
});

/// Letters from which on a word may be made of two, and that each of them has at least.
const COMPOUND: usize = 7;
const HALF: usize = 3;
/// The words that others are made of are among so many of the commonest.
const SIMPLE: usize = 8_000;

/// The vector of a word in lower case, without accents: its own, that of another form of it, or of the two words that it is made of.
pub(super) fn vector(word: &str) -> Option<Vector> {
    if let Some(vector) = of_row(word) {
        return Some(vector);
    }
    if word.len() < HALF || !word.bytes().all(|byte| byte.is_ascii_lowercase()) {
        return None;
    }
    if let Some(form) = STEMS.get(&stem(word)) {
        return of_row(form);
    }
    let simple = |part: &str| rank(part).is_some_and(|rank| rank < SIMPLE);
    let halves = (HALF..word.len().saturating_sub(HALF - 1)).filter(|_| word.len() >= COMPOUND);
    let found = halves.map(|at| word.split_at(at)).find(|(first, second)| simple(first) && simple(second))?;
    mean([found.0, found.1].into_iter())
}

fn of_row(word: &str) -> Option<Vector> {
    let (_, row) = WORDS.get(word)?;
    let mut vector = [0.0; DIMENSIONS];
    for (number, byte) in vector.iter_mut().zip(*row) {
        *number = f32::from(byte.cast_signed());
    }
    normal(vector)
}

/// How many words are more common than this one; none for a word that has no vector.
pub(super) fn rank(word: &str) -> Option<usize> {
    WORDS.get(word).map(|(rank, _)| *rank)
}

/// The vector of several words: their mean.
pub(super) fn mean<'a>(words: impl Iterator<Item = &'a str>) -> Option<Vector> {
    let mut sum = [0.0; DIMENSIONS];
    for one in words.filter_map(vector) {
        for (number, more) in sum.iter_mut().zip(one) {
            *number += more;
        }
    }
    normal(sum)
}

fn normal(mut vector: Vector) -> Option<Vector> {
    let length = vector.iter().map(|number| number * number).sum::<f32>().sqrt();
    for number in &mut vector {
        *number /= length;
    }
    (length > 0.0).then_some(vector)
}

/// How near two words are: from −1 to 1, the same word.
pub(super) fn nearness(one: &[f32], other: &[f32]) -> f32 {
    // Eight sums side by side: one sum after the other could not be added at once.
    let mut sums = [0.0_f32; 8];
    for (ours, theirs) in one.chunks_exact(8).zip(other.chunks_exact(8)) {
        for (sum, (a, b)) in sums.iter_mut().zip(ours.iter().zip(theirs)) {
            *sum += a * b;
        }
    }
    sums.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_like_meaning_are_near() {
        let near = |one: &str, other: &str| nearness(&vector(one).unwrap(), &vector(other).unwrap());
        assert!((near("sofa", "sofa") - 1.0).abs() < 1e-4);
        for (one, other, far) in
            [("couch", "sofa", "battery"), ("kid", "child", "fabric"), ("rotten", "spoiled", "card")]
        {
            assert!(near(one, other) > 0.3 && near(one, far) < 0.2, "{one}: {} {}", near(one, other), near(one, far));
        }
        assert!(vector("qqqq").is_none() && mean(["qqqq"].into_iter()).is_none());
        assert!(nearness(&mean(["gift", "qqqq"].into_iter()).unwrap(), &vector("gift").unwrap()) > 0.999);
        assert!(WORDS.len() > 20_000 && read(&[1, 2]).is_none());
    }
}
