#include "connectors/file/file_output.h"

#include <utility>

#include "connectors/file/partitioned_output.h"
#include "connectors/file/path_columns.h"
#include "connectors/file/single_output.h"
#include "connectors/file/sink_path.h"
#include "core/stream/descriptor_sink.h"

namespace streamrun {
namespace {

// Null for what is or becomes a file.
std::unique_ptr<Sink> DirectSink(Env* env, const std::string& path) {
  if (path == "/dev/stdout" || path == "/dev/fd/1") return CreateDescriptorSink(1, "stdout");
  if (path == "/dev/stderr" || path == "/dev/fd/2") return CreateDescriptorSink(2, "stderr");
  const Result<FileInfo> info = env->Info(path);
  if (!info.ok() || info->is_regular || info->is_directory) return nullptr;
  return CreateDescriptorSink(path);
}

// What the path means is known when it is opened: a pipe or device is written directly.
class FileSink final : public Sink {
 public:
  explicit FileSink(FileSinkConfig config) : config_(std::move(config)) {}

  Status Open(SinkContext& context) override {
    sink_ = config_.partitioned() ? CreatePartitionedSink(config_) : DirectSink(context.env, config_.path);
    if (!sink_) sink_ = CreateSingleSink(config_);
    return sink_->Open(context);
  }
  Result<SinkOutcome> WriteBytes(const Encoded& records) override { return sink_->WriteBytes(records); }
  Result<SinkOutcome> Flush() override { return sink_->Flush(); }
  WaitSpec Wait() override { return sink_->Wait(); }
  Result<Prepared> Prepare(uint64_t epoch) override { return sink_->Prepare(epoch); }
  Result<SinkOutcome> Commit(uint64_t epoch, const std::string& handle) override {
    return sink_->Commit(epoch, handle);
  }
  Result<SinkOutcome> Finish(bool complete) override { return sink_->Finish(complete); }

 private:
  const FileSinkConfig config_;
  std::unique_ptr<Sink> sink_;
};

}  // namespace

std::string FileSinkConfig::full_path() const { return rolls() ? WithNumber(path) : path; }

bool FileSinkConfig::partitioned() const { return !ColumnsIn(path).empty(); }

std::unique_ptr<Sink> CreateFileSink(FileSinkConfig config) {
  return std::make_unique<FileSink>(std::move(config));
}

}  // namespace streamrun
