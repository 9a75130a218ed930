#include "connectors/file/bounded_source.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "connectors/file/bounded_position.h"
#include "connectors/file/file_header.h"
#include "core/stream/framing.h"

namespace streamrun {

namespace {

// Read behind a chunk's end for its last record, before asking again.
constexpr size_t kSlack = 16 * 1024;
constexpr size_t kStreamBlock = 256 * 1024;

const uint8_t* FindNewline(const uint8_t* data, size_t size) {
  return static_cast<const uint8_t*>(std::memchr(data, '\n', size));
}

class BoundedFileSource final : public Source {
 public:
  explicit BoundedFileSource(BoundedFileOptions options) : options_(std::move(options)) {}

  Status Open(SourceContext& context, const std::vector<std::string>& positions) override {
    env_ = context.env;
    instance_ = static_cast<Ordinal>(context.instance);
    parallelism_ = static_cast<Ordinal>(context.parallelism);
    max_record_ = context.max_record;
    const bool splittable = options_.format.line_delimited && options_.format.splittable;
    BoundedPosition from;
    from.split_bytes = options_.split_bytes;
    from.splittable = splittable;
    if (!positions.empty()) {
      SR_ASSIGN_OR_RETURN(from, ParsePositions(positions));
      if (from.splittable != splittable) {
        return Status::InvalidArgument(
            "the saved position counts the files' parts as another format cuts them; write the format of "
            "then or start over with --reset-state");
      }
    } else {
      SR_ASSIGN_OR_RETURN(from.files,
                          ListFilesOnce(env_, options_.list, parallelism_ > 1 ? context.run_directory : "",
                                        context.generation));
    }
    list_ = SplitList(std::move(from.files), from.split_bytes, splittable);
    if (!positions.empty()) SR_RETURN_IF_ERROR(CheckUnread(from.next));
    files_json_ = PrintFiles(list_.files());
    next_ = from.next + (instance_ + parallelism_ - from.next % parallelism_) % parallelism_;
    if (next_ == from.next) {
      within_ = from.within;
      skipping_ = from.skipping;
    }
    extent_.total = list_.ShareBytes(context.instance, context.parallelism, 0);
    if (extent_.total >= 0)
      extent_.read = extent_.total - list_.ShareBytes(context.instance, context.parallelism, next_);
    return Status::Ok();
  }

  Result<SourceOutcome> Poll(SourceOutput& out) override {
    if (!block_.empty()) {
      const bool given = block_.Emit(out, prototype_, max_record_);
      if (block_.empty()) EndChunk(out);
      if (given) return SourceOutcome::kMore;
    }
    if (next_ >= list_.total()) return SourceOutcome::kDone;
    SR_RETURN_IF_ERROR(OpenFile(list_.FileOf(next_)));
    SR_RETURN_IF_ERROR(file_->whole ? ReadStream(out) : ReadChunk(out));
    return SourceOutcome::kMore;
  }

  std::string Position() const override {
    BoundedPosition position;
    position.next = next_;
    position.within = within_;
    position.skipping = skipping_;
    if (framer_) {
      position.within = framer_->position();
      position.skipping = framer_->skipping();
    }
    if (!block_.empty()) position.within = block_.position();
    position.split_bytes = list_.split_bytes();
    position.splittable = options_.format.line_delimited && options_.format.splittable;
    return PrintPosition(position, files_json_);
  }

  Extent Progress() const override { return extent_; }

 private:
  // Files with chunks from `next` on must still be what they were. Those before it are done with.
  Status CheckUnread(Ordinal next) {
    for (const ListedFile& file : list_.files()) {
      if (file.first + file.chunks <= next) continue;
      Status status = OpenListed(env_, file).status();
      if (status.ok()) continue;
      if (status.message().find("--reset-state") != std::string::npos) return status;
      return Status(status.code(),
                    status.message() +
                        "; it was being read when the run was interrupted: bring it back as it "
                        "was or start over with --reset-state");
    }
    return Status::Ok();
  }

