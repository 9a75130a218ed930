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

/// Each case runs twice: with as many rows in a batch as the feed allows, and row by row. Both must give the
/// expected rows.
TestResult RunTest(const PlanPtr& plan, const TestCase& test);

}  // namespace streamrun
