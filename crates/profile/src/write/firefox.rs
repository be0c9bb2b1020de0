//! The processed format of the Firefox Profiler (profiler.firefox.com).

use crate::report::Report;
use crate::{Figure, report::NamedStack};
use fxprof_processed_profile::{
    CategoryHandle, CpuDelta, Frame, FrameFlags, FrameInfo, Profile, SamplingInterval, StackHandle, ThreadHandle,
    Timestamp, WeightType,
};
use std::time::SystemTime;

/// Returns a profile of one thread, called `figure`, with a sample for each stack: its weight is how much of `figure` there is.
/// `product` is what the profile is of. Stacks with nothing of it, or less in a difference, are left out.
///
/// # Errors
/// There is too little memory.
pub fn firefox(report: &Report, figure: Figure, product: &str, written: SystemTime) -> serde_json::Result<String> {
    let mut profile = Profile::new(product, written.into(), SamplingInterval::from_millis(1));
    let start = Timestamp::from_millis_since_reference(0.0);
    let process = profile.add_process(product, 1, start);
    // A main thread would be shown under the name of its process.
    let thread = profile.add_thread(process, 1, start, false);
    profile.set_thread_name(thread, figure.name());
    profile.set_thread_samples_weight_type(
        thread,
        if figure.is_bytes() { WeightType::Bytes } else { WeightType::Samples },
    );
    let mut milliseconds = 0.0;
    for stack in &report.stacks {
        let handle = self::stack(&mut profile, thread, stack);
        for weight in weights(figure.of(stack.counts)) {
            // Each sample needs a time later than that of the one before it.
            let time = Timestamp::from_millis_since_reference(milliseconds);
            profile.add_sample(thread, time, handle, CpuDelta::ZERO, weight);
            milliseconds += 1.0;
        }
    }
    profile.set_symbolicated(true);
    serde_json::to_string(&profile)
}

/// Returns an amount as weights of samples, which are at most 2 GiB in this format; none if there is nothing of it.
fn weights(amount: i64) -> impl Iterator<Item = i32> {
    let whole = amount.max(0) / i64::from(i32::MAX);
    let rest = (amount.max(0) % i64::from(i32::MAX)) as i32;
    // No machine has more than 8 TiB at one place; a wrong file may say so.
    let whole = whole.min(4096) as usize;
    std::iter::repeat_n(i32::MAX, whole).chain((rest > 0).then_some(rest))
}

fn stack(profile: &mut Profile, thread: ThreadHandle, stack: &NamedStack) -> Option<StackHandle> {
    let mut handle = None;
    for (_, frame) in stack.frames().rev() {
        let frame = Frame::Label(profile.intern_string(&frame.function));
        let category_pair = CategoryHandle::OTHER.into();
        let frame = profile.intern_frame(thread, FrameInfo { frame, category_pair, flags: FrameFlags::empty() });
        handle = Some(profile.intern_stack(thread, handle, frame));
    }
    handle
}
