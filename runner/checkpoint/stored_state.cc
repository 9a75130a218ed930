#include "runner/checkpoint/stored_state.h"

#include <algorithm>

#include "core/base/failpoint.h"

namespace streamrun {

namespace {

// Manifests of very many files (positions) stay far below this.
constexpr uint64_t kMaxManifest = uint64_t{1} << 30;

class StoredState final : public RestoredState {
 public:
  StoredState(Env* env, std::string directory, Manifest manifest, const std::string& plan_hash)
      : env_(env),
        directory_(std::move(directory)),
        manifest_(std::move(manifest)),
        same_plan_(manifest_.plan_hash == plan_hash) {
    for (const Fragment& fragment : manifest_.fragments) {
      channels_.insert(channels_.end(), fragment.channels.begin(), fragment.channels.end());
    }
  }

  uint64_t epoch() const override { return manifest_.epoch; }
  uint64_t replayed() const override { return manifest_.replayed; }
  bool committed() const override { return env_->Info(directory_ + "/committed").ok(); }

  std::vector<const NodeSnapshot*> All() const override {
    std::vector<const NodeSnapshot*> all;
    for (const Fragment& fragment : manifest_.fragments) {
      for (const StoredNode& stored : fragment.nodes) all.push_back(&stored.snapshot);
    }
    return all;
  }

  Result<std::vector<TableSnapshot>> Shapes(const NodeSnapshot& node) const override {
    std::vector<TableSnapshot> shapes;
    for (const StoredTable& table : Stored(node).tables) {
      const bool any = std::any_of(table.segments.begin(), table.segments.end(),
                                   [](const SegmentInfo& segment) { return segment.rows > 0; });
      if (!any) continue;
      Result<TableSnapshot> shape = ReadShape(env_, directory_ + "/" + table.segments.back().file);
      if (!shape.ok()) return shape.status().WithContext("state '" + table.name + "'");
      shape->version = table.version;
      shapes.push_back(std::move(*shape));
    }
    return shapes;
  }

  const std::vector<ChannelCounters>* Channels() const override { return same_plan_ ? &channels_ : nullptr; }

  Status ReadTables(const NodeSnapshot& node,
                    const std::function<Status(const TableSnapshot&, const BatchPtr&)>& take) const override {
    for (const StoredTable& table : Stored(node).tables) {
      std::vector<std::string> paths;
      for (const SegmentInfo& segment : table.segments) paths.push_back(directory_ + "/" + segment.file);
      SR_RETURN_IF_ERROR(ReadChain(env_, paths, take).WithContext("state '" + table.name + "'"));
    }
    return Status::Ok();
  }

 private:
  const StoredNode& Stored(const NodeSnapshot& node) const {
    for (const Fragment& fragment : manifest_.fragments) {
      for (const StoredNode& stored : fragment.nodes) {
        if (&stored.snapshot == &node) return stored;
      }
    }
    SR_CHECK(false);
  }

  Env* env_;
  const std::string directory_;
  const Manifest manifest_;
  const bool same_plan_;
  std::vector<ChannelCounters> channels_;
};

}  // namespace

Result<std::shared_ptr<const RestoredState>> OpenStoredState(Env* env, const std::string& directory,
                                                             const std::string& plan_hash) {
  SR_RETURN_IF_ERROR(SR_FAILPOINT("restore.opened"));
  SR_ASSIGN_OR_RETURN(const std::string text, env->ReadFile(directory + "/manifest", kMaxManifest));
  Result<Manifest> manifest = ParseManifest(text);
  if (!manifest.ok()) return manifest.status().WithContext(directory + "/manifest");
  return std::shared_ptr<const RestoredState>(
      std::make_shared<StoredState>(env, directory, std::move(*manifest), plan_hash));
}

}  // namespace streamrun
