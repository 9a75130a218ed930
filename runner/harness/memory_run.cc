#include "runner/harness/memory_run.h"

#include <algorithm>
#include <deque>
#include <limits>
#include <map>

#include "runner/harness/memory_channel.h"

namespace streamrun {

namespace {

// A checkpoint that was never written down.
class MemoryState final : public RestoredState {
 public:
  explicit MemoryState(std::vector<TaskSnapshot> tasks) : tasks_(std::move(tasks)) {}
  uint64_t epoch() const override { return tasks_.front().epoch; }
  bool committed() const override { return false; }
  std::vector<const NodeSnapshot*> All() const override {
    std::vector<const NodeSnapshot*> all;
    for (const TaskSnapshot& task : tasks_) {
      for (const NodeSnapshot& snapshot : task.nodes) all.push_back(&snapshot);
    }
    return all;
  }
  Result<std::vector<TableSnapshot>> Shapes(const NodeSnapshot& node) const override {
    std::vector<TableSnapshot> shapes;
    for (const TableSnapshot& table : node.tables) {
      if (table.rows.empty()) continue;
      shapes.push_back(table);
      shapes.back().rows.clear();
    }
    return shapes;
  }
  // The plan may be cut in another way now.
  const std::vector<ChannelCounters>* Channels() const override { return nullptr; }
  Status ReadTables(const NodeSnapshot& node,
                    const std::function<Status(const TableSnapshot&, const BatchPtr&)>& take) const override {
    for (const TableSnapshot& table : node.tables) {
      for (const BatchPtr& rows : table.rows) SR_RETURN_IF_ERROR(take(table, rows));
    }
    return Status::Ok();
  }

 private:
  std::vector<TaskSnapshot> tasks_;
};

class Family {
 public:
  Family(const LocalPlanPtr& plan, VirtualEnv& env)
      : plan_(plan), env_(env), channels_(plan->channels.size()), times_(*plan) {}

  Status Open(TaskOptions options) {
    options.times = &times_;
    std::map<int, InChannel*> in;
    std::map<int, OutChannel*> out;
    for (const Channel& c : plan_->channels) {
      in[c.id] = &channels_[static_cast<size_t>(c.id)];
      out[c.id] = &channels_[static_cast<size_t>(c.id)];
    }
    // Receivers first: when a source opens, everything it may feed is there.
    for (auto stage = plan_->stages.rbegin(); stage != plan_->stages.rend(); ++stage) {
      for (int i = 0; i < stage->parallelism; ++i) {
        SR_ASSIGN_OR_RETURN(std::unique_ptr<Task> task, CreateTask(plan_, stage->id, i, in, out, options));
        SR_RETURN_IF_ERROR(task->Open());
        members_.push_back({std::move(task), stage->has_source, false});
      }
    }
    return Status::Ok();
  }

  /// Until the sources were polled `polls` times, or everything has ended.
  Status RunFor(int polls) {
    polls_left_ = polls;
    return Run();
  }

  /// Stops the sources behind a barrier and takes what everybody is worth at it.
  Result<std::shared_ptr<const RestoredState>> TakeCheckpoint() {
    const Barrier barrier{1, BarrierKind::kStop};
    std::map<int, Ordinal> bounds;
    for (Member& member : members_) {
      for (const Task::Place& place : member.task->Trigger(barrier)) {
        bounds[place.node] = std::max(bounds[place.node], place.next);
      }
    }
    std::vector<Task::Place> places;
    places.reserve(bounds.size());
    for (const auto& [node, next] : bounds) places.push_back({node, next});
    std::vector<TaskSnapshot> snapshots;
    for (int quiet = 0; snapshots.size() < members_.size();) {
      bool worked = false;
      for (Member& member : members_) {
        member.task->SetBound(barrier.epoch, places);
        SR_ASSIGN_OR_RETURN(const StepResult result, member.task->Step());
        worked |= result == StepResult::kRan;
        if (auto snapshot = member.task->TakeSnapshot()) snapshots.push_back(std::move(*snapshot));
      }
      quiet = worked ? 0 : quiet + 1;
      if (quiet > kPatience) return Status::Internal("a barrier does not pass the pipeline");
    }
    for (const TaskSnapshot& snapshot : snapshots) {
      for (const NodeSnapshot& node : snapshot.nodes) SR_RETURN_IF_ERROR(node.failure);
    }
    return std::shared_ptr<const RestoredState>(std::make_shared<MemoryState>(std::move(snapshots)));
  }

