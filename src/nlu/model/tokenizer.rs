//! Which token numbers a text becomes.
//!
//! There is no padding here: a batch pads itself to its own longest row. There are never more tokens than the model has
//! positions, nor a token that the model has no row for.

use std::borrow::Cow;
use std::path::Path;

use tokenizers::models::wordpiece::WordPiece;
use tokenizers::normalizers::BertNormalizer;
use tokenizers::pre_tokenizers::bert::BertPreTokenizer;
use tokenizers::processors::bert::BertProcessing;
use tokenizers::utils::truncation::{TruncationDirection, TruncationParams};

use crate::NluError;
use crate::data::transliterate::transliterate;
use crate::model::location::ModelLocation;

/// Characters that are read for each token of the limit. The longest run of text that can matter is far shorter: words
/// above 100 characters become one unknown token, and ordinary text has 4 to 5 characters a token.
const CHARS_PER_TOKEN: usize = 16;

/// A sub-word tokenizer as Hugging Face's `tokenizer.json` describes it.
#[derive(Debug, Clone)]
pub(crate) struct Tokenizer {
    inner: tokenizers::Tokenizer,
    limit: usize,
    /// Whether the end of a long text counts, not its start.
    from_end: bool,
    /// Whether Indic and Arabic letters become Latin ones first.
    transliterate: bool,
}

const HINT: &str = "tokenizer.json must come from the same model as model.safetensors";

impl Tokenizer {
    /// Reads `tokenizer.json`, whose own limit of tokens counts where it is lower, or where there is none `vocab.txt` as an uncased `WordPiece` vocabulary.
    ///
    /// # Errors
    /// Neither file is there or can be understood, or the vocabulary is larger than `vocab_size`.
    pub(crate) fn read(location: &ModelLocation, vocab_size: usize, max_tokens: usize) -> Result<Self, NluError> {
        let path = location.path("tokenizer.json");
        let (inner, path) = match location.read("tokenizer.json") {
            Ok(bytes) => {
                let inner = tokenizers::Tokenizer::from_bytes(bytes)
                    .map_err(|error| NluError::format(&path, format!("is no tokenizer: {error}"), HINT))?;
                (inner, path)
            }
            Err(NluError::Missing { .. }) if location.has("vocab.txt") => {
                (from_vocabulary(location)?, location.path("vocab.txt"))
            }
            Err(error) => return Err(error),
        };
        Self::new(inner, vocab_size, max_tokens, &path)
    }

    fn new(
        mut inner: tokenizers::Tokenizer,
        vocab_size: usize,
        max_tokens: usize,
        path: &Path,
    ) -> Result<Self, NluError> {
        let largest = inner.get_vocab(true).into_values().max().unwrap_or(0) as usize;
        if largest >= vocab_size {
            let reason = format!("has token number {largest}, but the model's vocab_size is {vocab_size}");
            return Err(NluError::format(path, reason, HINT));
        }
        inner.with_padding(None);
        // The model was trained with texts that its tokenizer cut there: longer ones would be read otherwise than where it was
        // made. A limit below three leaves no room for a word between the special tokens.
        let own = inner.get_truncation().cloned().filter(|own| own.max_length >= 3).unwrap_or_default();
        let limit = if inner.get_truncation().is_some() { own.max_length.min(max_tokens) } else { max_tokens };
        inner
            .with_truncation(Some(TruncationParams {
                max_length: limit,
                direction: own.direction,
                ..TruncationParams::default()
            }))
            .map_err(|error| NluError::format(path, format!("cannot cut texts to {limit} tokens: {error}"), HINT))?;
        let from_end = matches!(own.direction, TruncationDirection::Left);
        Ok(Self { inner, limit, from_end, transliterate: false })
    }

    /// The same with Indic and Arabic letters as Latin ones, where the model was trained so.
    #[must_use]
    pub(crate) fn transliterating(self, transliterate: bool) -> Self {
        Self { transliterate, ..self }
    }

    /// The most tokens of a text.
    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    /// The token numbers of a text, with the special tokens at both ends; at least one, at most
    /// the limit it was read with.
    ///
    /// # Errors
    /// The tokenizer has no token for a piece of the text and no unknown token either.
    pub(crate) fn encode(&self, text: &str) -> Result<Vec<u32>, NluError> {
        let text = self.shortened(text);
        let text = if self.transliterate { transliterate(text) } else { Cow::Borrowed(text) };
        let encoding = self
            .inner
            .encode_fast(text.as_ref(), true)
            .map_err(|error| NluError::Internal(format!("the text cannot be tokenized: {error}")))?;
        let ids = encoding.get_ids();
        // A tokenizer without special tokens makes nothing of an empty text; the model needs one position.
        Ok(if ids.is_empty() { vec![0] } else { ids.to_vec() })
    }
}

impl Tokenizer {
    /// The part of a text that can become tokens.
    fn shortened<'t>(&self, text: &'t str) -> &'t str {
        let limit = self.limit * CHARS_PER_TOKEN;
        if !self.from_end {
            return shorten(text, limit);
        }
        match text.char_indices().rev().nth(limit) {
            Some((at, c)) => &text[at + c.len_utf8()..],
            None => text,
        }
    }
}

/// The first `limit` characters.
fn shorten(text: &str, limit: usize) -> &str {
    match text.char_indices().nth(limit) {
        Some((at, _)) => &text[..at],
        None => text,
    }
}

/// Only a folder can lack `tokenizer.json`, so the vocabulary is read from a path.
fn from_vocabulary(location: &ModelLocation) -> Result<tokenizers::Tokenizer, NluError> {
    let path = location.path("vocab.txt");
    let fail = |reason: String| NluError::format(&path, reason, HINT);
    let model = WordPiece::from_file(&path.to_string_lossy())
        .unk_token("[UNK]".to_owned())
        .build()
        .map_err(|error| fail(format!("is no vocabulary: {error}")))?;
    let mut inner = tokenizers::Tokenizer::new(model);
    let id = |token: &str| inner.token_to_id(token).ok_or_else(|| fail(format!("has no token {token}")));
    let (cls, sep) = (id("[CLS]")?, id("[SEP]")?);
    id("[UNK]")?;
    let lowercase = location
        .read("tokenizer_config.json")
        .ok()
        .and_then(|text| serde_json::from_slice::<serde_json::Value>(&text).ok())
        .and_then(|config| config.get("do_lower_case").and_then(serde_json::Value::as_bool))
        .unwrap_or(true);
    inner
        .with_normalizer(Some(BertNormalizer::new(true, true, None, lowercase)))
        .map_err(|error| fail(format!("cannot be normalized: {error}")))?
        .with_pre_tokenizer(Some(BertPreTokenizer))
        .with_post_processor(Some(BertProcessing::new(("[SEP]".to_owned(), sep), ("[CLS]".to_owned(), cls))));
    Ok(inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shortening_never_splits_a_character() {
        assert_eq!(shorten("😡😡😡", 2), "😡😡");
        assert_eq!(shorten("ab", 2), "ab");
        assert_eq!(shorten("", 2), "");
    }
}
