#include "runner/harness/feed_source.h"

#include <charconv>

#include "core/data/column_builder.h"
#include "runner/harness/row_text.h"

namespace streamrun {

namespace {

class FeedSource final : public Source {
 public:
  FeedSource(const PlanNode& node, const std::vector<FeedItem>& items, bool row_by_row, VirtualEnv* env)
      : node_(node),
        items_(items),
        row_by_row_(row_by_row),
        env_(env),
        split_(std::make_shared<const std::string>("feed:" + node.name)) {}

  Status Open(SourceContext&, const std::vector<std::string>& positions) override {
    if (positions.empty()) return Status::Ok();
    const std::string& text = positions.front();
    const size_t comma = text.find(',');
    const char* const end = text.data() + text.size();
    const bool whole = comma != std::string::npos &&
                       std::from_chars(text.data(), text.data() + comma, at_).ec == std::errc() &&
                       std::from_chars(text.data() + comma + 1, end, offset_).ec == std::errc();
    return whole ? Status::Ok() : Status::Internal("a feed cannot go on from " + text);
  }

  std::string Position() const override { return std::to_string(at_) + "," + std::to_string(offset_); }

  Result<SourceOutcome> Poll(SourceOutput& out) override {
    if (at_ >= items_.size()) return SourceOutcome::kDone;
    const FeedItem& item = items_[at_];
    switch (item.kind) {
      case FeedItem::Kind::kRow:
        SR_RETURN_IF_ERROR(EmitRows(out));
        return SourceOutcome::kMore;
      case FeedItem::Kind::kRaw:
        if (!node_.format) {
          return Status::InvalidArgument(Where(item) + "source '" + node_.name +
                                         "' makes rows itself: feed rows, not records");
        }
        EmitRecords(out);
        return SourceOutcome::kMore;
      case FeedItem::Kind::kWatermark:
        out.AdvanceTime(item.time);
        break;
      case FeedItem::Kind::kClock:
        item.advance >= 0 ? env_->Advance(item.advance) : env_->SetWall(item.time);
        break;
      case FeedItem::Kind::kIdle:
        out.GoIdle();
        break;
    }
    ++at_;
    return SourceOutcome::kMore;
  }

 private:
  static std::string Where(const FeedItem& item) {
    const SourceMark& mark = item.value.mark();
    return mark.file + ":" + std::to_string(mark.line) + ":" + std::to_string(mark.column) + ": ";
  }

  Status EmitRows(SourceOutput& out) {
    const SchemaPtr& schema = node_.outputs[0];
    std::vector<ColumnBuilder> builders;
    for (const Field& field : schema->fields()) builders.emplace_back(field.type);
    BufferBuilder offsets;
    int64_t rows = 0;
    do {
      const FeedItem& item = items_[at_];
      for (const auto& [key, value] : item.value.entries()) {
        if (schema->Find(key.text()) < 0) {
          return Status::InvalidArgument(Where(item) + "source '" + node_.name + "' has no column '" +
                                         key.text() + "'");
        }
      }
      for (int c = 0; c < schema->size(); ++c) {
        const ConfigValue* value = nullptr;
        for (const auto& [key, v] : item.value.entries()) {
          if (schema->Find(key.text()) == c) value = &v;
        }
        SR_RETURN_IF_ERROR(AppendConfigValue(value ? *value : ConfigValue(), builders[static_cast<size_t>(c)])
                               .WithContext(Where(item) + "column '" + schema->field(c).name + "'"));
      }
      offsets.Push(static_cast<int64_t>(at_));
      ++rows;
      ++at_;
    } while (!row_by_row_ && at_ < items_.size() && items_[at_].kind == FeedItem::Kind::kRow);
    std::vector<ColumnPtr> columns;
    for (ColumnBuilder& builder : builders) columns.push_back(builder.Finish());
    out.EmitBatch(
        std::make_shared<const Batch>(schema, rows, std::move(columns), Origin{split_, offsets.Finish()}),
        kNoOrdinal);
    return Status::Ok();
  }

  // A line-delimited format gets lines as a file has them; another one gets each record as a message.
  void EmitRecords(SourceOutput& out) {
    const bool lines = node_.format->traits.line_delimited;
    BufferBuilder bytes, ends;
    Chunk chunk;
    chunk.split = split_;
    chunk.offset = lines ? offset_ : static_cast<int64_t>(at_);
    do {
      const std::string& text = items_[at_].value.text();
      bytes.Append(text.data(), text.size());
      if (lines) bytes.Push('\n');
      ends.Push(static_cast<uint32_t>(bytes.size()));
      ++at_;
    } while (!row_by_row_ && at_ < items_.size() && items_[at_].kind == FeedItem::Kind::kRaw);
    offset_ += static_cast<int64_t>(bytes.size());
    chunk.bytes = bytes.Finish();
    if (!lines) chunk.record_ends = ends.Finish();
    out.EmitChunk(std::move(chunk));
  }

  const PlanNode& node_;
  const std::vector<FeedItem>& items_;
  bool row_by_row_;
  VirtualEnv* env_;
  std::shared_ptr<const std::string> split_;
  size_t at_ = 0;
  int64_t offset_ = 0;  // bytes of lines fed so far
};

}  // namespace

std::unique_ptr<Source> MakeFeedSource(const PlanNode& node, const std::vector<FeedItem>& items,
                                       bool row_by_row, VirtualEnv* env) {
  return std::make_unique<FeedSource>(node, items, row_by_row, env);
}

}  // namespace streamrun
