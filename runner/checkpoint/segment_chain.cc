// Chains of segments on disk.
#include <utility>

#include "runner/checkpoint/segment_format.h"
#include "runner/exec/table_chain.h"

namespace streamrun {

namespace {

class SegmentChain final : public TableChain {
 public:
  SegmentChain(Env* env, const std::vector<std::string>& paths) : env_(env), paths_(paths) {}
  size_t links() const override { return paths_.size(); }
  std::string name(size_t link) const override { return paths_[link]; }
  Result<std::unique_ptr<TableLink>> Open(size_t link) const override {
    SR_ASSIGN_OR_RETURN(auto reader, segment_format::Reader::Open(env_, paths_[link]));
    return std::unique_ptr<TableLink>(std::move(reader));
  }

 private:
  Env* env_;
  const std::vector<std::string>& paths_;
};

}  // namespace

Status ReadChain(Env* env, const std::vector<std::string>& paths, const TakeTableRows& take) {
  return ReadTableChain(SegmentChain(env, paths), take);
}

Status CompactChain(Env* env, const std::vector<std::string>& paths, const std::string& to,
                    SegmentInfo* info) {
  const SegmentChain chain(env, paths);
  SR_ASSIGN_OR_RETURN(const TableSnapshot shape, ShapeOfChain(chain));
  SR_ASSIGN_OR_RETURN(auto writer, segment_format::Writer::Create(env, to, shape));
  SR_RETURN_IF_ERROR(ReadTableChain(
      chain, [&](const TableSnapshot&, const BatchPtr& rows) { return writer->AddRows(rows); }));
  return writer->Finish(info);
}

}  // namespace streamrun
