//! Which device computes: the processor, or a graphics card where this build can use one and finds it.
//!
//! A card that is not there is never handed out: burn would panic on a thread of its own.

use std::fmt;
use std::str::FromStr;

use burn::tensor::Device;
use serde::Serialize;

use crate::NluError;

/// What the user wants to compute on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DeviceChoice {
    /// The best there is: CUDA, then Vulkan, as far as this build has them, else the processor.
    #[default]
    Auto,
    /// The processor.
    Cpu,
    /// A card with a Vulkan driver, through wgpu.
    Wgpu,
    /// An NVIDIA card, through CUDA.
    Cuda,
}

impl DeviceChoice {
    /// All of them, in the order they are shown.
    pub const ALL: [Self; 4] = [Self::Auto, Self::Cpu, Self::Wgpu, Self::Cuda];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Cpu => "cpu",
            Self::Wgpu => "wgpu",
            Self::Cuda => "cuda",
        }
    }
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for DeviceChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|choice| choice.as_str().eq_ignore_ascii_case(text))
            .ok_or_else(|| "expected auto, cpu, wgpu or cuda".to_owned())
    }
}

/// A device that is there.
#[derive(Debug, Clone)]
pub struct ComputeDevice {
    /// The card; none is the processor.
    pub(crate) card: Option<Device>,
    /// What it is called.
    pub name: String,
    /// What to tell the user: that a card was searched for and none was found.
    pub notice: Option<String>,
}

impl ComputeDevice {
    /// The processor, which is always there.
    pub fn cpu() -> Self {
        Self { card: None, name: "cpu".to_owned(), notice: None }
    }
}

/// What a search for cards of one kind found.
#[cfg_attr(not(any(test, feature = "wgpu", feature = "cuda")), expect(dead_code, reason = "this build has no cards"))]
enum Search {
    Found(Box<Device>),
    /// Nothing, and why.
    Nothing(String),
    /// This build cannot use such cards.
    NotBuilt,
}

/// Finds the device that was asked for.
///
/// # Errors
/// When it was named and is not there; `auto` falls back to the processor instead.
pub fn find_device(choice: DeviceChoice) -> Result<ComputeDevice, NluError> {
    find_device_with(choice, search)
}

fn find_device_with(choice: DeviceChoice, search: impl Fn(DeviceChoice) -> Search) -> Result<ComputeDevice, NluError> {
    let named = |kind: DeviceChoice| match search(kind) {
        Search::Found(device) => Ok(ComputeDevice { card: Some(*device), name: kind.to_string(), notice: None }),
        Search::Nothing(reason) => Err(NluError::Device {
            reason: format!("--device {kind}: {reason}"),
            hint: "install the card's driver, or use --device cpu".to_owned(),
        }),
        Search::NotBuilt => Err(NluError::Device {
            reason: format!("--device {kind}: this build cannot use such a card"),
            hint: format!("build it with `cargo build --release --features {kind}`, or use --device cpu"),
        }),
    };
    match choice {
        DeviceChoice::Cpu => Ok(ComputeDevice::cpu()),
        DeviceChoice::Wgpu | DeviceChoice::Cuda => named(choice),
        DeviceChoice::Auto => {
            let mut missed = Vec::new();
            for kind in [DeviceChoice::Cuda, DeviceChoice::Wgpu] {
                match search(kind) {
                    Search::Found(device) => {
                        return Ok(ComputeDevice { card: Some(*device), name: kind.to_string(), notice: None });
                    }
                    Search::Nothing(reason) => missed.push(format!("{kind}: {reason}")),
                    Search::NotBuilt => {}
                }
            }
            let notice = (!missed.is_empty()).then(|| format!("computing on the processor ({})", missed.join("; ")));
            Ok(ComputeDevice { notice, ..ComputeDevice::cpu() })
        }
    }
}

fn search(kind: DeviceChoice) -> Search {
    match kind {
        #[cfg(feature = "wgpu")]
        DeviceChoice::Wgpu => first(burn::tensor::DeviceType::Vulkan, "no card with a Vulkan driver was found"),
        #[cfg(feature = "cuda")]
        DeviceChoice::Cuda => first(burn::tensor::DeviceType::Cuda, "no card with a CUDA driver was found"),
        _ => Search::NotBuilt,
    }
}

/// The first card of a kind. A driver that is not there may panic within burn: that is nothing found.
#[cfg(any(feature = "wgpu", feature = "cuda"))]
fn first(kind: burn::tensor::DeviceType, nothing: &str) -> Search {
    let listed = std::panic::catch_unwind(move || Device::enumerate(kind).into_iter().next());
    match listed {
        Ok(Some(device)) => Search::Found(Box::new(device)),
        Ok(None) => Search::Nothing(nothing.to_owned()),
        Err(_) => Search::Nothing(format!("{nothing}: its driver cannot be loaded")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nothing(_: DeviceChoice) -> Search {
        Search::Nothing("no card".to_owned())
    }

    fn one(kind: DeviceChoice) -> Search {
        match kind {
            DeviceChoice::Wgpu => Search::Found(Box::new(Device::flex())),
            _ => Search::NotBuilt,
        }
    }

    #[test]
    fn a_card_that_is_named_must_be_there() {
        let error = find_device_with(DeviceChoice::Wgpu, nothing).unwrap_err();
        assert_eq!(error.to_string(), "--device wgpu: no card");
        assert!(!error.is_internal() && error.hint().unwrap().contains("--device cpu"));
        let error = find_device_with(DeviceChoice::Cuda, one).unwrap_err();
        assert!(error.hint().unwrap().contains("--features cuda"), "{error}");
        assert!(find_device_with(DeviceChoice::Wgpu, one).unwrap().card.is_some());
    }

    #[test]
    fn auto_takes_what_is_there_and_says_what_it_missed() {
        let found = find_device_with(DeviceChoice::Auto, one).unwrap();
        assert!(found.card.is_some() && found.notice.is_none() && found.name == "wgpu");
        let found = find_device_with(DeviceChoice::Auto, nothing).unwrap();
        assert!(found.card.is_none());
        let notice = found.notice.unwrap();
        assert_eq!(notice, "computing on the processor (cuda: no card; wgpu: no card)");
        // A build without cards has nothing to say.
        let found = find_device_with(DeviceChoice::Auto, |_| Search::NotBuilt).unwrap();
        assert!(found.card.is_none() && found.notice.is_none());
        assert!(find_device_with(DeviceChoice::Cpu, nothing).unwrap().notice.is_none());
    }

    #[test]
    fn the_words_are_read_back() {
        for choice in DeviceChoice::ALL {
            assert_eq!(choice.as_str().to_uppercase().parse(), Ok(choice));
        }
        assert!("gpu".parse::<DeviceChoice>().is_err());
    }
}
