// For memory that is not had from operator new.
#pragma once

#include <new>

namespace streamrun {

/// What operator new does when there is no memory: the handler of the process first, which may say what it
/// lacks and end it; then std::bad_alloc.
[[noreturn]] inline void ThrowOutOfMemory() {
  if (const std::new_handler handler = std::get_new_handler()) handler();
  throw std::bad_alloc();
}

}  // namespace streamrun
