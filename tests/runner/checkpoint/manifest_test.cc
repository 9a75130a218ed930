// Manifests and fragments: exact both ways, and nothing but what was written is accepted.
#include "runner/checkpoint/manifest.h"

#include <doctest/doctest.h>

#include <limits>

#include "core/base/sealed_file.h"

namespace streamrun {
namespace {

constexpr int64_t kLeast = std::numeric_limits<int64_t>::min();
constexpr int64_t kMost = std::numeric_limits<int64_t>::max();

Fragment SampleFragment() {
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
  StoredNode node;
  NodeSnapshot& s = node.snapshot;
  s.node = "per_minute";
  s.facts = {{"operator", "aggregate"}, {"group_by", "lower(\"K\")"}, {"arguments of sum(v)", ""}};
  s.part = NodePart::kMerge;
  s.input = 1;
  s.instance = 2;
  s.parallelism = 3;
  s.ended = true;
  s.complete = false;
  s.watermark = {kLeast, std::numeric_limits<uint64_t>::max()};
  s.idle = true;
  s.latest = kMost;
  s.clock = 7;
  s.position = bytes;
  s.prepared = {"{\"path\":\"\xff\"}", {"/tmp/a b", "/tmp/\xc3\x28"}, {"/tmp"}};
  s.counters.node = 4;
  s.counters.rows_in = kMost;
  s.counters.bytes_out = (int64_t{1} << 53) + 1;
  s.counters.fates[3] = 17;
  s.counters.port_rows = {1, kLeast};
  s.counters.watermark = -1;
  s.failed_results = 5;
  node.tables.push_back(
      {"panes", "k text", 1, {{"a.seg", ~uint64_t{0}, 0xffffffff, true, 9}, {"b.seg", 1, 2, false, 0}}, 7});
  Fragment fragment;
  fragment.stage = 1;
  fragment.instance = 2;
  fragment.generation = 3;
  fragment.attempt = 4;
  fragment.nodes.push_back(std::move(node));
  fragment.channels.push_back({7, true, 8, 9, 10, -1, 11});
  fragment.dead_letters.handle = "h";
  return fragment;
}

Manifest SampleManifest() {
  Manifest manifest;
  manifest.pipeline = "orders";
  manifest.instance = "5f0c";
  manifest.generation = 2;
  manifest.epoch = 41;
  manifest.parent = 40;
  manifest.kind = BarrierKind::kFinal;
  manifest.plan_hash = "abc";
  manifest.key_groups = 128;
  manifest.taken = 1'700'000'000'000'000;
  manifest.needs_commit = true;
  manifest.fragments = {SampleFragment(), Fragment()};
  return manifest;
}

TEST_CASE("a manifest is read back as it was, with any bytes and the greatest numbers") {
  const std::string text = PrintManifest(SampleManifest());
  const auto read = ParseManifest(text);
  REQUIRE_MESSAGE(read.ok(), read.status().ToString());
  CHECK(PrintManifest(*read) == text);
  CHECK(read->epoch == 41);
  CHECK(read->parent == 40);
  CHECK(read->kind == BarrierKind::kFinal);
  CHECK(read->needs_commit);
  const Fragment expected = SampleFragment();
  const NodeSnapshot& want = expected.nodes[0].snapshot;
  const NodeSnapshot& have = read->fragments[0].nodes[0].snapshot;
  CHECK(have.part == NodePart::kMerge);
  CHECK(have.position == want.position);
  CHECK(have.facts == want.facts);
  CHECK(read->fragments[0].nodes[0].tables[0].version == 7);
  CHECK(have.watermark.time == kLeast);
  CHECK(have.watermark.next_ordinal == want.watermark.next_ordinal);
  CHECK(have.latest == kMost);
  CHECK(have.clock == 7);
  CHECK(have.ended);
  CHECK(!have.complete);
  CHECK(have.idle);
  CHECK(have.prepared.handle == want.prepared.handle);
  CHECK(have.prepared.files == want.prepared.files);
  CHECK(have.prepared.directories == want.prepared.directories);
  CHECK(have.counters.bytes_out == want.counters.bytes_out);
  CHECK(have.counters.fates == want.counters.fates);
  CHECK(have.counters.port_rows == want.counters.port_rows);
  CHECK(have.failed_results == 5);
  const SegmentInfo& segment = read->fragments[0].nodes[0].tables[0].segments[0];
  CHECK(segment.file == "a.seg");
  CHECK(segment.bytes == ~uint64_t{0});
  CHECK(segment.crc == 0xffffffff);
  CHECK(!read->fragments[0].nodes[0].tables[0].segments[1].whole);
}

TEST_CASE("a fragment is read back as it was") {
  const std::string text = PrintFragment(SampleFragment());
  const auto read = ParseFragment(text);
  REQUIRE_MESSAGE(read.ok(), read.status().ToString());
  CHECK(PrintFragment(*read) == text);
  CHECK(read->attempt == 4);
  CHECK(read->channels[0].hot_group == -1);
}

TEST_CASE("every flipped bit and every cut of a manifest is corruption") {
  const std::string text = PrintManifest(SampleManifest());
  for (size_t bit = 0; bit < text.size() * 8; bit += 5) {
    std::string damaged = text;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    CHECK(ParseManifest(damaged).status().code() == Code::kCorruption);
  }
  for (size_t length = 0; length < text.size(); length += 11)
    CHECK(!ParseManifest(text.substr(0, length)).ok());
}

// The manifest with one thing replaced, under a right checksum.
Status ParseWith(const std::string& from, const std::string& to) {
  std::string json = *Unseal("m", PrintManifest(SampleManifest()));
  const size_t at = json.find(from);
  REQUIRE(at != std::string::npos);
  json.replace(at, from.size(), to);
  return ParseManifest(Seal(json)).status();
}

TEST_CASE("under a right checksum, what does not belong is named") {
  CHECK(ParseWith("\"epoch\":41", "\"epoch\":-1").message() ==
        "the manifest: 'epoch' is not an integer in range");
  CHECK(ParseWith("\"epoch\":41", "\"epoch\":41.5").code() == Code::kCorruption);
  CHECK(ParseWith("\"epoch\":41", "\"epoch\":18446744073709551616").code() == Code::kCorruption);
  CHECK(ParseWith("\"key_groups\":128", "\"key_groups\":2147483648").code() == Code::kCorruption);
  CHECK(ParseWith("\"key_groups\":128", "\"key_groups\":0").message() ==
        "the manifest: 'key_groups' is not a positive number");
  CHECK(ParseWith("\"operator\":\"aggregate\"", "\"operator\":1").code() == Code::kCorruption);
  CHECK(ParseWith("\"epoch\":41,", "").message() == "the manifest: 'epoch' is not an integer in range");
  CHECK(ParseWith("\"kind\":\"final\"", "\"kind\":\"finel\"").message() ==
        "the manifest: 'kind' is not a known word");
  CHECK(ParseWith("\"needs_commit\":true", "\"needs_commit\":1").code() == Code::kCorruption);
  CHECK(ParseWith("\"pipeline\":\"orders\"", "\"pipeline\":{\"hex\":\"0g\"}").code() == Code::kCorruption);
  CHECK(ParseWith("\"fragments\":[{", "\"fragments\":[7,{").message() == "a fragment is not an object");
  CHECK(ParseWith("[1,-9223372036854775808]", "[1,9223372036854775808]").code() == Code::kCorruption);
}

TEST_CASE("a segment's name cannot leave its directory") {
  for (const char* name : {"../a.seg", "/etc/passwd", "..", ".", "", "a\\u0000b"}) {
    CHECK(ParseWith("\"a.seg\"", "\"" + std::string(name) + "\"").message() ==
          "a segment of table panes of node per_minute: 'file' is not a plain name");
  }
}

TEST_CASE("a manifest of version 1 has no facts, and its tables are of version 1") {
  std::string json = *Unseal("m", PrintManifest(SampleManifest()));
  const auto cut = [&](const std::string& from, const std::string& to) {
    const size_t begin = json.find(from);
    REQUIRE(begin != std::string::npos);
    json.erase(begin, json.find(to, begin) + to.size() - begin);
  };
  json.replace(json.find("\"version\":2"), 11, "\"version\":1");
  cut("\"facts\":{", "},");
  cut("\"version\":7", ",");
  const auto read = ParseManifest(Seal(json));
  REQUIRE_MESSAGE(read.ok(), read.status().ToString());
  CHECK(read->fragments[0].nodes[0].snapshot.facts.empty());
  CHECK(read->fragments[0].nodes[0].tables[0].version == 1);
}

TEST_CASE("a newer manifest is refused by its number") {
  const Status status = ParseWith("\"version\":2", "\"version\":3");
  CHECK(status.code() == Code::kUnsupported);
  CHECK(status.message() == "the manifest has format version 3, this streamrun reads up to 2");
}

}  // namespace
}  // namespace streamrun
