// The keys of a pipeline file that belong to no component: top level, settings, and what every node may have.
#pragma once

#include <string>
#include <vector>

#include "core/component/config_spec.h"
#include "runner/plan/plan.h"

namespace streamrun {

/// Written form of `settings:`.
struct SettingsConfig {
  struct DeadLetter {
    int64_t max_size = int64_t{1} << 30;
    bool drop_oldest = false;
  };
  struct Local {
    PlanSettings::Fuse fuse = PlanSettings::Fuse::kAuto;
  };
  struct Engine {
    Local local;
  };
  struct Checkpoint {
    Duration interval = 10 * kSecond;
    Duration timeout = 60 * kSecond;
    int64_t reserve = int64_t{64} << 20;
  };
  std::string parallelism = "1";
  int64_t max_parallelism = 128;
  ConfigValue drop_state;
  Delivery delivery = Delivery::kAuto;
  std::string state_dir;
  int64_t max_row = 1 << 20;
  Duration linger = 5 * kMillisecond;
  Duration stop_deadline = 30 * kSecond;
  int64_t worker_memory = 0;
  OnCrash on_crash = OnCrash::kFail;
  OnError on_error = OnError::kDeadLetter;
  DeadLetter dead_letter;
  Checkpoint checkpoint;
  Engine engine;
};

struct EventTimeConfig {
  ConfigValue column;
  Duration out_of_order = 0;
  ConfigValue idle_after;
  Duration max_future = kHour;
  ConfigValue max_drift;
  EventTime::Clock clock = EventTime::Clock::kRows;
  Sql punctuation;
};

enum class StateChoice : uint8_t { kKeep, kReset };
enum class Process : uint8_t { kShared, kOwn };
enum class SinkOrder : uint8_t { kFile, kAny };
enum class SinkChanges : uint8_t { kRefuse, kOpColumn };

/// What the plan reads of every node, besides the component's own fields.
struct NodeConfig {
  // sources, sinks
  ConfigValue connector;
  ConfigValue format;
  // sources
  ConfigValue schema;
  ConfigValue event_time;
  SourceBuffer buffer;
  // operators
  ConfigValue op;
  StateChoice state = StateChoice::kKeep;
  // operators, sinks
  ConfigValue input;
  Balance balance = Balance::kAuto;
  // sinks
  SinkOrder order = SinkOrder::kFile;
  SinkChanges changes = SinkChanges::kRefuse;
  // all
  ConfigValue renamed_from;
  int64_t parallelism = 0;
  OnError on_error = OnError::kDeadLetter;
  Process process = Process::kShared;
};

const std::vector<FieldSpec>& SettingsFields();
const std::vector<FieldSpec>& EventTimeFields();
/// The common fields of one kind of node (kSource, kOperator, kSink).
const std::vector<FieldSpec>& NodeFields(ComponentKind kind);
/// Top-level keys with their help, in the order of a well-written file.
const std::vector<std::pair<std::string, std::string>>& TopLevelKeys();

}  // namespace streamrun
