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
    /// The best there is: CUDA, then wgpu, as far as this build has them, else the processor. A driver that computes on the
    /// processor itself is no card here.
    #[default]
    Auto,
    /// The processor.
    Cpu,
    /// A card with a driver for Vulkan, Metal or DirectX, through wgpu and WGSL.
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
    /// The user named it: it is used, or an error.
    pub(crate) named: bool,
    /// What it is called.
    pub name: String,
    /// What to tell the user: which card computes, or that one was searched for and none was found.
    pub notice: Option<String>,
}

impl ComputeDevice {
    /// The processor, which is always there.
    pub fn cpu() -> Self {
        Self { card: None, named: false, name: "cpu".to_owned(), notice: None }
    }

    /// The processor, in place of a card that cannot be used.
    pub(crate) fn cpu_because(reason: &str) -> Self {
        Self { notice: Some(format!("computing on the processor ({reason})")), ..Self::cpu() }
    }

    /// A card under its own name and that of its kind.
    fn card(kind: DeviceChoice, device: Device, named: bool) -> Self {
        let name = match part(&device) {
            Some(part) => format!("{kind}: {part}"),
            None => kind.to_string(),
        };
        let notice = Some(format!("computing on {name}"));
        Self { card: Some(device), named, name, notice }
    }

    /// Its driver, where it has one that says what it is called.
    pub(crate) fn driver(&self) -> Option<String> {
        self.card.as_ref().and_then(driver)
    }
}

/// What a card calls itself. Asking opens it, which may panic within burn.
#[cfg(any(feature = "wgpu", feature = "cuda"))]
fn part(device: &Device) -> Option<String> {
    let device = device.clone();
    std::panic::catch_unwind(move || device.identity()).ok().flatten().map(|found| found.name)
}

#[cfg(not(any(feature = "wgpu", feature = "cuda")))]
fn part(_: &Device) -> Option<String> {
    None
}

/// Whether there is a card behind a device; a driver in software has none.
#[cfg(any(feature = "wgpu", feature = "cuda"))]
fn is_card(device: &Device) -> bool {
    let device = device.clone();
    let found = std::panic::catch_unwind(move || device.identity()).ok().flatten();
    found.is_some_and(|found| found.physical.is_some())
}

#[cfg(not(any(feature = "wgpu", feature = "cuda")))]
fn is_card(_: &Device) -> bool {
    false
}

/// The driver of the adapter with the card's name.
#[cfg(feature = "wgpu")]
fn driver(device: &Device) -> Option<String> {
    use burn::tensor::wgpu::wgpu;

    let name = part(device)?;
    let descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    let instance = wgpu::Instance::new(descriptor);
    let runtime = tokio::runtime::Builder::new_current_thread().build().ok()?;
    let adapters = runtime.block_on(instance.enumerate_adapters(wgpu::Backends::all()));
    let found = adapters.iter().map(wgpu::Adapter::get_info).find(|found| found.name == name)?;
    Some(format!("{} {}", found.driver, found.driver_info).trim().to_owned())
}

#[cfg(not(feature = "wgpu"))]
fn driver(_: &Device) -> Option<String> {
    None
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
pub(crate) fn find_device(choice: DeviceChoice) -> Result<ComputeDevice, NluError> {
    find_device_with(choice, search, is_card)
}

fn find_device_with(
    choice: DeviceChoice,
    search: impl Fn(DeviceChoice) -> Search,
    is_card: impl Fn(&Device) -> bool,
) -> Result<ComputeDevice, NluError> {
    let named = |kind: DeviceChoice| match search(kind) {
        Search::Found(device) => Ok(ComputeDevice::card(kind, *device, true)),
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
                    Search::Found(device) if is_card(&device) => {
                        return Ok(ComputeDevice::card(kind, *device, false));
                    }
                    Search::Found(_) => {
                        missed.push(format!("{kind}: no card, but a driver that computes on the processor"));
                    }
                    Search::Nothing(reason) => missed.push(format!("{kind}: {reason}")),
                    Search::NotBuilt => {}
                }
            }
            Ok(if missed.is_empty() { ComputeDevice::cpu() } else { ComputeDevice::cpu_because(&missed.join("; ")) })
        }
    }
}

fn search(kind: DeviceChoice) -> Search {
    match kind {
        #[cfg(feature = "wgpu")]
        DeviceChoice::Wgpu => first(burn::tensor::DeviceType::Wgpu, "no card with a Vulkan driver was found"),
        #[cfg(feature = "cuda")]
        DeviceChoice::Cuda => first(burn::tensor::DeviceType::Cuda, "no card with a CUDA driver was found"),
        _ => Search::NotBuilt,
    }
}

/// The first card of a kind, or a driver in software where there is no card. A driver that is not there may panic within burn:
/// that is nothing found.
#[cfg(any(feature = "wgpu", feature = "cuda"))]
fn first(kind: burn::tensor::DeviceType, nothing: &str) -> Search {
    let listed = std::panic::catch_unwind(move || {
        let mut all = Device::enumerate(kind).into_vec();
        let at = if all.len() > 1 { all.iter().position(is_card).unwrap_or(0) } else { 0 };
        (at < all.len()).then(|| all.swap_remove(at))
    });
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
        let find_device_with = |choice, search: fn(DeviceChoice) -> Search| find_device_with(choice, search, |_| false);
        let error = find_device_with(DeviceChoice::Wgpu, nothing).unwrap_err();
        assert_eq!(error.to_string(), "--device wgpu: no card");
        assert!(!error.is_internal() && error.hint().unwrap().contains("--device cpu"));
        let error = find_device_with(DeviceChoice::Cuda, one).unwrap_err();
        assert!(error.hint().unwrap().contains("--features cuda"), "{error}");
        let found = find_device_with(DeviceChoice::Wgpu, one).unwrap();
        assert!(found.card.is_some() && found.named);
    }

    #[test]
    fn auto_takes_what_is_there_and_says_what_it_missed() {
        let software = find_device_with(DeviceChoice::Auto, one, |_| false).unwrap();
        assert!(software.card.is_none() && software.notice.unwrap().contains("computes on the processor"));
        let find_device_with = |choice, search: fn(DeviceChoice) -> Search| find_device_with(choice, search, |_| true);
        let found = find_device_with(DeviceChoice::Auto, one).unwrap();
        assert!(found.card.is_some() && !found.named && found.name.starts_with("wgpu"));
        assert_eq!(found.notice, Some(format!("computing on {}", found.name)));
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
