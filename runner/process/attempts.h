// The attempts of a part of the family (a region, an ingest worker): what ended the last one, whether another
// is worth it, when, and when to give up.
#pragma once

#include <initializer_list>
#include <string>

#include "core/base/env.h"
#include "core/base/logging.h"
#include "core/base/status.h"
#include "runner/process/restart_policy.h"

namespace streamrun {

/// Holds no process: its owner starts and kills them, and tells.
class Attempts {
 public:
  explicit Attempts(Env* env) : env_(env) {}

  /// One starts: what ended the one before is forgotten.
  void Begin();
  /// It has opened everything and works: what fails from here on is not the environment it was started in.
  void Work();
  /// What ended it; said again it counts instead. `opening`: while it opened files and connections.
  void Fail(Status failure, bool opening);
  bool failed() const { return failed_; }

  /// Its last process is gone. True: there is another at next_at(). False: it is given up, with exit_code().
  /// Both are said in the log with `fields`. Pointless are failures of the user's making, damaged data, and
  /// what a first attempt could not open unless it says that it may be tried again. `progressed`: the next
  /// one does not begin where this one did.
  bool Another(bool progressed, std::initializer_list<LogField> fields = {});
  /// No other attempt, whatever ended this one.
  void GiveUp(const std::string& why = "");
  /// No other attempt is wanted any more.
  void Cancel() { next_at_ = kMaxTimestamp; }

  const Status& failure() const { return failure_; }
  /// When the next one may begin; kMaxTimestamp: none is decided.
  Timestamp next_at() const { return next_at_; }
  /// When this one began (monotonic), or began to work.
  Timestamp started() const { return started_; }
  /// One of them has worked.
  bool worked() const { return worked_; }
  int restarts() const { return restarts_; }
  /// Of what was given up: 1 runtime failure, 3 environment.
  int exit_code() const { return exit_code_; }
  /// What ended an attempt, the newest one; empty: nothing did.
  const std::string& last_failure() const { return last_failure_; }

 private:
  bool IsOfTheEnvironment() const;

  Env* env_;
  RestartPolicy policy_;
  Status failure_;
  bool failed_ = false;
  bool opening_ = false;
  bool worked_ = false;
  Timestamp started_ = 0;
  Timestamp next_at_ = kMaxTimestamp;
  int restarts_ = 0;
  int exit_code_ = 1;
  std::string last_failure_;
};

}  // namespace streamrun
