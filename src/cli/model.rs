//! The command `model`: describes, converts, checks, compares and replaces models.
#![expect(clippy::doc_markdown, reason = "the docs of arguments are the help, which shows backticks")]

mod check;
mod promotion;

use std::path::PathBuf;

use super::app::model_location;
use super::arguments::{Dtype, Pool};
use super::output::Output;
use super::{Global, InputError};
use crate::nlu::{ConvertOptions, DeviceChoice, FolderInfo, ModelLocation, convert, inspect};

/// Look into, convert, check, compare and replace model folders.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  ecomres model info\n  ecomres model convert bert-folder encoder --pooling mean\n  ecomres model check my-model\n  ecomres model compare built-in my-model --data data/test.csv\n  ecomres model promote my-model --to live-model --data data/test.csv"
)]
pub struct Options {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Shapes, sizes, number format, label set and hashes
    Info {
        /// Model folder, or built-in [default: the built-in model]
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
    ///
    /// A folder without one, such as that of the original, is computed in both ways that there are, and with --yes what it
    /// computes is written as its reference.
    ///
    /// With --device, what a graphics card computes is compared with what the processor computes instead.
    Check {
        /// Model folder, or built-in [default: the built-in model]
        dir: Option<PathBuf>,
        /// The device to compare with the processor: a card needs a build with --features wgpu or cuda
        #[arg(long, value_name = "cpu|wgpu|cuda", default_value = "cpu")]
        device: DeviceChoice,
    },
    /// Tell which of two models reads labelled messages better, and whether chance explains it
    ///
    /// Accuracy and macro F1 of both, McNemar's exact test on the rows that only one reads right, and 95 % intervals of the
    /// differences by the paired bootstrap over rows.
    #[command(
        after_help = "Examples:\n  ecomres model compare built-in my-model --data data/test.csv\n  ecomres model compare live-model my-model --data data/test.csv"
    )]
    Compare(promotion::CompareOptions),
    /// Put a model in the place of another, unless it is worse
    ///
    /// Worse is: in intents or sentiments McNemar's exact test is below 0.05 with fewer rows right, or the 95 % interval of
    /// the difference in macro F1 lies wholly below 0. One that knows other labels, or is worse, needs --force; one that is
    /// not whole or does not compute its reference logits is never promoted. The old folder is kept beside it as
    /// NAME.backup-TIME. A running bot loads the new model by itself.
    ///
    /// The built-in model is part of the program and cannot be replaced: name a folder with --to, and name it with --model or
    /// in the settings ([model] folder) where the new model is to be used. While that folder is empty and the built-in model
    /// is in use, the new one is compared with the built-in one.
    #[command(
        after_help = "Examples:\n  ecomres model promote my-model --to live-model --data data/test.csv\n  ecomres serve --model live-model\n  ecomres --model live-model model promote better-model --data held-out.csv\n  ecomres model promote --to live-model --undo"
    )]
    Promote(promotion::PromoteOptions),
}

/// Runs the command.
///
/// # Errors
/// The folder cannot be read, written, or is not what it should be.
pub fn run(options: Options, global: &Global) -> anyhow::Result<()> {
    let mut output = Output::stdout();
    let find = |dir: Option<PathBuf>| match dir {
        Some(dir) => Ok(ModelLocation::find(Some(&dir))?),
        None => model_location(global),
    };
    match options.action {
        Action::Info { dir } => {
            let info = inspect(find(dir)?)?;
            if global.json { output.json_pretty(&info)? } else { print_info(&info, &mut output)? }
        }
        Action::Convert { source, destination, dtype, pooling, seed, keep_tokenizer } => {
            if destination.join("model.safetensors").exists() && !global.yes {
                let message = format!("{} already holds a model", destination.display());
                return Err(InputError::with_hint(message, "name another folder, or add --yes to replace it").into());
            }
            let source = ModelLocation::named(&source);
            if is_fine_tuned(&source) && !global.yes {
                let message = format!("{source} is a fine-tuned model: its classifiers would be replaced");
                let hint = "use the folder as it is with --model, or add --yes to start its classifiers afresh";
                return Err(InputError::with_hint(message, hint).into());
            }
            let options =
                ConvertOptions { precision: dtype.into(), pooling: pooling.into(), seed, emoji: !keep_tokenizer };
            convert(&source, &destination, &options)?;
            let info = inspect(destination)?;
            if global.json { output.json_pretty(&info)? } else { print_info(&info, &mut output)? }
        }
        Action::Compare(options) => promotion::run_compare(options, global)?,
        Action::Promote(options) => promotion::run_promote(options, global)?,
        Action::Check { dir, device } => check::run(&find(dir)?, device, global, &mut output)?,
    }
    Ok(())
}

/// Whether a folder has classifiers of this program's layout already. What cannot be read is for `convert` to say.
fn is_fine_tuned(source: &ModelLocation) -> bool {
    inspect(source).is_ok_and(|info| info.tensors.iter().any(|tensor| tensor.name == "intent_classifier.weight"))
}

fn print_info(info: &FolderInfo, output: &mut Output) -> anyhow::Result<()> {
    let model = &info.model;
    output.line(format!("folder      {}", model.location))?;
    output.line(format!(
        "encoder     DistilBERT: {} layers, width {}, {} heads, feed-forward {}, {} pooling",
        model.layers, model.dim, model.heads, model.hidden_dim, model.pooling
    ))?;
    output
        .line(format!("input       {} words of vocabulary, at most {} tokens", model.vocab_size, model.max_tokens))?;
    output.line(format!("parameters  {} as {}", model.parameters, model.precision))?;
    let own = [("intents", &model.intents), ("sentiments", &model.sentiments)].into_iter();
    let others = model.other_heads.iter().map(|(head, labels)| (head.as_str(), labels));
    for (head, labels) in own.filter(|(_, labels)| !labels.is_empty()).chain(others) {
        output.line(format!("{head:<11} {}: {}", labels.len(), labels.join(", ")))?;
    }
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
