// The cells of the time board (runner/exec/time_board.h) and the place of each worker in its input
// (runner/exec/batch_place.h), in memory that the supervisor makes and every worker inherits and maps.
#pragma once

#include <cstddef>
#include <memory>

#include "core/base/status.h"
#include "runner/exec/batch_place.h"
#include "runner/exec/time_board.h"

namespace streamrun {

class SharedCells {
 public:
  /// In the supervisor: `count` cells of instances that have not started, and the places of `workers`
  /// workers.
  static Result<std::unique_ptr<SharedCells>> Make(size_t count, size_t workers);
  /// In a worker: what Make made, by the descriptor that was inherited; takes it. An Internal error when it
  /// is not memory for as many.
  static Result<std::unique_ptr<SharedCells>> Map(int fd, size_t count, size_t workers);
  ~SharedCells();
  SharedCells(const SharedCells&) = delete;
  SharedCells& operator=(const SharedCells&) = delete;

  TimeCell* cells() const { return static_cast<TimeCell*>(memory_); }
  /// By number of the worker: stage by stage, instance by instance.
  BatchPlace* places() const { return places_; }
  /// Close-on-exec, and above the descriptors that a worker is given by number.
  int fd() const { return fd_; }

 private:
  SharedCells() = default;
  Status MapMemory(size_t count, size_t workers);

  int fd_ = -1;
  void* memory_ = nullptr;
  BatchPlace* places_ = nullptr;  // behind the cells
  size_t bytes_ = 0;
};

}  // namespace streamrun