  Status Run() {
    while (polls_left_ > 0 &&
           std::any_of(members_.begin(), members_.end(), [](const Member& m) { return !m.done; })) {
      SR_ASSIGN_OR_RETURN(const bool worked, Drain());
      if (worked) continue;
      SR_ASSIGN_OR_RETURN(const bool read, StepSources());
      if (!read && !AllDone()) SR_RETURN_IF_ERROR(PassTime());
    }
    for (const Member& member : members_) SR_RETURN_IF_ERROR(member.task->Failure());
    return Status::Ok();
  }

 private:
  struct Member {
    std::unique_ptr<Task> task;
    bool source;
    bool done;
  };

  bool AllDone() const {
    return std::all_of(members_.begin(), members_.end(), [](const Member& m) { return m.done; });
  }

  Result<bool> Step(Member& member) {
    if (member.done) return false;
    SR_ASSIGN_OR_RETURN(const StepResult result, member.task->Step());
    member.done = result == StepResult::kDone;
    return result != StepResult::kWait;
  }

  // Everybody but the sources, until nobody can go on.
  Result<bool> Drain() {
    bool any = false;
    for (bool worked = true; worked;) {
      worked = false;
      for (Member& member : members_) {
        if (member.source) continue;
        SR_ASSIGN_OR_RETURN(const bool ran, Step(member));
        worked |= ran;
      }
      any |= worked;
    }
    return any;
  }

  Result<bool> StepSources() {
    bool any = false;
    for (Member& member : members_) {
      if (!member.source) continue;
      SR_ASSIGN_OR_RETURN(const bool ran, Step(member));
      any |= ran;
    }
    polls_left_ -= any;
    return any;
  }

  // To the first deadline; a task that was woken up looks again at what it waited for.
  Status PassTime() {
    Timestamp deadline = kMaxTimestamp;
    for (const Member& member : members_) {
      if (!member.done) deadline = std::min(deadline, member.task->Wait().deadline);
    }
    if (deadline == kMaxTimestamp) {
      if (++stuck_ < kPatience) return Status::Ok();
      return Status::Internal("the pipeline waits for something that a test cannot give");
    }
    stuck_ = 0;
    env_.Advance(std::max<Duration>(1, deadline - env_.MonotonicNow()));
    return Status::Ok();
  }

  // Rounds in which nobody worked although nobody has a deadline: an event may have been taken from a channel
  // in the last one.
  static constexpr int kPatience = 3;

  LocalPlanPtr plan_;
  VirtualEnv& env_;
  std::deque<MemoryChannel> channels_;
  TimeBoard times_;
  std::vector<Member> members_;
  int stuck_ = 0;
  int polls_left_ = std::numeric_limits<int>::max();
};

}  // namespace

Status RunInMemory(const LocalPlanPtr& plan, const TaskOptions& options, VirtualEnv& env) {
  Family family(plan, env);
  SR_RETURN_IF_ERROR(family.Open(options));
  return family.Run();
}

Status RunInterrupted(const LocalPlanPtr& plan, int polls, const LocalPlanPtr& then,
                      const TaskOptions& options, VirtualEnv& env) {
  TaskOptions resumed = options;
  {
    Family family(plan, env);
    SR_RETURN_IF_ERROR(family.Open(options));
    SR_RETURN_IF_ERROR(family.RunFor(polls));
    SR_ASSIGN_OR_RETURN(resumed.restore, family.TakeCheckpoint());
  }
  Family family(then, env);
  SR_RETURN_IF_ERROR(family.Open(resumed));
  return family.Run();
}

PlanPtr SpreadPlan(const Plan& plan, int parallelism) {
  auto spread = std::make_shared<Plan>(plan);
  // Rows must not join others behind a watermark or a turn of the clock that the case put between them.
  spread->settings.linger = 0;
  for (PlanNode& node : spread->nodes) {
    const bool single =
        node.op && std::any_of(node.op->exchanges.begin(), node.op->exchanges.end(),
                               [](const Exchange& e) { return e.kind == Exchange::Kind::kSingle; });
    const bool fixed = node.source || single || (node.sink && node.sink->single_writer);
    node.parallelism = fixed ? 1 : parallelism;
  }
  return spread;
}

}  // namespace streamrun
