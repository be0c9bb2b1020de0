//! The allocators that are known, those that this machine has, and how to get the others.

#[cfg(target_os = "linux")]
pub mod candidate;
mod choice;
mod detect;
mod install;
mod layers;
mod places;
mod setting;
pub mod version;

pub use choice::{Choice, NotFound, choose};
#[cfg(test)]
pub use detect::Found;
#[cfg(target_os = "linux")]
pub use detect::usable;
pub use detect::{Detection, check_for_any_machine, detect, here, misleading};
pub use install::Instructions;
pub use layers::{OWN, beside_preload, layers, named};
pub use setting::Setting;
pub use xalloc_layers::SYSTEM;