  Status OpenFile(const ListedFile& file) {
    if (file_ == &file) return Status::Ok();
    stream_ = nullptr;
    SR_ASSIGN_OR_RETURN(open_, OpenListed(env_, file));
    const auto stream = OpenByteStream(*open_, file.path, file.compression, file.size);
    SR_ASSIGN_OR_RETURN(header_, ReadFileHeader(*stream, file.path, options_.format.header, max_record_));
    prototype_.split = std::make_shared<const std::string>("file:" + file.path);
    prototype_.header = header_.line;
    file_ = &file;
    return Status::Ok();
  }

  // --- A chunk of a plain file ---------------------------------------------------------------------------

  // Reads chunk next_ and begins to give it out.
  Status ReadChunk(SourceOutput& out) {
    const uint64_t begin = (next_ - file_->first) * list_.split_bytes();
    const uint64_t end = std::min(begin + list_.split_bytes(), file_->size);
    extent_.read += static_cast<int64_t>(end - begin);
    prototype_.ordinal = next_;
    const auto within = static_cast<uint64_t>(std::exchange(within_, 0));
    // The first record begins at data_begin; elsewhere behind a newline, which may be the byte before the
    // chunk.
    const bool known = begin <= header_.data_begin;
    const uint64_t from = known ? header_.data_begin : begin - 1;
    if (from >= end) return EndChunk(out), Status::Ok();
    BufferBuilder bytes;
    SR_RETURN_IF_ERROR(ReadUpTo(&bytes, from, std::min(end + kSlack, file_->size)));
    size_t head = 0;
    if (!known) {
      // A record begins behind this newline; one at end - 1 begins the next chunk's first record.
      const uint8_t* newline = FindNewline(bytes.data(), end - 1 - from);
      if (newline == nullptr) return EndChunk(out), Status::Ok();
      head = static_cast<size_t>(newline - bytes.data()) + 1;
    }
    if (within > from + head) head = static_cast<size_t>(within - from);
    SR_ASSIGN_OR_RETURN(const size_t tail, FindLastEnd(&bytes, from, head, end));
    const BufferPtr buffer = bytes.Finish();
    block_ = RecordBlock(Buffer::Wrap(buffer->data() + head, tail - head, buffer),
                         static_cast<int64_t>(from + head));
    const bool given = block_.Emit(out, prototype_, max_record_);
    if (!given || block_.empty()) EndChunk(out);
    return Status::Ok();
  }

  // Index behind the last record that begins before file offset `end`. Of a record that is too long,
  // max_record + 1 bytes are enough: the block reports it and its end is nobody's concern.
  Result<size_t> FindLastEnd(BufferBuilder* bytes, uint64_t from, size_t head, uint64_t end) {
    const size_t inside = static_cast<size_t>(end - 1 - from);  // of the chunk's last byte
    const void* last = inside > head ? ::memrchr(bytes->data() + head, '\n', inside - head) : nullptr;
    const size_t record =
        last ? static_cast<size_t>(static_cast<const uint8_t*>(last) - bytes->data()) + 1 : head;
    size_t searched = std::max(inside, head);
    while (true) {
      if (const uint8_t* newline = FindNewline(bytes->data() + searched, bytes->size() - searched)) {
        return static_cast<size_t>(newline - bytes->data()) + 1;
      }
      searched = bytes->size();
      if (searched - record > max_record_ || from + searched == file_->size) return searched;
      const uint64_t more = std::max<uint64_t>(kSlack, searched - record);
      SR_RETURN_IF_ERROR(ReadUpTo(bytes, from, std::min(from + searched + more, file_->size)));
    }
  }

