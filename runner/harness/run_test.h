// Runs the tests of a pipeline on its real plan, in one process and in virtual time.
#pragma once

#include <string>
#include <vector>

#include "runner/harness/test_case.h"

namespace streamrun {

struct TestResult {
  std::string name;
  SourceMark mark;
  /// Empty when it passed; else what differed, several lines.
  std::string failure;
};

/// Each case runs with as many rows in a batch as the feed allows and row by row; with keyed operators also
/// at parallelism 1, 2, 3 and 7. All must give the expected rows (in any order where workers run side by
/// side).
TestResult RunTest(const PlanPtr& plan, const TestCase& test);

}  // namespace streamrun
