// Finds the row that ends a worker each time it comes by (RELIABILITY 5, Poison records). Facts in, what to
// do out: no processes, no clock.
//
// A worker that dies of a signal of its own left in its BatchPlace which rows it had in its hands. Three
// deaths in one place: the next attempt takes the rows around it one by one, so the fourth tells the row. It
// then leaves as a dead letter (settings.on_crash: dead_letter), or the pipeline fails with its name.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "runner/exec/batch_place.h"

namespace streamrun {

class PoisonHunt {
 public:
  static constexpr int kDeathsInOnePlace = 3;
  /// Other ways of coming together shift the rows of several channels against each other by as many.
  static constexpr int64_t kMargin = 65'536;

  /// A copy of a BatchPlace.
  struct Place {
    int node = -1;  // of the plan, -1: no component had rows
    int instance = 0;
    int64_t from = 0;
    int64_t to = 0;
    uint64_t row = 0;
    std::string text;
  };
  static Place Read(const BatchPlace& place, int instance);
  /// SIGSEGV, SIGBUS, SIGFPE, SIGILL and SIGABRT: what a program does to itself. Not SIGKILL, which is how
  /// the kernel ends who takes too much memory.
  static bool IsOwnDoing(int signal);

  enum class Finding : uint8_t {
    kNothing,   // too little is known
    kCareful,   // the next attempt is careful in this place
    kFoundRow,  // `place.text` ends workers
  };
  Finding OnDeath(const Place& place);
  /// Something else ended the attempt, or an epoch was completed: deaths before that prove nothing.
  void Forget() { deaths_.clear(); }
  /// Rows like this one leave from now on.
  void Divert(const Place& place);

  /// For the next attempt.
  const std::vector<CarefulRows>& careful() const { return careful_; }

 private:
  CarefulRows& RowsOf(int node);

  std::vector<Place> deaths_;  // in one place, in a row
  std::vector<CarefulRows> careful_;
};

}  // namespace streamrun
