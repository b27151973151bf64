//! Decides how model folders are described, converted and checked from a command line.
//!
//! It must never overwrite a folder that holds another model without being told to.

mod promotion;

use std::path::{Path, PathBuf};

use clap::ValueEnum;

use super::app::model_folder;
use super::output::Output;
use super::{Global, Problem};
use crate::nlu::{ConvertOptions, FolderInfo, Pooling, Precision, check, convert, inspect, locate_model};

/// Look into, convert, check, compare and replace model folders.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  ecomres model info\n  ecomres model convert bert-folder encoder --pooling mean\n  ecomres model check model\n  ecomres model compare model new-model --data data/test.csv\n  ecomres model promote new-model --data data/test.csv"
)]
pub struct Options {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Shapes, sizes, number format, label set and hashes
    Info {
        /// Model folder [default: the shipped model]
        dir: Option<PathBuf>,
    },
    /// Turn a BERT encoder folder into a DistilBERT folder that computes the same
    Convert {
        /// Folder with config.json, model.safetensors and the tokenizer
        source: PathBuf,
        /// Folder to write
        destination: PathBuf,
        /// Number format of the weights
        #[arg(long, value_enum, default_value_t = Dtype::F16)]
        dtype: Dtype,
        /// How one vector is made of a sentence
        #[arg(long, value_enum, default_value_t = Pool::Cls)]
        pooling: Pool,
        /// Seed of the fresh classifiers
        #[arg(long, default_value_t = 42)]
        seed: u64,
        /// Leave tokenizer.json as it is, instead of teaching it words for common emoji
        #[arg(long)]
        keep_tokenizer: bool,
    },
    /// Compare what the model computes with the folder's reference_logits.json
    Check {
        /// Model folder [default: the shipped model]
        dir: Option<PathBuf>,
    },
    /// Tell which of two models reads labelled messages better, and whether chance explains it
    ///
    /// Accuracy and macro F1 of both, McNemar's exact test on the rows that only one reads right, and 95 % intervals of the
    /// differences by the paired bootstrap over rows.
    #[command(after_help = "Example:\n  ecomres model compare model new-model --data data/test.csv")]
    Compare(promotion::CompareOptions),
    /// Put a model in the place of another, unless it is worse
    ///
    /// Worse is: in intents or sentiments McNemar's exact test is below 0.05 with fewer rows right, or the 95 % interval of
    /// the difference in macro F1 lies wholly below 0. One that knows other labels, or is worse, needs --force; one that is
    /// not whole or does not compute its reference logits is never promoted. The old folder is kept beside it as
    /// NAME.backup-TIME. A running bot loads the new model by itself.
    #[command(
        after_help = "Examples:\n  ecomres model promote new-model --data data/test.csv\n  ecomres model promote new-model --to live-model --data held-out.csv\n  ecomres model promote --undo"
    )]
    Promote(promotion::PromoteOptions),
}

/// Number formats that can be written.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Dtype {
    /// 16 bits: half the size, differences in the fourth digit
    F16,
    /// 32 bits
    F32,
}

impl From<Dtype> for Precision {
    fn from(dtype: Dtype) -> Self {
        match dtype {
            Dtype::F16 => Self::F16,
            Dtype::F32 => Self::F32,
        }
    }
}

/// Ways to pool.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Pool {
    /// The first token's vector
    Cls,
    /// The mean of all tokens' vectors
    Mean,
}

impl From<Pool> for Pooling {
    fn from(pool: Pool) -> Self {
        match pool {
            Pool::Cls => Self::Cls,
            Pool::Mean => Self::Mean,
        }
    }
}

/// Runs the command.
///
/// # Errors
/// The folder cannot be read, written, or is not what it should be.
pub fn run(options: Options, global: &Global) -> anyhow::Result<()> {
    let mut output = Output::stdout();
    let locate = |dir: Option<PathBuf>| match dir {
        Some(dir) => Ok(locate_model(Some(&dir))?),
        None => model_folder(global),
    };
    match options.action {
        Action::Info { dir } => {
            let info = inspect(&locate(dir)?)?;
            if global.json { output.json_pretty(&info)? } else { print_info(&info, &mut output)? }
        }
        Action::Convert { source, destination, dtype, pooling, seed, keep_tokenizer } => {
            if destination.join("model.safetensors").exists() && !global.yes {
                let message = format!("{} already holds a model", destination.display());
                return Err(Problem::with_hint(message, "name another folder, or add --yes to replace it").into());
            }
            if is_fine_tuned(&source) && !global.yes {
                let message = format!("{} is a fine-tuned model: its classifiers would be replaced", source.display());
                let hint = "use the folder as it is with --model, or add --yes to start its classifiers afresh";
                return Err(Problem::with_hint(message, hint).into());
            }
            let options =
                ConvertOptions { precision: dtype.into(), pooling: pooling.into(), seed, emoji: !keep_tokenizer };
            convert(&source, &destination, &options)?;
            let info = inspect(&destination)?;
            if global.json { output.json_pretty(&info)? } else { print_info(&info, &mut output)? }
        }
        Action::Compare(options) => promotion::run_compare(options, global)?,
        Action::Promote(options) => promotion::run_promote(options, global)?,
        Action::Check { dir } => {
            let dir = locate(dir)?;
            let outcome = check(&dir)?;
            if global.json {
                output.json(&outcome)?;
            } else {
                output.line(format!(
                    "{}: {} texts agree with the reference, largest difference {:.1e} (allowed {:.0e}), made by {}",
                    dir.display(),
                    outcome.cases,
                    outcome.largest_difference,
                    outcome.tolerance,
                    outcome.made_by
                ))?;
            }
        }
    }
    Ok(())
}

/// Whether a folder has classifiers of this program's layout already. What cannot be read is for `convert` to say.
fn is_fine_tuned(folder: &Path) -> bool {
    inspect(folder).is_ok_and(|info| info.tensors.iter().any(|tensor| tensor.name == "intent_classifier.weight"))
}

fn print_info(info: &FolderInfo, output: &mut Output) -> anyhow::Result<()> {
    let model = &info.model;
    output.line(format!("folder      {}", model.folder.display()))?;
    output.line(format!(
        "encoder     DistilBERT: {} layers, width {}, {} heads, feed-forward {}, {} pooling",
        model.layers, model.dim, model.heads, model.hidden_dim, model.pooling
    ))?;
    output
        .line(format!("input       {} words of vocabulary, at most {} tokens", model.vocab_size, model.max_tokens))?;
    output.line(format!("parameters  {} as {}", model.parameters, model.precision))?;
    output.line(format!("intents     {}: {}", model.intents.len(), model.intents.join(", ")))?;
    output.line(format!("sentiments  {}: {}", model.sentiments.len(), model.sentiments.join(", ")))?;
    output.line("files")?;
    for file in &info.files {
        output.line(format!("  {:<24} {:>10}  sha256 {}", file.name, file.bytes, file.sha256))?;
    }
    output.line(format!("tensors     {}", info.tensors.len()))?;
    for tensor in &info.tensors {
        output.line(format!("  {:<60} {:?}", tensor.name, tensor.shape))?;
    }
    Ok(())
}
