//! The files of the folder `model`, inside the program: a package of its own, so that its 46 MB are compiled once and not
//! whenever the code that reads them changes.
//!
//! They lie in the read-only data of the program, which the operating system maps and reads page by page as they are used;
//! they are never copied as a whole.

macro_rules! files {
    ($($name:literal),+ $(,)?) => {
        /// The names of all files, sorted.
        pub const NAMES: &[&str] = &[$($name),+];

        /// The content of a file, by its name.
        // A function and not a static, and never inlined: the bytes would also be written into the crate's metadata.
        #[inline(never)]
        #[must_use]
        pub fn file(name: &str) -> Option<&'static [u8]> {
            match name {
                $($name => Some(include_bytes!(concat!("../../../model/", $name))),)+
                _ => None,
            }
        }
    };
}

files![
    "MODEL_CARD.md",
    "config.json",
    "label_info.json",
    "model.safetensors",
    "reference_logits.json",
    "special_tokens_map.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "training.json",
    "vocab.txt",
];
