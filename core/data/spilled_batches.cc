#include "core/data/spilled_batches.h"

#include "core/data/arrow_ipc.h"

namespace streamrun {

namespace {

struct MappedPart {
  MappedPart(std::shared_ptr<ScratchFile> file, void* at, size_t length)
      : file(std::move(file)), at(at), length(length) {}
  ~MappedPart() { ScratchFile::Release(at, length); }
  MappedPart(const MappedPart&) = delete;
  MappedPart& operator=(const MappedPart&) = delete;

  std::shared_ptr<ScratchFile> file;
  void* at;
  size_t length;
};

}  // namespace

Result<std::unique_ptr<SpilledBatches>> SpilledBatches::Create(Env* env, const std::string& directory) {
  SR_ASSIGN_OR_RETURN(std::unique_ptr<ScratchFile> file, ScratchFile::Create(env, directory));
  return std::unique_ptr<SpilledBatches>(new SpilledBatches(std::move(file)));
}

Result<BatchPtr> SpilledBatches::Move(const BatchPtr& batch) {
  IpcLayout layout{batch->schema(), {}, static_cast<bool>(batch->origin()), batch->changes() != nullptr};
  for (int c = 0; c < batch->schema()->size(); ++c) layout.live.push_back(c);
  const BufferPtr message = EncodeIpcBatch(*batch, layout);
  const size_t page = ScratchFile::PageSize();
  const size_t length = (message->size() + page - 1) / page * page;
  SR_RETURN_IF_ERROR(file_->Allocate(end_, length));
  SR_RETURN_IF_ERROR(file_->Write(end_, message->data(), message->size()));
  void* at = ScratchFile::Reserve(length);
  if (at == nullptr) return Status::ResourceExhausted("no addresses are left for rows of a checkpoint");
  const auto part = std::make_shared<const MappedPart>(file_, at, length);
  SR_RETURN_IF_ERROR(file_->Map(at, end_, length));
  end_ += length;
  return DecodeIpcBatch(Buffer::Wrap(at, message->size(), part), layout);
}

}  // namespace streamrun
