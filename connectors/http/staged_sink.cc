// Delivery under the epoch: bodies go to segments on disk (stage_segment.h); the handle names the segments;
// once the epoch is decided their bodies are posted, and the commit is busy until each has its answer.
//
// What was delivered stands in NAME.sent, so a commit that comes again goes on where the last one was. A
// segment all of whose bodies were delivered becomes NAME.done. One with refused records stays: their dead
// letters belong to the next epoch, and if that one never comes they are refused again. Both go when an epoch
// that does not name them is decided.
#include <algorithm>
#include <deque>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "connectors/http/sink_options.h"
#include "connectors/http/stage_segment.h"
#include "core/base/failpoint.h"
#include "core/stream/stage_directory.h"

namespace streamrun::http {
namespace {

struct Segment {
  std::string name;
  uint64_t bytes = 0;
  int64_t bodies = 0;
  /// Another process may have sent of it.
  bool restored = false;
};

std::string PrintHandle(const std::vector<Segment>& segments) {
  nlohmann::json list = nlohmann::json::array();
  for (const Segment& s : segments)
    list.push_back({{"name", s.name}, {"bytes", s.bytes}, {"bodies", s.bodies}});
  return nlohmann::json{{"segments", list}}.dump();
}

bool IsName(const std::string& name) {
  return name.size() == 16 && name.find_first_not_of("0123456789abcdef") == std::string::npos;
}

Result<std::vector<Segment>> ParseHandle(const std::string& handle) {
  std::vector<Segment> segments;
  if (handle.empty()) return segments;
  const nlohmann::json json = nlohmann::json::parse(handle, nullptr, false);
  const Status wrong = Status::Corruption("a checkpoint has a handle that is none of an http sink");
  if (!json.is_object() || !json.contains("segments") || !json["segments"].is_array()) return wrong;
  for (const nlohmann::json& entry : json["segments"]) {
    Segment s;
    if (!entry.is_object() || !entry.contains("name") || !entry["name"].is_string()) return wrong;
    s.name = entry["name"].get<std::string>();
    s.bytes = entry.value("bytes", uint64_t{0});
    s.bodies = entry.value("bodies", int64_t{0});
    if (!IsName(s.name)) return wrong;
    segments.push_back(std::move(s));
  }
  return segments;
}

/// The segment being posted.
struct Posting {
  std::unique_ptr<SegmentReader> reader;
  std::unique_ptr<SentLog> sent;
  uint32_t next = 0;  // number of the body that the reader gives next
  bool read_all = false;
  bool refused = false;
  std::map<uint64_t, std::pair<uint32_t, InFlight>> in_flight;  // by post
};

class StagedSink final : public Sink {
 public:
  explicit StagedSink(SinkOptions options) : options_(std::move(options)) {}

  Status Open(SinkContext& context) override {
    env_ = context.env;
    directory_ = context.stage_directory;
    if (directory_.empty()) {
      return Status::Unsupported("delivery: staged needs a state directory; write delivery: direct");
    }
    identity_ = context.identity;
    options_.body.preamble = context.preamble;
    builder_ = std::make_unique<BodyBuilder>(options_.body);
    SR_ASSIGN_OR_RETURN(poster_, Poster::Open(options_.poster, env_));
    SR_RETURN_IF_ERROR(MakeStageDirectory(env_, directory_));
    SR_RETURN_IF_ERROR(FindSegments(context));
    return SR_FAILPOINT("http.opened");
  }

  Result<SinkOutcome> WriteBytes(const Encoded& records) override {
    SR_RETURN_IF_ERROR(Drive());
    // An answer or the end of the commit makes room. Rows of the epoch under way always have it: the barrier
    // that lets them go stands behind them.
    if (catching_up_ || (!sending_.empty() && StagedBytes() >= options_.stage_max_bytes))
      return SinkOutcome::kBusy;
    for (int64_t i = 0; i < records.records(); ++i) {
      const std::string_view record = RecordOf(records, i);
      if (builder_->Add(record)) continue;
      SR_RETURN_IF_ERROR(StageBody());
      SR_CHECK(builder_->Add(record));
    }
    return SinkOutcome::kAccepted;
  }

