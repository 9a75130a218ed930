#include "runner/exec/replay_order.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/base/crc32c.h"
#include "core/base/failpoint.h"

namespace streamrun {

namespace {

using Json = nlohmann::ordered_json;

// Settled orders are version 2; all others are still written as version 1.
constexpr int kVersion = 2;
constexpr size_t kBlock = 256 * 1024;
constexpr std::string_view kEnd = ".jsonl";
constexpr std::string_view kDropped = ".dropped";

Status Damaged(const std::string& path, const std::string& why) {
  return Status::Corruption(
      path + " is damaged: " + why +
      "; its letters are still in the dead-letter files, remove it to replay them anew");
}

// "12.jsonl" or, of one that was dropped, "12.dropped".
std::optional<uint64_t> NumberOf(std::string_view name, std::string_view end) {
  uint64_t number = 0;
  const auto [rest, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (error != std::errc() || std::string_view(rest, name.data() + name.size() - rest) != end)
    return std::nullopt;
  return number;
}

// Bytes that are no UTF-8 cannot stand in JSON.
std::string HexOf(std::string_view bytes) {
  std::string hex;
  char digits[3];
  for (const char c : bytes) {
    std::snprintf(digits, sizeof digits, "%02x", static_cast<uint8_t>(c));
    hex += digits;
  }
  return hex;
}

std::optional<std::string> BytesOf(std::string_view hex) {
  if (hex.size() % 2 != 0) return std::nullopt;
  std::string bytes;
  for (size_t i = 0; i < hex.size(); i += 2) {
    unsigned value = 0;
    const auto [rest, error] = std::from_chars(hex.data() + i, hex.data() + i + 2, value, 16);
    if (error != std::errc() || rest != hex.data() + i + 2) return std::nullopt;
    bytes += static_cast<char>(value);
  }
  return bytes;
}

std::string PrintLine(const ReplayLine& line) {
  Json json = {{"node", line.node}, {"token", line.token}};
  if (!line.source.empty()) json["source"] = line.source;
  if (line.offset >= 0) json["offset"] = line.offset;
  if (!line.raw && !line.row) return json.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n';
  json["entry"] = Json::parse(line.entry.Print());
  if (line.raw) json["raw"] = HexOf(*line.raw);
  // As text, so that not one digit of a number changes.
  if (line.row) json["row"] = *line.row;
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n';
}

Result<ReplayLine> ParseLine(const std::string& text, bool settled) {
  ReplayLine line;
  try {
    const Json json = Json::parse(text);
    line.node = json.at("node").get<std::string>();
    line.token = json.at("token").get<std::string>();
    if (settled) return line;
    line.source = json.value("source", std::string());
    line.offset = json.value("offset", int64_t{-1});
    SR_ASSIGN_OR_RETURN(line.entry, ReplayEntry::Parse(json.at("entry").dump()));
    if (json.contains("raw")) line.raw = BytesOf(json.at("raw").get<std::string>());
    if (json.contains("row")) line.row = json.at("row").get<std::string>();
  } catch (const Json::exception& e) {
    return Status::Corruption(e.what());
  }
  if (line.raw.has_value() == line.row.has_value()) return Status::Corruption("neither a record nor a row");
  return line;
}

std::string PrintHead(const ReplayOrder& order, uint32_t crc) {
  char text[9];
  std::snprintf(text, sizeof text, "%08x", crc);
  Json json = {{"version", order.settled ? 2 : 1},
               {"order", order.number},
               {"made", order.made},
               {"epoch", order.epoch},
               {"rows", order.rows},
               {"nodes", order.nodes},
               {"crc32c", std::string(text)}};
  if (order.settled) json["settled"] = true;
  return json.dump() + '\n';
}

struct Head {
  ReplayOrder order;
  std::string crc;
};

Result<Head> ParseHead(const std::string& text) {
  Head head;
  try {
    const Json json = Json::parse(text);
    const int version = json.at("version");
    if (version > kVersion) {
      return Status::Unsupported("it has format version " + std::to_string(version) +
                                 ", this streamrun reads up to " + std::to_string(kVersion));
    }
    json.at("order").get_to(head.order.number);
    json.at("made").get_to(head.order.made);
    json.at("epoch").get_to(head.order.epoch);
    json.at("rows").get_to(head.order.rows);
    json.at("nodes").get_to(head.order.nodes);
    json.at("crc32c").get_to(head.crc);
    head.order.settled = json.value("settled", false);
  } catch (const Json::exception& e) {
    return Status::Corruption(e.what());
  }
  return head;
}

}  // namespace

// --- Entries ---------------------------------------------------------------------------------------------

std::string ReplayEntry::Print() const {
  Json json = Json::object();
  if (input >= 0) json["input"] = input;
  if (change != ChangeKind::kInsert) json["change"] = ChangeName(change);
  if (header) json["header"] = *header;
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<ReplayEntry> ReplayEntry::Parse(std::string_view text) {
  ReplayEntry entry;
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) return Status::Corruption("an entry that is no object");
  if (const auto input = json.find("input"); input != json.end()) {
    if (!input->is_number_unsigned()) return Status::Corruption("an entry whose input is no number");
    entry.input = input->get<int>();
  }
  if (const auto header = json.find("header"); header != json.end() && header->is_string()) {
    entry.header = header->get<std::string>();
  }
  if (const auto change = json.find("change"); change != json.end()) {
    for (int8_t kind = 0; kind <= static_cast<int8_t>(ChangeKind::kDelete); ++kind) {
      if (*change == ChangeName(static_cast<ChangeKind>(kind))) {
        entry.change = static_cast<ChangeKind>(kind);
        return entry;
      }
    }
    return Status::Corruption("an entry with an unknown kind of change");
  }
  return entry;
}

// --- Files -----------------------------------------------------------------------------------------------

Chunk ChunkOf(const ReplayLine& line) {
  Chunk chunk;
  BufferBuilder bytes, ends;
  bytes.Append(line.raw->data(), line.raw->size());
  ends.Push(static_cast<uint32_t>(line.raw->size()));
  chunk.bytes = bytes.Finish();
  chunk.record_ends = ends.Finish();
  chunk.split = std::make_shared<const std::string>(line.source);
  chunk.offset = line.offset;
  if (line.entry.header) chunk.header = std::make_shared<const std::string>(*line.entry.header);
  return chunk;
}

std::string ReplayDirectory(const std::string& state_directory) { return state_directory + "/replay"; }

std::string ReplayPath(const std::string& state_directory, uint64_t number) {
  return ReplayDirectory(state_directory) + "/" + std::to_string(number) + std::string(kEnd);
}

Status WriteReplayOrder(Env* env, const std::string& state_directory, uint64_t number, uint64_t epoch,
                        const std::vector<ReplayLine>& lines) {
  ReplayOrder order;
  order.number = number;
  order.made = env->WallNow();
  order.epoch = epoch;
  order.rows = static_cast<int64_t>(lines.size());
  std::string text;
  for (const ReplayLine& line : lines) {
    if (std::find(order.nodes.begin(), order.nodes.end(), line.node) == order.nodes.end()) {
      order.nodes.push_back(line.node);
    }
    text += PrintLine(line);
  }
  const std::string directory = ReplayDirectory(state_directory);
  SR_RETURN_IF_ERROR(env->MakeDirectories(directory, 0700));
  SR_RETURN_IF_ERROR(env->SyncDirectory(state_directory));
  // Two commands at the same time do not write the same file.
  const std::string written = directory + "/" + std::to_string(env->Random64()) + ".tmp";
  SR_ASSIGN_OR_RETURN(const auto file, env->OpenForWrite(written, WriteMode::kReplace));
  SR_RETURN_IF_ERROR(file->Append(PrintHead(order, Crc32c(text.data(), text.size()))));
  SR_RETURN_IF_ERROR(file->Append(text));
  SR_RETURN_IF_ERROR(file->Sync());
  SR_RETURN_IF_ERROR(file->Close());
  SR_RETURN_IF_ERROR(SR_FAILPOINT("replay.order.written"));
  if (Status status = env->RenameNoReplace(written, ReplayPath(state_directory, number)); !status.ok()) {
    (void)env->Remove(written).ok();
    return status;
  }
  SR_RETURN_IF_ERROR(SR_FAILPOINT("replay.order.renamed"));
  return env->SyncDirectory(directory);
}

Result<std::vector<ReplayOrder>> ListReplayOrders(Env* env, const std::string& state_directory) {
  std::vector<ReplayOrder> orders;
  const auto names = env->List(ReplayDirectory(state_directory));
  if (!names.ok()) return orders;  // there never was one
  for (const std::string& name : *names) {
    if (!NumberOf(name, kEnd)) continue;
    SR_ASSIGN_OR_RETURN(const auto reader,
                        ReplayReader::Open(env, ReplayDirectory(state_directory) + "/" + name));
    orders.push_back(reader->order());
  }
  std::sort(orders.begin(), orders.end(), [](const auto& a, const auto& b) { return a.number < b.number; });
  return orders;
}

Result<uint64_t> NextReplayNumber(Env* env, const std::string& state_directory) {
  uint64_t last = 0;
  const auto names = env->List(ReplayDirectory(state_directory));
  if (!names.ok()) return uint64_t{1};
  for (const std::string& name : *names) {
    for (const std::string_view end : {kEnd, kDropped})
      last = std::max(last, NumberOf(name, end).value_or(0));
  }
  return last + 1;
}

Status VerifyReplayOrder(Env* env, const std::string& state_directory, uint64_t number) {
  const std::string path = ReplayPath(state_directory, number);
  SR_ASSIGN_OR_RETURN(const auto file, env->OpenForRead(path));
  std::string block(kBlock, '\0');
  std::string head;
  uint32_t crc = 0;
  int64_t lines = 0;
  bool behind_head = false;
  for (uint64_t at = 0;;) {
    SR_ASSIGN_OR_RETURN(const size_t n, file->ReadAt(at, block.size(), block.data()));
    if (n == 0) break;
    at += n;
    std::string_view bytes = std::string_view(block).substr(0, n);
    if (!behind_head) {
      const size_t end = bytes.find('\n');
      head += bytes.substr(0, end);
      behind_head = end != std::string_view::npos;
      bytes = behind_head ? bytes.substr(end + 1) : std::string_view();
    }
    crc = Crc32c(bytes.data(), bytes.size(), crc);
    lines += std::count(bytes.begin(), bytes.end(), '\n');
  }
  Result<Head> parsed = ParseHead(head);
  if (!parsed.ok()) return Damaged(path, parsed.status().message());
  char text[9];
  std::snprintf(text, sizeof text, "%08x", crc);
  if (parsed->crc != text || parsed->order.rows != lines || parsed->order.number != number) {
    return Damaged(path, "its checksum or number of lines is another one");
  }
  return Status::Ok();
}

Status DropReplayOrder(Env* env, const std::string& state_directory, uint64_t number) {
  SR_RETURN_IF_ERROR(SR_FAILPOINT("replay.drop"));
  const std::string directory = ReplayDirectory(state_directory);
  SR_RETURN_IF_ERROR(env->Rename(ReplayPath(state_directory, number),
                                 directory + "/" + std::to_string(number) + std::string(kDropped)));
  return env->SyncDirectory(directory);
}

Status SettleReplayOrder(Env* env, const std::string& state_directory, uint64_t number) {
  const std::string path = ReplayPath(state_directory, number);
  SR_ASSIGN_OR_RETURN(const auto reader, ReplayReader::Open(env, path));
  ReplayOrder order = reader->order();
  order.settled = true;
  std::string text;
  for (;;) {
    SR_ASSIGN_OR_RETURN(const std::optional<ReplayLine> line, reader->Next());
    if (!line) break;
    ReplayLine left;
    left.node = line->node;
    left.token = line->token;
    text += PrintLine(left);
  }
  return env->WriteFileAtomically(path, PrintHead(order, Crc32c(text.data(), text.size())) + text);
}

Status RemoveReplayOrder(Env* env, const std::string& state_directory, uint64_t number) {
  SR_RETURN_IF_ERROR(env->Remove(ReplayPath(state_directory, number)));
  return env->SyncDirectory(ReplayDirectory(state_directory));
}

Status RemoveDroppedOrders(Env* env, const std::string& state_directory) {
  SR_ASSIGN_OR_RETURN(const uint64_t next, NextReplayNumber(env, state_directory));
  const std::string directory = ReplayDirectory(state_directory);
  SR_ASSIGN_OR_RETURN(const std::vector<std::string> names, env->List(directory));
  for (const std::string& name : names) {
    const auto number = NumberOf(name, kDropped);
    if (!number || *number + 1 >= next) continue;
    SR_RETURN_IF_ERROR(env->Remove(std::string(directory).append("/").append(name)));
  }
  return Status::Ok();
}

// --- Reading ---------------------------------------------------------------------------------------------

Result<std::unique_ptr<ReplayReader>> ReplayReader::Open(Env* env, const std::string& path) {
  SR_ASSIGN_OR_RETURN(auto file, env->OpenForRead(path));
  std::unique_ptr<ReplayReader> reader(new ReplayReader(std::move(file), path));
  SR_ASSIGN_OR_RETURN(const auto line, reader->Line());
  Result<Head> head = ParseHead(line.value_or(""));
  if (!head.ok()) return Damaged(path, head.status().message());
  reader->order_ = std::move(head->order);
  return reader;
}

Result<std::optional<std::string>> ReplayReader::Line() {
  for (;;) {
    const size_t end = buffer_.find('\n', begin_);
    if (end != std::string::npos) {
      std::string line = buffer_.substr(begin_, end - begin_);
      begin_ = end + 1;
      return std::optional<std::string>(std::move(line));
    }
    buffer_.erase(0, std::exchange(begin_, 0));
    const size_t have = buffer_.size();
    buffer_.resize(have + kBlock);
    SR_ASSIGN_OR_RETURN(const size_t n, file_->ReadAt(read_, kBlock, buffer_.data() + have));
    buffer_.resize(have + n);
    read_ += n;
    if (n > 0) continue;
    if (!buffer_.empty()) return Damaged(path_, "its last line has no end");
    return std::optional<std::string>();
  }
}

Result<std::optional<ReplayLine>> ReplayReader::Next() {
  SR_ASSIGN_OR_RETURN(const std::optional<std::string> text, Line());
  if (!text) return std::optional<ReplayLine>();
  Result<ReplayLine> line = ParseLine(*text, order_.settled);
  if (!line.ok()) return Damaged(path_, line.status().message());
  return std::optional<ReplayLine>(std::move(*line));
}

}  // namespace streamrun
