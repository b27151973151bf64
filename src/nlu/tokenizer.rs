//! Decides which token numbers a text becomes.
//!
//! It must never pad (a batch pads itself to its own longest row) and never return more tokens than the model has
//! positions, or a token the model has no row for.

use std::path::Path;

use tokenizers::models::wordpiece::WordPiece;
use tokenizers::normalizers::BertNormalizer;
use tokenizers::pre_tokenizers::bert::BertPreTokenizer;
use tokenizers::processors::bert::BertProcessing;
use tokenizers::utils::truncation::TruncationParams;

use super::NluError;

/// Characters looked at for each token of the limit. The longest run of text that can matter is far shorter: words
/// above 100 characters become one unknown token, and ordinary text has 4 to 5 characters a token.
const CHARS_PER_TOKEN: usize = 16;

/// A sub-word tokenizer as Hugging Face's `tokenizer.json` describes it.
#[derive(Debug, Clone)]
pub struct Tokenizer {
    inner: tokenizers::Tokenizer,
    limit: usize,
}

const HINT: &str = "tokenizer.json must come from the same model as model.safetensors";

impl Tokenizer {
    /// Reads `tokenizer.json`, or where there is none `vocab.txt` as an uncased WordPiece vocabulary.
    ///
    /// # Errors
    /// Neither file is there or can be understood, or the vocabulary is larger than `vocab_size`.
    pub fn read(dir: &Path, vocab_size: usize, max_tokens: usize) -> Result<Self, NluError> {
        let path = dir.join("tokenizer.json");
        let (inner, path) = match std::fs::read(&path) {
            Ok(bytes) => {
                let inner = tokenizers::Tokenizer::from_bytes(bytes)
                    .map_err(|error| NluError::format(&path, format!("is no tokenizer: {error}"), HINT))?;
                (inner, path)
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && dir.join("vocab.txt").exists() => {
                (from_vocabulary(dir)?, dir.join("vocab.txt"))
            }
            Err(error) => return Err(NluError::io(&path, error)),
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
        inner
            .with_truncation(Some(TruncationParams { max_length: max_tokens, ..TruncationParams::default() }))
            .map_err(|error| {
                NluError::format(path, format!("cannot cut texts to {max_tokens} tokens: {error}"), HINT)
            })?;
        Ok(Self { inner, limit: max_tokens })
    }

    /// The token numbers of a text, with the special tokens at both ends; at least one, at most
    /// the limit it was read with.
    ///
    /// # Errors
    /// The tokenizer has no token for a part of the text and no unknown token either.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, NluError> {
        let encoding = self
            .inner
            .encode_fast(shorten(text, self.limit * CHARS_PER_TOKEN), true)
            .map_err(|error| NluError::Fault(format!("the text cannot be tokenized: {error}")))?;
        let ids = encoding.get_ids();
        // A tokenizer without special tokens makes nothing of an empty text; the model needs one position.
        Ok(if ids.is_empty() { vec![0] } else { ids.to_vec() })
    }
}

/// The first `limit` characters.
fn shorten(text: &str, limit: usize) -> &str {
    match text.char_indices().nth(limit) {
        Some((at, _)) => &text[..at],
        None => text,
    }
}

fn from_vocabulary(dir: &Path) -> Result<tokenizers::Tokenizer, NluError> {
    let path = dir.join("vocab.txt");
    let fail = |reason: String| NluError::format(&path, reason, HINT);
    let model = WordPiece::from_file(&path.to_string_lossy())
        .unk_token("[UNK]".to_owned())
        .build()
        .map_err(|error| fail(format!("is no vocabulary: {error}")))?;
    let mut inner = tokenizers::Tokenizer::new(model);
    let id = |token: &str| inner.token_to_id(token).ok_or_else(|| fail(format!("has no token {token}")));
    let (cls, sep) = (id("[CLS]")?, id("[SEP]")?);
    id("[UNK]")?;
    let lowercase = std::fs::read_to_string(dir.join("tokenizer_config.json"))
        .ok()
        .and_then(|text| serde_json::from_str::<serde_json::Value>(&text).ok())
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