  Result<SinkOutcome> Flush() override { return CatchUp(); }
  Result<SinkOutcome> Finish(bool) override { return CatchUp(); }

  Result<Prepared> Prepare(uint64_t) override {
    if (!builder_->empty()) SR_RETURN_IF_ERROR(StageBody());
    if (writer_) {
      SR_RETURN_IF_ERROR(writer_->Close());
      staged_.push_back({writing_, writer_->size(), writer_->bodies(), false});
      writer_ = nullptr;
      SR_RETURN_IF_ERROR(SR_FAILPOINT("http.closed"));
    }
    Prepared prepared;
    prepared.handle = PrintHandle(staged_);
    for (const Segment& s : staged_) prepared.files.push_back(Path(s.name, ".seg"));
    if (staged_.empty()) return prepared;
    // Its entries, and its own in STATE/stage/NODE, and theirs above it.
    for (std::string at = directory_; prepared.directories.size() < 4 && at.size() > 1;) {
      prepared.directories.push_back(at);
      at = at.substr(0, at.rfind('/'));
    }
    return prepared;
  }

  Result<SinkOutcome> Commit(uint64_t, const std::string& handle) override {
    SR_ASSIGN_OR_RETURN(const std::vector<Segment> segments, ParseHandle(handle));
    for (const Segment& s : segments) SR_RETURN_IF_ERROR(BeginSending(s));
    SR_RETURN_IF_ERROR(Drive());
    const auto finished = [&](const Segment& s) { return finished_.contains(s.name); };
    if (!std::all_of(segments.begin(), segments.end(), finished)) return SinkOutcome::kBusy;
    SR_RETURN_IF_ERROR(ForgetAllBut(segments));
    return SinkOutcome::kAccepted;
  }

  WaitSpec Wait() override {
    WaitSpec wait;
    poster_->AddWait(wait);
    return wait;
  }

  std::vector<RefusedRecord> TakeRefused() override { return std::exchange(refused_, {}); }

  std::string Trouble() const override {
    std::string trouble = poster_->Trouble();
    if (trouble.empty() || StagedBytes() < options_.stage_max_bytes) return trouble;
    return trouble + "; stage_max_bytes is used up";
  }

 private:
  std::string Path(const std::string& name, const char* end) const { return directory_ + "/" + name + end; }

  uint64_t StagedBytes() const {
    uint64_t bytes = writer_ ? writer_->size() : 0;
    for (const Segment& s : staged_) bytes += s.bytes;
    for (const Segment& s : sending_) bytes += s.bytes;
    return bytes;
  }

  // --- Opening

  Status FindSegments(const SinkContext& context) {
    std::vector<Segment> resumed;
    std::set<std::string> named;
    for (const std::string& handle : context.all_handles.empty() ? context.handles : context.all_handles) {
      SR_ASSIGN_OR_RETURN(const std::vector<Segment> segments, ParseHandle(handle));
      for (const Segment& s : segments) named.insert(s.name);
      resumed.insert(resumed.end(), segments.begin(), segments.end());
    }
    SR_ASSIGN_OR_RETURN(const std::vector<std::string> files, env_->List(directory_));
    const std::set<std::string> present(files.begin(), files.end());
    for (const std::string& file : files) {
      const std::string name = file.substr(0, file.find('.'));
      if (context.start == OutputStart::kContinue && file.ends_with(".seg") && IsName(name)) {
        SR_RETURN_IF_ERROR(Adopt(name));
      } else if (context.start != OutputStart::kResume || !named.contains(name)) {
        SR_RETURN_IF_ERROR(env_->Remove(directory_ + "/" + file));
        SR_RETURN_IF_ERROR(SR_FAILPOINT("http.voided"));
      }
    }
    for (Segment s : resumed) {
      if (present.contains(s.name + ".done")) {
        finished_.insert(s.name);
      } else if (present.contains(s.name + ".seg")) {
        s.restored = true;
        sending_.push_back(std::move(s));
      }
    }
    catching_up_ = !sending_.empty();
    return Status::Ok();
  }

