//! A bump allocator for routers. A snapshot of a thousand agents is some ten thousand small values that live as long as one
//! call, so memory is allocated front to back, and all of it is reclaimed when no allocation is left.
//!
//! Memory that is freed earlier is reclaimed only if it is the newest allocation. `router!` installs it.

#![expect(unsafe_code, reason = "an allocator hands out raw memory")]

use std::alloc::{GlobalAlloc, Layout};
use std::cell::Cell;

const PAGE: usize = 65536;

/// Pages by which memory grows at least.
const STEP: usize = 16;

/// The allocator.
pub struct Arena {
    next: Cell<usize>,
    end: Cell<usize>,
    live: Cell<usize>,
}

// SAFETY: a component of Baton has one thread.
unsafe impl Sync for Arena {}

unsafe extern "C" {
    /// The end of the linker's data.
    static __heap_base: u8;
}

impl Arena {
    #[expect(clippy::new_without_default, reason = "a static needs a const")]
    /// An arena without any memory.
    pub const fn new() -> Self {
        Self { next: Cell::new(0), end: Cell::new(0), live: Cell::new(0) }
    }

    fn base() -> usize {
        (&raw const __heap_base).addr()
    }

    /// Moves the front to `next`, growing memory if need be. False if there is none left.
    fn advance(&self, next: usize) -> bool {
        if next > self.end.get() && !self.grow(next) {
            return false;
        }
        self.next.set(next);
        true
    }

    #[cold]
    fn grow(&self, next: usize) -> bool {
        let have = core::arch::wasm32::memory_size::<0>();
        let need = next.div_ceil(PAGE).saturating_sub(have);
        if need > 0 && core::arch::wasm32::memory_grow::<0>(need.max(STEP)) == usize::MAX {
            return false;
        }
        self.end.set(core::arch::wasm32::memory_size::<0>().saturating_mul(PAGE));
        true
    }

    fn is_newest(&self, pointer: *mut u8, layout: Layout) -> bool {
        pointer.addr() + layout.size() == self.next.get()
    }
}

// SAFETY: no two live blocks overlap: the front only moves back over the newest block, or when none lives.
unsafe impl GlobalAlloc for Arena {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let front = self.next.get().max(Self::base());
        let start = front.next_multiple_of(layout.align());
        match start.checked_add(layout.size()) {
            Some(next) if self.advance(next) => {
                self.live.set(self.live.get() + 1);
                std::ptr::with_exposed_provenance_mut(start)
            }
            Some(_) | None => std::ptr::null_mut(),
        }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        let live = self.live.get() - 1;
        self.live.set(live);
        if live == 0 {
            self.next.set(0);
        } else if self.is_newest(pointer, layout) {
            self.next.set(pointer.addr());
        }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if self.is_newest(pointer, layout)
            && let Some(next) = pointer.addr().checked_add(size)
            && self.advance(next)
        {
            return pointer;
        }
        if size <= layout.size() {
            return pointer;
        }
        // SAFETY: the caller's layout is valid, and so is one of another size that the caller vouches for.
        unsafe {
            let moved = self.alloc(Layout::from_size_align_unchecked(size, layout.align()));
            if !moved.is_null() {
                moved.copy_from_nonoverlapping(pointer, layout.size());
                self.dealloc(pointer, layout);
            }
            moved
        }
    }
}
