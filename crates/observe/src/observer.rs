//! Which threads are observed.

use crate::heap_v2;
use crate::layout::{EXITED, FIRST, Header, MOST_SLOTS, OTHERS, Slot};
use crate::own_file::OwnFile;
use crate::profile::{self, Profile};
use crate::segment::{Mapped, Segment};
use crate::thread::{Page, Pages, add_live};
use crate::wanted::{PROFILE, Wanted};
use core::cell::Cell;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicPtr, AtomicU64, AtomicUsize, Ordering, fence};
use xalloc_heap::Inspected;
use xalloc_os::stderr::Line;
use xalloc_os::syscall::Errno;
use xalloc_os::thread::{self, Phase};
use xalloc_os::{Lock, clock, syscall};

/// The observer of a process.
pub struct Observer {
    /// What is to be observed, until there is a segment, which says it from then on. The command may write it.
    wanted: &'static Wanted,
    /// The segment, once there is one.
    segment: AtomicPtr<Header>,
    file: OwnFile,
    pages: Pages,
    /// Guards the slots: which are used, and that of the exited threads. Nothing is locked under it.
    lock: Lock,
    /// The slots that are used, a bit each. Written under the lock.
    used: [AtomicU64; MOST_SLOTS / 64],
    /// Below this number, the pages of slots are memory. Written under the lock.
    committed: AtomicUsize,
    profile: Profile,
    /// What a fork that is under way has made for the child. Under the lock.
    child: Child,
}

struct Child {
    copy: Cell<Option<Mapped>>,
    /// Whether the fork took the lock of the profile.
    took_profile: Cell<bool>,
    /// Forks that are made inside of one.
    inside: Cell<u32>,
}

// SAFETY: only touched under the observer's lock.
unsafe impl Sync for Child {}

/// A call of an observed thread. Its TLS word is its own until this is dropped.
pub struct Entered<'a>(Option<Counted<'a>>);

struct Counted<'a> {
    observer: &'a Observer,
    header: &'static Header,
    /// `None` for a thread that has no page: it is starting, or ending, or there are too many.
    page: Option<&'static Page>,
    /// What is observed.
    wanted: u32,
}

impl Observer {
    /// Returns an observer that observes what `wanted` says, which the command may write too.
    pub const fn new(wanted: &'static Wanted) -> Self {
        Self {
            wanted,
            segment: AtomicPtr::new(null_mut()),
            file: OwnFile::new(),
            pages: Pages::new(),
            lock: Lock::new(),
            used: [const { AtomicU64::new(0) }; MOST_SLOTS / 64],
            committed: AtomicUsize::new(0),
            profile: Profile::new(),
            child: Child { copy: Cell::new(None), took_profile: Cell::new(false), inside: Cell::new(0) },
        }
    }

    /// Begins to observe, if that is wanted before the first allocation.
    pub fn begin(&self) {
        // Relaxed: stored by this thread, if it is.
        if self.wanted.what.load(Ordering::Relaxed) != 0 {
            self.start(true);
        }
    }

    fn segment(&self) -> Option<Segment> {
        // Acquire: who sees the segment sees what is in it, and the reserved pages.
        Segment::from_header(self.segment.load(Ordering::Acquire))
    }