  // An attempt before the first checkpoint staged it, and its rows do not come again. Its end may be torn.
  Status Adopt(const std::string& name) {
    SR_ASSIGN_OR_RETURN(const FileInfo info, env_->Info(Path(name, ".seg")));
    Segment s{name, info.size, 0, false};
    Result<std::unique_ptr<SegmentReader>> reader = SegmentReader::Open(env_, Path(name, ".seg"), info.size);
    while (reader.ok()) {
      const Result<std::optional<BatchBody>> body = (*reader)->Next();
      if (!body.ok() || !body->has_value()) break;
      ++s.bodies;
      s.bytes = (*reader)->position();
    }
    if (s.bodies == 0) return env_->Remove(Path(name, ".seg"));
    staged_.push_back(std::move(s));
    return Status::Ok();
  }

  // --- Staging

  Status StageBody() {
    if (!writer_) {
      // A name that no other run or epoch ever had, so that no key comes twice with another body.
      writing_ = Hex(env_->Random64());
      SR_ASSIGN_OR_RETURN(writer_, SegmentWriter::Create(env_, Path(writing_, ".seg")));
      SR_RETURN_IF_ERROR(SR_FAILPOINT("http.created"));
    }
    SR_RETURN_IF_ERROR(writer_->Append(builder_->Finish()));
    return SR_FAILPOINT("http.staged");
  }

  // --- Posting

  Status BeginSending(const Segment& segment) {
    const auto same = [&](const Segment& s) { return s.name == segment.name; };
    std::erase_if(staged_, same);
    if (finished_.contains(segment.name)) return Status::Ok();
    if (std::any_of(sending_.begin(), sending_.end(), same)) return Status::Ok();
    if (!env_->Info(Path(segment.name, ".seg")).ok()) {
      return Status::Corruption(
          "the staged bodies " + Path(segment.name, ".seg") +
          " of a decided checkpoint are gone, and nothing says that they were delivered");
    }
    sending_.push_back(segment);
    return Status::Ok();
  }

  // Segments of a restored epoch come before anything else: its rows are older.
  Result<SinkOutcome> CatchUp() {
    SR_RETURN_IF_ERROR(Drive());
    return catching_up_ ? SinkOutcome::kBusy : SinkOutcome::kAccepted;
  }

  Status Drive() {
    for (bool more = true; more;) {
      SR_RETURN_IF_ERROR(Feed());
      std::vector<Settled> settled;
      SR_RETURN_IF_ERROR(poster_->Advance(&settled));
      for (const Settled& one : settled) SR_RETURN_IF_ERROR(OnSettled(one));
      more = !settled.empty();
      if (posting_ && posting_->read_all && posting_->in_flight.empty()) {
        SR_RETURN_IF_ERROR(CompleteSegment());
        more = !sending_.empty();
      }
    }
    catching_up_ = catching_up_ && !sending_.empty();
    return Status::Ok();
  }

  Status Feed() {
    if (sending_.empty()) return Status::Ok();
    const Segment& segment = sending_.front();
    if (!posting_) {
      posting_.emplace();
      SR_ASSIGN_OR_RETURN(posting_->reader,
                          SegmentReader::Open(env_, Path(segment.name, ".seg"), segment.bytes));
      SR_ASSIGN_OR_RETURN(posting_->sent, SentLog::Open(env_, Path(segment.name, ".sent")));
    }
    while (!posting_->read_all && poster_->HasRoom()) {
      SR_ASSIGN_OR_RETURN(std::optional<BatchBody> body, posting_->reader->Next());
      posting_->read_all = !body.has_value();
      if (!body) break;
      const uint32_t number = posting_->next++;
      if (posting_->sent->Contains(number)) continue;
      SR_RETURN_IF_ERROR(SR_FAILPOINT("http.post"));
      Send(segment, number, std::move(*body));
    }
    return Status::Ok();
  }

