// The logical plan: a pipeline file that was found to be right, with everything bound. Immutable.
//
// It knows no process, socket or engine: runner/local cuts it into stages and workers, another engine could
// take it elsewhere. An invalid plan cannot be built.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/component/registry.h"
#include "runner/config/pipeline_file.h"

namespace streamrun {

enum class Delivery : uint8_t { kAuto, kAtMostOnce, kAtLeastOnce, kExactlyOnce };
std::string_view DeliveryName(Delivery delivery);

enum class OnError : uint8_t { kDeadLetter, kDrop, kFail };
/// What becomes of a row that ends the worker process each time.
enum class OnCrash : uint8_t { kFail, kDeadLetter };

/// How whole batches are dealt to the instances of a node whose rows need not meet by key. kAuto: stay where
/// they are when both ends have equally many instances, else in turn.
enum class Balance : uint8_t { kAuto, kRoundRobin, kLeastLoaded };

struct PlanSettings {
  int parallelism = 1;
  /// Key groups that rows are dealt in; state is stored by them.
  int max_parallelism = 128;
  /// Nodes that are gone, whose state may go.
  std::vector<std::string> drop_state;
  Delivery delivery = Delivery::kAuto;
  std::string state_dir;  // empty = default
  int64_t max_row = 1 << 20;
  Duration linger = 5 * kMillisecond;
  Duration checkpoint_interval = 10 * kSecond;  // kMaxTimestamp: only at a stop and at the end
  Duration checkpoint_timeout = 60 * kSecond;
  int64_t checkpoint_reserve = int64_t{64} << 20;
  int64_t worker_memory = 0;  // bytes a worker may take, 0: no limit
  OnCrash on_crash = OnCrash::kFail;
  int64_t dead_letter_max = int64_t{1} << 30;
  bool dead_letter_drop_oldest = false;
  /// settings.engine.local
  enum class Fuse : uint8_t { kAuto, kAll, kNone } fuse = Fuse::kAuto;
  Duration stop_deadline = 30 * kSecond;
};

/// How a source's rows tell the time.
struct EventTime {
  int column = -1;  // in the source's schema; -1: processing time only
  Duration out_of_order = 0;
  std::optional<Duration> idle_after;
  Duration max_future = kHour;
  /// The source waits while its watermark is further than this ahead of those of the other sources.
  std::optional<Duration> max_drift;
  enum class Clock : uint8_t { kRows, kProcessing } clock = Clock::kRows;
  /// Over the source's schema, of the column's type; null: none. A value is a watermark.
  ExpressionPtr punctuation;
};

/// `buffer: durable`: an ingest worker takes what the source gives into a log on disk, and the pipeline reads
/// that.
struct SourceBuffer {
  enum class Type : uint8_t { kDurable } type = Type::kDurable;
  int64_t max = int64_t{4} << 30;       // bytes of the log; then the input waits or is refused
  int64_t segment = int64_t{64} << 20;  // bytes of one of its files
  Duration sync = 0;  // how long records may wait to share a sync beyond what load makes them
  bool skip_damage = false;
};

struct PlanNode {
  std::string name;
  ComponentKind kind = ComponentKind::kOperator;
  std::string component;  // "filter", "file"
  SourceMark mark;

  struct Input {
    int node = -1;
    int port = 0;
  };
  std::vector<Input> inputs;

  /// Output ports. A node that can fail has the host's `errors` port last; its rows have DeadLetterSchema().
  std::vector<PortSpec> ports;
  std::vector<SchemaPtr> outputs;
  int errors_port = -1;
  /// Per port and column: does anyone downstream read it? (Filled after all nodes are bound.)
  std::vector<std::vector<bool>> wanted;
  /// Per port: is any node wired to it?
  std::vector<bool> wired;
  /// Its input (or, for a source, its output) carries the origin of rows because someone may report a
  /// failure.
  bool origin = false;

  /// Name that it had in an earlier version of the file; empty: this one.
  std::string renamed_from;
  /// Operators: saved state of another shape is dropped instead of refused.
  bool reset_state = false;

  Balance balance = Balance::kAuto;
  int parallelism = 1;  // resolved: the node's own, else the pipeline's, capped to 1 where only one can be
  OnError on_error = OnError::kDeadLetter;
  /// `process: own` keeps the node out of its neighbours' process.
  bool own_process = false;

  // Exactly one of source, op, sink is set.
  std::shared_ptr<const BoundSource> source;
  const SourceDefinition* source_definition = nullptr;
  std::optional<SourceBuffer> buffer;
  /// What it gave out since a checkpoint comes again after a crash.
  bool replayable() const { return source->replayable || buffer; }
  EventTime event_time;
  std::shared_ptr<const BoundOperator> op;
  const OperatorDefinition* op_definition = nullptr;
  std::shared_ptr<const BoundSink> sink;
  const SinkDefinition* sink_definition = nullptr;
  bool ordered = true;  // sinks: `order: file` (default) or `any`
  /// Byte sinks of a changing input: what is encoded has the change kind as its first column. Null: none.
  SchemaPtr with_op;
  /// Byte sources and byte sinks.
  std::shared_ptr<const BoundFormat> format;

  /// Schema of input `i`; for sinks and operators.
  std::vector<SchemaPtr> input_schemas;
};

class Plan {
 public:
  std::string pipeline;  // name
  PlanSettings settings;
  /// In file order; `order` is topological (every node after its inputs).
  std::vector<PlanNode> nodes;
  std::vector<int> order;
  /// What each sink can rely on, for `explain` and the start line.
  struct Path {
    int source;
    int sink;
    Delivery delivery;
    std::string reason;  // the weakest link in words
  };
  std::vector<Path> paths;
  /// Hash of the canonical pipeline without secrets, 16 hex digits.
  std::string hash;
  ConfigValue config;

  int Find(std::string_view name) const;
  const PlanNode& node(int i) const { return nodes[static_cast<size_t>(i)]; }
};
using PlanPtr = std::shared_ptr<const Plan>;

/// Binds everything; all problems are reported in one go. Null when there is an error.
PlanPtr BuildPlan(const PipelineFile& file, Diagnostics& diagnostics);

}  // namespace streamrun