  // Extends `bytes`, which hold the file from `from` on, to file offset `to`.
  Status ReadUpTo(BufferBuilder* bytes, uint64_t from, uint64_t to) {
    bytes->Reserve(static_cast<size_t>(to - from));
    while (from + bytes->size() < to) {
      const uint64_t at = from + bytes->size();
      const size_t wanted = static_cast<size_t>(to - at);
      SR_ASSIGN_OR_RETURN(const size_t n,
                          open_->ReadAt(at, wanted, reinterpret_cast<char*>(bytes->Ensure(wanted))));
      if (n == 0) return ShrankError(file_->path, file_->size, at);
      bytes->Advance(n);
    }
    return Status::Ok();
  }

  void EndChunk(SourceOutput& out) {
    next_ += parallelism_;
    out.Progress(next_);
  }

  // --- A file that is one unit ---------------------------------------------------------------------------

  Status ReadStream(SourceOutput& out) {
    if (!stream_) SR_RETURN_IF_ERROR(BeginStream());
    if (framer_->Emit(out, prototype_)) return Status::Ok();
    if (stream_ended_) {
      Status damage = stream_error_;
      stream_ = nullptr;
      framer_.reset();
      if (!damage.ok()) return damage;
      EndChunk(out);
      return Status::Ok();
    }
    const uint64_t before = stream_->consumed();
    Result<size_t> n = stream_->Read(framer_->Space(kStreamBlock), kStreamBlock);
    extent_.read += static_cast<int64_t>(stream_->consumed() - before);
    if (n.ok() && *n > 0) {
      framer_->Filled(*n);
    } else {
      // Whole records before the damage are delivered first; the one it cuts goes to `errors`.
      stream_ended_ = true;
      stream_error_ = n.status();
      framer_->End(n.ok());
    }
    return Status::Ok();
  }

  Status BeginStream() {
    prototype_.ordinal = next_;
    stream_ = OpenByteStream(*open_, file_->path, file_->compression, file_->size);
    stream_ended_ = false;
    const uint64_t begin =
        std::max<uint64_t>(header_.data_begin, static_cast<uint64_t>(std::exchange(within_, 0)));
    uint8_t scratch[16 * 1024];
    for (uint64_t skipped = 0; skipped < begin;) {
      SR_ASSIGN_OR_RETURN(
          const size_t n,
          stream_->Read(scratch, static_cast<size_t>(std::min<uint64_t>(sizeof scratch, begin - skipped))));
      if (n == 0) return ShrankError(file_->path, begin, skipped);
      skipped += n;
    }
    extent_.read += static_cast<int64_t>(stream_->consumed());
    FramingOptions framing;
    framing.max_record = max_record_;
    framing.quote = options_.format.quote;
    framing.separator = options_.format.separator;
    framer_.emplace(framing, static_cast<int64_t>(begin));
    if (std::exchange(skipping_, false)) framer_->ResumeSkipping();
    return Status::Ok();
  }

  const BoundedFileOptions options_;
  Env* env_ = nullptr;
  Ordinal instance_ = 0;
  Ordinal parallelism_ = 1;
  size_t max_record_ = 1 << 20;
  SplitList list_;
  std::string files_json_;
  Ordinal next_ = 0;  // chunk under way or to be read next; always the instance's own
  Extent extent_;

  const ListedFile* file_ = nullptr;  // the open one
  std::unique_ptr<ReadableFile> open_;
  FileHeader header_;
  Chunk prototype_;
  RecordBlock block_;  // of a plain file's chunk

  std::unique_ptr<ByteStream> stream_;  // of a unit
  std::optional<RecordFramer> framer_;
  bool stream_ended_ = false;
  Status stream_error_;
  int64_t within_ = 0;     // restored offset within the file, in chunk next_, until that is begun
  bool skipping_ = false;  // the record at within_ is too long and was reported
};

}  // namespace

std::unique_ptr<Source> CreateBoundedFileSource(BoundedFileOptions options) {
  return std::make_unique<BoundedFileSource>(std::move(options));
}

}  // namespace streamrun
