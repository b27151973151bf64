//! Tests of the desk, on the embedded store.
