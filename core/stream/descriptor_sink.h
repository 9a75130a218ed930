// A byte sink over a descriptor that others share or read: standard output, a named pipe, a device. Never
// blocks, whatever reads the other end, and changes no flag that another process would notice.
#pragma once

#include <memory>
#include <string>

#include "core/stream/sink.h"

namespace streamrun {

/// Writes to the open descriptor `fd` (1 for stdout), which stays open and keeps its flags. `name` is for
/// messages. A reader that closes its end gives kCancelled ("stdout was closed by its reader").
std::unique_ptr<Sink> CreateDescriptorSink(int fd, std::string name);

/// Opens `path`, a named pipe, device or socket-like file, for writing. A named pipe without a reader is
/// kUnavailable at Open, so that the host tries again.
std::unique_ptr<Sink> CreateDescriptorSink(std::string path);

}  // namespace streamrun
