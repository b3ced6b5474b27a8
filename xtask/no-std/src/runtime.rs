//! What `std` would bring: a panic handler and an allocator.

use core::alloc::{GlobalAlloc, Layout};
use core::cell::UnsafeCell;
use core::panic::PanicInfo;
use core::ptr;
use core::sync::atomic::{AtomicUsize, Ordering};

#[link(name = "c")]
unsafe extern "C" {
    fn abort() -> !;
}

#[panic_handler]
fn panic(_info: &PanicInfo<'_>) -> ! {
    // SAFETY: abort takes nothing and may be called at any time.
    unsafe { abort() }
}

/// The precompiled `core` names it in its unwind tables, which nothing reads where a panic aborts.
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}

const HEAP_BYTES: usize = 8 << 20;

/// Hands out one block after the other and takes none back: the program does little and ends.
struct Bump {
    heap: UnsafeCell<[u8; HEAP_BYTES]>,
    used: AtomicUsize,
}

// SAFETY: every byte of the heap is handed out once, by an atomic addition.
unsafe impl Sync for Bump {}

#[global_allocator]
static HEAP: Bump = Bump { heap: UnsafeCell::new([0; HEAP_BYTES]), used: AtomicUsize::new(0) };

// SAFETY: blocks are within the heap, aligned, and never overlap.
unsafe impl GlobalAlloc for Bump {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // Room for the worst alignment; the whole block is reserved before its place in it is known.
        let size = layout.size() + layout.align();
        let start = self.used.fetch_add(size, Ordering::Relaxed);
        if start + size > HEAP_BYTES {
            return ptr::null_mut();
        }
        // SAFETY: start is within the heap.
        let block = unsafe { self.heap.get().cast::<u8>().add(start) };
        let padding = block.align_offset(layout.align());
        // SAFETY: the padding is less than the alignment, for which the block has room.
        unsafe { block.add(padding) }
    }

    unsafe fn dealloc(&self, _block: *mut u8, _layout: Layout) {}
}
