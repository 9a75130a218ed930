#include "runner/checkpoint/snapshot_writer.h"

#include <set>
#include <utility>

#include "core/base/failpoint.h"

namespace streamrun {

namespace {

// What sinks wrote, then the directories that name it. `may_be_gone`: dead letters may have made room for
// newer ones meanwhile (DeadLetterFile).
Status SyncPrepared(Env* env, const Prepared& prepared, bool may_be_gone, std::set<std::string>* directories,
                    bool* output_lost) {
  for (const std::string& file : prepared.files) {
    const Status status = env->SyncFile(file);
    if (may_be_gone && status.code() == Code::kNotFound) continue;
    *output_lost = !status.ok();
    SR_RETURN_IF_ERROR(status);
  }
  directories->insert(prepared.directories.begin(), prepared.directories.end());
  return Status::Ok();
}

}  // namespace

Result<Fragment> StoreSnapshot(Env* env, const std::string& directory, const std::string& name,
                               TaskSnapshot snapshot, LiveSegments* live, bool* output_lost) {
  Fragment fragment;
  fragment.stage = snapshot.stage;
  fragment.instance = snapshot.instance;
  fragment.attempt = snapshot.attempt;
  fragment.channels = std::move(snapshot.channels);
  fragment.dead_letters = std::move(snapshot.dead_letters);
  std::set<std::string> directories;
  for (NodeSnapshot& node : snapshot.nodes) {
    SR_RETURN_IF_ERROR(node.failure);
    StoredNode stored;
    const std::string prefix = name + "." + node.node + "." + std::string(NodePartName(node.part)) + ".";
    for (const TableSnapshot& table : std::exchange(node.tables, {})) {
      SR_ASSIGN_OR_RETURN(auto segments, live->Store(directory, snapshot.epoch, prefix, table));
      stored.tables.push_back(
          {table.name, table.schema->ToString(), table.key_columns, std::move(segments), table.version});
    }
    SR_RETURN_IF_ERROR(SyncPrepared(env, node.prepared, false, &directories, output_lost));
    stored.snapshot = std::move(node);
    fragment.nodes.push_back(std::move(stored));
  }
  live->Keep(snapshot.epoch);
  SR_RETURN_IF_ERROR(SyncPrepared(env, fragment.dead_letters, true, &directories, output_lost));
  SR_RETURN_IF_ERROR(SR_FAILPOINT("snapshot.synced"));
  directories.insert(directory);
  for (const std::string& d : directories) {
    const Status status = env->SyncDirectory(d);
    *output_lost = !status.ok() && d != directory;
    SR_RETURN_IF_ERROR(status);
  }
  SR_RETURN_IF_ERROR(SR_FAILPOINT("snapshot.stored"));
  return fragment;
}

SnapshotWriter::SnapshotWriter(Env* env, std::string name, LiveSegments live, Done done)
    : env_(env), name_(std::move(name)), live_(std::move(live)), done_(std::move(done)), thread_([this] {
        Run();
      }) {}

SnapshotWriter::~SnapshotWriter() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void SnapshotWriter::Write(std::string directory, TaskSnapshot snapshot) {
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !job_; });
    job_ = Job{std::move(directory), std::move(snapshot)};
  }
  changed_.notify_all();
}

void SnapshotWriter::Run() {
  for (;;) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return stop_ || job_; });
    if (!job_) return;
    Job job = std::move(*job_);
    lock.unlock();
    const uint64_t epoch = job.snapshot.epoch;
    bool output_lost = false;
    const auto stored =
        StoreSnapshot(env_, job.directory, name_, std::move(job.snapshot), &live_, &output_lost);
    done_(epoch, stored, output_lost);
    lock.lock();
    job_.reset();
    lock.unlock();
    changed_.notify_all();
    // Nobody waits for it, unless the next epoch comes meanwhile.
    live_.Join();
  }
}

}  // namespace streamrun
