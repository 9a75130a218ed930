// Compressed input, whole and damaged. The files are made with zlib and libzstd themselves.
#include <zlib.h>
#include <zstd.h>

#include "connectors/file/bounded_source.h"
#include "tests/connectors/file_fixture.h"

namespace streamrun {
namespace {

std::string Gzip(const std::string& text) {
  z_stream z{};
  REQUIRE(deflateInit2(&z, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out(deflateBound(&z, text.size()) + 64, '\0');
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  z.avail_in = static_cast<uInt>(text.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  REQUIRE(deflate(&z, Z_FINISH) == Z_STREAM_END);
  out.resize(z.total_out);
  deflateEnd(&z);
  return out;
}

std::string Zstd(const std::string& text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3));
  return out;
}

std::string Numbers(int from, int to) {
  std::string text;
  for (int i = from; i < to; ++i)
    text += std::to_string(i) + " " + std::to_string(uint64_t(i) * 2654435761u % 1000003) + "\n";
  return text;
}

Status Read(const std::vector<std::string>& paths, RecordingOutput& out, int instance = 0, int workers = 1,
            FormatTraits format = {}) {
  BoundedFileOptions options;
  options.list.patterns = paths;
  options.format = format;
  const auto source = CreateBoundedFileSource(options);
  SourceContext context = TestSourceContext(instance, workers);
  if (const Status status = source->Open(context, {}); !status.ok()) return status;
  return RunToEnd(*source, out);
}

TEST_CASE("gzip and zstd files are recognised by their content, concatenated pieces too") {
  const TemporaryDirectory directory;
  const std::string path = directory / "in";
  const std::string a = Numbers(0, 50000), b = Numbers(50000, 60000);
  SUBCASE("one gzip member") { WriteText(path, Gzip(a + b)); }
  SUBCASE("two gzip members, cut within a line") { WriteText(path, Gzip(a + "50") + Gzip(b.substr(2))); }
  SUBCASE("an empty member and zero padding") {
    WriteText(path, Gzip(a) + Gzip("") + Gzip(b) + std::string(1000, '\0'));
  }
  SUBCASE("one zstd frame") { WriteText(path, Zstd(a + b)); }
  SUBCASE("zstd frames with a skippable one between") {
    WriteText(path, Zstd(a) + std::string("\x50\x2a\x4d\x18\x03\0\0\0abc", 11) + Zstd(b));
  }
  RecordingOutput out;
  CHECK(Read({path}, out).ToString() == "ok");
  std::string text;
  for (const auto& line : out.Lines()) text += line + "\n";
  CHECK((text == a + b));
  CHECK(out.chunks.size() > 1);
  CHECK(out.records.back().offset + static_cast<int64_t>(out.records.back().bytes.size()) + 1 ==
        static_cast<int64_t>(text.size()));
  for (const Chunk& chunk : out.chunks) CHECK(chunk.ordinal == 0);
}

TEST_CASE("compressed files are dealt whole, each with one ordinal, among plain ones") {
  const TemporaryDirectory directory;
  WriteText(directory / "a", Numbers(0, 10));
  WriteText(directory / "b.gz", Gzip(Numbers(10, 20)));
  WriteText(directory / "c", Numbers(20, 30));
  RecordingOutput even, odd;
  CHECK(Read({directory / "*"}, even, 0, 2).ok());
  CHECK(Read({directory / "*"}, odd, 1, 2).ok());
  CHECK(even.records.size() == 20);
  CHECK(odd.records.size() == 10);
  CHECK(odd.records[0].ordinal == 1);
}

TEST_CASE("a header is taken from the decompressed text") {
  const TemporaryDirectory directory;
  WriteText(directory / "a", Gzip("\xef\xbb\xbf"
                                  "x,y\r\n1,2\n"));
  FormatTraits format;
  format.header = true;
  RecordingOutput out;
  CHECK(Read({directory / "a"}, out, 0, 1, format).ok());
  CHECK(out.Lines() == std::vector<std::string>{"1,2"});
  REQUIRE(out.chunks.size() == 1);
  CHECK(*out.chunks[0].header == "x,y");
}

TEST_CASE("damage ends the read with its place, after every whole record before it") {
  const TemporaryDirectory directory;
  const std::string path = directory / "in";
  const std::string text = Numbers(0, 60000);
  for (const bool zstd : {false, true}) {
    const std::string good = zstd ? Zstd(text) : Gzip(text);
    for (const size_t keep : {size_t{5}, size_t{100}, good.size() / 2, good.size() - 1}) {
      WriteText(path, good.substr(0, keep));
      RecordingOutput out;
      const Status status = Read({path}, out);
      CHECK(status.code() == Code::kCorruption);
      CHECK(!status.retryable());
      CHECK(status.message().find(path + " is truncated at byte " + std::to_string(keep)) == 0);
      std::string got;
      for (const auto& line : out.Lines()) got += line + "\n";
      CHECK(text.starts_with(got));
      if (keep > good.size() / 3 && !zstd) CHECK(out.records.size() > 15000);
      if (keep == good.size() / 2) CHECK(out.failures.size() == 1);
    }
    std::string broken = good;
    for (size_t i = 0; i < 64; ++i) broken[broken.size() / 2 + i] ^= 0x55;
    WriteText(path, broken);
    RecordingOutput out;
    const Status status = Read({path}, out);
    CHECK(status.code() == Code::kCorruption);
    CHECK(status.message().find(path + " is damaged at byte ") == 0);
    WriteText(path, good + "garbage");
    RecordingOutput all;
    CHECK(Read({path}, all).message().find("is damaged at byte " + std::to_string(good.size())) !=
          std::string::npos);
    CHECK(all.records.size() == 60000);
  }
}

}  // namespace
}  // namespace streamrun
