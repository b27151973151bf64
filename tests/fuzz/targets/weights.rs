//! The weights of a model folder, which a shop may have copied from anywhere.
#![no_main]

libfuzzer_sys::fuzz_target!(|file: &[u8]| {
    if let Ok(tensors) = ecomres::nlu::count_tensors(file) {
        assert!(tensors <= file.len());
    }
});
