//! The integration tests, in one binary.

mod architecture;
mod bot_chaos;
mod browser;
mod chaos;
mod cli;
mod crowd;
mod dashboard;
mod data;
mod eval;
mod import;
mod inbox;
mod keeping;
mod label;
mod llm;
mod mcp;
mod nlu;
mod promote;
mod redteam;
mod replay;
mod simulate;
mod store;
mod team;
mod train;
mod watching;
mod whatsapp;
