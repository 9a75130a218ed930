// What supervisor and worker say to each other (docs/formats/control.md): typed here, JSON on the wire.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/base/logging.h"
#include "core/base/status.h"
#include "runner/exec/batch_place.h"
#include "runner/exec/task.h"

namespace streamrun {

// --- Worker to supervisor --------------------------------------------------------------------------------

/// The worker runs.
struct RegisterMessage {
  int64_t pid = 0;
};
/// All receiving ends are bound: senders may connect.
struct BoundMessage {};
/// Every input got its HELLO and every component is open; restored, with what it had counted.
struct ReadyMessage {
  TaskCounters counters;
};
/// Sent every second by a thread of its own, so that its absence means a stopped process, and an unmoved
/// `steps` a component that does not return.
struct BeatMessage {
  int64_t steps = 0;
  std::string blocked_on;  // empty: computing
  TaskCounters counters;
};
/// The worker cannot go on and waits to be ended.
struct FailMessage {
  Status status;
  bool opening = false;    // before START: an address in use, a file that is missing
  bool peer_gone = false;  // only because another worker went: not the cause
};
/// Everything ended and was handed over; the worker takes part in epochs until EXIT.
struct DoneMessage {
  TaskCounters counters;
  Status failure;  // why an input ended before its end; ok: everything was read
};

/// Answer of a worker with sources to TRIGGER.
struct PlacesMessage {
  uint64_t epoch = 0;
  std::vector<Task::Place> places;
};
/// The worker's part of the epoch is durable.
struct AckMessage {
  uint64_t epoch = 0;
  std::string fragment;  // PrintFragment
};
/// It cannot be made durable.
struct NackMessage {
  uint64_t epoch = 0;
  std::string why;
};
struct CommittedMessage {
  uint64_t epoch = 0;
};
/// Every node has taken in its share of the orders to replay up to this one.
struct ReplayedMessage {
  uint64_t order = 0;
};

// --- Supervisor to worker --------------------------------------------------------------------------------

struct AssignMessage {
  std::string pipeline;  // canonical JSON with secrets
  std::string file;      // name for messages
  std::string plan_hash;
  int stage = 0;
  int instance = 0;
  /// Not a stage but the ingest worker of this node; -1: a stage.
  int ingest = -1;
  uint64_t generation = 0;
  uint64_t attempt = 0;
  std::string run_directory;
  std::string endpoint_directory;
  std::string dead_letter_directory;
  std::string scratch_directory;
  std::string stage_directory;
  std::string state_directory;  // where checkpoints lie
  std::string identity;
  std::string checkpoint;  // directory of the checkpoint to go on from; empty: begin anew
  uint64_t run = 0;        // the generation that began anew
  uint64_t replay_to = 0;  // orders to replay that are applied at the start
  bool once = false;
  bool restarted = false;  // an earlier attempt of this generation ran
  std::vector<CarefulRows> careful;
  LogLevel log_level = LogLevel::kInfo;
  bool log_json = false;
};
struct ConnectMessage {};
struct StartMessage {};
/// Orders to replay up to this one are applied before any other input; no barrier is under way.
struct ReplayMessage {
  uint64_t order = 0;
};
/// Sources put a barrier. Other workers may see it before they read this.
struct TriggerMessage {
  uint64_t epoch = 0;
  BarrierKind kind = BarrierKind::kPeriodic;
};
/// Behind which ordinal the instances of sources put the barrier.
struct PlaceBarrierMessage {
  uint64_t epoch = 0;
  std::vector<Task::Place> bounds;
};
/// The epoch was given up.
struct AbortMessage {
  uint64_t epoch = 0;
};
/// The epoch is decided.
struct CommitMessage {
  uint64_t epoch = 0;
};
/// Leave now.
struct ExitMessage {};

using ControlMessage =
    std::variant<RegisterMessage, BoundMessage, ReadyMessage, BeatMessage, FailMessage, DoneMessage,
                 PlacesMessage, AckMessage, NackMessage, CommittedMessage, ReplayedMessage, AssignMessage,
                 ConnectMessage, StartMessage, TriggerMessage, PlaceBarrierMessage, AbortMessage,
                 CommitMessage, ReplayMessage, ExitMessage>;

std::string EncodeControl(const ControlMessage& message);
/// kCorruption when it is no such message or a field is missing or of another type.
Result<ControlMessage> DecodeControl(std::string_view json);
/// "ASSIGN", for logs.
std::string_view ControlName(const ControlMessage& message);

}  // namespace streamrun