    /// Returns what the calling thread's call is counted by; its TLS word is its own meanwhile.
    #[inline]
    pub fn enter(&self) -> Entered<'_> {
        // Relaxed: whoever is told a little later begins a little later.
        if self.wanted.what.load(Ordering::Relaxed) == 0 { Entered(None) } else { self.enter_counted() }
    }

    #[inline]
    fn enter_counted(&self) -> Entered<'_> {
        if let (Some(page), Some(segment)) = (self.pages.of_word(thread::word()), self.segment()) {
            let header = segment.header();
            // Relaxed: as in `enter`.
            let wanted = header.wanted.load(Ordering::Relaxed);
            page.enter();
            if wanted == 0 {
                forget_what_is_live(header);
                self.profile.end(segment);
                self.end(segment, page);
                return Entered(None);
            }
            return Entered(Some(Counted { observer: self, header, page: Some(page), wanted }));
        }
        self.enter_without_page()
    }

    #[cold]
    #[inline(never)]
    fn enter_without_page(&self) -> Entered<'_> {
        let Some(segment) = self.segment().or_else(|| self.start(false)) else { return Entered(None) };
        let header = segment.header();
        // Relaxed: as in `enter`.
        let wanted = header.wanted.load(Ordering::Relaxed);
        match Phase::current() {
            _ if wanted == 0 => {
                forget_what_is_live(header);
                Entered(None)
            }
            Phase::New | Phase::TornDown => Entered(Some(Counted { observer: self, header, page: None, wanted })),
            _ => self.enter_first(segment, wanted),
        }
    }

    /// Gives the calling thread a page, for its first call.
    #[cold]
    fn enter_first(&self, segment: Segment, wanted: u32) -> Entered<'_> {
        let header = segment.header();
        let page = {
            let _guard = self.lock.lock();
            // A handler that interrupted this thread in the heap: its calls are part of that one.
            if self.pages_in_use().any(Page::is_mine) {
                return Entered(None);
            }
            self.take_page(segment)
        };
        if let Some(page) = page {
            page.enter();
        }
        Entered(Some(Counted { observer: self, header, page, wanted }))
    }

    fn pages_in_use(&self) -> impl Iterator<Item = &'static Page> {
        self.slots_in_use().map(|index| self.pages.get(index))
    }

    fn slots_in_use(&self) -> impl Iterator<Item = usize> {
        // Relaxed: under the lock.
        let is_used = |index: &usize| self.used[index / 64].load(Ordering::Relaxed) >> (index % 64) & 1 != 0;
        (FIRST..MOST_SLOTS).filter(is_used)
    }

    /// Takes a slot and its page for the calling thread. `None` if there is none. Under the lock.
    fn take_page(&self, segment: Segment) -> Option<&'static Page> {
        let is_free = |index: &usize| self.used[index / 64].load(Ordering::Relaxed) >> (index % 64) & 1 == 0;
        let header = segment.header();
        // Not by the segment's number of used slots: what a reader has written there is not to be followed.
        let is_committed = |index| index < self.committed.load(Ordering::Relaxed);
        let page = |index| if is_committed(index) { Some(self.pages.get(index)) } else { self.pages.commit(index) };
        let index = (FIRST..MOST_SLOTS).find(is_free);
        let Some((index, page)) = index.and_then(|index| Some((index, page(index)?))) else {
            // Relaxed, here and below: a number, and what the lock guards.
            header.refused_threads.fetch_add(1, Ordering::Relaxed);
            return None;
        };
        self.used[index / 64].fetch_or(1 << (index % 64), Ordering::Relaxed);
        self.committed.fetch_max(index + 1, Ordering::Relaxed);
        header.used_slots.fetch_max(index as u32 + 1, Ordering::Relaxed);
        let slot = segment.slot(index);
        slot.began.store(clock::coarse_milliseconds(), Ordering::Relaxed);
        slot.thread.store(syscall::thread_id() as u64 + 1, Ordering::Release);
        page.begin(index);
        Some(page)
    }

    /// Ends the observation of the calling thread, which is in the heap: what it counted goes to the exited threads.
    fn end(&self, segment: Segment, page: &Page) {
        page.publish(segment.header());
        let _guard = self.lock.lock();
        page.end();
        self.fold(segment, page.index());
    }

    /// Adds a slot to that of the exited threads, and makes it nobody's. Under the lock.
    fn fold(&self, segment: Segment, index: usize) {
        let (header, slot) = (segment.header(), segment.slot(index));
        // Relaxed: only written under the lock. The fences make it a sequence lock, with the reader's: who sees any of the
        // moved counters sees that the epoch was odd, or has changed.
        let epoch = header.epoch.load(Ordering::Relaxed);
        header.epoch.store(epoch.wrapping_add(1), Ordering::Relaxed);
        fence(Ordering::Release);
        segment.slot(EXITED).take_over(slot);
        slot.thread.store(0, Ordering::Relaxed);
        header.epoch.store(epoch.wrapping_add(2), Ordering::Release);
        self.used[index / 64].fetch_and(!(1 << (index % 64)), Ordering::Relaxed);
    }

    /// Writes the heap profile to a file, as `heap_v2`.
    ///
    /// # Errors
    /// The kernel's; ENODATA if nothing was sampled.
    pub fn write_profile(&self, descriptor: i32) -> Result<(), Errno> {
        let segment = self.segment().ok_or(Errno(libc::ENODATA))?;
        heap_v2::write(segment, descriptor)
    }

    /// Makes the segment. `None` if the kernel refuses, or the calling thread is just making it.
    #[cold]
    fn start(&self, is_complete: bool) -> Option<Segment> {
        if self.lock.is_mine(thread::token()) {
            return None;
        }
        let _guard = self.lock.lock();
        if let Some(segment) = self.segment() {
            return Some(segment);
        }
        // Relaxed, here and below: under the lock.
        let made = if self.pages.reserve() { Segment::create(self.wanted, is_complete) } else { None };
        let Some(Mapped { segment, descriptor }) = made else {
            self.wanted.what.store(0, Ordering::Relaxed);
            Line::signed()
                .text("nothing is observed: the kernel gives no memory that can be shared (memfd_create)")
                .end();
            return None;
        };
        self.file.set(descriptor);
        // Release: see `segment`.
        self.segment.store(segment.as_ptr(), Ordering::Release);
        Some(segment)
    }

    /// Makes a segment for the child of a fork, before it. What other threads count between this and the fork is not in it.
    pub fn prefork(&self) {
        if self.lock.is_mine(thread::token()) {
            return self.child.inside.set(self.child.inside.get() + 1);
        }
        self.lock.acquire();
        // A handler that forks may have interrupted this thread while it holds that one.
        let takes_profile = !self.profile.lock().is_mine(thread::token());
        if takes_profile {
            self.profile.lock().acquire();
        }
        self.child.took_profile.set(takes_profile);
        self.child.copy.set(self.segment().and_then(Segment::copy_for_child));
    }

    /// Forgets the child's segment, in the parent.
    pub fn postfork_parent(&self) {
        let inside = self.child.inside.get();
        if inside > 0 {
            return self.child.inside.set(inside - 1);
        }
        if let Some(copy) = self.child.copy.take() {
            copy.segment.forget();
            syscall::close(copy.descriptor);
        }
        self.release_after_fork();
    }

    /// Goes on in the child with the segment that was made for it: the threads that are gone have ended. Without one, the child
    /// is not observed.
    pub fn postfork_child(&self) {
        self.child.inside.set(0);
        if let Some(segment) = self.segment() {
            // The parent's.
            self.file.close();
            match self.child.copy.take() {
                Some(copy) if segment.replace(copy.descriptor) => {
                    copy.segment.forget();
                    self.file.set(copy.descriptor);
                    self.fold_vanished(segment);
                }
                copy => {
                    segment.replace_by_nothing();
                    if let Some(copy) = copy {
                        syscall::close(copy.descriptor);
                    }
                }
            }
        }
        self.release_after_fork();
    }

    fn release_after_fork(&self) {
        // SAFETY: `prefork` of this thread took both, or says that it did not; in the child there is no other thread.
        unsafe {
            if self.child.took_profile.replace(false) {
                self.profile.lock().release();
            }
            self.lock.release();
        }
    }

    fn fold_vanished(&self, segment: Segment) {
        for index in self.slots_in_use() {
            let page = self.pages.get(index);
            if page.is_mine() {
                segment.slot(index).thread.store(syscall::thread_id() as u64 + 1, Ordering::Release);
                continue;
            }
            page.publish(segment.header());
            page.end();
            self.fold(segment, index);
        }
    }
}