  void Send(const Segment& segment, uint32_t number, BatchBody body) {
    Post post;
    post.id = next_post_++;
    post.body = std::make_shared<const std::string>(std::move(body.bytes));
    post.maybe_sent = segment.restored;
    // Neither the pipeline's nor the sink's name: they may change while bodies wait (renamed_from).
    post.key = KeyOf({identity_, segment.name, std::to_string(number)});
    posting_->in_flight[post.id] = {
        number, {post.body, std::move(body.ends), options_.poster.client.url + " " + post.key}};
    poster_->Add(std::move(post));
  }

  Status OnSettled(const Settled& settled) {
    SR_RETURN_IF_ERROR(SR_FAILPOINT("http.answered"));
    const auto found = posting_->in_flight.find(settled.id);
    if (settled.delivered()) {
      SR_RETURN_IF_ERROR(posting_->sent->Add(found->second.first));
      SR_RETURN_IF_ERROR(SR_FAILPOINT("http.noted"));
    } else {
      posting_->refused = true;
      SR_RETURN_IF_ERROR(AppendRefused(found->second.second, options_.body, settled, &refused_));
    }
    posting_->in_flight.erase(found);
    return Status::Ok();
  }

  Status CompleteSegment() {
    SR_RETURN_IF_ERROR(SR_FAILPOINT("http.sent"));
    const std::string name = sending_.front().name;
    const bool refused = posting_->refused;
    posting_.reset();
    sending_.pop_front();
    finished_.insert(name);
    if (refused) return Status::Ok();
    SR_RETURN_IF_ERROR(env_->WriteFileAtomically(Path(name, ".done"), "delivered\n"));
    SR_RETURN_IF_ERROR(SR_FAILPOINT("http.done"));
    SR_RETURN_IF_ERROR(env_->Remove(Path(name, ".seg")));
    SR_RETURN_IF_ERROR(SR_FAILPOINT("http.removed"));
    return env_->Remove(Path(name, ".sent"));
  }

  // The epoch of these segments is decided: nobody will ask for others that are finished.
  Status ForgetAllBut(const std::vector<Segment>& segments) {
    std::set<std::string> kept;
    for (const Segment& s : segments) kept.insert(s.name);
    for (auto name = finished_.begin(); name != finished_.end();) {
      if (kept.contains(*name)) {
        ++name;
        continue;
      }
      for (const char* end : {".done", ".seg", ".sent"}) {
        Status removed = env_->Remove(Path(*name, end));
        if (!removed.ok() && removed.code() != Code::kNotFound) return removed;
      }
      SR_RETURN_IF_ERROR(SR_FAILPOINT("http.forgotten"));
      name = finished_.erase(name);
    }
    return Status::Ok();
  }

  SinkOptions options_;
  Env* env_ = nullptr;
  std::string directory_;
  std::string identity_;  // of the state directory
  std::unique_ptr<Poster> poster_;
  uint64_t next_post_ = 0;
  std::vector<RefusedRecord> refused_;

  std::unique_ptr<BodyBuilder> builder_;
  std::unique_ptr<SegmentWriter> writer_;
  std::string writing_;          // name of its segment
  std::vector<Segment> staged_;  // no epoch with them is decided yet
  std::deque<Segment> sending_;  // the first one is being posted
  std::optional<Posting> posting_;
  std::set<std::string> finished_;  // every body has its answer; files are still there
  bool catching_up_ = false;        // with segments of the restored epoch
};

}  // namespace

std::unique_ptr<Sink> NewStagedSink(SinkOptions options) {
  return std::make_unique<StagedSink>(std::move(options));
}

}  // namespace streamrun::http
