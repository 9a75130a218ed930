// Frame headers: the bytes of docs/formats/frames.md, and refusal of everything else.
#include "runner/link/frame.h"

#include <doctest/doctest.h>

#include <cstring>
#include <string>

#include "core/base/crc32c.h"
#include "core/base/env.h"

namespace streamrun {
namespace {

FrameHeader Example() {
  FrameHeader h;
  h.kind = FrameKind::kRows;
  h.generation = 7;
  h.attempt = 2;
  h.channel = 12;
  h.records = 3;
  h.seq = 1;
  h.ordinal = 5;
  h.payload = 1024;
  return h;
}

std::string_view View(const FrameBytes& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// The bytes of the ```hex block of a page.
std::string HexBlock(const std::string& page) {
  const size_t begin = page.find("```hex\n");
  REQUIRE(begin != std::string::npos);
  const size_t end = page.find("```", begin + 7);
  std::string bytes;
  for (size_t at = begin + 7; at + 1 < end; at += 3) {
    bytes.push_back(static_cast<char>(std::stoi(page.substr(at, 2), nullptr, 16)));
  }
  return bytes;
}

void Seal(FrameBytes& bytes) {
  const uint32_t crc = Crc32c(bytes.data(), bytes.size() - 4);
  std::memcpy(bytes.data() + bytes.size() - 4, &crc, 4);
}

TEST_CASE("the documented bytes are what the example encodes to") {
  const auto page = Env::Default()->ReadFile(SR_SOURCE_DIR "/docs/formats/frames.md", 1 << 20);
  REQUIRE(page.ok());
  const std::string expected = HexBlock(*page);
  CHECK(View(EncodeFrameHeader(Example())) == expected);
  const auto decoded = DecodeFrameHeader(expected);
  REQUIRE(decoded.ok());
  CHECK(*decoded == Example());
}

TEST_CASE("every kind survives the way through bytes") {
  FrameHeader hello;
  hello.payload = 9;
  FrameHeader watermark{.kind = FrameKind::kWatermark, .seq = 2, .ordinal = kNoOrdinal, .time = -5};
  FrameHeader barrier{.kind = FrameKind::kBarrier, .flags = 4, .seq = 3, .epoch = 1ull << 60};
  FrameHeader end{.kind = FrameKind::kEndOfStream, .flags = 1, .seq = ~0ull};
  FrameHeader encoded{.kind = FrameKind::kEncoded, .records = 0, .seq = 4, .ordinal = 0};
  for (const FrameHeader& h : {hello, watermark, barrier, end, encoded}) {
    const auto decoded = DecodeFrameHeader(View(EncodeFrameHeader(h)));
    REQUIRE_MESSAGE(decoded.ok(), decoded.status().ToString());
    CHECK(*decoded == h);
  }
}

TEST_CASE("one changed bit anywhere is refused") {
  const FrameBytes good = EncodeFrameHeader(Example());
  for (size_t bit = 0; bit < good.size() * 8; ++bit) {
    FrameBytes bad = good;
    bad[bit / 8] = static_cast<uint8_t>(bad[bit / 8] ^ (1u << (bit % 8)));
    const auto decoded = DecodeFrameHeader(View(bad));
    CHECK_MESSAGE(!decoded.ok(), "bit " << bit);
    CHECK(decoded.status().code() == Code::kCorruption);
  }
}

TEST_CASE("a header of another length is refused") {
  const std::string good(View(EncodeFrameHeader(Example())));
  for (size_t size = 0; size < good.size(); ++size) CHECK(!DecodeFrameHeader(good.substr(0, size)).ok());
  CHECK(!DecodeFrameHeader(good + '\0').ok());
}

TEST_CASE("fields that a kind does not have are refused even with a right checksum") {
  const auto refused = [](FrameHeader h, std::string_view word) {
    const auto decoded = DecodeFrameHeader(View(EncodeFrameHeader(h)));
    REQUIRE(!decoded.ok());
    CHECK_MESSAGE(decoded.status().message().find(word) != std::string::npos, decoded.status().message());
  };
  refused({.kind = FrameKind::kIdle, .seq = 1, .payload = 1}, "payload is not part of frame kind idle");
  refused({.kind = FrameKind::kWatermark, .records = 1, .seq = 1}, "records");
  refused({.kind = FrameKind::kRows, .seq = 1, .epoch = 1}, "epoch");
  refused({.kind = FrameKind::kBarrier, .flags = 5, .seq = 1}, "flags");
  refused({.kind = FrameKind::kEndOfStream, .flags = 2, .seq = 1}, "flags");
  refused({.kind = FrameKind::kRows, .seq = 1, .time = 1}, "time");
  refused({.kind = FrameKind::kActive, .seq = 1, .ordinal = 1}, "ordinal");
  refused({.kind = FrameKind::kHello, .seq = 1}, "HELLO");
  refused({.kind = FrameKind::kRows, .seq = 0}, "HELLO");
}

TEST_CASE("unknown kinds, versions and reserved bytes are refused even with a right checksum") {
  for (const auto& [at, value, word] : {std::tuple<size_t, int, const char*>{6, 0, "kind 0"},
                                        {6, 9, "kind 9"},
                                        {4, 2, "version 2"},
                                        {72, 1, "reserved"}}) {
    FrameBytes bytes = EncodeFrameHeader(Example());
    bytes[at] = static_cast<uint8_t>(value);
    Seal(bytes);
    const auto decoded = DecodeFrameHeader(View(bytes));
    REQUIRE(!decoded.ok());
    CHECK_MESSAGE(decoded.status().message().find(word) != std::string::npos, decoded.status().message());
  }
}

}  // namespace
}  // namespace streamrun