impl Entered<'_> {
    /// Counts a block of `usable` bytes, of which `requested` were asked for.
    #[inline]
    pub fn allocated(&self, block: *mut u8, requested: usize, usable: usize) {
        let Some(Counted { observer, header, page, wanted }) = &self.0 else { return };
        match page {
            Some(page) => {
                slot(header, page.index()).count_allocation(requested, usable);
                page.add_live(header, usable as isize);
                if wanted & PROFILE != 0 && page.samples(usable, profile::mean(header)) {
                    observer.profile.add(Segment::of(header), block as usize, usable);
                }
            }
            None => {
                slot(header, OTHERS).share_allocation(requested, usable);
                add_live(header, usable as isize);
            }
        }
    }

    /// Counts a block that is freed.
    #[inline]
    pub fn freed(&self, Inspected { usable, is_own }: Inspected) {
        let Some(Counted { header, page, .. }) = &self.0 else { return };
        match page {
            Some(page) => {
                slot(header, page.index()).count_free(usable, is_own);
                page.add_live(header, -(usable as isize));
            }
            None => {
                slot(header, OTHERS).share_free(usable, is_own);
                add_live(header, -(usable as isize));
            }
        }
    }

    /// Removes a block that is freed from the heap profile: before it is free, when another thread may have it.
    #[inline]
    pub fn forget(&self, block: *mut u8) {
        let Some(Counted { observer, header, wanted, .. }) = &self.0 else { return };
        if wanted & PROFILE != 0 {
            observer.profile.remove(Segment::of(header), block as usize);
        } else {
            observer.profile.end(Segment::of(header));
        }
    }

    /// Returns whether the call is counted.
    #[inline]
    pub fn is_counted(&self) -> bool {
        self.0.is_some()
    }

    /// Ends the observation of the calling thread, which ends. Its word stays its own.
    pub fn end_thread(mut self) {
        let Some(Counted { observer, page: Some(page), .. }) = self.0.take() else { return };
        if let Some(segment) = observer.segment() {
            observer.end(segment, page);
        }
    }
}

impl Drop for Entered<'_> {
    #[inline]
    fn drop(&mut self) {
        if let Some(Counted { page: Some(page), .. }) = self.0 {
            page.leave();
        }
    }
}

/// Notes that a call was not counted: the sums no longer say what is live, even if they are added to again.
fn forget_what_is_live(header: &Header) {
    // Relaxed, both: a number by itself. Most calls only read it.
    if header.is_complete.load(Ordering::Relaxed) != 0 {
        header.is_complete.store(0, Ordering::Relaxed);
    }
}

fn slot(header: &'static Header, index: usize) -> &'static Slot {
    Segment::of(header).slot(index)
}
