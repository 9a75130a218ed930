#include "runner/cli/letter_box.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "core/data/column_builder.h"
#include "core/data/selection.h"
#include "core/data/text_io.h"
#include "core/stream/codec.h"
#include "core/stream/dead_letter.h"
#include "runner/checkpoint/inspect.h"
#include "runner/exec/dead_letter_files.h"
#include "runner/exec/dead_letters.h"

namespace streamrun {

namespace {

constexpr size_t kBlock = 1 << 20;

std::string TextAt(const Batch& batch, int column, int64_t row) {
  const Column& c = *batch.column(column);
  return c.IsNull(row) ? std::string() : std::string(c.Text(row));
}

std::optional<std::string> MaybeText(const Batch& batch, int column, int64_t row) {
  const Column& c = *batch.column(column);
  return c.IsNull(row) ? std::nullopt : std::optional<std::string>(c.Text(row));
}

int64_t NumberAt(const Batch& batch, int column, int64_t row, int64_t null) {
  const Column& c = *batch.column(column);
  return c.IsNull(row) ? null : c.values<int64_t>()[row];
}

// What a decoder makes of the lines of a file, with the place of each.
class Lines final : public DecodeOutput {
 public:
  void Emit(BatchPtr batch) override { batches.push_back(std::move(batch)); }
  void FailRecord(int64_t offset, std::string_view, std::string, std::string message) override {
    if (status.ok()) status = Status::Corruption("byte " + std::to_string(offset) + ": " + message);
  }
  std::vector<BatchPtr> batches;
  Status status;
};

Result<std::vector<BatchPtr>> DecodeLetters(const BoundFormat& format, std::string_view text,
                                            uint64_t offset) {
  DecodeOptions options;
  options.schema = format.schema;
  options.wanted.assign(static_cast<size_t>(format.schema->size()), true);
  options.origin = true;
  BufferBuilder bytes;
  bytes.Append(text.data(), text.size());
  Chunk chunk;
  chunk.bytes = bytes.Finish();
  chunk.split = std::make_shared<const std::string>();
  chunk.offset = static_cast<int64_t>(offset);
  const std::unique_ptr<Decoder> decoder = format.CreateDecoder(options);
  SR_RETURN_IF_ERROR(decoder->Begin(chunk));
  Lines lines;
  for (Outcome outcome = Outcome::kHaveMore; outcome == Outcome::kHaveMore && lines.status.ok();) {
    SR_ASSIGN_OR_RETURN(outcome, decoder->Decode(lines));
  }
  if (!lines.status.ok()) return lines.status;
  return std::move(lines.batches);
}

}  // namespace

std::string_view LetterStateName(LetterState state) {
  switch (state) {
    case LetterState::kOpen:
      return "open";
    case LetterState::kWaiting:
      return "waiting for replay";
    case LetterState::kReplayed:
      return "replayed";
    case LetterState::kNew:
      return "not in a checkpoint yet";
    case LetterState::kEarlier:
      break;
  }
  return "of an earlier run";
}

SchemaPtr LetterSchema() {
  static const SchemaPtr schema = [] {
    std::vector<Field> fields = DeadLetterSchema()->fields();
    fields.push_back({"state", TypeId::kText});
    return std::make_shared<const Schema>(std::move(fields));
  }();
  return schema;
}

Result<std::optional<Evaluator>> LetterCondition(const std::string& where) {
  if (where.empty()) return std::optional<Evaluator>();
  ExprProblem problem;
  auto bound = BindExpressionAs(where, Scope(LetterSchema()), TypeId::kBoolean, &problem);
  if (!bound.ok()) {
    return Status::InvalidArgument("--where, character " + std::to_string(problem.offset + 1) + ": " +
                                   problem.message + (problem.suggestion.empty() ? "" : "; ") +
                                   problem.suggestion);
  }
  return std::optional<Evaluator>(Evaluator(*bound, Env::Default()));
}

Result<LetterBox> LetterBox::Open(Env* env, const std::string& state_directory) {
  if (!env->Info(state_directory).ok()) {
    return Status::NotFound("there is no state directory " + state_directory + ": the pipeline never ran");
  }
  LetterBox box(env, state_directory);
  // Orders first: what is applied meanwhile is then taken for waiting, never the other way round.
  SR_RETURN_IF_ERROR(box.FindOrders());
  SR_RETURN_IF_ERROR(box.FindCheckpoint());
  return box;
}

Status LetterBox::FindOrders() {
  SR_ASSIGN_OR_RETURN(orders_, ListReplayOrders(env_, directory_));
  for (const ReplayOrder& order : orders_) {
    SR_ASSIGN_OR_RETURN(const auto reader, ReplayReader::Open(env_, ReplayPath(directory_, order.number)));
    for (;;) {
      SR_ASSIGN_OR_RETURN(const std::optional<ReplayLine> line, reader->Next());
      if (!line) break;
      ordered_[line->token] = order.number;
    }
  }
  return Status::Ok();
}

Status LetterBox::FindCheckpoint() {
  Result<StoredCheckpoint> current = OpenCheckpoint(env_, directory_, "");
  if (!current.ok() && current.status().code() == Code::kNotFound) return Status::Ok();
  if (!current.ok()) return current.status();
  checkpoint_ = std::move(current->manifest);
  committed_ = current->committed;
  return Status::Ok();
}

std::vector<ReplayOrder> LetterBox::Waiting() const {
  std::vector<ReplayOrder> waiting;
  for (const ReplayOrder& order : orders_) {
    if (!checkpoint_ || order.number > checkpoint_->replayed) waiting.push_back(order);
  }
  return waiting;
}

Result<std::vector<LetterBox::File>> LetterBox::Files() const {
  std::vector<KeptLetters> kept;
  if (checkpoint_) {
    for (const Fragment& f : checkpoint_->fragments) {
      kept.push_back({{f.generation, f.attempt, f.stage, f.instance}, f.dead_letters.handle});
    }
  }
  std::vector<File> files;
  SR_ASSIGN_OR_RETURN(const std::vector<StoredLetters> stored, ListDeadLetters(env_, directory_ + "/dlq"));
  for (const StoredLetters& letters : stored) {
    SR_ASSIGN_OR_RETURN(const uint64_t settled, SettledLength(letters, kept));
    files.push_back(
        {letters.file, letters.size, settled, checkpoint_ && letters.name.generation < checkpoint_->begun});
  }
  return files;
}

Letter LetterBox::LetterOf(const Batch& batch, int64_t row) const {
  Letter letter;
  letter.node = TextAt(batch, 0, row);
  letter.port = TextAt(batch, 1, row);
  letter.code = TextAt(batch, 2, row);
  letter.message = TextAt(batch, 3, row);
  letter.source = TextAt(batch, 4, row);
  letter.offset = NumberAt(batch, 5, row, -1);
  letter.event_time = NumberAt(batch, 6, row, kMinTimestamp);
  letter.revision = TextAt(batch, 7, row);
  letter.epoch = NumberAt(batch, 8, row, 0);
  letter.token = TextAt(batch, 9, row);
  letter.raw = MaybeText(batch, 10, row);
  letter.row = MaybeText(batch, 11, row);
  letter.entry = MaybeText(batch, 12, row);
  return letter;
}

Status LetterBox::Read(std::optional<Evaluator>& where,
                       const std::function<Status(const Letter&)>& take) const {
  std::unordered_map<std::string, int> seen;
  SR_ASSIGN_OR_RETURN(const std::vector<File> files, Files());
  for (const File& file : files) {
    SR_RETURN_IF_ERROR(ReadFile(file, &seen, where, take).WithContext(directory_ + "/dlq/" + file.name));
  }
  return Status::Ok();
}

Result<LetterBox::Cleared> LetterBox::Clear(bool every) const {
  struct Content {
    std::unordered_set<std::string> tokens;  // without the number that tells equal ones apart
    int64_t letters = 0;
    bool stays = false;
  };
  SR_ASSIGN_OR_RETURN(const std::vector<File> files, Files());
  std::vector<Content> contents(files.size());
  std::unordered_map<std::string, int> seen;
  std::optional<Evaluator> all;
  for (size_t i = 0; i < files.size(); ++i) {
    Content& content = contents[i];
    SR_RETURN_IF_ERROR(ReadFile(files[i], &seen, all, [&](const Letter& letter) {
      ++content.letters;
      content.tokens.insert(letter.token.substr(0, letter.token.find('.')));
      const bool over = letter.state == LetterState::kReplayed || letter.state == LetterState::kEarlier;
      content.stays |= !over && !every;
      return Status::Ok();
    }));
  }
  // What is left of equal letters would take the number, and so the fate, of one that is gone.
  std::unordered_set<std::string> left;
  for (const Content& content : contents) {
    if (content.stays) left.insert(content.tokens.begin(), content.tokens.end());
  }
  for (bool more = true; std::exchange(more, false);) {
    for (Content& content : contents) {
      if (content.stays) continue;
      content.stays =
          std::ranges::any_of(content.tokens, [&](const auto& token) { return left.contains(token); });
      if (!content.stays) continue;
      left.insert(content.tokens.begin(), content.tokens.end());
      more = true;
    }
  }
  Cleared cleared;
  for (size_t i = 0; i < files.size(); ++i) {
    if (contents[i].stays) {
      cleared.left += contents[i].letters;
      continue;
    }
    SR_RETURN_IF_ERROR(env_->Remove(directory_ + "/dlq/" + files[i].name));
    cleared.letters += contents[i].letters;
    cleared.bytes += static_cast<int64_t>(files[i].size);
  }
  return cleared;
}

Status LetterBox::ReadFile(const File& file, std::unordered_map<std::string, int>* seen,
                           std::optional<Evaluator>& where,
                           const std::function<Status(const Letter&)>& take) const {
  const auto open = env_->OpenForRead(directory_ + "/dlq/" + file.name);
  if (!open.ok() && open.status().code() == Code::kNotFound) return Status::Ok();  // gone meanwhile
  if (!open.ok()) return open.status();
  const auto format = JsonDecoderFor(DeadLetterSchema());
  std::string text;
  for (uint64_t at = 0;;) {  // of `text`
    const size_t have = text.size();
    text.resize(have + kBlock);
    SR_ASSIGN_OR_RETURN(const size_t n, (*open)->ReadAt(at + have, kBlock, text.data() + have));
    text.resize(have + n);
    const size_t end = text.rfind('\n');
    if (n == 0) return Status::Ok();  // what has no end yet is being written
    if (end == std::string::npos) continue;
    SR_ASSIGN_OR_RETURN(const auto batches,
                        DecodeLetters(*format, std::string_view(text).substr(0, end + 1), at));
    for (const BatchPtr& batch : batches) {
      std::vector<Letter> letters;
      ColumnBuilder tokens{DataType(TypeId::kText)}, states{DataType(TypeId::kText)};
      for (int64_t row = 0; row < batch->rows(); ++row) {
        Letter& letter = letters.emplace_back(LetterOf(*batch, row));
        const int count = ++(*seen)[letter.token];
        if (count > 1) letter.token += "." + std::to_string(count);
        const auto order = ordered_.find(letter.token);
        const auto place = static_cast<uint64_t>(batch->origin().offsets->as<int64_t>()[row]);
        if (file.earlier) {
          letter.state = LetterState::kEarlier;
        } else if (order != ordered_.end()) {
          letter.order = order->second;
          const bool applied = checkpoint_ && letter.order <= checkpoint_->replayed;
          letter.state = applied ? LetterState::kReplayed : LetterState::kWaiting;
        } else if (place >= file.settled) {
          letter.state = LetterState::kNew;
        }
        tokens.AppendText(letter.token);
        states.AppendText(LetterStateName(letter.state));
      }
      std::vector<ColumnPtr> columns = batch->columns();
      columns[9] = tokens.Finish();
      columns.push_back(states.Finish());
      Selection chosen;
      std::vector<RowFailure> failures;
      if (where) {
        chosen = where->Select(columns, batch->rows(), &failures);
        if (!failures.empty()) {
          return Status::InvalidArgument("--where fails for letter " + letters[failures[0].row].token + ": " +
                                         failures[0].message);
        }
      } else {
        for (uint32_t row = 0; row < letters.size(); ++row) chosen.push_back(row);
      }
      for (const uint32_t row : chosen) SR_RETURN_IF_ERROR(take(letters[row]));
    }
    text.erase(0, end + 1);
    at += end + 1;
  }
}

}  // namespace streamrun
