//! The rules for combining layers: requirements, and conflicts in whatever order the layers are given.

use crate::entry::Layer;
use crate::error::{Error, Problem};
use crate::requirements::{Conflict, Requirements};
use crate::spec::{LayerSpec, SYSTEM};
use crate::stack::{Member, Stack};
use crate::words::Kind;

/// Checks that no two layers exclude each other.
pub(crate) fn check_conflicts(members: &[Member]) -> Result<(), Error> {
    for (index, second) in members.iter().enumerate() {
        for first in &members[..index] {
            check_pair(first, second)?;
        }
    }
    Ok(())
}

/// Checks what layers need of each other. Returns a warning for each requirement that could not be decided.
pub(crate) fn check(stack: &Stack) -> Result<Vec<String>, Error> {
    let mut warnings = Vec::new();
    for member in &stack.members {
        check_member(member)?;
        if let Layer::Build(layer) = &member.layer {
            check_platform(&member.spec, &layer.requires, stack)?;
            warnings.extend(check_compiler(&member.spec, &layer.requires, stack)?);
        }
    }
    Ok(warnings)
}

/// Checks two layers, of which either may name the other. The message begins with the allocator, or else with the layer that
/// was given first.
fn check_pair(first: &Member, second: &Member) -> Result<(), Error> {
    let found = conflict(first, &second.spec).or_else(|| conflict(second, &first.spec));
    let Some(found) = found else { return Ok(()) };
    let (one, other) = if second.spec.kind == Kind::Allocator { (second, first) } else { (first, second) };
    let default = LayerSpec { name: SYSTEM.into(), ..one.spec.clone() };
    let default_is_fine = one.spec.kind == Kind::Allocator && one.spec.name != default.name;
    let fix = match default_is_fine && conflict(other, &default).is_none() {
        true => format!("Use allocator/{SYSTEM}, or leave {} out", other.spec),
        false => "Leave one of them out".to_owned(),
    };
    let (one, other) = (one.spec.to_string(), other.spec.to_string());
    Err(second.spec.error(Problem::Conflict { first: one, second: other, reason: found.reason.clone(), fix }))
}

/// Returns the conflict of `member` with `other`.
fn conflict<'a>(member: &'a Member, other: &LayerSpec) -> Option<&'a Conflict> {
    member.layer.conflicts_with().iter().find(|conflict| conflict.concerns(other.kind, &other.name))
}

/// Checks that only allocators have a method or options.
fn check_member(member: &Member) -> Result<(), Error> {
    let spec = &member.spec;
    let only = |what| Err(spec.error(Problem::OnlyForAllocators { layer: spec.to_string(), what }));
    match (&member.layer, spec.method, spec.options.is_empty()) {
        (Layer::Allocator(_), ..) | (_, None, true) => Ok(()),
        (_, Some(_), _) => only("method"),
        (_, None, false) => only("options"),
    }
}

fn check_platform(spec: &LayerSpec, requires: &Requirements, stack: &Stack) -> Result<(), Error> {
    let (platform, system) = (&stack.platform().name, stack.system().to_string());
    if requires.platform.is_empty() || requires.platform.iter().any(|name| name == platform || *name == system) {
        return Ok(());
    }
    Err(spec.error(Problem::Unmet {
        layer: spec.to_string(),
        wanted: requires.platform.join(" or "),
        found: format!("platform/{platform}"),
        fix: if spec.kind == Kind::Base { "Use another base".into() } else { format!("Leave {spec} out") },
    }))
}

/// Checks the compiler. Returns a warning if it may do, but its version is not known.
fn check_compiler(spec: &LayerSpec, requires: &Requirements, stack: &Stack) -> Result<Option<String>, Error> {
    let (base, compiler) = (stack.base(), stack.compiler());
    let of_name: Vec<_> = requires.compiler.iter().filter(|wanted| wanted.name == compiler).collect();
    let is_met = of_name.iter().any(|wanted| match (&wanted.at_least, &base.version) {
        (None, _) => true,
        (Some(least), Some(version)) => version.is_at_least(least),
        (Some(_), None) => false,
    });
    if requires.compiler.is_empty() || is_met {
        return Ok(None);
    }
    if let (Some(wanted), None) = (of_name.first(), &base.version) {
        return Ok(Some(format!("{spec} needs {wanted}, and base/{} doesn't say its version", base.name)));
    }
    let wanted: Vec<_> = requires.compiler.iter().map(ToString::to_string).collect();
    Err(spec.error(Problem::Unmet {
        layer: spec.to_string(),
        wanted: wanted.join(" or "),
        found: format!("base/{}", base.name),
        fix: format!("Use another base, or leave {spec} out"),
    }))
}
