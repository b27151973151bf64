#!/bin/sh
# Cargo's RUSTC_WRAPPER: only the code of this repository gets counters for libFuzzer. Everything else is compiled as for
# `cargo test`, and so is shared with it in the target folder.
rustc=$1
shift
case " $* " in
*" --crate-name ecomres "* | *" --crate-name ecomres_nlu "*)
    exec "$rustc" "$@" -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
        -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
        -Cllvm-args=-sanitizer-coverage-trace-compares
    ;;
*) exec "$rustc" "$@" ;;
esac
